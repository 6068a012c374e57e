"""Tasks and events: from posted batches, through Timestream's records and its SQL, to the API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.intake import plan
from tests.api.world import NOW, World, agent


def post(
    world: World,
    name: str,
    seq: int = 0,
    *,
    workspace: str = "team",
    tags: dict[str, str] | None = None,
    scope: tuple[tuple[str, str], ...] = (),
    **parts: Any,
) -> None:
    """Write what ingest would write of a batch; `scope` is the token's tag scope."""
    batch = {"v": 1, "agent": name, "epoch": "e", "seq": seq, "time": NOW, "tags": tags or {}, **parts}
    made = plan(json.dumps(batch).encode(), workspace=workspace, dimensions=frozenset(DEFAULT_DIMENSIONS), scope=scope, now=NOW, raw=True)
    assert not made.rejected.count
    world.write_raw(made.raw, made.common)


def done(task: str, latency: float, at: int, **tags: str) -> dict[str, Any]:
    """Metrics and event of a task that went well, `at` ms before now."""
    common = {"tags": tags, "times": [-at], "attributes": {"task_id": [task]}}
    return {"series": [{"name": "task.latency_ms", "values": [latency], **common}], "events": [{"name": "task.completed", **common}]}


@pytest.fixture
def world(raw_world: World) -> World:
    raw_world.seal(agent("a1", "env=prod,host=h1"), agent("a2", "env=dev,host=h2"))
    return raw_world


@pytest.fixture
def client(world: World):
    post(world, "a1", 0, tags={"env": "prod"}, **done("t1", 100, 5000, tier="fast"))
    post(world, "a1", 1, tags={"env": "prod"}, **done("t2", 900, 4000, tier="smart"))
    post(world, "a2", 0, tags={"env": "dev"}, **done("t3", 300, 3000, tier="fast"))
    events = [
        {
            "name": "task.failed",
            "tags": {"tier": "fast"},
            "times": [-2000],
            "attributes": {"task_id": ["t4"]},
            "payloads": [{"err": "boom"}],
        }
    ]
    post(world, "a2", 1, tags={"env": "dev"}, events=events)
    return world.client("read")


def tasks(client, **query: Any) -> list[str]:
    return [each["id"] for each in client.get("/api/tasks", **query)["tasks"]]


def events(client, **query: Any) -> list[tuple[str, str]]:
    return [(each["name"], each["taskId"]) for each in client.get("/api/events", **query)["events"]]


def test_tasks_newest_first(client) -> None:
    found = client.get("/api/tasks")["tasks"]
    assert [each["id"] for each in found] == ["t4", "t3", "t2", "t1"]
    last = found[-1]
    assert (last["agent"], last["status"], last["latencyMs"], last["errors"]) == ("a1", "completed", 100.0, None)
    assert last["tags"] == {"env": "prod", "tier": "fast"}
    assert (last["time"], last["costUsd"]) == ("2026-11-23T20:00:25.000Z", None)
    assert (found[0]["status"], found[0]["error"]) == ("failed", "boom")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"tags": "env=prod"}, ["t2", "t1"]),
        ({"tags": "tier=fast,env!=dev"}, ["t1"]),
        ({"tags": "tier=~f.*"}, ["t4", "t3", "t1"]),
        ({"tags": "tier!~f.*"}, ["t2"]),
        ({"tags": "team="}, ["t4", "t3", "t2", "t1"]),
        ({"tags": "team=x"}, []),
        ({"tags": "agent=a2"}, ["t4", "t3"]),
        ({"tags": "host=h1"}, ["t2", "t1"]),
        ({"agent": "a2"}, ["t4", "t3"]),
        ({"status": "failed"}, ["t4"]),
        ({"status": "completed,failed", "agent": "a2"}, ["t4", "t3"]),
        ({"errors": "true"}, ["t4"]),
        ({"band": "p50-p100"}, ["t3", "t2"]),
        ({"band": "p0-p50"}, ["t1"]),
        ({"band": "p0-p100", "tags": "env=dev"}, ["t3"]),
        ({"task": "t2"}, ["t2"]),
        ({"task": "t2", "agent": "a2"}, []),
        ({"task": "it's none"}, []),
        ({"order": "latency"}, ["t2", "t3", "t1"]),
        ({"order": "latency", "limit": 1}, ["t2"]),
        ({"order": "latency", "tags": "tier=fast"}, ["t3", "t1"]),
        ({"order": "latency", "band": "p0-p50"}, ["t1"]),
    ],
)
def test_tasks_by(client, query: dict[str, str], expected: list[str]) -> None:
    assert tasks(client, **query) == expected


