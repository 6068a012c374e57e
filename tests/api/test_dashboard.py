from __future__ import annotations

import pytest

from functions.domain.fleet import Status
from functions.ports import Resolution
from tests.api.world import MINUTE, NOW, World, agent, gauges, rates, rollup


@pytest.fixture
def client(world: World):
    world.seal(
        agent("a1", "env=prod,tier=fast", last_5_minutes=rates(), gauges=gauges(3, 2, 4)),
        agent("a2", "env=prod,tier=smart", status=Status.RED, gauges=gauges(5, 1, 4)),
        agent("a3", "env=dev,tier=fast", status=Status.YELLOW),
    )
    return world.client("read")


def test_instances_have_what_the_contract_promises(client) -> None:
    found = client.get("/api/dashboard/instances")
    first = found["instances"][0]
    assert [each["id"] for each in found["instances"]] == ["a1", "a2", "a3"]
    assert first["tags"] == {"env": "prod", "tier": "fast"}
    assert first["health"] == {"status": "green", "reason": "is green", "since": "2026-11-23T19:59:30.000Z"}
    assert first["lastSeen"] == first["last_seen"] == "2026-11-23T20:00:29.000Z"
    assert (first["tasksPerMinute"], first["errorRate"], first["costPerHour"]) == (2.0, 0.1, 6.0)
    assert first["latency"] == {"p50": 100.0, "p95": 200.0, "p99": 300.0}
    assert found["stale"] is False
    assert found["asOf"] == "2026-11-23T20:00:25.000Z"


def test_an_agent_without_tasks_has_no_rates(client) -> None:
    second = client.get("/api/dashboard/instances")["instances"][1]
    assert second["errorRate"] is None
    assert second["latency"] == {"p50": None, "p95": None, "p99": None}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"tags": "env=prod"}, ["a1", "a2"]),
        ({"tags": "env=prod,tier!=fast"}, ["a2"]),
        ({"tags": "agent=~a[13]"}, ["a1", "a3"]),
        ({"health": "red,yellow"}, ["a2", "a3"]),
        ({"tags": "env=prod", "health": "green"}, ["a1"]),
        ({"tags": "nothing=such"}, []),
    ],
)
def test_instances_by_tags_and_health(client, query: dict[str, str], expected: list[str]) -> None:
    assert [each["id"] for each in client.get("/api/dashboard/instances", **query)["instances"]] == expected


def test_instances_page_by_page(client) -> None:
    first = client.get("/api/dashboard/instances", limit=2)
    second = client.get("/api/dashboard/instances", limit=2, cursor=first["next"])
    assert [each["id"] for each in first["instances"] + second["instances"]] == ["a1", "a2", "a3"]
    assert (first["total"], second["next"]) == (3, None)


def test_a_cursor_of_another_question_is_refused(client) -> None:
    cursor = client.get("/api/dashboard/instances", limit=1)["next"]
    problem = client.problem(422, "GET", f"/api/dashboard/instances?tags=env=prod&cursor={cursor}")
    assert problem["field"] == "cursor"
    assert "another question" in problem["detail"]
    assert client.problem(422, "GET", "/api/dashboard/instances?cursor=abcd")["field"] == "cursor"


def test_a_token_with_a_tag_scope_sees_only_its_agents(world: World, client) -> None:
    scoped = world.client("read", tags="env=dev")
    assert [each["id"] for each in scoped.get("/api/dashboard/instances")["instances"]] == ["a3"]
    assert scoped.get("/api/dashboard/instances", tags="env=prod")["instances"] == []
    assert scoped.get("/api/dashboard/summary")["agents"] == 1


def test_other_workspaces_are_not_seen(world: World, client) -> None:
    assert world.client("read", workspace="others").get("/api/dashboard/instances")["instances"] == []


TASKS = {
    ("task.completed", "env=prod,tier=fast"): [1.0] * 8,
    ("task.failed", "env=prod,tier=fast"): [1.0] * 2,
    ("task.latency_ms", "env=prod,tier=fast"): [100.0] * 10,
    ("task.tokens_in", "env=prod,tier=fast"): [10.0] * 10,
    ("task.tokens_out", "env=prod,tier=fast"): [5.0] * 10,
    ("task.cost_usd", "env=prod,tier=fast"): [0.01] * 10,
    ("task.completed", "env=prod,tier=smart"): [1.0] * 10,
    ("task.latency_ms", "env=prod,tier=smart"): [900.0] * 10,
    ("task.completed", "env=dev,tier=fast"): [1.0] * 20,
}


