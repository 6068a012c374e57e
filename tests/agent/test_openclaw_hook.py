"""The OpenClaw hook: its pure parts in Node, and the whole of it against a strict stand-in for OpenClaw."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cdk.node import ensure_node
from tests.agent import openclaw_standin
from tests.agent.conftest import AGENT, Agent, wait_for
from tests.agent.openclaw_standin import TOKEN, StandIn
from tests.agent.server import Server

HOOK = AGENT / "openclaw-hook"
TESTS = Path(__file__).parent / "openclaw-hook"
CONFIG = {
    "gateway": {"mode": "local"},
    "agents": {"defaults": {"model": "fixed/one", "workspace": "/w"}},
    "tools": {"deny": ["browser", "exec"]},
    "channels": {"slack": {"botToken": "xoxb-plain-secret"}},
}
LATER = 75


def test_its_own_tests_pass() -> None:
    command = [ensure_node(), "--test", "--test-timeout=60000", "--test-reporter=tap", *sorted(TESTS.glob("*.test.mjs"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={"PATH": os.environ["PATH"]}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) > 25


def test_it_is_plain_and_needs_nothing() -> None:
    imports = {found for path in HOOK.glob("*.js") for found in re.findall(r'^import .* from "([^"]+)"', path.read_text(), re.MULTILINE)}
    assert {found for found in imports if not found.startswith(("node:", "./"))} == set()


@dataclass
class Hooked:
    """A stand-in, and an agent whose hook steers it."""

    openclaw: StandIn
    agent: Agent

    def config(self, document: Any) -> tuple[int, str]:
        """Exit code and reason of the hook with a document."""
        file = self.agent.home / "document.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        done = self.agent.command("openclaw", "config", str(file))
        return done.returncode, done.stderr.splitlines()[0] if done.stderr else ""

    @property
    def state(self) -> Path:
        return self.agent.home / "openclaw" / "state.json"

    def command(self, name: str, body: str) -> None:
        """An executable of `commands.d`."""
        path = self.agent.config.parent / "hooks.d" / "commands.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)


@pytest.fixture
def hooked(new_agent: Callable[..., Agent], server: Server, tmp_path: Path) -> Iterator[Hooked]:
    openclaw = StandIn(tmp_path / "openclaw", CONFIG)
    with openclaw.serving():
        command = f"{sys.executable} {openclaw_standin.__file__}"
        agent = new_agent(server.url, OPENCLAW_COMMAND=command, OPENCLAW_PORT=openclaw.port, HOOK_SECONDS="20")
        agent.path = f"{ensure_node().parent}:{os.environ['PATH']}"
        agent.home.mkdir()
        env = agent.config.parent / "openclaw.env"
        env.write_text(f'OPENCLAW_STATE_DIR={openclaw.folder}\nexport OPENCLAW_GATEWAY_TOKEN="{TOKEN}"\n')
        env.chmod(0o600)
        yield Hooked(openclaw, agent)


DOCUMENT = {
    "model": {"primary": "fixed/two", "fallbacks": ["fixed/one"]},
    "limits": {"concurrency": 3, "timeout_s": 300, "max_tokens": 500},
    "tools": {"deny": ["exec"]},
    "files": {"AGENTS.md": "Answer in one sentence."},
    "resources": {"cpu": 2},
    "not": "known",
}


def test_a_document_comes_into_force_and_goes_again(hooked: Hooked) -> None:
    hooked.openclaw.set(files={"AGENTS.md": "as it was"}, written={"AGENTS.md": 1})
    assert hooked.config(DOCUMENT) == (0, "")
    defaults = {
        "workspace": "/w",
        "model": {"primary": "fixed/two", "fallbacks": ["fixed/one"]},
        "maxConcurrent": 3,
        "timeoutSeconds": 300,
        "params": {"maxTokens": 500},
    }
    assert hooked.openclaw["applied"] == {**CONFIG, "agents": {"defaults": defaults}, "tools": {"deny": ["exec"]}}
    assert hooked.openclaw["files"] == {"AGENTS.md": "Answer in one sentence."}
    assert stat.S_IMODE(hooked.state.stat().st_mode) == 0o600
    assert "xoxb" not in hooked.state.read_text()
    hooked.openclaw.calls()

    assert hooked.config(DOCUMENT) == (0, "")
    assert hooked.openclaw.calls() == ["config.get", "agents.files.list"], "the same document changes nothing"

    assert hooked.config({"tools": {"deny": ["exec"]}}) == (0, "")
    assert hooked.openclaw["applied"] == {**CONFIG, "tools": {"deny": ["exec"]}}
    assert hooked.openclaw["files"] == {"AGENTS.md": "as it was"}
    assert hooked.config({}) == (0, "")
    assert hooked.openclaw["applied"] == CONFIG
    assert hooked.openclaw.calls()[-1] != "agents.files.list", "files that are not managed are not looked at"
    assert TOKEN not in str(hooked.openclaw["arguments"])


def test_what_others_change_stays_and_what_is_managed_is_set_again(hooked: Hooked) -> None:
    assert hooked.config({"limits": {"concurrency": 3}}) == (0, "")
    changed = {**CONFIG, "agents": {"defaults": {"model": "fixed/three", "workspace": "/w", "maxConcurrent": 9}}}
    hooked.openclaw.set(config=changed, applied=changed)
    assert hooked.config({"limits": {"concurrency": 3}}) == (0, "")
    assert hooked.openclaw["applied"]["agents"]["defaults"] == {"model": "fixed/three", "workspace": "/w", "maxConcurrent": 3}
    assert hooked.config({}) == (0, "")
    assert hooked.openclaw["applied"]["agents"]["defaults"] == {"model": "fixed/three", "workspace": "/w"}


def test_secrets_are_references_and_one_in_plain_text_is_never_taken_over(hooked: Hooked) -> None:
    reference = {"source": "exec", "provider": "fleet", "id": "slack/app"}
    assert hooked.config({"channels": {"discord": {"token": {"secret": "slack/app"}}}}) == (0, "")
    assert hooked.openclaw["applied"]["channels"]["discord"]["token"] == reference
    hooked.openclaw.calls()
    assert hooked.config({"channels": {"discord": {"token": {"secret": "slack/app"}}}}) == (0, "")
    assert hooked.openclaw.calls() == ["config.get"]
    code, why = hooked.config({"channels": {"slack": {"botToken": {"secret": "slack/bot"}}}})
    assert (code, why) == (
        1,
        "channels.slack.botToken holds a secret in plain text, which could not be put back: make it a reference first",
    )
    assert hooked.openclaw["config"]["channels"]["slack"] == {"botToken": "xoxb-plain-secret"}
    assert hooked.config({}) == (0, "")
    assert hooked.openclaw["applied"] == CONFIG


@pytest.mark.parametrize("fault", ["stale", "rubbish", "unreachable", "rate limit exceeded for config.patch; retry after 1s"])
def test_a_write_that_went_wrong_is_made_again(hooked: Hooked, fault: str) -> None:
    hooked.openclaw.set(faults=[["config.patch", fault]])
    assert hooked.config(DOCUMENT) == (0, "")
    assert hooked.openclaw["applied"]["agents"]["defaults"]["maxConcurrent"] == 3
    assert hooked.openclaw.calls().count("config.patch") == 2
    assert hooked.config({}) == (0, "")
    kept = {**hooked.openclaw["applied"]}
    kept.pop("meta", None)
    assert kept == CONFIG


def test_somebody_who_always_changes_it_too_ends_the_tries(hooked: Hooked) -> None:
    hooked.openclaw.set(faults=[["config.patch", "stale"]] * 50)
    code, why = hooked.config(DOCUMENT)
    assert (code, why) == (1, "the configuration was changed by somebody else each time it was written")
    assert hooked.openclaw.calls().count("config.patch") <= 6


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"openclaw": {"nosuch": 1}}, 'invalid config: <root>: Unrecognized key "nosuch"'),
        ({"openclaw": {"agents": {"defaults": {"maxConcurrent": "x"}}}}, "expected number, token=***"),
        ({"files": {"NOPE.md": "x"}, "limits": {"concurrency": 2}}, 'files: unsupported file "NOPE.md"'),
        ({"hooks": {"m": {"command": "none"}}}, "hooks.m: there is no executable none in hooks.d/commands.d"),
        ("{", "the document is no JSON"),
    ],
)
def test_what_is_refused_leaves_all_as_it_was(hooked: Hooked, document: Any, reason: str) -> None:
    code, why = hooked.config(document)
    assert code == 1
    assert reason in why
    assert len(why) <= 250
    assert (hooked.openclaw["config"], hooked.openclaw["applied"], hooked.openclaw["files"]) == (CONFIG, CONFIG, {})
    assert hooked.config({}) == (0, "")
    assert hooked.openclaw["config"] == CONFIG


def test_a_restart_is_waited_for(hooked: Hooked) -> None:
    hooked.openclaw.set(applies="by restart")
    assert hooked.config({"limits": {"concurrency": 2}}) == (0, "")
    assert hooked.openclaw["applied"]["agents"]["defaults"]["maxConcurrent"] == 2


@pytest.mark.parametrize(
    ("applies", "reason"),
    [
        ("once broken", "the gateway has not taken the configuration into force"),
        ("fails", "config.patch persisted but was not applied to the active Gateway (failed); run config.get"),
        ("dies", "the gateway did not come back: Gateway not reachable"),
    ],
)
def test_what_does_not_come_into_force_is_put_back(hooked: Hooked, applies: str, reason: str) -> None:
    hooked.openclaw.set(applies=applies)
    hooked.agent.configure(HOOK_SECONDS="30")
    code, why = hooked.config({"openclaw": {"ui": {"seamColor": "#112233"}}, "limits": {"concurrency": 2}})
    assert (code, why[: len(reason)]) == (1, reason)
    assert (hooked.openclaw["config"], hooked.openclaw["applied"]) == (CONFIG, CONFIG)
    assert json.loads(hooked.state.read_text())["memory"] == {"before": [], "made": []}


def test_what_was_written_without_an_answer_is_put_back_too(hooked: Hooked) -> None:
    hooked.openclaw.set(faults=[["config.patch", "cut off"]])
    code, why = hooked.config({"limits": {"concurrency": 2}, "files": {"NOPE.md": "x"}})
    assert (code, why) == (1, 'files: unsupported file "NOPE.md"')
    assert hooked.openclaw["applied"] == CONFIG
    assert hooked.openclaw.calls().count("config.patch") == 2


def test_a_text_that_openclaw_hides_is_known_to_be_ours(hooked: Hooked) -> None:
    document = {"channels": {"discord": {"token": "in plain text, as the document has it"}}, "files": {"NOPE.md": "x"}}
    assert hooked.config(document) == (1, 'files: unsupported file "NOPE.md"')
    assert hooked.openclaw["applied"] == CONFIG
    document.pop("files")
    assert hooked.config(document) == (0, "")
    hooked.openclaw.calls()
    assert hooked.config(document) == (0, "")
    assert hooked.openclaw.calls() == ["config.get"]
    assert hooked.config({}) == (0, "")
    assert hooked.openclaw["applied"] == CONFIG


def test_a_gateway_that_does_not_get_ready_gets_its_configuration_back(hooked: Hooked) -> None:
    hooked.agent.configure(HOOK_SECONDS="30")
    hooked.openclaw.ready = False
    code, why = hooked.config({"limits": {"concurrency": 2}})
    assert code == 1
    assert why.startswith("the gateway is not ready (startup-sidecars); and what was there is not back: the gateway is not ready")
    assert hooked.openclaw["config"] == CONFIG
    hooked.openclaw.ready = True
    assert hooked.config({}) == (0, "")
    assert hooked.openclaw["applied"] == CONFIG


def test_a_later_step_that_fails_takes_the_earlier_ones_back(hooked: Hooked) -> None:
    hooked.command("migrate", "echo no disk apiKey=abcdef123456 >&2; exit 4")
    code, why = hooked.config({**DOCUMENT, "hooks": {"migrate": {"command": "migrate"}}})
    assert (code, why) == (1, "hooks.migrate: migrate ended with code 4: no disk apiKey=***")
    assert hooked.openclaw["applied"] == CONFIG
    assert hooked.openclaw["files"] == {"AGENTS.md": ""}


def test_a_gateway_that_is_away_is_for_later(hooked: Hooked) -> None:
    hooked.openclaw.set(unreachable=1_000)
    assert hooked.config(DOCUMENT) == (LATER, "Gateway not reachable at ws://127.0.0.1:1 (ECONNREFUSED).")
    hooked.openclaw.set(unreachable=0)
    assert hooked.config(DOCUMENT) == (0, "")


def test_commands_run_once_for_each_change_with_their_arguments(hooked: Hooked, tmp_path: Path) -> None:
    note = tmp_path / "note"
    hooked.command("note", f'printf "%s|" "$@" >>{note}; env >{note}.env')
    entry = {"command": "note", "arguments": ["--to", "7; $(touch x)"], "irreversible": True}
    assert hooked.config({"hooks": {"migrate": entry}}) == (0, "")
    assert hooked.config({"hooks": {"migrate": entry}, "limits": {"concurrency": 2}}) == (0, "")
    assert note.read_text() == "--to|7; $(touch x)|"
    assert "TOKEN" not in Path(f"{note}.env").read_text()
    assert hooked.config({"hooks": {"migrate": {**entry, "arguments": ["8"]}}}) == (0, "")
    assert note.read_text() == "--to|7; $(touch x)|8|"


def test_paused_is_kept_up_until_it_is_not_wanted_any_more(hooked: Hooked) -> None:
    again = hooked.agent.home / "config" / "again"
    paused = {"paused": True, "limits": {"concurrency": 2}}
    hooked.openclaw.set(working=True)
    assert hooked.config(paused) == (0, "")
    assert (hooked.openclaw["suspension"], again.read_text()) == ("lease-1", "45\n")
    hooked.openclaw.calls()
    assert hooked.config(paused) == (0, "")
    assert hooked.agent.command("openclaw", "again").returncode == 0
    assert hooked.openclaw.calls() == ["gateway.suspend.prepare"] * 2
    assert hooked.config({"limits": {"concurrency": 2}}) == (0, "")
    assert (hooked.openclaw["suspension"], again.exists()) == ("", False)
    hooked.openclaw.calls()
    assert hooked.agent.command("openclaw", "again").returncode == 0
    assert hooked.openclaw.calls() == []


def test_a_lease_of_somebody_else_is_waited_for(hooked: Hooked) -> None:
    hooked.openclaw.set(suspension="theirs")
    code, why = hooked.config(DOCUMENT)
    assert (code, why) == (LATER, "config.get unavailable during gateway suspension")
    assert hooked.openclaw["suspension"] == "theirs"


def test_another_version_is_tried_dry_first(hooked: Hooked) -> None:
    hooked.agent.configure(HOOK_SECONDS="600")
    assert hooked.config({"version": "2026.9.6"}) == (0, "")
    assert hooked.openclaw.calls() == ["config.get"]
    assert hooked.config({"version": "2026.10.1"}) == (0, "")
    assert hooked.openclaw.calls() == ["update --dry-run", "update", *["config.get"] * 3], "its gateway is waited for"
    hooked.openclaw.set(no_such_update=["2026.9.9"])
    assert hooked.config({"version": "2026.9.9"}) == (1, "version 2026.9.9: openclaw update: skipped, container-image-install")
    hooked.openclaw.set(update_fails=True)
    assert hooked.config({"version": "2026.10.2"}) == (1, "version 2026.10.2: openclaw update: error, state-migrated-no-rollback")
    hooked.agent.configure(HOOK_SECONDS="60")
    assert hooked.config({"version": "2026.10.3"})[1].endswith("set CLAWPULSE_HOOK_SECONDS to at least 600")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"OPENCLAW_COMMAND": "/nowhere/openclaw"}, "ENOENT"),
        ({"OPENCLAW_COMMAND": "/bin/false"}, "ended with code 1 and printed no JSON"),
        ({"OPENCLAW_ENV": "/dev/null"}, "printed no JSON"),
    ],
)
def test_settings_that_do_not_fit_are_told(hooked: Hooked, settings: dict[str, str], reason: str) -> None:
    hooked.agent.configure(**settings)
    code, why = hooked.config(DOCUMENT)
    assert code in (1, LATER)
    assert reason in why


def test_a_wrong_token_is_told(hooked: Hooked) -> None:
    env = hooked.agent.config.parent / "openclaw.env"
    env.write_text(env.read_text().replace(TOKEN, "wrong"))
    assert hooked.config(DOCUMENT) == (1, "gateway config.get requires credentials")


def _hook(hooked: Hooked) -> None:
    hook = hooked.agent.config.parent / "hooks.d" / "50-openclaw"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\nexec {hooked.agent.bundle}/clawpulse-agent openclaw "$@"\n')
    hook.chmod(0o755)


def _told(server: Server) -> dict[str, str]:
    return max(server.batches.values(), key=lambda batch: batch["time"])["info"]["config"]  # type: ignore[no-any-return]


def _digest(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()[:32]


def test_with_the_agent_from_the_server_to_the_gateway_and_back(hooked: Hooked, server: Server) -> None:
    _hook(hooked)
    good, bad = json.dumps(DOCUMENT).encode(), b'{"openclaw":{"nosuch":1}}'
    server.document = good
    hooked.agent.run()
    server.wait(lambda: bool(server.batches) and _told(server) == {"written": _digest(good), "applied": _digest(good)})
    assert hooked.openclaw["applied"]["agents"]["defaults"]["maxConcurrent"] == 3
    server.document = bad
    server.wait(lambda: "error" in _told(server))
    assert _told(server)["error"] == '50-openclaw: invalid config: <root>: Unrecognized key "nosuch"'
    assert _told(server)["applied"] == _digest(good)
    assert hooked.openclaw["applied"]["agents"]["defaults"]["maxConcurrent"] == 3
    server.document = b"{}"
    server.wait(lambda: _told(server).get("applied") == _digest(b"{}"))
    assert hooked.openclaw["applied"] == CONFIG
    shown = re.compile(rf"^desired +{_digest(b'{}')}\nwritten +{_digest(b'{}')}\napplied +{_digest(b'{}')}$", re.MULTILINE)
    wait_for(lambda: bool(shown.search(hooked.agent.command("status").stdout)))


def test_the_agent_keeps_a_pause_up(hooked: Hooked, server: Server) -> None:
    _hook(hooked)
    server.document = b'{"paused":true}'
    hooked.agent.run()
    server.wait(lambda: bool(server.batches) and _told(server).get("applied") == server.desired)
    (hooked.agent.home / "config" / "again").write_text("1\n")
    known = hooked.openclaw["calls"].count("gateway.suspend.prepare")
    wait_for(lambda: hooked.openclaw["calls"].count("gateway.suspend.prepare") > known)
