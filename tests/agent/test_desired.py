"""The desired configuration: fetched, checked, written, applied by hooks, put back when a hook refuses it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise

from tests.agent.conftest import Agent, wait_for
from tests.agent.server import TOKEN, Server


def _hook(agent: Agent, name: str, body: str) -> None:
    hook = agent.config.parent / "hooks.d" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/usr/bin/env bash\n{body}\n")
    hook.chmod(0o755)


def _told(server: Server) -> dict[str, str]:
    """What the newest batch says of the configuration."""
    return max(server.batches.values(), key=lambda batch: batch["time"])["info"]["config"]


def _beats(server: Server) -> None:
    """Until some batches more have come."""
    known = len(server.posts)
    server.wait(lambda: len(server.posts) > known + 2)


def _hash(document: bytes) -> str:
    return sha256(document).hexdigest()[:32]


def test_without_hooks_it_is_written_and_no_more(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    agent.run()
    server.wait(lambda: bool(server.batches))
    assert _told(server) == {}
    server.document = b'{"model":"small"}'
    server.wait(lambda: _told(server) == {"written": server.desired})
    assert (agent.home / "config" / "desired.json").read_bytes() == server.document
    agent.kill()
    agent.run()
    known = len(server.posts)
    server.wait(lambda: len(server.posts) > known + 1)
    assert _told(server) == {"written": server.desired}


def test_hooks_apply_it_in_order_without_the_token(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    note = agent.home.parent / "noted"
    _hook(agent, "20-second", f'echo "second $1 $(cat "$2")" >>{note}')
    _hook(agent, "10-first", f"echo first $1 >>{note}; env >>{note}.env")
    (agent.config.parent / "hooks.d" / "30-no-program").write_text("exit 1")
    server.document = b'{"model":"small"}'
    agent.run()
    server.wait(lambda: bool(server.batches) and _told(server) == {"written": server.desired, "applied": server.desired})
    lines = [line for line in note.read_text().splitlines() if "config" in line]
    assert lines == ["first config", 'second config {"model":"small"}']
    assert TOKEN not in note.with_suffix(".env").read_text()
    assert f"CLAWPULSE_HOME={agent.home}" in note.with_suffix(".env").read_text()
    agent.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    wait_for(lambda: "first reload" in note.read_text())
    agent.stop()
    words = [line.split()[1] for line in note.read_text().splitlines() if line.startswith("first")]
    assert words[0] == "start" or words[:2] == ["config", "start"]
    assert words[-2:] == ["reload", "stop"]


def test_what_a_hook_refuses_is_put_back(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    note = agent.home.parent / "noted"
    _hook(agent, "10-note", f'[[ $1 != config ]] || cat "$2" >>{note}')
    _hook(agent, "20-check", '! grep -q bad "$2" || { echo "no model apiKey=abcdef123456" >&2; echo more >&2; exit 3; }')
    good, bad = b'{"model":"good"}', b'{"model":"bad"}'
    server.document = good
    agent.run()
    server.wait(lambda: bool(server.batches) and _told(server).get("applied") == _hash(good))
    server.document = bad
    server.wait(lambda: "error" in _told(server))
    assert _told(server) == {"written": _hash(bad), "applied": _hash(good), "error": "20-check: no model apiKey=[redacted]"}
    assert (agent.home / "config" / "desired.json").read_bytes() == good
    assert (agent.home / "config" / "failed.json").read_bytes() == bad
    assert note.read_bytes() == good + bad + good
    agent.kill()
    agent.run()
    known = len(server.posts)
    server.wait(lambda: len(server.posts) > known + 3)
    assert _told(server)["error"].startswith("20-check"), "a restart remembers, and does not try again for ever"
    assert note.read_bytes() == good + bad + good
    server.document = b'{"model":"better"}'
    server.wait(lambda: _told(server) == {"written": server.desired, "applied": server.desired})


def test_a_hook_has_its_time(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, HOOK_SECONDS="1")
    _hook(agent, "10-slow", "[[ $1 != config ]] || sleep 30")
    server.document = b"{}"
    agent.run()
    server.wait(lambda: bool(server.batches) and "error" in _told(server))
    assert _told(server)["error"] == "10-slow: no end after 1 s"
    times = sorted(batch["time"] for batch in server.batches.values())
    assert max(b - a for a, b in pairwise(times)) < 900, "heartbeats wait for no hook"
    assert not (agent.home / "config" / "desired.json").exists(), "there was none before"


def test_a_kill_while_hooks_run_has_them_run_again(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    note = agent.home.parent / "noted"
    _hook(agent, "10-slow", f"[[ $1 != config ]] || {{ echo x >>{note}; sleep 0.5; }}")
    server.document = b"{}"
    agent.run()
    wait_for(note.exists)
    agent.kill()
    agent.run()
    server.wait(lambda: bool(server.batches) and _told(server).get("applied") == server.desired)
    assert note.read_text() == "x\nx\n"


def test_a_damaged_document_is_not_written(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    server.document = b'{"a":1}'
    server.served = b'{"a":2}'
    agent.run()
    wait_for(lambda: "not the one that was named" in agent.logged)
    assert _told(server) == {}
    assert not (agent.home / "config" / "desired.json").exists()


def test_of_a_first_document_nothing_is_told_while_hooks_are_at_it(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    begun, go_on = agent.home.parent / "begun", agent.home.parent / "go-on"
    wait = f"[[ $1 != config ]] || {{ touch {begun}; until [[ -e {go_on} ]]; do sleep 0.1; done; rm {go_on} {begun}; }}"
    _hook(agent, "10-slow", wait)
    server.document = first = b'{"model":"small"}'
    agent.run()
    wait_for(begun.exists)
    _beats(server)
    assert _told(server) == {}
    go_on.touch()
    server.wait(lambda: _told(server) == {"written": _hash(first), "applied": _hash(first)})
    server.document = second = b'{"model":"large"}'
    wait_for(begun.exists)
    _beats(server)
    assert _told(server) == {"written": _hash(second), "applied": _hash(first)}
    go_on.touch()
    server.wait(lambda: _told(server) == {"written": _hash(second), "applied": _hash(second)})


AWAY = 75


def test_a_hook_that_cannot_try_is_called_again_until_it_can(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, RETRY_SECONDS="0.4")
    there = agent.home.parent / "there"
    _hook(agent, "10-gateway", f'[[ $1 != config || -e {there} ]] || {{ echo "no gateway" >&2; exit {AWAY}; }}')
    server.document = b'{"model":"small"}'
    agent.run()
    server.wait(lambda: bool(server.batches) and "error" in _told(server))
    assert _told(server) == {"written": server.desired, "error": "10-gateway: no gateway (tried again in 0 s)"}
    wait_for(lambda: agent.logged.count("not applied") >= 3)
    agent.kill()
    there.touch()
    agent.run()
    server.wait(lambda: _told(server) == {"written": server.desired, "applied": server.desired})
    assert (agent.home / "config" / "desired.json").read_bytes() == server.document


def test_another_document_takes_the_place_of_one_that_waits_for_its_next_try(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, RETRY_SECONDS="60")
    _hook(agent, "10-gateway", f'! grep -q away "$2" || exit {AWAY}')
    server.document = b'{"model":"away"}'
    agent.run()
    server.wait(lambda: bool(server.batches) and "error" in _told(server))
    assert _told(server)["error"] == "10-gateway: exit code 75 (tried again in 30 s)"
    server.document = b'{"model":"here"}'
    server.wait(lambda: _told(server) == {"written": server.desired, "applied": server.desired})


def test_a_hook_that_asks_for_it_is_called_again_and_again(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    note = agent.home.parent / "noted"
    _hook(agent, "10-note", f'echo "$1" >>{note}; [[ $1 != config ]] || echo 1 >"$CLAWPULSE_HOME/config/again"')
    server.document = b"{}"
    agent.run()
    wait_for(lambda: note.exists() and note.read_text().count("again") >= 2)
    (agent.home / "config" / "again").write_text("rubbish; id\n")
    server.document = b'{"model":"small"}'
    server.wait(lambda: _told(server).get("applied") == server.desired)
