"""API keys on an agent: fetched when another one is assigned, checked, taken by hooks, reported; the old one back when they refuse."""

from __future__ import annotations

import os
import random
import re
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.domain.key_fingerprint import fingerprint
from tests.agent.conftest import Agent, wait_for
from tests.agent.server import SALT, TOKEN, Server

OLD, NEW = "sk-ant-api03-0ldK3y_with-60m3+chars/==", "sk-ant-api03-n3wK3y_with-60m3+chars/=="
QUICK = {"KEYS": "anthropic", "HEARTBEAT_SECONDS": "0.1", "RETRY_SECONDS": "1"}


def prints(key: str) -> str:
    return fingerprint(key, SALT)


def report(server: Server, provider: str = "anthropic") -> dict[str, Any]:
    """What the newest batch says of a provider's key."""
    newest = max(server.batches.values(), key=lambda batch: (batch["time"], batch["seq"]))
    found: dict[str, Any] = newest["info"]["keys"][provider]
    return found


def hook(agent: Agent, name: str, body: str) -> None:
    """For `key` only; PROVIDER and FILE are set."""
    path = agent.config.parent / "hooks.d" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n[[ $1 == key ]] || exit 0\nPROVIDER=$2 FILE=$3\n{body}\n")
    path.chmod(0o755)


def place(agent: Agent, name: str = "anthropic") -> Path:
    return agent.home / "keys" / name


def put(agent: Agent, key: str, name: str = "anthropic") -> None:
    """As an operator does."""
    place(agent).parent.mkdir(parents=True, exist_ok=True)
    place(agent, name).write_text(f"{key}\n")
    place(agent, name).chmod(0o600)


def in_force(agent: Agent) -> str:
    return place(agent).read_text().strip()


def left_behind(agent: Agent, *keys: str) -> set[str]:
    """Files below the state, but for the keys' own, and the log, that hold one."""
    files = [path for path in agent.home.rglob("*") if path.is_file() and path != place(agent)]
    return {path.name for path in [*files, agent.home.parent / "log"] if any(key in path.read_text(errors="replace") for key in keys)}


def test_without_keys_nothing_is_asked_or_told(server: Server, new_agent: Callable[..., Agent]) -> None:
    new_agent(server.url).run()
    server.wait(lambda: len(server.batches) > 1)
    assert all("keys" not in batch["info"] for batch in server.batches.values())


def test_the_first_key_then_another_one(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK)
    note = agent.home.parent / "noted"
    hook(agent, "10-note", f'echo "$PROVIDER $FILE $(<"$FILE")" >>{note}; echo 1795694400000 >"$FILE.used"; env >{note}.env')
    agent.run()
    server.wait(lambda: bool(server.batches))
    assert report(server) == {}
    server.keys = {"anthropic": OLD, "other": "not for this agent"}
    server.wait(lambda: report(server) == {"fingerprint": prints(OLD), "used": 1795694400000})
    assert stat.S_IMODE(place(agent).stat().st_mode) == 0o600
    assert stat.S_IMODE(place(agent).parent.stat().st_mode) == 0o700
    server.keys = {"anthropic": NEW}
    server.wait(lambda: report(server).get("fingerprint") == prints(NEW))
    assert note.read_text().splitlines() == [f"anthropic {place(agent)}.new {key}" for key in (OLD, NEW)]
    assert in_force(agent) == NEW
    assert sorted(path.name for path in place(agent).parent.iterdir()) == [".salt", "anthropic", "anthropic.used"]
    assert NEW not in note.with_suffix(".env").read_text()
    assert server.keys_asked == ["anthropic"] * 2
    # What it shows is written after the beat that tells it.
    wait_for(lambda: f"key        anthropic {prints(NEW)}\n" in agent.command("status").stdout)
    agent.kill()
    agent.run()
    known = len(server.posts)
    server.wait(lambda: len(server.posts) > known + 2)
    assert all(post.batch["info"]["keys"]["anthropic"]["fingerprint"] == prints(NEW) for post in server.posts[known:])
    assert left_behind(agent, OLD, NEW) == set()