def test_the_summary(world: World, client) -> None:
    world.group(TASKS)
    found = client.get("/api/dashboard/summary", tags="env=prod")
    assert (found["agents"], found["health"]) == (2, {"green": 1, "yellow": 0, "red": 1, "grey": 0})
    assert (found["tasksPerMinute"], found["errorRate1m"]) == (20, 0.1)
    assert found["tokensPerMinute"] == 150.0
    assert found["costPerHour"] == pytest.approx(6.0)
    assert found["latency"]["p50"] == pytest.approx(100, rel=0.011)
    assert found["latency"]["p99"] == pytest.approx(900, rel=0.011)
    assert (found["queueDepth"], found["saturation"]) == (8.0, 0.375)
    assert found["minute"] == "2026-11-23T19:59:00.000Z"
    assert (found["window"], found["stale"], found["warnings"]) == (None, False, [])


def test_the_summary_of_each_tier_has_the_same_shape(world: World, client) -> None:
    world.group(TASKS)
    found = client.get("/api/dashboard/summary", tags="env=prod")
    fast, smart = found["tiers"]["fast"], found["tiers"]["smart"]
    assert fast["errorRate1m"] == 0.2
    assert smart["errorRate1m"] == 0.0
    assert (smart["tokensPerMinute"], smart["costPerHour"]) == (None, None)
    assert smart["latency"]["p95"] == pytest.approx(900, rel=0.011)
    assert set(fast) == set(smart) <= set(found)


def test_missing_is_null(world: World, client) -> None:
    found = client.get("/api/dashboard/summary")
    assert found["tasksPerMinute"] == 0
    assert [found[key] for key in ("errorRate1m", "tokensPerMinute", "costPerHour")] == [None, None, None]
    assert world.client(workspace="empty").get("/api/dashboard/summary")["tasksPerMinute"] is None


def test_a_longer_range_adds_totals(world: World, client) -> None:
    world.group(TASKS)
    world.group({("task.completed", "env=prod,tier=fast"): [1.0] * 5}, minute=MINUTE - 3)
    world.group({("task.completed", "env=prod,tier=fast"): [1.0] * 7}, minute=MINUTE - 5)
    window = client.get("/api/dashboard/summary", tags="env=prod", range="5m")["window"]
    assert (window["range"], window["start"], window["end"]) == ("5m", "2026-11-23T19:55:00.000Z", "2026-11-23T20:00:00.000Z")
    assert (window["tasks"], window["errors"], window["errorRate"]) == (25, 2, 0.08)
    assert window["tiers"]["fast"]["tasks"] == 15
    assert (window["costUsd"], window["pricedTasks"]) == (pytest.approx(0.1), 10)


def test_a_window_a_week_ago_is_of_the_whole_hours_before(world: World, client) -> None:
    hour = MINUTE // 60 - 7 * 24 - 1
    for back in range(-1, 2):
        made = rollup({("task.completed", "env=prod,tier=fast"): [1.0] * (30 + back)}, (hour + back) * 60)
        world.rollups.put_group("team", Resolution.HOUR, hour + back, made, 0)
    world.now += 20 * 60_000
    found = client.get("/api/dashboard/summary", tags="env=prod", range="1h", ago="7d")
    window = found["window"]
    assert (window["start"], window["end"], window["tasks"]) == ("2026-11-16T19:00:00.000Z", "2026-11-16T20:00:00.000Z", 31)
    assert found["minute"] == "2026-11-23T19:59:00.000Z"
    assert client.problem(422, "GET", "/api/dashboard/summary?range=5m&ago=7d")["field"] == "range"


def test_tags_beyond_dimensions_are_answered_by_single_agents(world: World) -> None:
    world.seal(agent("a1", "env=prod,host=h1"), agent("a2", "env=prod,host=h2"))
    world.agent_minute("a1", {("task.completed", "env=prod"): [1.0] * 3})
    world.agent_minute("a2", {("task.completed", "env=prod"): [1.0] * 4})
    found = world.client("read").get("/api/dashboard/summary", tags="host=h2,env=prod")
    assert (found["agents"], found["tasksPerMinute"]) == (1, 4)


def test_old_figures_are_not_shown_as_new(world: World, client) -> None:
    world.now = NOW + 120_000
    found = client.get("/api/dashboard/summary")
    assert found["stale"] is True
    assert found["asOf"] == "2026-11-23T20:00:25.000Z"
    assert found["warnings"] == ["the figures are 125 s old: seal has not run since"]
    assert client.get("/api/dashboard/instances")["stale"] is True


def test_before_the_first_snapshot(world: World) -> None:
    found = world.client("read").get("/api/dashboard/summary")
    assert (found["agents"], found["asOf"], found["stale"]) == (0, None, True)
    assert found["warnings"] == ["no snapshot yet: nothing has been sealed"]


def test_warnings_of_the_whole_workspace_are_not_for_scoped_tokens(world: World) -> None:
    world.seal(agent("a1", "shard=acme"), warnings=["agent id b7 is used twice"])
    assert world.client("read").get("/api/dashboard/summary")["warnings"] == ["agent id b7 is used twice"]
    assert world.client("read", tags="shard=acme").get("/api/dashboard/summary")["warnings"] == []
