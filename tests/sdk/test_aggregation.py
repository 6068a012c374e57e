"""Repeated values become sketches, and nothing that can be exact is anything else."""

from __future__ import annotations

from collections.abc import Callable
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse import Client, wire
from clawpulse._aggregation import Piece, SeriesMinute
from clawpulse._pending import Pending
from clawpulse._runs import Runs, joined
from clawpulse.sketch import Sketch
from clawpulse.wire import Aggregate, Point
from tests.sdk.server import Server
from tests.sdk.test_agreement import ingested

MINUTE = 29_924_640 * 60_000
WIDE = st.floats(-wire.MAX_VALUE, wire.MAX_VALUE)
VALUES = st.lists(st.tuples(st.integers(0, 59_999), WIDE | st.floats(0.1, 1e6) | st.integers(-3, 3).map(float)), min_size=1, max_size=60)


def pieces(values: list[tuple[int, float]], repeat: int = 1) -> list[Piece]:
    series = SeriesMinute("a", (("tier", "fast"),), 0.0)
    for number, (offset, value) in enumerate(values * repeat):
        series.add(MINUTE + offset, value, number)
    return series.pieces()


@given(VALUES, st.sampled_from([1, 1, 30]))
def test_count_sum_min_max_and_last_are_exact(values: list[tuple[int, float]], repeat: int) -> None:
    made = pieces(values, repeat)
    total = len(values) * repeat
    assert sum(piece.points for piece in made) == total
    assert sorted(number for piece in made for first, end in piece.runs for number in range(first, end)) == list(range(total))
    if total < 3:
        assert [piece.item for piece in made] == [Point("a", v, MINUTE + t, (("tier", "fast"),)) for t, v in values]
        return
    aggregates = [piece.item for piece in made if isinstance(piece.item, Aggregate)]
    assert len(aggregates) == len(made)
    assert all(len(item.sketch) <= wire.MAX_SKETCH for item in aggregates)
    sketches = [Sketch.from_bytes(item.sketch) for item in aggregates]
    every = [value for _, value in values * repeat]
    assert (min(s.min for s in sketches), max(s.max for s in sketches)) == (min(every), max(every))
    assert fsum(s.sum for s in sketches) == pytest.approx(fsum(every), rel=1e-12, abs=1e-12 * max(map(abs, every)))
    newest = max(time for time, _ in values)
    assert max(item.time for item in aggregates) == MINUTE + newest
    assert {item.last for item in aggregates if item.time == MINUTE + newest} >= {[v for t, v in values if t == newest][-1]}


@given(VALUES)
def test_ingest_keeps_them_exact(values: list[tuple[int, float]]) -> None:
    planned = ingested([piece.item for piece in pieces(values)], now=MINUTE + 60_000)
    assert planned.rejected.count == 0, planned.rejected.listed
    ((_, aggregate),) = planned.items[0].rollup.items()
    assert (aggregate.sketch.count, aggregate.sketch.min, aggregate.sketch.max) == (
        len(values),
        min(value for _, value in values),
        max(value for _, value in values),
    )
    assert aggregate.last_time == MINUTE + max(time for time, _ in values)


def test_few_values_and_attributes_stay_points() -> None:
    pending = Pending(10)
    for number in range(2):
        pending.add(Point("few", 1.0, MINUTE), 0, number)
    for number in range(10):
        pending.add(Point("raw", 1.0, MINUTE, (), {"task_id": "t"}), 0, 10 + number)
        pending.add(Point("many", 1.0, MINUTE), 0, 20 + number)
        pending.add(Point("minutes", 1.0, MINUTE + 60_000 * number), 0, 30 + number)
    assert len(pending) == 2 + 10 + 1 + 10
    kinds = [(piece.item.name, type(piece.item)) for piece in pending.cut(10)]
    assert kinds.count(("few", Point)) == 2
    assert kinds.count(("raw", Point)) == kinds.count(("minutes", Point)) == 10
    assert kinds.count(("many", Aggregate)) == 1
    assert len(pending) == 0


def test_series_do_not_starve_behind_other_points() -> None:
    pending = Pending(10)
    pending.add(Point("depth", 1.0, MINUTE), 0)
    for number in range(5_000):
        pending.add(Point("raw", 1.0, MINUTE, (), {"x": "y"}), 1, number)
    assert "depth" not in {piece.item.name for piece in pending.cut(1)}
    assert "depth" in {piece.item.name for piece in pending.cut(10)}


def test_many_values_make_small_batches(server: Server, new_client: Callable[..., Client]) -> None:
    client = new_client(aggregate=True, flush_seconds=30)
    for value in range(20_000):
        client.metric("queue.depth", value % 100, tags={"queue": "main"})
    assert client.flush(20)
    assert server.count("queue.depth") == 20_000
    assert sum(sketch.sum for sketch in server.sketches("queue.depth")) == 200 * sum(range(100))
    assert len(server.full_batches) < 10


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)), max_size=12), st.integers(1, 30))
def test_runs_are_sets(removed: list[tuple[int, int]], size: int) -> None:
    runs, model = Runs(), set(range(0, size, 2)) | set(range(size, size + 5))
    for first, end in joined(model):
        runs.append(first, end)
    for first, length in removed:
        runs.remove([(first, first + length)])
        model -= set(range(first, first + length))
        assert len(runs) == len(model)
        assert runs.lowest() == min(model, default=None)
        assert [number for number in range(40) if number in runs] == sorted(model)
