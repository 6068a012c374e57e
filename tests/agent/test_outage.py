"""Nothing is lost and nothing comes twice: kills at any moment, a server that is away, a spool that is full. Real processes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from tests.agent.conftest import Agent, metric, wait_for
from tests.agent.server import Server, running_server


def test_kills_at_any_moment_lose_and_double_nothing(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, HEARTBEAT_SECONDS="0.05", RETRY_SECONDS="0.2")
    source = random.Random(7)
    written = 0
    for _ in range(15):
        agent.run()
        until = time.monotonic() + source.uniform(0.05, 0.7)
        while time.monotonic() < until:
            agent.write(*(metric("work.done", written + i, None, "tier=fast", f"task_id=t{written + i}") for i in range(7)))
            written += 7
            time.sleep(0.02)
        agent.kill()
    agent.run()
    server.wait(lambda: len(server.values("work.done")) >= written)
    assert agent.stop() == 0
    assert server.values("work.done") == list(range(written))
    assert not server.conflicts
    assert not server.rejected
    assert server.values("clawpulse.dropped") == []


def test_an_outage_of_an_hour_with_kills_in_it(new_agent: Callable[..., Agent]) -> None:
    """An hour of heartbeats and pauses of a minute, each 300 times as fast as they are."""
    with running_server() as first:
        agent = new_agent(first.url, HEARTBEAT_SECONDS="0.05", RETRY_SECONDS="0.2")
        agent.run()
        agent.write(metric("work.done", 0))
        first.wait(lambda: first.values("work.done") == [0])
    port = first.port
    for number in range(1, 241):
        agent.write(metric("work.done", number, None, "tier=fast"))
        if number in (80, 160):
            agent.kill()
            agent.run()
        time.sleep(0.05)
    wait_for(lambda: len(agent.spooled) > 5)
    with running_server(port=port) as second:
        second.wait(lambda: len(second.values("work.done")) >= 240)
        assert agent.stop() == 0
        assert second.values("work.done") == list(range(1, 241))
        assert not second.rejected + second.conflicts
        assert second.values("clawpulse.dropped") == []
        assert max(post.batch["seq"] for post in second.posts[:1]) > 3, "the newest is not sent first"
    assert agent.logged.count("cannot deliver") == 3, "an outage is told once a process"
    assert "again" in agent.logged


def test_a_full_spool_drops_the_oldest_and_tells_how_many(new_agent: Callable[..., Agent]) -> None:
    with running_server(status=503) as server:
        agent = new_agent(server.url, HEARTBEAT_SECONDS="0.05", RETRY_SECONDS="0.05", SPOOL_BYTES=65536)
        agent.run()
        for number in range(60):
            agent.write(metric("work.done", number))
            posted = len(server.posts)
            server.wait(lambda posted=posted: len(server.posts) > posted)
        agent.kill()
        agent.run()
        server.wait(lambda: len(server.posts) > 70)
        server.status = 200
        server.wait(lambda: bool(server.values("clawpulse.dropped")) and 59 in server.values("work.done"))
        wait_for(lambda: not agent.spooled)
        assert agent.stop() == 0
        arrived = server.values("work.done")
        assert arrived == list(range(arrived[0], 60)), "others than the oldest were dropped"
        sent = {post.batch["epoch"] + str(post.batch["seq"]): post.batch for post in server.posts}.values()
        lost = [batch for batch in sent if (batch["agent"], batch["epoch"], batch["seq"]) not in server.batches]
        points = sum(
            len(series["times"]) for batch in lost for series in batch.get("series", ()) if not series["name"].startswith("clawpulse.")
        )
        assert len(lost) > 30
        assert sum(server.values("clawpulse.dropped")) == points


def test_many_writers_at_once(server: Server, new_agent: Callable[..., Agent]) -> None:
    """Bash functions, the command, and writers of our own, while the file is taken again and again."""
    agent = new_agent(server.url)
    agent.run()
    loop = 'for i in {1..400}; do cp_metric work.bash $i --tag "writer=$WRITER"; done'
    event = "for i in {1..40}; do cp_event work.event --tag task_id=$i --payload '{\"text\": \"'$TEXT'\"}'; done"
    threads = [threading.Thread(target=agent.script, args=(loop,), kwargs={"WRITER": f"w{n}"}) for n in range(4)]
    threads += [threading.Thread(target=agent.script, args=(event,), kwargs={"TEXT": "x" * 2500}) for _ in range(2)]
    threads += [
        threading.Thread(target=lambda n=n: agent.write(*(metric("work.raw", i + 1000 * n) for i in range(1000)))) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for value in ("1", "2"):
        assert agent.command("metric", "work.command", value).returncode == 0
    server.wait(lambda: len(server.values("work.command")) == 2 and len(server.values("work.raw")) == 4000)
    server.wait(lambda: len(server.values("work.bash")) == 1600 and len(server.points("work.event", "events")) == 80)
    assert agent.stop() == 0
    assert sorted(server.values("work.bash")) == sorted(list(range(1, 401)) * 4)
    assert sorted(server.values("work.raw")) == list(range(4000))
    assert {payload["text"] for _, payload in server.points("work.event", "events")} == {"x" * 2500}
    assert server.values("clawpulse.invalid") == []
    assert not server.rejected
    assert (agent.home / "intake" / "lines").stat().st_size < 200_000, "the file was never taken"
