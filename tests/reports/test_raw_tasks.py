"""The slowest and the most expensive single tasks, on the local Timestream engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from clawpulse_localstack.timestream.engine import Engine
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.feed import TaskFeed
from functions.domain.intake import plan
from functions.domain.report_data import RawTask
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS
from functions.report_raw import greatest_tasks
from tests.api.world import DATABASE, NOW, World, agent


@pytest.fixture
def raw_world(tmp_path: Path) -> Iterator[World]:
    engine = Engine(str(tmp_path / "raw.duckdb"), "http://127.0.0.1:1", clock=lambda: NOW * 1_000_000)
    try:
        engine.dispatch("timestream-write", "CreateDatabase", {"DatabaseName": DATABASE})
        engine.dispatch("timestream-write", "CreateTable", {"DatabaseName": DATABASE, "TableName": "tasks"})
        yield World(engine)
    finally:
        engine.close()


def post(world: World, name: str, task: str, latency: float, cost: float | None, seq: int, **tags: str) -> None:
    """A task that ended a minute ago."""
    points = {"task.latency_ms": latency, **({"task.cost_usd": cost} if cost is not None else {})}
    series = [
        {"name": metric, "tags": {}, "times": [-60_000], "values": [value], "attributes": {"task_id": [task]}}
        for metric, value in points.items()
    ]
    batch = {"v": 1, "agent": name, "epoch": "e", "seq": seq, "time": NOW, "tags": tags, "series": series}
    made = plan(json.dumps(batch).encode(), workspace="team", dimensions=frozenset(DEFAULT_DIMENSIONS), scope=(), now=NOW, raw=True)
    assert not made.rejected.count
    world.write_raw(made.raw, made.common)


def greatest(world: World, measure: str, selector: str = "", limit: int = 2) -> list[RawTask]:
    feed = TaskFeed(workspace="team", database=DATABASE, start=NOW - HOUR_MS, end=NOW, limit=limit, selector=Selector.parse(selector))
    assert world.services.raw is not None
    return greatest_tasks(world.services.raw, feed, DEFAULT_DIMENSIONS, [agent("a2", "squad=x")], measure)


def test_the_most_of_a_measure_comes_first(raw_world: World) -> None:
    for seq, (name, task, latency, cost) in enumerate(
        [("a1", "t1", 900.0, 0.5), ("a2", "t2", 5000.0, None), ("a1", "t3", 70.0, 2.5), ("a2", "t4", 800.0, 0.1)]
    ):
        post(raw_world, name, task, latency, cost, seq, tier="fast" if name == "a1" else "smart")
    at = NOW - 60_000
    assert greatest(raw_world, "latency_ms") == [RawTask("t2", "a2", at, 5000.0, None), RawTask("t1", "a1", at, 900.0, 0.5)]
    # A task without a cost is not one that costs nothing.
    assert [one.task for one in greatest(raw_world, "cost_usd", limit=10)] == ["t3", "t1", "t4"]
    assert [one.task for one in greatest(raw_world, "latency_ms", "tier=fast")] == ["t1", "t3"]
    assert [one.task for one in greatest(raw_world, "latency_ms", "squad=x")] == ["t2", "t4"]


def test_a_table_without_a_record_has_no_tasks(raw_world: World) -> None:
    assert greatest(raw_world, "cost_usd") == []
