"""`clawpulse fleet init`, `lint`, `clone`, `rename`: real processes on real folders, no server, no token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet.repositories import FILES

Fleet = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Runs `clawpulse fleet` in `tmp_path`, with nothing that says where an API is."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("CLAWPULSE_")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from clawpulse.cli.main import main; main()", "fleet", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_from_nothing_to_a_changed_fleet(fleet: Fleet, tmp_path: Path) -> None:
    done = fleet("init", "mine")
    assert (done.returncode, done.stderr) == (0, "")
    assert "new       agents/_base.yaml" in done.stdout
    assert done.stdout.endswith("Read mine/README.md, then: clawpulse fleet lint mine\n")
    assert (tmp_path / "mine/.github/workflows/fleet.yml").is_file()
    assert fleet("lint", "mine").stdout == "no fault\n"
    assert fleet("clone", "tier-fast", "bulk", "--dir", "mine").stdout == "new  agents/tier-bulk.yaml\n"
    (tmp_path / "mine/agents/agent-7.yaml").write_text("tags: {tier: bulk}\n")
    done = fleet("rename", "tier-bulk", "batch", "--dir", "mine")
    assert done.stdout == "renamed  agents/tier-bulk.yaml to agents/tier-batch.yaml\nchanged  agents/agent-7.yaml\n"
    assert fleet("lint", "mine").stdout == "no fault\n"
    done = fleet("init", "mine")
    assert (done.returncode, {line.split("  ")[0] for line in done.stdout.splitlines()}) == (0, {"is there"})


def test_each_fault_is_a_line_with_its_place(fleet: Fleet, root: Path) -> None:
    assert fleet("lint").stdout == "no fault\n"
    (root / "agents/tier-smart.yaml").write_text("model: {primry: a/b}\n")
    (root / "shards/acme.yaml").write_text("channels:\n  slack: {botToken: hunter22}\n")
    done = fleet("lint")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "agents/tier-smart.yaml:1:9: model.primry: is not known; did you mean primary?",
        "shards/acme.yaml:2:11: channels.slack.botToken: is written out: put the secret into the secret store, and its name here, as "
        "{secret: slack/bot}",
    ]
    done = fleet("lint", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["faults"][0] == {
        "file": "agents/tier-smart.yaml",
        "line": 1,
        "column": 9,
        "path": "model.primry",
        "reason": "is not known; did you mean primary?",
    }


def test_sound_repositories_are_sound_in_each_format(fleet: Fleet, root: Path) -> None:
    assert json.loads(fleet("lint", "--format", "json").stdout) == {"faults": []}
    done = fleet("lint", "--format", "github")
    assert (done.returncode, done.stdout) == (0, "")


def test_github_shows_faults_beside_their_lines(fleet: Fleet, root: Path) -> None:
    (root / "agents/a,b:c.yaml").write_text("100%: x\n")
    done = fleet("lint", str(root), "--format", "github")
    folder = str(root).replace(":", "%3A").replace(",", "%2C")
    assert done.returncode == 1
    assert f"::error file={folder}/agents/a%2Cb%3Ac.yaml,line=1,col=1::100%25: is not known; known are" in done.stdout
    assert fleet("lint", "--format", "github").stdout.startswith("::error file=agents/a%2Cb%3Ac.yaml,line=1,col=1::")


def test_a_fault_cannot_steer_terminal_or_workflow(fleet: Fleet, root: Path) -> None:
    (root / "agents/agent-7.yaml").write_text('"\\e[31m\\n::warning::x": 1\n')
    for form in ("text", "github"):
        done = fleet("lint", "--format", form)
        assert "\x1b" not in done.stdout
        assert len(done.stdout.splitlines()) == 1


def test_what_is_no_repository_is_told(fleet: Fleet, tmp_path: Path) -> None:
    done = fleet("lint")
    assert (done.returncode, done.stdout) == (
        1,
        "fleet.yaml:1:1: . is no fleet repository: there is nothing in agents, shards, alerts\n",
    )
    done = fleet("lint", "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("clone", "acme", "acme"), "shards/acme.yaml is there already; nothing was changed"),
        (("clone", "tier-smrt", "x"), "there is no tier-smrt; did you mean tier-smart?; nothing was changed"),
        (("rename", "_base", "x"), "agents/_base.yaml keeps its name"),
        (("rename", "acme", "../x"), "must be a path within the repository"),
    ],
)
def test_refusals_change_nothing(fleet: Fleet, root: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = fleet(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("clawpulse: ")
    assert reason in done.stderr
    assert {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()} == FILES


def test_a_rename_says_where_else_the_name_stands(fleet: Fleet, root: Path) -> None:
    (root / "alerts").mkdir()
    (root / "alerts/a.yaml").write_text("name: a\nselect: {tier: smart}\nwhen: {metric: x}\n")
    done = fleet("rename", "tier-smart", "clever")
    assert done.stdout.splitlines() == [
        "renamed  agents/tier-smart.yaml to agents/tier-clever.yaml",
        "look at  alerts/a.yaml:2: it speaks of the old name",
    ]


def test_a_folder_that_cannot_be_written_is_told(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = fleet("init", "file/below")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("clawpulse: cannot write ")


def test_the_api_takes_a_new_repository(real) -> None:
    assert real("fleet", "init", "mine").returncode == 0
    for command in ("diff", "apply"):
        done = real("fleet", command, "mine")
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "tier-cost" in real("alerts", "rules").stdout
