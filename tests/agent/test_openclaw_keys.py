"""Keys of OpenClaw: the program that it asks for them, and the hook that tries one before OpenClaw gets it and sees that it took it."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cdk.node import ensure_node
from tests.agent import openclaw_standin
from tests.agent.conftest import AGENT, Agent, wait_for
from tests.agent.openclaw_standin import TOKEN, StandIn
from tests.agent.server import Server
from tests.agent.test_keys import NEW, OLD, place, prints, put, report

LATER = 75
SECRETS = AGENT / "openclaw-hook" / "secrets"


def ask(keys: Path, *ids: str, request: str | None = None) -> tuple[int, Any]:
    """As OpenClaw asks: no environment, a request on stdin; exit code, and answer."""
    text = request or json.dumps({"protocolVersion": 1, "provider": "fleet", "ids": ids})
    done = subprocess.run([SECRETS, keys], input=text, capture_output=True, text=True, env={}, timeout=10, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_openclaw_gets_keys_by_their_ids(tmp_path: Path) -> None:
    (tmp_path / "anthropic").write_text(f"{OLD}\n")
    (tmp_path / "my-llm").write_text('a"quote\\')
    assert ask(tmp_path, "llm/anthropic", "llm/my-llm") == (
        0,
        {"protocolVersion": 1, "values": {"llm/anthropic": OLD, "llm/my-llm": 'a"quote\\'}},
    )
    (tmp_path / "anthropic.trial").write_text(f"{NEW}\n")
    assert ask(tmp_path, "llm/anthropic") == (0, {"protocolVersion": 1, "values": {"llm/anthropic": NEW}})
    assert ask(tmp_path, request='{ "ids" : [ "llm/my-llm" ], "provider" : "x", "protocolVersion" : 1 }')[1]["values"] == {
        "llm/my-llm": 'a"quote\\'
    }


def test_ids_that_are_none_of_ours_are_errors_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "anthropic").write_text(f"{OLD}\n")
    (tmp_path / "empty").write_text("\n")
    wrong = ("slack/bot", "llm/../anthropic", "llm/", "llm/anthropic.trial", "anthropic", "llm/openai", "llm/empty")
    code, answer = ask(tmp_path, "llm/anthropic", *wrong)
    assert code == 0
    assert answer["values"] == {"llm/anthropic": OLD}
    assert {id: error["code"] for id, error in answer["errors"].items()} == dict.fromkeys(wrong, "NOT_FOUND")
    assert answer["errors"]["slack/bot"]["message"] == "only llm/PROVIDER is known, like llm/anthropic"


@pytest.mark.parametrize(
    "request_text", ['{"protocolVersion":2,"ids":["llm/a"]}', '{"protocolVersion":10,"ids":[]}', "rubbish", '{"ids":[]}']
)
def test_what_is_no_request_is_refused(tmp_path: Path, request_text: str) -> None:
    assert ask(tmp_path, request=request_text) == (2, "secrets: this is no request of protocol version 1\n")


class Provider:
    """A provider of models that takes some keys."""

    def __init__(self) -> None:
        self.keys = {OLD, NEW}
        self.statuses: list[int] = []
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[None]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                key = self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")
                version = self.headers.get("anthropic-version", "")
                provider.asked.append((key, version))
                good = key in provider.keys and self.path == "/v1/models"
                status = provider.statuses.pop(0) if provider.statuses else 200 if good else 401
                body = json.dumps({"data": []} if status == 200 else {"error": f"no such key: {key}"}).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/v1/models")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{http.server_port}/v1/models"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            http.shutdown()
            http.server_close()
            thread.join()


class World:
    """An agent, its OpenClaw, and the provider of both."""

    def __init__(self, agent: Agent, openclaw: StandIn, provider: Provider) -> None:
        self.agent, self.openclaw, self.provider = agent, openclaw, provider

    def offer(self, key: str = NEW) -> tuple[int, str]:
        """Exit code and reason of the hook with a key that the agent tries."""
        put(self.agent, key, "anthropic.new")
        return self.key(place(self.agent, "anthropic.new"))

    def key(self, file: Path, provider: str = "anthropic") -> tuple[int, str]:
        done = self.agent.command("openclaw", "key", provider, str(file))
        return done.returncode, done.stderr.splitlines()[0] if done.stderr else ""

    @property
    def uses(self) -> str | None:
        """The key that OpenClaw would send."""
        return (self.openclaw["resolved"] or {}).get("anthropic")

    @property
    def trial(self) -> Path:
        return place(self.agent, "anthropic.trial")


@pytest.fixture
def world(new_agent: Callable[..., Agent], server: Server, tmp_path: Path) -> Iterator[World]:
    provider = Provider()
    with provider.serving():
        command = f"{sys.executable} {openclaw_standin.__file__}"
        agent = new_agent(
            server.url,
            KEYS="anthropic",
            KEY_TESTS=f"anthropic={provider.url}",
            OPENCLAW_COMMAND=command,
            HOOK_SECONDS="30",
            RETRY_SECONDS="2",
        )
        agent.path = f"{ensure_node().parent}:{agent.path}"
        put(agent, OLD)
        secrets = shutil.copy(SECRETS, tmp_path / "secrets")
        fleet = {"source": "exec", "command": str(secrets), "args": [str(place(agent).parent)], "jsonOnly": True}
        reference = {"source": "exec", "provider": "fleet", "id": "llm/anthropic"}
        config = {"secrets": {"providers": {"fleet": fleet}}, "models": {"providers": {"anthropic": {"apiKey": reference}}}}
        openclaw = StandIn(tmp_path / "openclaw", config)
        env = agent.config.parent / "openclaw.env"
        env.write_text(f'OPENCLAW_STATE_DIR={openclaw.folder}\nOPENCLAW_GATEWAY_TOKEN="{TOKEN}"\n')
        env.chmod(0o600)
        openclaw.set(resolved={"anthropic": OLD})
        yield World(agent, openclaw, provider)


def test_a_good_key_is_tried_then_used(world: World) -> None:
    before = int(time.time() * 1000)
    assert world.offer() == (0, "")
    assert world.provider.asked == [(NEW, "2023-06-01")]
    assert world.openclaw.calls() == ["config.get", "secrets.reload", "status"]
    assert world.uses == NEW
    used = place(world.agent, "anthropic.new.used")
    assert before <= int(used.read_text()) <= int(time.time() * 1000)
    assert stat.S_IMODE(world.trial.stat().st_mode) == stat.S_IMODE(used.stat().st_mode) == 0o600
    assert NEW not in str(world.openclaw["arguments"])
    assert world.key(place(world.agent)) == (0, "")
    assert (world.uses, world.trial.exists()) == (OLD, False), "going back"
    assert len(world.provider.asked) == 1


def test_a_key_that_the_provider_refuses_never_gets_to_openclaw(world: World) -> None:
    world.provider.keys = {OLD}
    assert world.offer() == (1, "anthropic refuses this key (status 401)")
    assert (world.openclaw.calls(), world.uses, world.trial.exists()) == ([], OLD, False)
    assert not place(world.agent, "anthropic.new.used").exists()


def test_a_provider_that_stumbles_is_asked_again(world: World) -> None:
    world.provider.statuses = [429]
    assert world.offer() == (0, "")
    assert len(world.provider.asked) == 2
    assert world.uses == NEW


@pytest.mark.parametrize(
    ("statuses", "code", "reason"),
    [
        ([503] * 3, LATER, "anthropic cannot be asked whether it takes this key (status 503)"),
        ([302], 1, "anthropic cannot try keys at "),
    ],
)
def test_a_provider_that_does_not_say_is_no_approval(world: World, statuses: list[int], code: int, reason: str) -> None:
    world.provider.statuses = list(statuses)
    found, why = world.offer()
    assert (found, why[: len(reason)]) == (code, reason)
    assert len(world.provider.asked) == len(statuses)
    assert (world.openclaw.calls(), world.uses) == ([], OLD)


def test_other_providers_get_the_key_as_a_bearer_and_one_without_a_test_gets_none(world: World) -> None:
    put(world.agent, NEW, "my-llm.new")
    world.agent.configure(KEY_TESTS=f"my-llm={world.provider.url},anthropic=")
    code, why = world.key(place(world.agent, "my-llm.new"), "my-llm")
    assert (code, why[:54]) == (1, "OpenClaw's configuration has no reference to llm/my-ll")
    assert world.provider.asked == [(NEW, "")]
    assert world.offer() == (0, "")
    assert len(world.provider.asked) == 1


def test_a_key_that_openclaw_does_not_use_is_not_its_business(world: World) -> None:
    world.agent.configure(OPENCLAW_KEYS="openai")
    assert world.offer() == (0, "")
    assert (world.provider.asked, world.openclaw.calls()) == ([], [])


def test_a_configuration_with_a_key_of_its_own_would_go_on_with_it(world: World) -> None:
    config = {**world.openclaw["config"], "models": {"providers": {"anthropic": {"apiKey": OLD}}}}
    world.openclaw.set(config=config, applied=config)
    Path(world.openclaw["path"]).write_text(json.dumps(config))
    code, why = world.offer()
    assert (code, why[:60]) == (1, "OpenClaw's configuration has no reference to llm/anthropic: i"[:60])
    assert "secrets.reload" not in world.openclaw.calls()


def test_what_openclaw_does_not_take_is_put_back(world: World) -> None:
    world.openclaw.set(will_not_take=NEW)
    assert world.offer() == (1, "OpenClaw keeps the old key for provider anthropic: secret reference was not found")
    assert (world.uses, world.trial.exists(), world.openclaw["degraded"]) == (OLD, False, [])
    assert world.openclaw.calls() == ["config.get", *["secrets.reload", "status"] * 2]


def test_somebody_elses_trouble_is_not_ours(world: World) -> None:
    config = world.openclaw["config"]
    other = {"apiKey": {"source": "exec", "provider": "fleet", "id": "llm/openai"}}
    config["models"]["providers"]["openai"] = other
    world.openclaw.set(config=config, applied=config)
    Path(world.openclaw["path"]).write_text(json.dumps(config))
    assert world.offer() == (0, "")
    assert [owner["ownerId"] for owner in world.openclaw["degraded"]] == ["openai"]
    assert world.uses == NEW


def test_a_gateway_that_is_away_is_for_later(world: World) -> None:
    world.openclaw.set(unreachable=1_000)
    code, why = world.offer()
    assert (code, why[:21]) == (LATER, "Gateway not reachable")
    assert not world.trial.exists()


@pytest.mark.parametrize("fault", ["unreachable", "secrets.reload failed"])
def test_a_reload_that_fails_is_no_rotation(world: World, fault: str) -> None:
    world.openclaw.set(faults=[["secrets.reload", fault]])
    code, why = world.offer()
    assert (code, why[:38]) == (1, "OpenClaw did not read its secrets agai")
    assert (world.uses, world.trial.exists()) == (OLD, False)


def _hook(agent: Agent) -> None:
    hook = agent.config.parent / "hooks.d" / "50-openclaw"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\nexec {agent.bundle}/clawpulse-agent openclaw "$@"\n')
    hook.chmod(0o755)


def test_from_the_api_to_openclaw_and_a_bad_key_not(world: World, server: Server) -> None:
    _hook(world.agent)
    server.keys = {"anthropic": NEW}
    world.agent.run()
    server.wait(lambda: bool(server.batches) and report(server).get("fingerprint") == prints(NEW), 60)
    assert world.uses == NEW
    assert report(server)["used"] > time.time() * 1000 - 60_000
    wait_for(lambda: not world.trial.exists())
    bad = "sk-ant-that-nobody-made"
    server.keys = {"anthropic": bad}
    server.wait(lambda: "error" in report(server), 60)
    told = f"{prints(bad)}: 50-openclaw: anthropic refuses this key (status 401)"
    assert report(server)["error"] == told
    assert report(server)["fingerprint"] == prints(NEW)
    assert world.uses == NEW
    assert bad not in str(world.openclaw["held"])
    assert all(key not in world.agent.logged for key in (OLD, NEW, bad))
