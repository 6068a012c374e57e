from __future__ import annotations

import pytest

from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.ports import Resolution
from tests.api.world import MINUTE, NOW, World, agent, rollup


def ask(client, **query):
    return client.get("/api/series", **{"metric": "task.latency_ms", "range": "5m", **query})


@pytest.fixture
def client(world: World):
    world.seal(agent("a1", "env=prod,host=h1"), agent("a2", "env=dev,host=h2"))
    world.group({("task.latency_ms", "env=prod,tier=fast"): [100.0, 300.0], ("task.latency_ms", "env=dev,tier=fast"): [800.0]})
    world.group({("task.latency_ms", "env=prod,tier=fast"): [50.0]}, minute=MINUTE - 2)
    return world.client("read")


def test_buckets_are_aligned_and_missing_is_null(client) -> None:
    found = ask(client, tags="env=prod")
    assert (found["start"], found["end"], found["step"], found["source"]) == (
        "2026-11-23T19:55:00.000Z",
        "2026-11-23T20:01:00.000Z",
        60,
        "group",
    )
    times = [(MINUTE + offset) * MINUTE_MS for offset in range(-4, 2)]
    assert found["series"] == [
        {"tags": {}, "points": [[time, value] for time, value in zip(times, [None, None, 50.0, None, 200.0, None], strict=True)]}
    ]


def test_grouped_by_tags(client) -> None:
    found = ask(client, by="env,tier", aggregation="count")
    assert [each["tags"] for each in found["series"]] == [{"env": "dev", "tier": "fast"}, {"env": "prod", "tier": "fast"}]
    assert found["series"][1]["points"][4][1] == 2


def test_a_metric_that_nobody_sends(client) -> None:
    assert {value for _, value in ask(client, metric="no.such")["series"][0]["points"]} == {None}
    assert ask(client, metric="no.such", by="env")["series"] == []


@pytest.mark.parametrize(
    ("aggregation", "value"),
    [
        ("avg", 400),
        ("sum", 1200),
        ("count", 3),
        ("rate", 20),
        ("min", 100),
        ("max", 800),
        ("p50", 300),
        ("p0", 100),
        ("p100", 800),
        ("p99.9", 300),
    ],
)
def test_aggregations(client, aggregation: str, value: float) -> None:
    assert ask(client, aggregation=aggregation)["series"][0]["points"][4][1] == pytest.approx(value, rel=0.011)


def test_a_step_gathers_minutes(client) -> None:
    assert [value for _, value in ask(client, step=600, aggregation="count")["series"][0]["points"]] == [4, None]


def test_a_scoped_token_gets_its_share(world: World, client) -> None:
    scoped = world.client("read", tags="env=dev")
    assert ask(scoped, aggregation="count")["series"][0]["points"][4][1] == 1
    assert ask(scoped, aggregation="count", tags="env=prod")["series"][0]["points"][4][1] is None


def test_tags_beyond_dimensions_are_answered_by_single_agents(world: World, client) -> None:
    world.agent_minute("a1", {("task.latency_ms", "env=prod,tier=fast"): [100.0]})
    world.agent_minute("a2", {("task.latency_ms", "env=dev,tier=fast"): [900.0], ("task.latency_ms", "env=dev,tier=smart"): [500.0]})
    found = ask(client, by="host,tier", tags="host=~h.")
    assert found["source"] == "agents"
    assert [(each["tags"], each["points"][4][1]) for each in found["series"]] == [
        ({"host": "h1", "tier": "fast"}, 100.0),
        ({"host": "h2", "tier": "fast"}, 900.0),
        ({"host": "h2", "tier": "smart"}, 500.0),
    ]
    assert ask(client, tags="agent=a1")["series"][0]["points"][4][1] == 100.0
    assert ask(client, tags="host=h2,tier=smart", aggregation="max")["series"][0]["points"][4][1] == 500.0


def test_too_many_agents_is_refused_with_advice(world: World) -> None:
    world.seal(*(agent(f"a{number}", f"host=h{number}") for number in range(501)))
    problem = world.client("read").problem(422, "GET", "/api/series?metric=m&by=host")
    assert problem["field"] == "tags"
    assert "make the tag a dimension" in problem["detail"]


def test_whole_hours_come_from_hour_rollups_and_the_current_one_from_minutes(world: World, client) -> None:
    hour = NOW // HOUR_MS
    for back in (1, 2):
        made = rollup({("task.latency_ms", "env=prod"): [10.0 * back]}, (hour - back) * 60)
        world.rollups.put_group("team", Resolution.HOUR, hour - back, made, 0)
    found = ask(client, range="3h", step=3600, aggregation="sum")
    # The hour that ended half a minute ago is not taken for settled: minutes answer for it.
    assert [value for _, value in found["series"][0]["points"]] == [None, 20.0, 1250.0, None]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("metric=1x", 400, "metric"),
        ("", 400, "metric"),
        ("metric=m&aggregation=p101", 400, "aggregation"),
        ("metric=m&step=61", 422, "step"),
        ("metric=m&step=30", 400, "step"),
        ("metric=m&range=4d&step=60", 422, "step"),
        ("metric=m&start=2026-11-20T00:00:00Z&range=1h", 422, "range"),
        ("metric=m&start=2026-11-20T00:00:00", 400, "start"),
        ("metric=m&start=2026-11-20T00:00:00Z&end=2026-11-19T00:00:00Z", 422, "end"),
        ("metric=m&end=9999-12-31T23:59:59Z", 422, "end"),
        ("metric=m&end=0001-01-01T00:00:00Z", 422, "end"),
        ("metric=m&range=99999d&step=3600", 422, "step"),
    ],
)
def test_what_cannot_be_asked(client, query: str, status: int, field: str) -> None:
    assert client.problem(status, "GET", f"/api/series?{query}")["field"] == field


def test_without_a_step_one_is_chosen(client) -> None:
    steps = [ask(client, range=length)["step"] for length in ("1h", "12h", "3d", "35d", "90d")]
    assert steps == [60, 300, 900, 21_600, 86_400]
