"""The repository that `init` writes: sound for command line and server, and its workflow does what it says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from clawpulse._version import __version__
from clawpulse.fleet import check_folder, parse, read_folder
from clawpulse.fleet.fields import json_schema
from clawpulse.fleet.scaffold import template, write
from functions.domain.alert_budgets import parse_budgets
from functions.domain.alert_parse import parse_rules
from functions.domain.rollout_policy import parse_policy

WORKFLOW = template()[".github/workflows/fleet.yml"]
JOBS: dict[str, Any] = yaml.safe_load(WORKFLOW)["jobs"]
STEPS = {f"{job}/{step['name']}": step for job, entry in JOBS.items() for step in entry["steps"] if "run" in step}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "fleet")
    return tmp_path / "fleet"


def test_it_has_no_fault(root: Path) -> None:
    assert check_folder(root) == []
    repository = parse(read_folder(root))
    assert (repository.tiers, repository.shards, repository.agents) == (["fast", "smart"], ["acme"], [])
    assert repository.document("a", {"tier": "fast", "shard": "acme"}) == {
        "model": {"primary": "anthropic/claude-haiku-4-5"},
        "files": {"AGENTS.md": (root / "prompts/AGENTS.md").read_text()},
        "limits": {"concurrency": 1, "timeout_s": 120},
    }


def test_the_server_takes_it(root: Path) -> None:
    repository = parse(read_folder(root))
    assert parse_policy(repository.policy).bake_s == 600
    assert [rule.name for rule in parse_rules(repository.rules)] == ["tier-cost"]


def test_what_is_commented_out_is_sound_too(root: Path) -> None:
    for path in (*(root / "agents").glob("*.yaml"), *(root / "shards").glob("*.yaml"), root / "fleet.yaml"):
        text = path.read_text()
        path.write_text(re.sub(r"^( *)# (?=( {2,})?(SOUL\.md|[A-Za-z_]+[+]?):( |$))", r"\1", text, flags=re.M))
    assert check_folder(root) == []
    repository = parse(read_folder(root))
    parse_budgets(repository.budgets, {"tier", "shard"})
    assert set(repository.budgets) == {"", "tier=smart", "shard=acme"}
    assert parse_policy(repository.policy).approve == ("stage:prod",)
    document = repository.document("a", {"tier": "smart", "shard": "acme"})
    assert document["channels"]["slack"] == {"enabled": True, "botToken": {"secret": "acme/slack/bot"}}
    assert document["tools"] == {"deny": ["browser"], "allow": ["browser"]}
    assert document["version"] == "2026.9.6"


def test_editors_find_the_schema_of_each_layer(root: Path) -> None:
    for path in (*(root / "agents").glob("*.yaml"), *(root / "shards").glob("*.yaml")):
        found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())
        assert found, path
        schema = yaml.safe_load((path.parent / found[1]).read_text())
        assert schema == json_schema()
        jsonschema.validate(yaml.safe_load(path.read_text()), schema, jsonschema.Draft7Validator)


def test_no_file_is_ever_written_over(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "fleet.yaml").symlink_to(tmp_path / "elsewhere")
    written = write(tmp_path)
    assert written.kept == ["README.md", "fleet.yaml"]
    assert ((tmp_path / "README.md").read_text(), (tmp_path / "elsewhere").exists()) == ("mine", False)
    assert sorted([*written.new, *written.kept]) == sorted(template())
    assert write(tmp_path).new == []


def test_the_workflow_may_do_no_more_than_it_needs() -> None:
    document = yaml.safe_load(WORKFLOW)
    assert document["permissions"] == {}
    assert document[True] == {  # the key `on`, to YAML 1.1
        "pull_request": {"types": ["opened", "reopened", "synchronize", "labeled", "unlabeled"]},
        "push": {"branches": ["main"]},
    }
    assert set(JOBS) == {"check", "apply"}
    assert JOBS["check"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert JOBS["apply"]["permissions"] == {"contents": "read", "pull-requests": "read"}
    assert JOBS["apply"]["concurrency"]["cancel-in-progress"] is False
    assert [job["if"] for job in JOBS.values()] == ["github.event_name == 'pull_request'", "github.event_name == 'push'"]
    assert all(
        step["with"]["persist-credentials"] is False for job in JOBS.values() for step in job["steps"] if "checkout" in step.get("uses", "")
    )
    assert f"'clawpulse[cli]=={__version__}'" in STEPS["apply/Install"]["run"]


@pytest.mark.parametrize("name", STEPS)
def test_each_step_is_sound_bash_and_takes_nothing_but_variables(name: str) -> None:
    step = STEPS[name]
    assert step["shell"] == "bash"
    assert "${{" not in step["run"], "a title of a pull request must not become a command"
    for command in (["bash", "-n"], ["shellcheck", "--shell=bash", "-"]):
        done = subprocess.run(command, input=step["run"], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


class Runner:
    """Runs a step as GitHub does, with other programs in the place of `gh`, `clawpulse` and `python`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        for name in ("gh", "clawpulse"):
            program = folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(
                f'#!/bin/bash\nprintf "%s\\n" "{name} $*" >> {self.log}\n'
                f'cat {folder}/{name}.out 2>/dev/null\nexit "$(cat {folder}/{name}.code 2>/dev/null || echo 0)"\n'
            )
            program.chmod(0o755)

    def answers(self, name: str, text: str, code: int = 0) -> None:
        (self.folder / f"{name}.out").write_text(text)
        (self.folder / f"{name}.code").write_text(str(code))

    def run(self, step: str) -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_REPOSITORY": "me/fleet",
            "GITHUB_SHA": "abc123",
            "NUMBER": "7",
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]]
        return subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_the_first_diff_becomes_a_comment(runner: Runner) -> None:
    runner.answers("clawpulse", "**2 agents change**\n")
    done = runner.run("check/Diff")
    assert (done.returncode, done.stdout) == (0, "**2 agents change**\n")
    assert runner.calls[0] == "clawpulse fleet diff --format markdown"
    assert runner.calls[-1].startswith("gh api --silent --method POST repos/me/fleet/issues/7/comments -F body=@")
    assert (runner.folder / "comment.md").read_text() == (
        "<!-- clawpulse fleet diff -->\n### What this changes in the fleet\n\n**2 agents change**\n"
    )


