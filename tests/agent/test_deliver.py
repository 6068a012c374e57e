"""What becomes of a batch by the server's answer, and who gets to see the token."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.conftest import Agent, metric, wait_for
from tests.agent.server import TOKEN, Server


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_faults_of_the_server_are_tried_again_with_the_same_bytes(server: Server, new_agent: Callable[..., Agent], status: int) -> None:
    server.statuses = [status] * 3
    agent = new_agent(server.url, RETRY_SECONDS="0.3")
    agent.write(metric("work.done", 1))
    agent.run()
    server.wait(lambda: len(server.batches) > 3)
    first = [post for post in server.posts if post.key == server.posts[0].key]
    assert [post.status for post in first] == [status, 200]
    assert first[0].batch == first[1].batch
    assert server.values("work.done") == [1]
    assert not server.conflicts


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_wrong_token_or_address_is_told_once_and_the_data_kept(server: Server, new_agent: Callable[..., Agent], status: int) -> None:
    server.status = status
    agent = new_agent(server.url, RETRY_SECONDS="0.2")
    agent.write(metric("work.done", 1))
    agent.run()
    server.wait(lambda: len(server.posts) >= 4)
    server.status = 200
    server.wait(lambda: server.values("work.done") == [1])
    assert agent.logged.count("does not let this token write" if status in (401, 403) else "is not the API or a proxy is in between") == 1


def test_what_is_refused_for_good_is_dropped_and_counted(server: Server, new_agent: Callable[..., Agent]) -> None:
    server.statuses = [400]
    agent = new_agent(server.url)
    agent.write(metric("work.done", 1), metric("work.done", 2))
    agent.run()
    server.wait(lambda: bool(server.values("clawpulse.dropped")))
    (refused,) = [post for post in server.posts if post.status == 400]
    assert server.values("clawpulse.dropped") == [sum(len(row["times"]) for row in refused.batch["series"])]
    wait_for(lambda: not agent.spooled)
    assert "the server refused a batch (status 400: scripted 400)" in agent.logged


def test_retry_after_is_honoured(server: Server, new_agent: Callable[..., Agent]) -> None:
    server.status, server.headers = 429, {"retry-after": "2"}
    agent = new_agent(server.url, RETRY_SECONDS="0.05")
    agent.run()
    server.wait(lambda: len(server.posts) == 1)
    server.status = 200
    server.wait(lambda: len(server.posts) >= 2)
    assert server.posts[1].time - server.posts[0].time >= 1.9


def test_a_backlog_goes_through_few_connections(server: Server, new_agent: Callable[..., Agent]) -> None:
    server.status = 503
    agent = new_agent(server.url, HEARTBEAT_SECONDS="0.05", RETRY_SECONDS="0.05")
    agent.run()
    server.wait(lambda: len(server.posts) > 40)
    agent.kill()
    connections, server.status = server.connections, 200
    agent.configure(HEARTBEAT_SECONDS="20")
    agent.run()
    wait_for(lambda: not agent.spooled)
    assert len(server.batches) > 40
    assert server.connections - connections <= 6
    times = [post.batch["time"] for post in server.posts if post.status == 200]
    assert times[0] == max(times)
    assert times[1:] == sorted(times[1:])


def test_rejected_points_are_counted(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    agent.write(metric("work.done", 1, None, "tier=a|b"), metric("work.done", 2))
    agent.run()
    server.wait(lambda: server.values("clawpulse.rejected") == [1])
    assert "the server rejected a point: tag tier" in agent.logged


def test_points_of_yesterday_are_dropped_and_counted(server: Server, new_agent: Callable[..., Agent]) -> None:
    now = int(time.time() * 1000)
    agent = new_agent(server.url)
    agent.write(
        metric("work.done", 1, now - 25 * 3_600_000), metric("work.done", 2, now - 23 * 3_600_000), metric("work.done", 3, now + 10**9)
    )
    agent.run()
    server.wait(lambda: len(server.values("work.done")) == 2)
    assert server.values("clawpulse.dropped") == [1]
    assert not server.rejected
    assert max(ms for ms, _ in server.points("work.done")) < now + 60_000, "a clock that was ahead"


def test_no_process_and_no_file_but_its_owners_shows_the_token(server: Server, new_agent: Callable[..., Agent], tmp_path: Path) -> None:
    """Programs that note how they are called stand before the real ones on the PATH."""
    server.document = b"{}"
    agent, noted = new_agent(server.url), tmp_path / "noted"
    for name in ("curl", "awk", "gzip", "df", "mv", "sync", "rm", "env"):
        (tmp_path / name).write_text(f'#!/bin/sh\nPATH={agent.path}\n{{ echo {name} "$@"; /usr/bin/env; }} >>{noted}\nexec {name} "$@"\n')
        (tmp_path / name).chmod(0o755)
    agent.path = f"{tmp_path}:{agent.path}"
    hook = agent.config.parent / "hooks.d" / "10-any"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nenv\n")
    hook.chmod(0o755)
    agent.write(metric("work.done", 1))
    agent.run()
    server.wait(lambda: any(post.batch["info"]["config"].get("applied") for post in server.posts))
    agent.stop()
    called = noted.read_text(errors="replace")
    assert {"curl", "awk", "sync"} <= {line.split()[0] for line in called.splitlines() if line}
    assert "/v1/batches" not in called, "all of it comes from the file"
    assert TOKEN not in called + agent.logged
    for file in agent.home.rglob("*"):
        if file.is_file() and TOKEN in file.read_text(errors="replace"):
            assert file.parent.name == "run"
            assert file.stat().st_mode & 0o077 == 0


def test_a_name_that_is_not_known_is_no_answer(new_agent: Callable[..., Agent]) -> None:
    agent = new_agent("https://no-such-host.invalid/live")
    agent.write(metric("work.done", 1))
    agent.run()
    wait_for(lambda: "cannot deliver" in agent.logged)
    wait_for(lambda: len(agent.spooled) >= 1)
    assert agent.stop() == 0


def test_the_end_is_bounded_when_the_server_hangs(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, EXIT_SECONDS="0.3", TIMEOUT_SECONDS="1")
    agent.run()
    server.wait(lambda: bool(server.posts))
    with server.silent():
        agent.write(metric("work.done", 1))
        started = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - started < 10
    agent.run()
    server.wait(lambda: server.values("work.done") == [1])
