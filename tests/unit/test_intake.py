"""From a good batch to what is written."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse.sketch import Sketch
from functions.domain.intake import MAX_MINUTES
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.times import MINUTE_MS
from tests.ingest.support import MINUTE, NOW, batch, events, planned, series


def sums(rollup: Rollup) -> dict[tuple[str, tuple[tuple[str, str], ...]], tuple[int, float]]:
    return {(key.name, key.tags): (aggregate.sketch.count, aggregate.sketch.sum) for key, aggregate in rollup.items()}


def test_a_minute_has_one_item() -> None:
    plan = planned(batch(series=[series(values=(1.0, 2.0, 4.0), times=(-21_000, -20_000, -1))]))
    assert [item.minute for item in plan.items] == [MINUTE - 1, MINUTE]
    assert [sums(item.rollup) for item in plan.items] == [{("agent.cpu", ()): (1, 1.0)}, {("agent.cpu", ()): (2, 6.0)}]
    assert {(item.agent, item.batch, item.received, item.digest) for item in plan.items} == {
        ("agent-7", "k3f9x2.12", NOW, plan.items[0].digest)
    }


def test_an_empty_batch_is_a_heartbeat_at_the_minute_of_receipt() -> None:
    plan = planned(batch(time=NOW - 3 * MINUTE_MS, info={"model": "m"}))
    assert [(item.minute, item.rollup, item.info.model) for item in plan.items] == [(MINUTE, {}, "m")]
    assert plan.late == frozenset()


def test_a_batch_of_bad_points_is_a_heartbeat_too() -> None:
    plan = planned(batch(series=[series(values=("x",))]))
    assert [(item.minute, item.rollup) for item in plan.items] == [(MINUTE, {})]


@pytest.mark.parametrize(("past_end_ms", "late"), [(25_000, False), (25_001, True)])
def test_a_minute_is_late_more_than_25_s_past_its_end(past_end_ms: int, late: bool) -> None:
    now = (MINUTE + 1) * MINUTE_MS + past_end_ms
    plan = planned(batch(series=[series()]), now=now)
    assert plan.late == (frozenset({MINUTE}) if late else frozenset())


def test_only_dimensions_make_series() -> None:
    tags = {"tier": "fast", "task_id": "t1", "colour": "red"}
    plan = planned(batch(series=[series("task.latency_ms", tags=tags), series("task.latency_ms", tags=tags | {"task_id": "t2"})]))
    assert sums(plan.items[0].rollup) == {("task.latency_ms", (("tier", "fast"),)): (2, 2.0)}


def test_an_event_is_a_point_of_value_1() -> None:
    plan = planned(batch(events=[events("task.failed", times=(0, 0, 0), tags={"tier": "fast"})]))
    assert sums(plan.items[0].rollup) == {("task.failed", (("tier", "fast"),)): (3, 3.0)}


def test_sketches_are_merged_with_the_points_of_their_series() -> None:
    sketch = base64.b64encode(Sketch((10.0, 20.0)).to_bytes()).decode()
    sketches = [{"name": "agent.cpu", "time": 1, "last": 20.0, "sketch": sketch}]
    plan = planned(batch(series=[series(values=(3.0,))], sketches=sketches))
    (aggregate,) = plan.items[0].rollup.values()
    assert (aggregate.sketch.count, aggregate.sketch.sum, aggregate.last, aggregate.last_time) == (3, 33.0, 20.0, NOW + 1)
    assert plan.accepted == 2


def test_the_newest_value_is_the_last_of_the_newest_time() -> None:
    plan = planned(batch(series=[series(values=(1.0, 2.0, 3.0, 4.0), times=(-1, 0, 0, -2))]))
    (aggregate,) = plan.items[0].rollup.values()
    assert (aggregate.last, aggregate.last_time) == (3.0, NOW)


def test_a_flood_of_values_goes_to_other_and_is_told() -> None:
    flood = [series(tags={"tier": f"t{i}", "env": "prod"}, values=(1.0, 2.0)) for i in range(300)]
    plan = planned(batch(series=flood))
    rollup = plan.items[0].rollup
    assert len(rollup) == 100
    assert rollup[SeriesKey("agent.cpu", (("env", "prod"), ("tier", "__other__")))].sketch.count == 2 * 201
    assert rollup[SeriesKey("agent.cpu", (("env", "prod"), ("tier", "t98")))].sketch.count == 2
    assert [(each.tag, each.values) for each in plan.limited] == [("tier", 201)]
    assert (plan.accepted, plan.rejected.count) == (600, 0)


def test_raw_records_keep_the_values_that_went_to_other() -> None:
    plan = planned(batch(series=[series(tags={"tier": f"t{i}"}) for i in range(300)]))
    assert {record.dimensions["tier"] for record in plan.raw} == {f"t{i}" for i in range(300)}


def test_a_flood_of_names_is_rejected() -> None:
    plan = planned(batch(series=[series(f"m{i}") for i in range(150)]))
    assert len(plan.items[0].rollup) == 100
    assert (plan.accepted, plan.rejected.count) == (100, 50)
    assert {each.reason for each in plan.rejected.listed} == {"a batch has at most 100 series"}


def test_a_batch_touches_a_bounded_number_of_minutes() -> None:
    times = tuple(-i * MINUTE_MS for i in range(MAX_MINUTES + 5))
    plan = planned(batch(series=[series(values=(1.0,) * len(times), times=times)]))
    assert len(plan.items) == MAX_MINUTES
    assert (plan.accepted, plan.rejected.count) == (MAX_MINUTES, 5)
    assert [each.point for each in plan.rejected.listed] == list(range(MAX_MINUTES, MAX_MINUTES + 5))


def test_the_digest_is_the_content_s() -> None:
    first, again, other = (planned(batch(series=[series(values=(value,))])).items[0].digest for value in (1.0, 1.0, 2.0))
    assert first == again != other


values = st.floats(min_value=-1e9, max_value=1e9)
columns = st.lists(st.tuples(values, st.integers(min_value=-3 * MINUTE_MS, max_value=0)), max_size=20)


@given(st.lists(columns, max_size=6))
def test_rollups_are_what_adding_point_by_point_gives(parts: list[list[tuple[float, int]]]) -> None:
    posted = [series(f"m{i % 3}", tuple(v for v, _ in points), tuple(t for _, t in points)) for i, points in enumerate(parts)]
    expected: dict[int, dict[str, Aggregate]] = {}
    for i, points in enumerate(parts):
        for value, offset in points:
            time = NOW + offset
            expected.setdefault(time // MINUTE_MS, {}).setdefault(f"m{i % 3}", Aggregate()).add(value, time)
    plan = planned(batch(series=posted))
    found = {item.minute: {key.name: aggregate for key, aggregate in item.rollup.items()} for item in plan.items if item.rollup}
    assert found.keys() == expected.keys()
    for minute, rollup in expected.items():
        assert found[minute].keys() == rollup.keys()
        for name, aggregate in rollup.items():
            mine = found[minute][name]
            assert mine.sketch.parts()[4:] == aggregate.sketch.parts()[4:]
            assert (mine.sketch.count, mine.sketch.min, mine.sketch.max) == (
                aggregate.sketch.count,
                aggregate.sketch.min,
                aggregate.sketch.max,
            )
            assert mine.sketch.sum == pytest.approx(aggregate.sketch.sum, rel=1e-9, abs=1e-3)
            assert (mine.last, mine.last_time) == (aggregate.last, aggregate.last_time)


def answer_of(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(msgspec.json.encode(planned(document).answer(duplicate=False)))
    return found


def test_the_answer_has_the_wire_s_names() -> None:
    assert answer_of(batch(series=[series(values=(1.0, None))])) == {
        "accepted": 1,
        "rejected": [{"in": "series", "series": 0, "point": 1, "reason": "values: Expected `float`, got `null`"}],
        "rejectedCount": 1,
        "duplicate": False,
        "limited": [],
        "time": NOW,
    }