def test_later_ones_take_its_place(runner: Runner) -> None:
    runner.answers("gh", "555\n777\n")
    assert runner.run("check/Diff").returncode == 0
    assert runner.calls[-1].startswith("gh api --silent --method PATCH repos/me/fleet/issues/comments/555 -F body=@")


def test_a_diff_that_fails_is_told_in_the_comment_and_fails(runner: Runner) -> None:
    runner.answers("clawpulse", "fleet.yaml:3:3: rollout.bake_s: must be\n", 1)
    assert runner.run("check/Diff").returncode == 1
    assert "rollout.bake_s" in (runner.folder / "comment.md").read_text()
    assert "--method POST" in runner.calls[-1]


def test_a_long_diff_is_cut(runner: Runner) -> None:
    runner.answers("clawpulse", "x" * 100_000)
    assert runner.run("check/Diff").returncode == 0
    assert 60_000 < (runner.folder / "comment.md").stat().st_size < 65_536


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        ("", ""),
        ("approve-cost\n", " --approve-cost"),
        ("bug\nbackup-done\napprove-cost\n", " --approve-cost --backup-done"),
        ("no-approve-cost\n", ""),
    ],
)
def test_labels_of_the_pull_request_approve(runner: Runner, labels: str, options: str) -> None:
    runner.answers("gh", labels)
    assert runner.run("apply/Apply").returncode == 0
    assert runner.calls == ["gh api repos/me/fleet/commits/abc123/pulls --jq .[].labels[].name", f"clawpulse fleet apply --wait{options}"]


def test_a_rollout_that_is_put_back_fails_the_job(runner: Runner) -> None:
    runner.answers("clawpulse", "", 4)
    assert runner.run("apply/Apply").returncode == 4


def test_nothing_is_applied_when_labels_cannot_be_read(runner: Runner) -> None:
    runner.answers("gh", "", 1)
    assert runner.run("apply/Apply").returncode == 1
    assert len(runner.calls) == 1
