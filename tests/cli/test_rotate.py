"""`clawpulse rotate` and `clawpulse keys` against the real API, and what is followed against one that answers as it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from functions.domain.errors import VaultUnavailable
from functions.domain.key_fingerprint import fingerprint
from functions.domain.rotation import Alias, Rotation, RotationPhase
from functions.domain.wire import KeyReport
from tests.api.test_keys import put
from tests.api.world import NOW, World, agent
from tests.cli.conftest import Cli
from tests.cli.real import served
from tests.cli.server import Answers, Asked
from tests.cli.terminal import on_a_terminal

KEY, OTHER = "sk-ant-brand-new-0123456789", "sk-oai-brand-new-0123456789"
Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fleet(world: World) -> World:
    old = put(world, "sk-ant-in-use-0123456789")
    world.seal(agent("a1", "env=prod", keys={"anthropic": KeyReport(fingerprint=old)}))
    world.keys.assign("team", "a1", "anthropic", old, None)
    return world


def environment(url: str, token: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CLAWPULSE_")}
    return {**kept, "CLAWPULSE_URL": url, "CLAWPULSE_TOKEN": token, "COLUMNS": "200"}


def run(url: str, token: str, cwd: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """The real command with this on standard input."""
    command = [sys.executable, "-c", "from clawpulse.cli.main import main; main()", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment(url, token), input=given, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def typed(tmp_path: Path, fleet: World) -> Iterator[Typed]:
    """Against the real API."""
    with served(fleet) as url:
        token = fleet.token("operate")
        yield lambda *arguments, given="": run(url, token, tmp_path, *arguments, given=given)


def scripted(answers: Answers, tmp_path: Path) -> Typed:
    """Against one that answers as it is told."""
    return lambda *arguments, given="": run(answers.url, "cp_x", tmp_path, *arguments, given=given)


def rotation(phase: str = "rolling", **changes: Any) -> dict[str, Any]:
    progress = {"agents": 100, "done": 12, "failed": 0, "asleep": 1, "wave": 2, "waves": 10, "errorRate": 0.0, "othersRate": 0.001}
    return {
        "id": "k000000001aa",
        "provider": "anthropic",
        "shard": "",
        "selector": "",
        "source": "stdin",
        "phase": phase,
        "since": "2026-11-24T00:00:00.000Z",
        "reason": f"it is {phase}",
        "hold": None,
        "position": 0,
        "by": "me (x)",
        "created": "2026-11-24T00:00:00.000Z",
        "new": "00000001-aaaabbbbccccdddd",
        "old": "00000001-1111222233334444",
        "dryRun": False,
        "emergency": False,
        "rollout": None,
        "policy": {},
        "actions": ["pause", "abort"],
        "promoted": False,
        "checks": [{"name": "accepted", "ok": True, "detail": "the provider takes it", "retry": False}],
        "plan": None,
        "progress": {**progress, "back": False},
        "eta": "2026-11-24T00:09:00.000Z",
        "lastOldUse": None,
        "revokedAt": None,
        **changes,
    }


def in_turn(*found: Any) -> Callable[[Asked], Any]:
    """One after the other; the last one again and again."""
    left = list(found)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_key_from_standard_input_starts_one(typed: Typed, fleet: World) -> None:
    options = ["--wave-size", "5", "--cooldown", "1m", "--abort-above", "0.05", "--tags", "env=prod", "--keep-old"]
    done = typed("rotate", "anthropic", "--new-key-from", "stdin", *options, "--detach", given=f"{KEY}\r\n")
    assert done.returncode == 0, done.stderr
    (made,) = fleet.rotations.rotations("team", 5)
    assert done.stdout.startswith(f"{made.id} is started: anthropic: queued")
    assert made.new == fingerprint(KEY, fleet.vault.salt("team"))
    policy = made.policy
    assert (policy.wave_size, policy.cooldown_s, policy.abort_above, policy.retire, made.selector) == (5, 60, 0.05, False, "env=prod")
    assert "brand-new" not in done.stdout + done.stderr


def test_the_word_start_may_be_said_and_options_come_first(typed: Typed, fleet: World) -> None:
    for words in (["rotate", "start", "anthropic"], ["rotate", "--new-key-from", "stdin", "anthropic"]):
        more = [] if "--new-key-from" in words else ["--new-key-from", "stdin"]
        assert typed(*words, *more, "--detach", "--dry-run", given=KEY).returncode == 0
    assert len(fleet.rotations.rotations("team", 5)) == 2


def test_several_keys_are_a_line_each(typed: Typed, fleet: World) -> None:
    done = typed("rotate", "anthropic", "openai", "--new-key-from", "stdin", "--detach", given=f"{KEY}\n{OTHER}\n")
    assert done.returncode == 0, done.stderr
    salt = fleet.vault.salt("team")
    made = {one.provider: one.new for one in fleet.rotations.rotations("team", 5)}
    assert made == {"anthropic": fingerprint(KEY, salt), "openai": fingerprint(OTHER, salt)}
    done = typed("rotate", "anthropic", "openai", "--new-key-from", "stdin", given=f"{KEY}\n")
    assert (done.returncode, "has 1 lines; 2 keys are needed" in done.stderr) == (1, True)


def test_a_key_from_vault(typed: Typed, fleet: World) -> None:
    fleet.vault.elsewhere["team/new", "anthropic"] = KEY
    done = typed("rotate", "anthropic", "--new-key-from", "vault-path", "--vault-path", "team/new", "--field", "anthropic", "--detach")
    assert done.returncode == 0, done.stderr
    assert fleet.rotations.rotations("team", 1)[0].source == "vault"


@pytest.mark.parametrize(
    ("arguments", "given", "code", "words"),
    [
        (["anthropic", "--new-key-from", "stdin"], "", 1, "is empty"),
        (["anthropic", "--new-key-from", "stdin"], "sk brand-new", 1, "key: has spaces"),
        (["anthropic", "--new-key-from", "stdin"], f"{KEY}\nmore\n", 1, "key: has spaces, line ends"),
        (["anthropic"], KEY, 2, "--new-key-from"),
        (["--new-key-from", "stdin"], KEY, 2, "PROVIDER"),
        (["anthropic", "anthropic", "--new-key-from", "stdin"], KEY, 2, "named twice"),
        (["anthropic", "--new-key-from", "vault-path"], "", 2, "--vault-path is needed"),
        (["anthropic", "--new-key-from", "stdin", "--field", "x"], KEY, 2, "go with --new-key-from vault-path"),
        (["mistral", "--new-key-from", "stdin"], KEY, 1, "is no provider that key-settings names"),
        (["anthropic", "--new-key-from", "provider"], "", 1, "makes no keys by itself"),
        (["pauze"], "", 2, "--new-key-from"),
    ],
)
def test_wrong_usage(typed: Typed, fleet: World, arguments: list[str], given: str, code: int, words: str) -> None:
    done = typed("rotate", *arguments, given=given)
    assert done.returncode == code, done.stderr
    assert words in " ".join(done.stderr.split())
    assert "brand-new" not in done.stdout + done.stderr
    assert fleet.rotations.rotations("team", 5) == []


def test_a_key_is_never_sent_in_the_clear(tmp_path: Path) -> None:
    done = run("http://pulse.example.org/live", "cp_x", tmp_path, "rotate", "anthropic", "--new-key-from", "stdin", given=KEY)
    assert (done.returncode, "a key is sent over TLS only" in done.stderr) == (1, True)


def test_a_key_that_is_typed_is_not_shown(fleet: World, tmp_path: Path) -> None:
    with served(fleet) as url:
        pressed = [("(not shown): ", f"{KEY}\n")]
        screen = typing(url, fleet.token("operate"), tmp_path, pressed, "rotate", "anthropic", "--new-key-from", "stdin", "--detach")
    assert "New key of anthropic (not shown)" in screen
    assert "is started" in screen
    assert "brand-new" not in screen


def test_an_emergency_shows_its_consequences_and_asks(typed: Typed, fleet: World, tmp_path: Path) -> None:
    arguments = ["rotate", "anthropic", "--new-key-from", "stdin", "--emergency", "--detach"]
    done = typed(*arguments, given=KEY)
    assert done.returncode == 1
    assert "is revoked as soon as the new one is in Vault" in done.stderr
    assert "--yes" in done.stderr
    assert fleet.rotations.rotations("team", 5) == []
    with served(fleet) as url:
        token = fleet.token("operate")
        for answer in ("n", "y"):
            screen = typing(url, token, tmp_path, [("(not shown): ", f"{KEY}\n"), ("[y/N]: ", f"{answer}\n")], *arguments)
            assert ("is started" in screen) is (answer == "y")
            assert len(fleet.rotations.rotations("team", 5)) == (answer == "y")
    assert typed(*arguments, "--yes", given=KEY).returncode == 0
    assert [one.emergency for one in fleet.rotations.rotations("team", 5)] == [True, True]


def typing(url: str, token: str, cwd: Path, keys: Sequence[tuple[str, str]], *arguments: str) -> str:
    """What a terminal shows of the command."""
    command = [sys.executable, "-c", "from clawpulse.cli.main import main; main()", *arguments]
    return on_a_terminal(command, environment(url, token), cwd, keys)[0]


def test_it_is_followed_to_its_end(api: Answers, tmp_path: Path) -> None:
    api.table["POST /api/rotations"] = (201, rotation("queued", progress={**rotation()["progress"], "waves": 0}))
    end = rotation("succeeded", reason="the old key is revoked", eta=None, actions=[])
    api.table["GET /api/rotations/k000000001aa"] = in_turn(
        rotation(), (503, {"title": "x", "status": 503, "detail": "busy"}), rotation(), end
    )
    done = scripted(api, tmp_path)("rotate", "anthropic", "--new-key-from", "stdin", "--every", "0.2", given=KEY)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    for text in ("12 of 100 agents", "wave 2 of 10", "1 asleep", "0.0 % errors (others 0.1 %)", "over at about 2026-11-24 00:09:00 UTC"):
        assert text in first
    assert "anthropic: succeeded" in last
    assert "busy; trying again" in done.stderr
    assert [asked.body["key"] for asked in api.asked if asked.method == "POST"] == [KEY]


@pytest.mark.parametrize(("phase", "options", "code"), [("refused", [], 1), ("aborted", [], 1), ("held", ["--until-held"], 4)])
def test_how_it_ended_is_the_exit_code(api: Answers, tmp_path: Path, phase: str, options: list[str], code: int) -> None:
    api.table["POST /api/rotations"] = (201, rotation("queued"))
    api.table["GET /api/rotations/k000000001aa"] = rotation(phase)
    done = scripted(api, tmp_path)("rotate", "anthropic", "openai", "--new-key-from", "stdin", *options, given=f"{KEY}\n{OTHER}\n")
    assert done.returncode == code
    assert len([asked for asked in api.asked if asked.method == "POST"]) == 1, "the second must not begin"


def test_several_run_one_after_the_other(api: Answers, tmp_path: Path) -> None:
    api.table["POST /api/rotations"] = lambda asked: (201, rotation("queued", id=f"k00000000{asked.body['provider']}"))
    for provider in ("anthropic", "openai"):
        api.table[f"GET /api/rotations/k00000000{provider}"] = rotation("succeeded", provider=provider)
    done = scripted(api, tmp_path)("rotate", "anthropic", "openai", "--new-key-from", "stdin", "--json", given=f"{KEY}\n{OTHER}\n")
    assert done.returncode == 0
    assert [json.loads(line)["provider"] for line in done.stdout.splitlines()] == ["anthropic", "openai"]
    assert [asked.method for asked in api.asked] == ["POST", "GET", "POST", "GET"]


def test_status_history_and_steering(typed: Typed, fleet: World) -> None:
    assert typed("rotate", "status").stdout == "No rotation yet.\n"
    assert "no rotation is under way" in typed("rotate", "abort").stderr
    assert typed("rotate", "anthropic", "--new-key-from", "stdin", "--detach", given=KEY).returncode == 0
    (made,) = fleet.rotations.rotations("team", 5)
    shown = typed("rotate", "status", "--audit").stdout
    for text in (made.id, "○ queued  key of anthropic", f"to {made.new}", "Possible now: pause, abort", "created", f"new key {made.new}"):
        assert text in shown
    assert json.loads(typed("rotate", "status", made.id, "--json").stdout)["id"] == made.id
    assert typed("rotate", "pause", "--comment", "lunch").stdout.startswith(f"{made.id}: anthropic: paused")
    assert typed("rotate", "resume", made.id).returncode == 0
    fleet.now += 1
    assert typed("rotate", "openai", "--new-key-from", "stdin", "--detach", given=OTHER).returncode == 0
    assert f"say which: {made.id} (anthropic, queued), k" in typed("rotate", "abort").stderr
    assert "anthropic: aborting" in typed("rotate", "abort", made.id).stdout
    rows = typed("rotate", "history").stdout.splitlines()
    assert [row.split()[0:2] for row in rows[1:]] == [["○", "queued"], ["■", "aborting"]]
    assert len(typed("rotate", "history", "--provider", "openai").stdout.splitlines()) == 2
    assert typed("rotate", "pause", "k000000000zz").returncode == 1


def test_checks_and_agents_that_need_a_look_are_shown(api: Answers, tmp_path: Path) -> None:
    check = {"name": "accepted", "ok": False, "detail": "the provider does not take it: 401\x1b[2J", "retry": False}
    members = [{"agent": "a7", "state": "failed", "detail": "reload refused"}, {"agent": "a8", "state": "applied", "detail": ""}]
    found = rotation("refused", checks=[check], plan={"plan": [{"members": members}]}, emergency=True, revokedAt=rotation()["since"])
    api.table["GET /api/rotations/k1"] = found
    shown = scripted(api, tmp_path)("rotate", "status", "k1").stdout
    for text in ("✗ accepted: the provider does not take it: 401", "a7: failed: reload refused", "(emergency)", "old key revoked at"):
        assert text in shown
    assert "a8" not in shown
    assert "\x1b" not in shown


def test_keys_are_listed_by_fingerprint_and_age(typed: Typed, fleet: World) -> None:
    old = put(fleet, "sk-ant-old-0123456789", Alias.OLD, days=100)
    made = Rotation(id="k000000001aa", provider="anthropic", created=NOW, by="t", new="", since=NOW, phase=RotationPhase.SUCCEEDED)
    fleet.rotations.create_rotation("team", made, [])
    done = typed("keys")
    assert done.returncode == 0, done.stderr
    assert old in done.stdout
    assert "last rotation k000000001aa: succeeded" in done.stdout
    assert "sk-" not in done.stdout
    assert json.loads(typed("keys", "--json").stdout)["providers"][0]["provider"] == "anthropic"
    fleet.vault.fault = VaultUnavailable("Vault is sealed")
    assert "anthropic: what Vault has is not known: Vault is sealed" in typed("keys").stdout


def test_settings_of_providers_are_replaced_and_checked(real: Cli, world: World, tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text("anthropic: {kind: anthropic, max_age_days: 30}\n")
    assert real("keys", "settings", "keys.yaml").stdout == "settings replaced\n"
    assert "max_age_days: 30" in real("keys", "settings").stdout
    (tmp_path / "keys.yaml").write_text("anthropic: {kind: anthropic, max_age: 30}\n")
    done = real("keys", "settings", "keys.yaml")
    assert (done.returncode, done.stdout.startswith("keys.yaml:1:")) == (1, True)
