from __future__ import annotations

import time

from demo.fleet import Fleet
from demo.profiles import Member, Role, Tier
from tests.demo.fakes import FakeClient

QUICK = Tier(
    name="fast",
    model="m",
    share=1,
    tasks_per_minute=6_000,
    median_s=0.002,
    sigma=0.1,
    limit_s=0.01,
    tokens_in=9,
    tokens_out=9,
    usd_in=1,
    usd_out=1,
)


def make(role: Role, clients: dict[str, FakeClient]) -> Fleet:
    def client(member: Member) -> FakeClient:
        return clients.setdefault(member.id, FakeClient())

    return Fleet([Member(id="a", tier=QUICK, shard="acme", role=role)], client, seed="s")


def wait_for(condition, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_agents_work_then_finish_and_close_with_the_ledger_equal_to_what_was_sent() -> None:
    clients: dict[str, FakeClient] = {}
    fleet = make(Role.STEADY, clients)
    fleet.start()
    assert wait_for(lambda: fleet.ledger.totals().tasks >= 5)
    assert fleet.finish_tasks(5) == []
    points = fleet.ledger.points()
    started = sum(point.name == "task.started" for point in points)
    assert started == fleet.ledger.totals().tasks
    assert [(point.name, point.value) for point in points] == clients["a"].sent
    assert fleet.flush(1) == []
    fleet.stop(1)
    assert clients["a"].closed


def test_the_zombie_stops_finishing_and_still_ends_at_once_when_stopped() -> None:
    clients: dict[str, FakeClient] = {}
    fleet = make(Role.ZOMBIE, clients)
    fleet.start()
    assert wait_for(lambda: sum(point.name == "task.started" for point in fleet.ledger.points()) == 2)
    time.sleep(0.1)
    assert fleet.ledger.totals().tasks == 1
    assert fleet.finish_tasks(0.1) == []
    before = time.monotonic()
    fleet.stop(5)
    assert time.monotonic() - before < 2
    assert not fleet.agents[0]._thread.is_alive()


def test_an_agent_whose_reports_cannot_be_delivered_is_named() -> None:
    fleet = make(Role.STEADY, {"a": FakeClient(delivers=False)})
    assert fleet.flush(0.1) == ["a"]
