"""`clawpulse rollout` against the real API, and `watch` against one that answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clawpulse.cli import _fleet_view, _rollout_view
from functions.domain.fleet_drift import DriftState
from functions.domain.rollout import Finding, MemberState, Outcome, Phase, Policy
from tests.api.rolling import FAILED, rollout, waiting, waves
from tests.api.world import World, agent
from tests.cli import shapes
from tests.cli.server import Answers, Asked


@pytest.fixture
def fleet(world: World) -> World:
    world.seal(agent("a1", "env=prod"), agent("a2", "env=prod"), agent("b1", "env=dev"))
    return world


def test_one_is_started_with_files_listed_and_shown(real, fleet: World, tmp_path: Path) -> None:
    (tmp_path / "agents.md").write_text("Be kind.\n")
    (tmp_path / "patch.yaml").write_text("tools: {deny: [browser]}\n")
    (tmp_path / "policy.yaml").write_text("waves: [1]\nbake_s: 5m\n")
    more = ["--patch", "patch.yaml", "--policy", "policy.yaml", "--file", "AGENTS.md=agents.md", "--model", "swift/two"]
    done = real("rollout", "start", "--tags", "env=prod", "--title", "kinder", *more)
    assert done.returncode == 0, done.stderr
    (made,) = fleet.rollouts.heads("team", 5)
    assert done.stdout == f"{made.id} is started: kinder: 2 agents in 2 waves\n"
    assert made.change["patch"] == {
        "tools": {"deny": ["browser"]},
        "model": {"primary": "swift/two"},
        "files": {"AGENTS.md": "Be kind.\n"},
    }
    assert made.policy.bake_s == 300
    row = real("rollout", "list").stdout.splitlines()[1]
    for text in ("▶ waiting", made.id, "1/2", "2 waiting", "kinder", "test ("):
        assert text in row
    assert "No rollout matches" in real("rollout", "list", "--state", "over").stdout
    shown = real("rollout", "show", made.id, "--audit").stdout
    for text in ("kinder", "a1", "a2", "Possible now: ", "created", "kinder: 2 agents in 2 waves"):
        assert text in shown
    assert shown.splitlines()[1].startswith(f"{made.id}, begun ")
    assert shown.splitlines()[2] == made.reason
    assert json.loads(real("rollout", "show", made.id, "--json").stdout)["id"] == made.id


def test_a_dry_run_shows_the_waves(real, fleet: World) -> None:
    done = real("rollout", "start", "--agent", "a1", "--agent", "b1", "--version", "2026.9.6", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "irreversible: version: 2026.9.6 on 2 agents" in done.stdout
    assert "2 agents in 2 waves, 0 have it already" in done.stdout
    assert fleet.rollouts.heads("team", 5) == []
    assert real("rollout", "start", "--agent", "a1", "--model", "swift/two").returncode == 0
    (made,) = fleet.rollouts.heads("team", 5)
    done = real("rollout", "start", "--agent", "a1", "--model", "swift/three", "--dry-run")
    assert f"in its way now: the rollout {made.id} is not over and has a1" in done.stdout


def test_what_is_irreversible_wants_a_backup(real, fleet: World) -> None:
    arguments = ["rollout", "start", "--tags", "", "--command", "migrate-db", "--argument", "--to", "--argument", "7", "--irreversible"]
    done = real(*arguments)
    assert (done.returncode, done.stderr.startswith("clawpulse: backup: is needed")) == (1, True)
    assert real(*arguments, "--backup").returncode == 0
    entry = fleet.rollouts.heads("team", 1)[0].change["patch"]["hooks"]["migrate-db"]
    assert entry == {"command": "migrate-db", "arguments": ["--to", "7"], "irreversible": True}


def test_faults_of_files_have_their_places(real, fleet: World, tmp_path: Path) -> None:
    (tmp_path / "patch.yaml").write_text("model:\n  primary: swift\nlimits: {concurrency: 0}\n")
    done = real("rollout", "start", "--tags", "", "--patch", "patch.yaml")
    lines = done.stdout.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [["patch.yaml:2:3", "model.primary"], ["patch.yaml:3:10", "limits.concurrency"]]
    assert done.stderr == "clawpulse: 2 faults; nothing was changed\n"
    (tmp_path / "policy.yaml").write_text("bake: 5\n")
    done = real("rollout", "start", "--tags", "", "--model", "swift/two", "--policy", "policy.yaml")
    assert done.stdout.startswith("policy.yaml:1:1: bake: is not known; did you mean bake_s?")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--model", "a/b"], "either --tags SELECTOR"),
        (["--tags", "", "--agent", "a1"], "either --tags SELECTOR"),
        (["--tags", "", "--argument", "x"], "--argument goes with --command"),
        (["--tags", "", "--file", "AGENTS.md"], "--file wants NAME=PATH"),
        (["--tags", "", "--file", "AGENTS.md=none.md"], "none.md: No such file"),
        (["--tags", "", "--patch", "none.yaml"], "none.yaml"),
    ],
)
def test_wrong_usage(cli, api: Answers, arguments: list[str], reason: str) -> None:
    done = cli("rollout", "start", *arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert api.asked == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["show", ""], "'' is no id of a rollout"),
        (["abort", "../agents"], "'../agents' is no id of a rollout"),
        (["list", "--state", "open,overdue"], "'overdue' is none of open, over, waiting"),
    ],
)
def test_what_can_name_no_rollout_is_not_asked_for(cli, api: Answers, arguments: list[str], reason: str) -> None:
    done = cli("rollout", *arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert api.asked == []


def test_every_phase_and_state_is_known() -> None:
    assert set(_rollout_view.PHASES) == set(Phase)
    assert set(_fleet_view.STYLES) == set(DriftState)


def test_it_is_steered_with_comments(real, world: World) -> None:
    made = waiting(world)
    done = real("rollout", "approve", made.id, "--comment", "looks good")
    assert done.stdout.startswith(f"{made.id}: wave 2 of 2: ")
    assert "looks good" in real("rollout", "show", made.id, "--audit").stdout
    for action in ("pause", "abort"):
        assert real("rollout", action, made.id).returncode == 0, action
    done = real("rollout", "skip", made.id)
    assert (done.returncode, done.stderr.startswith("clawpulse: skip is not possible: ")) == (1, True)
    assert real("rollout", "stop", "r000000009zz").returncode == 1


def test_a_document_that_is_not_set_says_what_holds(real, world: World, tmp_path: Path) -> None:
    shown = real("rollout", "policy").stdout
    assert shown.startswith("# nothing is set: waves of 1, 5, 25% and 100%")
    assert Policy().waves == ("1", "5", "25%", "100%")
    (tmp_path / "shown.yaml").write_text(shown)
    assert real("rollout", "policy", "shown.yaml").stdout == "nothing to change\n"


def test_faults_of_a_document_come_in_the_order_of_its_lines(real, world: World, tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text("bake_s: -1\nwaves: [x]\nfoo: 1\n")
    done = real("rollout", "policy", "d.yaml")
    assert [line.split(":")[1] for line in done.stdout.splitlines()] == ["1", "2", "3"]


def test_numbers_and_failed_agents_are_shown(real, world: World) -> None:
    plan = waves([MemberState.APPLIED, MemberState.FAILED], [MemberState.WAITING])
    plan[0].members[1].detail = "no such model\x1b[2J"
    finding = Finding(metric="task.errors", outcome=Outcome.FAIL, wave=0.3, past=0.1, evidence=1e12, reason="worse")
    made = rollout(world, plan=plan, verdicts=[msgspec.structs.replace(FAILED, findings=[finding])])
    shown = real("rollout", "show", made.id).stdout
    for text in ("1 applied, 1 failed", "task.errors: 0.30 of 50 tasks, 0.10 before", "50 tasks", "no such model", " 1e+12 "):
        assert text in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("name", "text", "wrong", "fault"),
    [
        ("policy", "waves: ['1', 25%]\nbake_s: 10m\n", "wave: 1\n", "1:1: wave: is not known"),
        ("freezes", "freezes:\n- reason: x\n  ends: 2027-01-01T00:00:00Z\n", "freezes:\n- reason: x\n", "2:3: freezes[0]: needs weekly"),
        ("notices", "events: [held]\n", "events: [helt]\n", "1:10: events[0]: is not known"),
    ],
)
def test_documents_are_replaced_and_checked(real, world: World, tmp_path: Path, name: str, text: str, wrong: str, fault: str) -> None:
    (tmp_path / "d.yaml").write_text(text)
    assert real("rollout", name, "d.yaml").stdout == f"{name} replaced\n"
    (tmp_path / "d.yaml").write_text(wrong)
    done = real("rollout", name, "d.yaml")
    assert (done.returncode, done.stderr) == (1, "clawpulse: 1 fault; nothing was changed\n")
    assert done.stdout.startswith(f"d.yaml:{fault}")


def test_a_document_that_is_shown_can_be_applied(real, world: World, tmp_path: Path) -> None:
    world.fleet.put_settings("team", "rollout-policy", {"waves": ["1", "25%"], "gate": {"min_tasks": 5}})
    (tmp_path / "shown.yaml").write_text(real("rollout", "policy").stdout)
    assert real("rollout", "policy", "shown.yaml").stdout == "nothing to change\n"


def shown(phase: str, hold: dict[str, Any] | None = None, wave: int = 0, **counts: int) -> dict[str, Any]:
    """A rollout as the API shows it."""
    member = {
        "agent": "a1",
        "state": "applied",
        "since": shapes.STAMP,
        "before": "x",
        "after": "y",
        "appliedAt": None,
        "detail": "",
        "tags": {},
    }
    plan = [{"number": number, "stage": "", "state": "done", "counts": {}, "members": [member], "verdict": None} for number in range(2)]
    return {
        "id": "r1",
        "title": "m",
        "phase": phase,
        "since": shapes.STAMP,
        "reason": "so",
        "hold": hold,
        "created": shapes.STAMP,
        "by": "ada",
        "selector": "",
        "revision": None,
        "reversibility": "reversible",
        "wave": wave,
        "waves": 2,
        "members": 2,
        "counts": counts,
        "change": {},
        "policy": {},
        "backupBy": None,
        "bakeUntil": None,
        "extensions": 0,
        "gateless": False,
        "eta": shapes.STAMP,
        "actions": ["abort"],
        "approvals": [],
        "plan": plan,
    }


def telling(api: Answers, *answers: Any) -> None:
    """One answer after the other, the last again and again."""
    left: Iterator[Any] = iter(answers)
    last: list[Any] = []

    def answer(_asked: Asked) -> Any:
        last[:] = [next(left, *last)]
        return last[0]

    api.table["GET /api/rollouts/r1"] = answer


@pytest.mark.parametrize(("end", "code"), [("succeeded", 0), ("reverted", 1), ("stopped", 1)])
def test_watch_tells_each_change_in_a_line_and_ends_with_it(cli, api: Answers, end: str, code: int) -> None:
    baking = shown("baking", applied=1, waiting=1)
    telling(
        api,
        baking,
        baking,
        shapes.problem(503, "a store is away"),
        baking,
        shown("applying", wave=1, applied=1, sent=1),
        shown(end, wave=1, applied=2),
    )
    done = cli("rollout", "watch", "r1", "--every", "0.2")
    assert done.returncode == code
    assert [line[9:] for line in done.stdout.splitlines()] == [
        "wave 1 of 2: baking: 1 applied, 1 waiting; so; through at about 2026-11-24 00:00:00 UTC",
        "wave 2 of 2: applying: 1 applied, 1 sent; so; through at about 2026-11-24 00:00:00 UTC",
        f"wave 2 of 2: {end}: 2 applied; so; through at about 2026-11-24 00:00:00 UTC",
    ]
    assert done.stderr == "clawpulse: a store is away; trying again every 0.2 s\n"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_watch_makes_no_new_line_for_another_guess_of_the_end(cli, api: Answers, arguments: list[str]) -> None:
    later = {**shown("baking", applied=1), "eta": "2026-11-24T00:00:05.000Z"}
    telling(api, shown("baking", applied=1), later, shown("succeeded", applied=2))
    done = cli("rollout", "watch", "r1", "--every", "0.2", *arguments)
    assert len(done.stdout.splitlines()) == 2


def test_watch_may_end_when_somebody_has_to_do_something(cli, api: Answers) -> None:
    hold = {"cause": "approval", "reason": "the policy", "until": None}
    telling(api, shown("baking", applied=1), shown("waiting", hold, wave=1, applied=1))
    done = cli("rollout", "watch", "r1", "--every", "0.2", "--until-held", "--json")
    assert done.returncode == 4
    assert [json.loads(line)["phase"] for line in done.stdout.splitlines()] == ["baking", "waiting"]
    telling(api, shown("held", {**hold, "cause": "inconclusive"}))
    assert cli("rollout", "watch", "r1", "--until-held").returncode == 4


def test_watch_ends_when_looking_again_would_not_help(cli, api: Answers) -> None:
    telling(api, shown("baking"), shapes.problem(403, "this needs the scope read"))
    done = cli("rollout", "watch", "r1", "--every", "0.2")
    assert (done.returncode, done.stderr) == (1, "clawpulse: this needs the scope read\n")
    assert cli("rollout", "watch", "r2").returncode == 1


def test_a_start_may_be_followed(cli, api: Answers) -> None:
    api.table["POST /api/rollouts"] = (201, {"dryRun": False, "rollout": shown("waiting"), "unchanged": 0, "irreversible": []})
    telling(api, shown("applying", sent=1), shown("succeeded", applied=1))
    done = cli("rollout", "start", "--tags", "", "--model", "a/b", "--watch", "--every", "0.2")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)
    assert api.asked[0].body == {"tags": "", "model": "a/b", "title": "", "dryRun": False}


def test_on_a_terminal_it_is_shown_in_place(api: Answers, tmp_path: Path) -> None:
    telling(api, shown("applying", sent=1), shown("succeeded", applied=2))
    done = on_terminal(tmp_path, api, "rollout", "watch", "r1", "--every", "0.2")
    assert "applying" in done
    assert "● succeeded" in done


def on_terminal(folder: Path, api: Answers, *arguments: str) -> str:
    """What the command writes to a terminal."""
    import os
    import pty
    import subprocess
    import sys

    main, other = pty.openpty()
    env = {**os.environ, "CLAWPULSE_URL": api.url, "CLAWPULSE_TOKEN": "t", "COLUMNS": "120", "LINES": "50", "TERM": "xterm"}
    command = [sys.executable, "-c", "from clawpulse.cli.main import main; main()", *arguments]
    with subprocess.Popen(command, cwd=folder, env=env, stdin=other, stdout=other, stderr=other) as process:
        os.close(other)
        written = b""
        try:
            while data := os.read(main, 65_536):
                written += data
        except OSError:
            # So a terminal ends on Linux.
            pass
        assert process.wait(60) == 0
    os.close(main)
    return written.decode()


def test_a_rollout_that_is_over_ends_at_once(real, world: World) -> None:
    made = rollout(world, phase=Phase.SUCCEEDED, bake_until=None)
    assert real("rollout", "watch", made.id).returncode == 0