def test_a_key_that_an_operator_put_there_is_known_once_its_salt_is(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK)
    put(agent, OLD)
    server.keys = {"anthropic": OLD}
    agent.run()
    server.wait(lambda: bool(server.batches) and report(server) == {"fingerprint": prints(OLD)})
    assert server.keys_asked == []
    put(agent, NEW)
    agent.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    server.wait(lambda: report(server) == {"fingerprint": prints(OLD)} and server.keys_asked == ["anthropic"])
    assert in_force(agent) == OLD


def test_where_the_directory_gives_its_files_to_a_group_that_may_read_them(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK)
    place(agent).parent.mkdir(parents=True)
    place(agent).parent.chmod(0o2710)
    server.keys = {"anthropic": OLD}
    agent.run()
    server.wait(lambda: bool(server.batches) and bool(report(server)))
    assert stat.S_IMODE(place(agent).stat().st_mode) == 0o640
    assert stat.S_IMODE(place(agent).parent.stat().st_mode) == 0o2710


def test_what_a_hook_refuses_is_put_back_and_told_without_the_key(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK, LOGS="")
    note = agent.home.parent / "noted"
    hook(agent, "10-note", f'cat "$FILE" >>{note}; cat "$FILE"')
    hook(agent, "20-test", f'! grep -q {NEW} "$FILE" || {{ echo "401 for $(<"$FILE") here" >&2; exit 1; }}')
    put(agent, OLD)
    server.keys = {"anthropic": NEW}
    agent.run()
    server.wait(lambda: bool(server.batches) and "error" in report(server))
    assert report(server) == {"fingerprint": prints(OLD), "error": f"{prints(NEW)}: 20-test: 401 for [redacted] here"}
    assert note.read_text().split()[:2] == [NEW, OLD]
    assert in_force(agent) == OLD
    shown = f"key        anthropic {prints(OLD)}, desired {prints(NEW)}: {prints(NEW)}: 20-test: 401 for [redacted] here\n"
    wait_for(lambda: shown in agent.command("status").stdout)
    wait_for(lambda: len(note.read_text().split()) >= 4)
    assert note.read_text().split()[:4] == [NEW, OLD] * 2, "tried again after a while"
    server.keys = {"anthropic": OLD}
    server.wait(lambda: report(server) == {"fingerprint": prints(OLD)})
    assert left_behind(agent, OLD, NEW) == set()


def test_a_reload_and_another_key_are_tried_at_once(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK | {"RETRY_SECONDS": "60"})
    ready = agent.home.parent / "ready"
    hook(agent, "10-test", f"[[ -e {ready} ]] || exit 3")
    put(agent, OLD)
    server.keys = {"anthropic": NEW}
    agent.run()
    server.wait(lambda: bool(server.batches) and "error" in report(server))
    assert report(server)["error"] == f"{prints(NEW)}: 10-test: exit code 3; and going back: 10-test: exit code 3"
    asked = len(server.keys_asked)
    agent.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr]
    server.wait(lambda: len(server.keys_asked) > asked)
    ready.touch()
    server.keys = {"anthropic": "sk-another"}
    server.wait(lambda: report(server) == {"fingerprint": prints("sk-another")})


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, b'{"detail": "the token lacks the scope keys"}', "needs the scope keys (status 403: the token lacks the scope keys)"),
        (400, b"{}", "does not give it (status 400)"),
    ],
)
def test_an_api_that_does_not_give_the_key_is_told_at_once(
    server: Server, new_agent: Callable[..., Agent], status: int, body: bytes, reason: str
) -> None:
    server.keys_served = lambda _: (status, body)
    agent = new_agent(server.url, **QUICK | {"RETRY_SECONDS": "60"})
    put(agent, OLD)
    server.keys = {"anthropic": NEW}
    agent.run()
    server.wait(lambda: bool(server.batches) and "error" in report(server))
    assert reason in report(server)["error"]
    assert not report(server)["error"].endswith(" s)"), "which would say that it may yet come by itself"
    assert report(server)["fingerprint"] == prints(OLD)


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        ((503, b"{}"), "does not give it now (status 503)"),
        ((200, b"sk-a-key-that-nobody-assigned"), "what came is not the key that was named"),
        ((200, b""), "what came is not the key that was named"),
    ],
)
def test_what_may_pass_is_told_when_it_lasts(
    server: Server, new_agent: Callable[..., Agent], served: tuple[int, bytes], reason: str
) -> None:
    server.keys_served = lambda _: served
    agent = new_agent(server.url, **QUICK | {"RETRY_SECONDS": "0.3"})
    put(agent, OLD)
    server.keys = {"anthropic": NEW}
    agent.run()
    server.wait(lambda: bool(server.batches) and "error" in report(server))
    assert re.fullmatch(re.escape(f"{prints(NEW)}: ") + ".*" + re.escape(reason) + r" \(tried again in [0-9]+ s\)", report(server)["error"])
    assert in_force(agent) == OLD
    server.keys_served = None
    server.wait(lambda: report(server) == {"fingerprint": prints(NEW)})
    assert b"nobody" not in served[1] or "nobody-assigned" not in agent.logged


