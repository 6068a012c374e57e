"""The task tracker over HTTP: what tasks did, as plain arithmetic on the same tasks tells it."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from functions.domain.times import HOUR_MS
from tests.api.load import DAY, Task, sealed, store
from tests.api.world import World

AGENTS = {"a1": "tier=fast,host=h1,shard=acme", "a2": "tier=fast,host=h2", "b1": "tier=smart,host=h1"}


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    dice = random.Random(3)
    found = []
    for hour in DAY:
        for number in range(60):
            for who, tier, seconds in (("a1", "fast", 1.0), ("a2", "fast", 1.0), ("b1", "smart", 9.0)):
                at = hour * HOUR_MS + number * 60_000 + dice.randrange(60_000)
                slow = 8 if who == "a2" and dice.random() < 0.3 else 1
                tags = {"tier": tier, "model": "m-large" if tier == "smart" else "m-small"}
                found.append(Task(who, at, dice.expovariate(1 / seconds) * slow, tags, failed=number == 0))
    return found


@pytest.fixture
def busy(world: World, tasks: list[Task]) -> World:
    sealed(world, AGENTS)
    gauges = [("b1", hour, "fleet.max_workers", 4.0) for hour in DAY] + [("b1", hour, "fleet.active_workers", 3.0) for hour in DAY]
    gauges += [("a1", hour, "queue.depth", 2.0) for hour in DAY] + [("a2", hour, "queue.depth", 4.0) for hour in DAY]
    store(world, tasks, gauges)
    return world


def test_tiers_as_plain_arithmetic_tells_them(busy: World, tasks: list[Task]) -> None:
    answer = busy.client("read").get("/api/tracker")
    assert (answer["start"], answer["end"], answer["notes"]) == ("2026-11-22T20:00:00.000Z", "2026-11-23T20:00:00.000Z", [])
    found = {group["tags"]["tier"]: group for group in answer["groups"]}
    for tier, agents in (("fast", 2), ("smart", 1)):
        times = sorted(task.seconds for task in tasks if task.tags["tier"] == tier)
        group = found[tier]
        assert (group["agents"], group["tasks"], group["arrivals"], group["errors"]) == (agents, len(times), len(times), len(times) // 60)
        assert group["arrivalRate"] == pytest.approx(len(times) / 86_400)
        assert group["service"]["mean"] == pytest.approx(fmean(times))
        for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            assert group["service"][name] == pytest.approx(times[int(q * (len(times) - 1))], rel=0.011)
        assert group["concurrency"] == pytest.approx(sum(times) / 86_400)
    fast, smart = found["fast"], found["smart"]
    assert (fast["utilizationSource"], smart["utilizationSource"]) == ("tasks", "workers")
    assert fast["utilization"] == pytest.approx(fast["concurrency"] / 2)
    assert (smart["utilization"], smart["workers"]) == (0.75, 4.0)
    assert fast["queueDepth"] == 6.0
    assert fast["wait"] == {"mean": pytest.approx(6.0 / fast["arrivalRate"]), "p95": None, "source": "queue depth"}
    assert (smart["queueDepth"], smart["wait"]) == (None, None)
    assert smart["service"]["tail"]["heavy"] is False


def test_what_slow_tasks_have_in_common_is_named(busy: World) -> None:
    (tie, *_) = busy.client("read").get("/api/tracker")["slow"]
    assert (tie["tier"], tie["factor"], tie["value"]) == ("fast", "host", "h2")
    assert tie["times"] > 5
    assert tie["text"].startswith("tier fast: 1")
    assert "of the tasks of host h2 took longer than" in tie["text"]


def test_by_agent_by_host_and_as_one(busy: World) -> None:
    client = busy.client("read")
    assert {group["tags"]["agent"] for group in client.get("/api/tracker", by="agent")["groups"]} == {"a1", "a2", "b1"}
    hosts = {group["tags"]["host"]: group["tasks"] for group in client.get("/api/tracker", by="host")["groups"]}
    assert hosts == {"h1": 2880, "h2": 1440}
    (one,) = client.get("/api/tracker", by="")["groups"]
    assert (one["tags"], one["tasks"]) == ({}, 4320)
    answer = client.get("/api/tracker", by="agent", limit=1)
    assert (len(answer["groups"]), answer["leftOut"]) == (1, 2)


def test_bands_hour_by_hour(busy: World) -> None:
    (group,) = busy.client("read").get("/api/tracker", tags="tier=smart", bands="true", range="6h")["groups"]
    assert [band["start"] for band in group["bands"]][:2] == ["2026-11-23T14:00:00.000Z", "2026-11-23T15:00:00.000Z"]
    assert all(band["p50"] < band["p95"] <= band["p99"] for band in group["bands"])


def test_hours_that_are_not_built_are_told_and_not_counted(busy: World) -> None:
    sealed(busy, AGENTS, DAY.stop - 1)
    answer = busy.client("read").get("/api/tracker", by="agent")
    assert answer["notes"] == ["1 of 24 hours are left out: they are not built yet, or cannot be read"]
    assert answer["groups"][0]["arrivalRate"] == pytest.approx(1 / 60)


def test_a_token_with_a_tag_scope_sees_its_part(busy: World) -> None:
    scoped = busy.client("read", tags="shard=acme")
    assert [(group["tags"], group["tasks"]) for group in scoped.get("/api/tracker", by="agent")["groups"]] == [({"agent": "a1"}, 1440)]
    assert scoped.get("/api/tracker", tags="tier=smart")["groups"] == []


@pytest.mark.parametrize(
    ("query", "field", "named"),
    [
        ({"range": "8d"}, "range", "has 192 hours; at most 168"),
        ({"start": "2026-11-23T20:00:10Z"}, "range", "has no whole hour that is over"),
        ({"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z"}, "range", "no whole hour"),
    ],
)
def test_ranges_that_cannot_be(world: World, query: dict[str, str], field: str, named: str) -> None:
    problem = world.client("read").problem(422, "GET", "/api/tracker", query_string=query)
    assert problem["field"] == field
    assert named in problem["detail"]


def test_a_fleet_without_tasks(world: World) -> None:
    sealed(world, {"a1": "tier=fast"})
    answer = world.client("read").get("/api/tracker", bands="true")
    assert (answer["groups"], answer["slow"], answer["leftOut"]) == ([], [], 0)
