"""Whatever is posted: a planned error or an account of every point, and a repetition changes nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.errors import ClawPulseError
from functions.domain.times import DAY_MS
from tests.ingest.support import NOW, batch, planned
from tests.ingest.test_handler import World

numbers = st.one_of(st.floats(), st.integers(-(10**30), 10**30))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8))
anything = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4))
)
names = st.one_of(st.sampled_from(["task.latency_ms", "task.errors", "task.failed", "agent.cpu"]), anything)
tags = st.one_of(st.dictionaries(st.sampled_from(["env", "tier", "task_id", "x", "9"]), st.text(max_size=4), max_size=4), anything)
times = st.one_of(st.integers(-2 * DAY_MS, DAY_MS), scalars)


@st.composite
def columns(draw: st.DrawFn, kind: str) -> Any:
    size = draw(st.integers(0, 4))
    lengths = st.just(size) if draw(st.booleans()) else st.integers(0, 5)

    def column(cells: st.SearchStrategy[Any]) -> Any:
        length = draw(lengths)
        return draw(st.lists(cells, min_size=length, max_size=length))

    found: dict[str, Any] = {"name": draw(names), "times": column(times), "tags": draw(tags)}
    found["attributes"] = {draw(st.sampled_from(["task_id", "a", " "])): column(st.one_of(st.text(max_size=3), scalars))}
    if kind == "series":
        found["values"] = column(st.one_of(st.floats(-1e6, 1e6), scalars))
    elif draw(st.booleans()):
        found["payloads"] = column(anything)
    return draw(st.one_of(st.just(found), st.just(found), anything))


batches = st.fixed_dictionaries(
    {},
    optional={
        "series": st.lists(columns("series"), max_size=4),
        "events": st.lists(columns("events"), max_size=4),
        "sketches": st.lists(anything, max_size=2),
        "tags": tags,
        "time": st.one_of(st.just(NOW), st.integers(0, 2 * NOW)),
    },
).map(lambda parts: batch(**parts))


def size(found: Any) -> int:
    """Points of a series or events, counting one for what is none at all."""
    if not isinstance(found, dict):
        return 1
    columns = [found[key] for key in ("times", "values") if key in found]
    return max(map(len, columns), default=1) if all(isinstance(column, list) for column in columns) else 1


@given(st.one_of(anything.map(lambda value: json.dumps(value).encode()), st.binary(max_size=200)))
def test_any_body_gets_a_planned_answer(body: bytes) -> None:
    status, _ = World().post(body)
    assert status in (400, 413)


@settings(max_examples=300)
@given(batches)
def test_every_point_is_accepted_or_rejected(document: dict[str, Any]) -> None:
    try:
        plan = planned(document)
    except ClawPulseError:
        return
    rolled = sum(aggregate.sketch.count for item in plan.items for aggregate in item.rollup.values())
    assert rolled == plan.accepted
    sizes = [size(each) for each in document.get("series", []) + document.get("events", [])]
    sketches = len(document.get("sketches", []))
    # A series without points counts for one when it is rejected, so that no reason goes uncounted.
    assert sum(sizes) <= plan.accepted + plan.rejected.count - sketches <= sum(max(1, each) for each in sizes)
    assert plan.rejected.count >= len(plan.rejected.listed)


@settings(max_examples=200)
@given(batches)
def test_a_repetition_changes_nothing(document: dict[str, Any]) -> None:
    world = World()
    first = world.post(document)
    items, records = dict(world.batches.items), dict(world.raw.records)
    again = world.post(document)
    assert (world.batches.items, world.raw.records) == (items, records)
    assert again == (first[0], first[1] | ({"duplicate": True} if first[0] == 200 else {}))
    assert world.faults == []