def test_hooks_of_a_configuration_and_of_a_key_do_not_run_at_once(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK)
    note = agent.home.parent / "noted"
    body = f'[[ $1 == key || $1 == config ]] || exit 0\necho "begin" >>{note}\nsleep 0.4\necho "end" >>{note}\n'
    path = agent.config.parent / "hooks.d" / "10-slow"
    path.parent.mkdir()
    path.write_text(f"#!/usr/bin/env bash\n{body}")
    path.chmod(0o755)
    server.document, server.keys = b"{}", {"anthropic": NEW}
    agent.run()
    server.wait(lambda: bool(server.batches) and bool(report(server)))
    server.wait(lambda: server.posts[-1].batch["info"]["config"].get("applied") == server.desired)
    assert note.read_text().split() == ["begin", "end"] * 2


def commands() -> list[str]:
    """Command lines and environments of all processes."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found.append(
                (entry / "cmdline").read_bytes().decode(errors="replace") + (entry / "environ").read_bytes().decode(errors="replace")
            )
        except OSError:
            continue
    return found


def test_no_key_is_on_a_command_line_or_in_an_environment(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK | {"TOKEN": ""})
    taken = ("KEY", "BODY", "REPLY", "VAULT_TOKEN", "key", "text", "lines", "rest")
    agent.variables = {"CLAWPULSE_TOKEN": TOKEN, **dict.fromkeys(taken, "somebody else's")}
    begun = agent.home.parent / "begun"
    hook(agent, "10-slow", f"touch {begun}; sleep 0.5")
    served = []

    def serve(_: str) -> tuple[int, bytes]:
        served.append("".join(commands()))
        return 200, NEW.encode()

    server.keys_served = serve
    put(agent, OLD)
    server.keys = {"anthropic": NEW}
    agent.run()
    wait_for(begun.exists)
    while in_force(agent) != NEW:
        served.append("".join(commands()))
        time.sleep(0.02)
    assert len(served) > 3
    assert any("10-slow" in seen for seen in served)
    ours = [seen for seen in served if str(agent.home) in seen]
    assert ours
    assert all(key not in seen for seen in served for key in (OLD, NEW))


KILLS = 8


def test_kills_at_any_moment_leave_a_whole_key_in_force_and_the_hooks_with_it(server: Server, new_agent: Callable[..., Agent]) -> None:
    """The hook is a service that holds what it was given last. In the end it holds what is in force, which is what is desired."""
    agent = new_agent(server.url, **QUICK)
    service = agent.home.parent / "service"
    hook(agent, "10-service", f'sleep 0.0$((RANDOM % 9)); cp "$FILE" {service}.new && mv {service}.new {service}; sleep 0.0$((RANDOM % 9))')
    put(agent, OLD)
    service.write_text(f"{OLD}\n")
    chance = random.Random(7)
    for turn in range(KILLS):
        server.keys = {"anthropic": NEW if turn % 2 == 0 else OLD}
        process = agent.run()
        deadline = time.monotonic() + chance.uniform(0.3, 1.1)
        while time.monotonic() < deadline:
            assert in_force(agent) in (OLD, NEW)
            time.sleep(0.005)
        if turn % 3 == 0:
            for child in _children(process.pid):
                os.kill(child, signal.SIGKILL)
        agent.kill()
        assert in_force(agent) in (OLD, NEW)
    for key in (NEW, OLD):
        server.keys = {"anthropic": key}
        if key == NEW:
            agent.run()
        server.wait(lambda key=key: report(server).get("fingerprint") == prints(key))  # type: ignore[misc]
        assert in_force(agent) == service.read_text().strip() == key
    assert not server.rejected


def _children(pid: int) -> list[int]:
    """Processes that a process has started, as far as they are still its own."""
    try:
        return [int(word) for word in (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text().split()]
    except OSError:
        return []


def test_going_back_after_a_kill_is_told_when_the_hooks_have_gone_back(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK)
    service, gate = agent.home.parent / "service", agent.home.parent / "gate"
    hook(agent, "10-service", f'cp "$FILE" {service}; until [[ -e {gate} ]]; do sleep 0.05; done')
    put(agent, OLD)
    server.keys = {"anthropic": NEW}
    agent.run()
    wait_for(lambda: service.exists() and NEW in service.read_text())
    attempt = int((agent.home / "run" / "key.lock").read_text().split()[0])
    os.kill(attempt, signal.SIGKILL)
    agent.kill()
    server.keys = {"anthropic": OLD}
    killed = {post.batch["epoch"] for post in server.posts}
    agent.run()
    server.wait(lambda: OLD in service.read_text())
    # What the killed one had cut already may still come.
    told = [post.batch["info"]["keys"]["anthropic"] for post in server.posts if post.batch["epoch"] not in killed]
    assert all("fingerprint" not in one for one in told)
    gate.touch()
    server.wait(lambda: report(server) == {"fingerprint": prints(OLD)})


def test_a_try_outlives_its_agent_and_is_taken_over(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK)
    note, gate = agent.home.parent / "noted", agent.home.parent / "gate"
    hook(agent, "10-slow", f"echo x >>{note}; until [[ -e {gate} ]]; do sleep 0.05; done")
    server.keys = {"anthropic": NEW}
    agent.run()
    wait_for(note.exists)
    agent.kill()
    known = len(server.posts)
    agent.run()
    server.wait(lambda: len(server.posts) > known + 4)
    gate.touch()
    server.wait(lambda: report(server) == {"fingerprint": prints(NEW)})
    assert note.read_text() == "x\n"


def test_hooks_can_be_run_by_hand(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, **QUICK)
    hook(agent, "10-note", f'cat "$FILE"; echo "$FILE" >{agent.home.parent}/noted')
    missing = agent.command("hooks", "key", "anthropic")
    assert (missing.returncode, f"there is no key of 'anthropic' in {place(agent).parent}" in missing.stderr) == (1, True)
    put(agent, OLD)
    done = agent.command("hooks", "key", "anthropic")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (agent.home.parent / "noted").read_text() == f"{place(agent)}\n"


def test_check_asks_the_source_and_looks_at_rights(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, KEYS="anthropic")
    put(agent, OLD)
    good = agent.command("check")
    assert (good.returncode, "ok    key of anthropic: api answers\n" in good.stdout) == (0, True)
    place(agent).chmod(0o644)
    server.keys_served = lambda _: (403, b"{}")
    bad = agent.command("check")
    assert bad.returncode == 1
    assert f"FAIL  key of anthropic: {server.url} does not give it to this token, which needs the scope keys (status 403)" in bad.stdout
    assert f"FAIL  {place(agent)} has mode 644" in bad.stdout
