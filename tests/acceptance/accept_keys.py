"""A real OpenClaw whose API key is another one from now on, while it takes turns: none fails, and the next calls carry the new key.

The fleet is played by the strict server of the agent's tests: which key an agent is to use is all that is needed of it here. Not part of
the suite, like `accept_openclaw.py`; run by `scripts/accept-openclaw`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from clawpulse_local import processes
from clawpulse_local.settings import REPOSITORY
from functions.domain.key_fingerprint import fingerprint
from tests.acceptance.bash_agent import BashAgent
from tests.acceptance.fake_model import FakeModel, Reply
from tests.acceptance.fleet import once
from tests.acceptance.installation import Installation
from tests.acceptance.openclaw import OpenClaw, Turn, provider
from tests.agent.server import SALT, TOKEN, Server, running_server

pytestmark = pytest.mark.timeout(900)

OLD, NEW, BAD = "sk-fixed-the-old-key-1", "sk-fixed-the-new-key-2", "sk-fixed-nobody-made-it"
RULES = {"[quick]": Reply(tokens_in=10, tokens_out=2), "[long]": Reply(held=True, tokens_in=10, tokens_out=2)}
WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Keyed:
    """A gateway, its model provider, and the agent that gives it keys."""

    gateway: OpenClaw
    model: FakeModel
    server: Server
    agent: BashAgent
    keys: Path
    secrets: Path

    def turn(self) -> tuple[Turn, str]:
        """A turn in a session of its own, and the key that the provider got for it."""
        known = len(self.model.requests)
        turn = self.gateway.turn("[quick]")
        return turn, self.model.requests[known].key

    def told(self) -> dict[str, Any]:
        """What the agent last said of its key."""
        newest = max(self.server.batches.values(), key=lambda batch: (batch["time"], batch["seq"]), default={"info": {}})
        found: dict[str, Any] = newest["info"].get("keys", {}).get("fixed", {})
        return found

    def assign(self, key: str) -> dict[str, Any]:
        """Have the agent use a key; what it says once it does, or cannot."""
        print_ = fingerprint(key, SALT)
        self.server.keys = {"fixed": key}
        told = once(self.told, lambda told: told.get("fingerprint") == print_ or told.get("error", "").startswith(print_), WITHIN_S)
        assert told, processes.log_end(self.agent.log)
        return told


@pytest.fixture(scope="module")
def keyed(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    home = tmp_path_factory.mktemp("keyed")
    keys = home / "agent" / "state" / "keys"
    keys.mkdir(parents=True)
    processes.write_private(keys / "fixed", f"{OLD}\n")
    secrets = Path(shutil.copy(REPOSITORY / "agent" / "openclaw-hook" / "secrets", home / "secrets"))
    fleet = {"source": "exec", "command": str(secrets), "args": [str(keys)], "jsonOnly": True}
    reference = {"source": "exec", "provider": "fleet", "id": "llm/fixed"}
    with FakeModel(RULES, keys=frozenset({OLD, NEW})) as model, running_server() as server:
        settings = {
            "secrets": {"providers": {"fleet": fleet}},
            "models": {"mode": "replace", "providers": {"fixed": provider(model.url, reference, None)}},
        }
        own = {"KEYS": "fixed", "KEY_TESTS": f"fixed={model.url}/models", "RETRY_SECONDS": "20"}
        with (
            OpenClaw(installed, home / "openclaw", settings) as gateway,
            BashAgent(home / "agent", gateway, url=server.url, token=TOKEN, agent="openclaw-keyed", more=own) as agent,
        ):
            yield Keyed(gateway, model, server, agent, keys, secrets)


def test_it_works_with_the_key_that_was_there(keyed: Keyed) -> None:
    turn, key = keyed.turn()
    assert (turn.status, key) == (200, OLD), turn.text
    assert keyed.assign(OLD) == {"fingerprint": fingerprint(OLD, SALT)}


def test_the_key_changes_while_turns_run_and_none_fails(keyed: Keyed) -> None:
    over = Event()

    def turns() -> list[Turn]:
        taken = []
        while not over.is_set():
            taken.append(keyed.gateway.turn("[quick]"))
        return taken

    with ThreadPoolExecutor(3) as pool:
        held = pool.submit(keyed.gateway.turn, "[long]")
        once(lambda: [request.marker for request in keyed.model.requests], lambda markers: "[long]" in markers, 60)
        running = [pool.submit(turns) for _ in range(2)]
        told = keyed.assign(NEW)
        known = len(keyed.model.requests)
        keyed.model.keys = {NEW}
        once(lambda: len(keyed.model.requests), lambda count: count >= known + 4, 60)
        over.set()
        keyed.model.release.set()
        taken = [turn for each in running for turn in each.result()] + [held.result()]
    assert told["fingerprint"] == fingerprint(NEW, SALT), (told, processes.log_end(keyed.agent.log))
    assert "used" in told
    assert {turn.status for turn in taken} == {200}, [turn.text for turn in taken if turn.status != 200]
    assert len(taken) > 4
    assert {request.key for request in keyed.model.requests[:known]} == {OLD, NEW}
    assert {request.key for request in keyed.model.requests[known:]} == {NEW}
    assert keyed.turn()[1] == NEW


def test_a_key_that_the_provider_refuses_is_never_seen_by_openclaw(keyed: Keyed) -> None:
    told = keyed.assign(BAD)
    assert told["error"] == f"{fingerprint(BAD, SALT)}: 50-openclaw: fixed refuses this key (status 401)"
    assert told["fingerprint"] == fingerprint(NEW, SALT)
    turn, key = keyed.turn()
    assert (turn.status, key) == (200, NEW)
    assert keyed.model.tried.count(BAD) >= 1
    assert BAD not in {request.key for request in keyed.model.requests}


def test_a_key_that_openclaw_cannot_get_is_put_back_until_it_can(keyed: Keyed) -> None:
    keyed.model.keys = {OLD, NEW}
    good = keyed.secrets.read_bytes()
    keyed.secrets.write_text("#!/bin/sh\nexit 1\n")
    told = keyed.assign(OLD)
    assert "50-openclaw: OpenClaw keeps the old key for " in told["error"]
    turn, key = keyed.turn()
    assert (turn.status, key) == (200, NEW)
    keyed.secrets.write_bytes(good)
    found = once(keyed.told, lambda told: told.get("fingerprint") == fingerprint(OLD, SALT) and "error" not in told, WITHIN_S)
    assert found["fingerprint"] == fingerprint(OLD, SALT), (found, processes.log_end(keyed.agent.log))
    assert keyed.turn()[1] == OLD


def test_no_key_is_in_what_was_written(keyed: Keyed) -> None:
    files = [keyed.agent.log, keyed.gateway.log, keyed.gateway.config_path]
    assert all(key not in path.read_text(errors="replace") for path in files for key in (OLD, NEW, BAD))
    assert keyed.model.complaints == []
    assert keyed.gateway.log.read_text(errors="replace").count("[gateway] ready") <= 1, "it never had to start again"
