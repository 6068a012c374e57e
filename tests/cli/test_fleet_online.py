"""`clawpulse fleet` against the real API: diff, apply, roll back, drift, history, export."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from clawpulse.cli import _fleet_view as views
from clawpulse.cli._root import run
from clawpulse.fleet import read_folder
from functions.domain.revision import Revision
from functions.domain.rollout import Phase
from tests.api.fleet_repo import BASE, CHEAP, DEAR, FILES, RULES, end, give, people, report, used
from tests.api.world import World
from tests.cli.real import served
from tests.cli.server import Answers, Asked

Done = subprocess.CompletedProcess[str]

REVISION = {
    "number": 7,
    "rollout": "r1",
    "phase": "waiting",
    "of": None,
    "message": "",
    "commit": "",
    "by": "t",
    "at": "2026-11-23T20:00:30.000Z",
    "costUsdPerMonth": None,
}


@pytest.fixture
def fleet(world: World) -> World:
    for name in people(world, "smart", "fast", "fast"):
        give(world, name, {"model": {"primary": CHEAP}})
    used(world, "a0", "a1")
    return world


@pytest.fixture
def here(
    fleet: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Done]]:
    """Runs the command in this process, against the real API of `fleet`: each process of its own takes a second."""
    with served(fleet) as url:
        for name, value in (("CLAWPULSE_URL", url), ("CLAWPULSE_TOKEN", fleet.token("operate")), ("COLUMNS", "200")):
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)

        def called(*arguments: str) -> Done:
            code = run(arguments)
            output, errors = capsys.readouterr()
            # The API logs to the same output.
            return Done(arguments, code, "".join(line for line in output.splitlines(True) if not line.startswith('{"level"')), errors)

        yield called


def write(folder: Path, files: Mapping[str, str] = FILES) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="")


def test_diff_tells_agents_values_places_cost_and_what_it_needs(real, fleet: World, tmp_path: Path) -> None:
    write(tmp_path)
    done = real("fleet", "diff", "--exit-code")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.splitlines() == [
        "@ files['AGENTS.md']: 3 agents: a0, a1, a2 (agents/_base.yaml:2)",
        '+ "# Who you are\\n\\nYou help people.\\n"',
        "@ model.primary: 1 agent: a0 (agents/tier-smart.yaml:2)",
        f'- "{CHEAP}"',
        f'+ "{DEAR}"',
        "  3 agents change in waves of 1, 2; 0 stay as they are.",
        "  estimated cost: +$4,320.00 a month (of 1 agent, by their tokens of the last 7 days and genai-prices 0.2.3)",
        f"    1 agent from {CHEAP} to {DEAR}: +$4,320.00",
        "! it is estimated to cost +$4,320.00 a month: approve the cost (approveCost, --approve-cost)",
    ]
    found = json.loads(real("fleet", "diff", ".", "--format", "json").stdout)
    assert (found["changed"], found["cost"]["usdPerMonth"]) == (3, 4320.0)
    assert fleet.revisions.latest("team") is None


def test_a_comment_of_a_pull_request_cannot_be_ended_by_what_it_shows(here, fleet: World, tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "prompts/agents.md": "a\n````\n@everyone <b>\n", "agents/@x.yaml".replace("@", ""): "paused: true\n"})
    text = here("fleet", "diff", "--format", "markdown").stdout
    assert text.startswith("**3 agents change in waves of 1, 2; 0 stay as they are.**\n\n- estimated cost: +$4,320.00 a month")
    assert "\n`````diff\n@ files['AGENTS.md']: 3 agents: a0, a1, a2" in text
    assert text.endswith("\n`````\n\n</details>\n")
    assert "- ⚠ not known, though they have a file: x\n" in text
    assert "`````" not in text.split("`````diff")[1].rsplit("`````", 1)[0]


def test_faults_are_shown_where_they_stand(here, fleet: World, tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "agents/tier-fast.yaml": "model: {primary: x}\n", "alerts/own.yaml": RULES})
    for command in ("diff", "apply"):
        done = here("fleet", command)
        assert (done.returncode, done.stderr) == (1, "clawpulse: 1 fault; nothing was changed\n")
        assert done.stdout.startswith("agents/tier-fast.yaml:1:9: model.primary: must be provider/model")
    # The server knows rules; what is no repository at all is not even sent.
    write(tmp_path, {"agents/tier-fast.yaml": "{}\n", "alerts/own.yaml": RULES.replace("above: 500", "above: x")})
    assert "alerts/own.yaml:3:65: rules[0].when.above: must be a number" in here("fleet", "diff").stdout
    (tmp_path / "agents/_base.yaml").write_bytes(b"\xff")
    assert "agents/_base.yaml:1:1: is not UTF-8" in here("fleet", "diff").stdout
    assert fleet.revisions.latest("team") is None


def test_apply_wants_its_approvals_and_tells_what_it_did(here, fleet: World, tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "agents/a2.yaml": "version: 2026.9.6\n"})
    done = here("fleet", "apply")
    assert (done.returncode, done.stdout) == (1, "")
    assert "+$4,320.00 a month" in done.stderr
    assert "--backup-done" in done.stderr
    shown = here("fleet", "apply", "--dry-run")
    assert "@ version: 1 agent, irreversible: a2 (agents/a2.yaml:1)" in shown.stdout.splitlines()
    assert fleet.revisions.latest("team") is None
    done = here("fleet", "apply", "--approve-cost", "--backup-done", "--message", "smarter", "--commit", "c0ffee")
    revision = latest(fleet)
    assert (revision.message, revision.commit, revision.cost_by is None, revision.backup_by is None) == ("smarter", "c0ffee", False, False)
    assert done.stdout.splitlines()[0] == (
        f"revision 1 is applied: 3 agents change in waves of 1, 2; 0 stay as they are. The rollout is {revision.rollout}."
    )
    assert here("fleet", "apply", "--approve-cost").stdout == "revision 1, waiting: nothing to do\n"
    end(fleet, revision.rollout or "")
    give(fleet, "a1", {"paused": True})
    assert here("fleet", "apply").stdout == "revision 1, succeeded: nothing to do; 1 agent has something else: --again gives it back\n"
    assert json.loads(here("fleet", "apply", "--again", "--json").stdout)["revision"]["number"] == 2


def latest(world: World) -> Revision:
    found = world.revisions.latest("team")
    assert found
    return found


def git(folder: Path, *arguments: str) -> str:
    named = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_git_names_the_revision(here, fleet: World, tmp_path: Path) -> None:
    write(tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Smart agents think\n\nmore")
    assert here("fleet", "apply", "--approve-cost").returncode == 0
    revision = latest(fleet)
    assert (revision.commit, revision.message) == (git(tmp_path, "rev-parse", "HEAD"), "Smart agents think")
    end(fleet, revision.rollout or "")
    write(tmp_path, {"agents/_base.yaml": BASE + "paused: true\n"})
    here("fleet", "apply")
    assert latest(fleet).commit == f"{revision.commit}-changed"


@pytest.mark.parametrize(("phase", "code"), [("succeeded", 0), ("reverted", 1), ("stopped", 1), ("held", 4)])
def test_wait_follows_the_rollout_to_its_end(cli, api: Answers, tmp_path: Path, phase: str, code: int) -> None:
    write(tmp_path)
    looks = iter(["waiting", "applying", phase])
    hold = {"cause": "inconclusive", "reason": "too few tasks", "until": None}

    def rollout(_: Asked) -> Any:
        now = next(looks)
        wave = {"number": 0, "verdict": None}
        head = {"wave": 0, "waves": 1, "counts": {"sent": 3}, "plan": [wave], "reason": "", "eta": None}
        return {**head, "phase": now, "hold": hold if now == "held" else None}

    api.table["POST /api/fleet/apply"] = (201, {"done": "applied", "revision": REVISION, "plan": {**PLANNED}})
    api.table["GET /api/rollouts/r1"] = rollout
    done = cli("fleet", "apply", "--wait", "--every", "0.2")
    assert done.returncode == code, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("revision 7 is applied: 3 agents change")
    assert [line.split(": ")[1] for line in lines[1:]] == ["waiting", "applying", phase]
    assert api.asked[0].body["files"] == FILES


PLANNED = {
    "groups": [],
    "moreGroups": 0,
    "settings": [],
    "changed": 3,
    "unchanged": 0,
    "waves": [{"agents": 3}],
    "moreWaves": 0,
    "cost": {"usdPerMonth": None, "known": 0, "unknown": [], "models": [], "prices": []},
    "costApproval": {"needed": False, "reason": ""},
    "backup": {"needed": False, "reason": ""},
    "alone": [],
    "unknown": [],
    "conflict": "",
}


def test_going_back_history_and_drift(here, fleet: World, tmp_path: Path) -> None:
    assert here("fleet", "history").stdout == "Nothing was applied yet.\n"
    assert here("fleet", "drift").stdout.startswith("Nothing was applied yet.\n")
    write(tmp_path)
    here("fleet", "apply", "--approve-cost", "--message", "first")
    end(fleet, latest(fleet).rollout or "")
    report(fleet, "a0", "a1", "a2")
    assert here("fleet", "drift", "--exit-code").returncode == 0
    write(tmp_path, {"agents/_base.yaml": BASE + "paused: true\n"})
    here("fleet", "apply", "--message", "pause")
    end(fleet, latest(fleet).rollout or "", Phase.REVERTED)
    drifted = here("fleet", "drift", "--exit-code")
    assert drifted.returncode == 2
    assert "▲ overridden" in drifted.stdout
    assert "was reverted by the rollout" in drifted.stdout
    assert json.loads(here("fleet", "drift", "--json", "--state", "failed").stdout)["agents"] == []
    done = here("fleet", "rollback", "1")
    assert done.stdout == "revision 3, which goes back to 1, is applied: no agent changes\n"
    rows = [line.split() for line in here("fleet", "history").stdout.splitlines()]
    assert [row[0] for row in rows] == ["revision", "3", "2", "1"]
    assert "reverted" in rows[2]
    assert "back to 1: first" in here("fleet", "history", "--limit", "1").stdout
    assert "no revision 9" in here("fleet", "rollback", "9").stderr


def test_export_writes_a_repository_that_changes_nothing(here, fleet: World, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    done = here("fleet", "export", "fleet")
    assert (done.returncode, done.stdout) == (0, "written  agents/_base.yaml\n")
    assert here("fleet", "lint", "fleet").returncode == 0
    assert here("fleet", "diff", "fleet", "--exit-code").returncode == 0
    give(fleet, "a2", {"model": "by hand"})
    (folder / "agents/_base.yaml").write_text("paused: true\n")
    done = here("fleet", "export", "fleet")
    assert (done.returncode, done.stdout) == (1, "")
    assert "agents/_base.yaml: there already" in done.stderr
    assert read_folder(folder) == {"agents/_base.yaml": "paused: true\n"}
    done = here("fleet", "export", "fleet", "--force")
    assert "written  agents/_base.yaml\n" in done.stdout
    assert "left out a2: model: must be a mapping" in done.stdout
    write(tmp_path / "source")
    here("fleet", "apply", "source", "--approve-cost")
    here("fleet", "export", "old", "--revision", "1")
    assert read_folder(tmp_path / "old") == FILES


def test_files_outside_of_the_folder_are_not_written(cli, api: Answers, tmp_path: Path) -> None:
    for path in ("../x.yaml", ".git/hooks/pre-commit"):
        api.table["GET /api/fleet/export"] = {"files": {path: "x", "fleet.yaml": ""}, "leftOut": [], "notes": []}
        done = cli("fleet", "export", "inside")
        assert (done.returncode, "would lie elsewhere" in done.stderr) == (1, True)
        assert list(tmp_path.iterdir()) == []


def test_counts_are_said_as_people_say_them() -> None:
    assert views.summary({**PLANNED, "changed": 0, "unchanged": 1}) == "No agent changes, 1 agent stays as they are."
    assert (
        views.summary({**PLANNED, "changed": 1, "waves": [{"agents": 1}], "unchanged": 1})
        == "1 agent changes in waves of 1; 1 stays as they are."
    )