def test_tasks_with_most_tokens_or_cost_first_and_none_that_told_nothing(world: World, client) -> None:
    told = {"t5": {"tokens_in": 10, "tokens_out": 90, "cost_usd": 0.1}, "t6": {"tokens_in": 200}, "t7": {"cost_usd": 0.5}}
    for seq, (task, measures) in enumerate(told.items(), start=7):
        common = {"tags": {}, "times": [-1000], "attributes": {"task_id": [task]}}
        post(world, "a1", seq, series=[{"name": f"task.{name}", "values": [value], **common} for name, value in measures.items()])
    assert tasks(client, order="tokens") == ["t6", "t5"]
    assert tasks(client, order="cost") == ["t7", "t5"]
    found = client.get("/api/tasks", order="cost", limit=1)
    assert (len(found["tasks"]), found["next"]) == (1, None)


def test_the_events_of_one_task(client) -> None:
    assert events(client, task="t4") == [("task.failed", "t4")]
    assert events(client, task="t0") == []


def test_a_band_tells_its_bounds(client) -> None:
    found = client.get("/api/tasks", band="p0-p100")
    assert found["band"] == {"low": pytest.approx(100), "high": pytest.approx(900)}


def test_tasks_page_by_page(client) -> None:
    seen, cursor = [], None
    for _ in range(5):
        page = client.get("/api/tasks", limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [each["id"] for each in page["tasks"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["t4", "t3", "t2", "t1"]


def test_pages_keep_their_range_while_time_goes_on(world: World, client) -> None:
    first = client.get("/api/tasks", limit=1, range="1m")
    world.now += 58_000
    second = client.get("/api/tasks", limit=5, range="1m", cursor=first["next"])
    assert [each["id"] for each in second["tasks"]] == ["t3", "t2", "t1"]
    assert second["end"] == first["end"]


def test_a_task_spread_over_batches_is_one(world: World) -> None:
    start = {"tags": {"tier": "fast"}, "times": [-9000], "attributes": {"task_id": ["t"]}}
    post(world, "a1", 0, events=[{"name": "task.started", **start}])
    client = world.client("read")
    assert client.get("/api/tasks")["tasks"][0]["status"] == "started"
    end = {"tags": {"tier": "fast"}, "times": [-1000], "attributes": {"task_id": ["t"]}}
    metrics = {"task.latency_ms": 8000.0, "task.tokens_in": 10.0, "task.cost_usd": 0.5}
    post(world, "a1", 1, series=[{"name": name, "values": [value], **end} for name, value in metrics.items()])
    post(world, "a1", 2, series=[{"name": "task.tokens_in", "values": [5.0], **end}])
    (found,) = client.get("/api/tasks")["tasks"]
    assert (found["status"], found["latencyMs"], found["tokensIn"], found["costUsd"]) == ("completed", 8000.0, 15.0, 0.5)
    assert (found["firstTime"], found["time"]) == ("2026-11-23T20:00:21.000Z", "2026-11-23T20:00:29.000Z")


def test_a_tasks_cost_says_whose_figure_it_is(world: World) -> None:
    def used(task: str, model: str, **metrics: float) -> list[dict[str, Any]]:
        common = {"times": [-1000], "attributes": {"task_id": [task]}}
        return [{"name": f"task.{name}", "tags": {"model": model}, "values": [value], **common} for name, value in metrics.items()]

    cost = {"name": "task.cost_usd", "tags": {"model": "m", "cost_source": "list 1"}, "values": [0.5], "times": [-1000]}
    series = [
        *used("reported", "m", tokens_in=9.0),
        {**cost, "attributes": {"task_id": ["reported"]}},
        *used("priced", "ours", tokens_in=500_000.0, tokens_cache_read=1_000_000.0),
        *used("unpriced", "no-such-model", tokens_out=5.0),
        *used("unknown", "m", latency_ms=5.0),
    ]
    post(world, "a1", 0, series=series)
    world.fleet.put_settings("team", "prices", {"version": "own 1", "models": [{"match": "ours", "input": 2, "output": 9, "cacheRead": 1}]})
    found = {task["id"]: task["cost"] for task in world.client("read").get("/api/tasks")["tasks"]}
    assert found == {
        "reported": {"how": "reported", "usd": 0.5, "source": "list 1"},
        "priced": {"how": "priced", "usd": 2.0, "source": "own 1"},
        "unpriced": {"how": "unpriced", "usd": None, "source": None},
        "unknown": None,
    }


def test_the_same_task_id_of_two_agents_are_two_tasks(world: World) -> None:
    post(world, "a1", **done("t", 1, 1000))
    post(world, "a2", **done("t", 2, 1000))
    assert [(each["agent"], each["latencyMs"]) for each in world.client("read").get("/api/tasks")["tasks"]] == [("a1", 1.0), ("a2", 2.0)]


def test_remote_tags_select_tasks(world: World, client) -> None:
    moved = agent("a1", "env=prod,host=h1", remote_tags={"env": "canary", "team": "x"})
    world.seal(moved, agent("a2", "env=dev,host=h2"))
    assert tasks(client, tags="env=canary") == ["t2", "t1"]
    assert tasks(client, tags="env=prod") == []
    assert tasks(client, tags="team=x,tier=smart") == ["t2"]


def test_a_scoped_token_sees_its_tasks_and_events_only(world: World, client) -> None:
    scoped = world.client("read", tags="env=prod")
    assert tasks(scoped) == ["t2", "t1"]
    assert tasks(scoped, tags="env=dev") == []
    assert {task for _, task in events(scoped)} == {"t1", "t2"}


def test_a_task_that_two_scopes_wrote_to_shows_each_its_own_part(world: World) -> None:
    post(world, "a1", 0, scope=(("shard", "acme"),), **done("t", 100, 2000))
    post(world, "a1", 1, scope=(("shard", "beta"),), **done("t", 900, 1000))
    for shard, latency in (("acme", 100.0), ("beta", 900.0)):
        (found,) = world.client("read", tags=f"shard={shard}").get("/api/tasks")["tasks"]
        assert (found["latencyMs"], found["tags"]) == (latency, {"shard": shard})


def test_an_agent_moved_out_of_a_scope_takes_its_history_along(world: World, client) -> None:
    world.seal(agent("a1", "env=prod,host=h1", remote_tags={"env": "canary"}), agent("a2", "env=dev,host=h2"))
    assert tasks(world.client("read", tags="env=prod")) == []


def test_other_workspaces_are_not_seen(world: World, client) -> None:
    assert tasks(world.client("read", workspace="others")) == []
    assert events(world.client("read", workspace="others")) == []


def test_events(client) -> None:
    found = client.get("/api/events", limit=1)["events"][0]
    assert (found["name"], found["agent"], found["taskId"], found["payload"]) == ("task.failed", "a2", "t4", {"err": "boom"})
    assert (found["time"], found["tags"]) == ("2026-11-23T20:00:28.000Z", {"env": "dev", "tier": "fast"})
    assert events(client) == [("task.failed", "t4"), ("task.completed", "t3"), ("task.completed", "t2"), ("task.completed", "t1")]
    assert events(client, name="task.failed") == [("task.failed", "t4")]
    assert events(client, tags="env=prod") == [("task.completed", "t2"), ("task.completed", "t1")]
    assert events(client, agent="a1", name="task.failed,task.completed") == [("task.completed", "t2"), ("task.completed", "t1")]


def test_events_of_one_millisecond_page_by_page(world: World) -> None:
    many = {"name": "tool.called", "tags": {}, "times": [-1000] * 25, "attributes": {"task_id": [f"t{i}" for i in range(25)]}}
    post(world, "a1", events=[many])
    client, seen, cursor = world.client("read"), [], None
    for _ in range(10):
        page = client.get("/api/events", limit=4, **({"cursor": cursor} if cursor else {}))
        seen += [each["taskId"] for each in page["events"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(f"t{i}" for i in range(25))


def test_before_the_first_record(raw_world: World) -> None:
    client = raw_world.client("read")
    assert client.get("/api/tasks", tags="env=prod", band="p0-p50")["tasks"] == []
    assert client.get("/api/events", tags="env=prod")["events"] == []


@pytest.mark.parametrize("path", ["/api/tasks", "/api/events"])
def test_a_stage_without_raw_history_says_so(path: str) -> None:
    world = World()
    assert "no raw history" in world.client("read").problem(404, "GET", path)["detail"]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("band=p99-p95", 422, "band"),
        ("band=99", 400, "band"),
        ("status=lost", 400, "status"),
        ("errors=yes", 400, "errors"),
        ("range=36d", 422, "start"),
        ("limit=501", 400, "limit"),
        ("tags=env=~[[a]", 422, "tags"),
        ("cursor=W10", 422, "cursor"),
        ("order=cost&cursor=W10", 422, "cursor"),
        ("order=name", 400, "order"),
        ("task=a%0Ab", 422, "task"),
        ("task=", 400, "task"),
    ],
)
def test_what_cannot_be_asked(client, query: str, status: int, field: str) -> None:
    assert client.problem(status, "GET", f"/api/tasks?{query}")["field"] == field
