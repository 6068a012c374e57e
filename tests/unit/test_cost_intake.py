"""Which tokens of a batch came without a cost, held against a task by task account."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from clawpulse.sketch import Sketch
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.intake import WritePlan, plan
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, merge_into
from functions.domain.rollup_codec import encode
from functions.domain.times import MINUTE_MS

NOW = 1_795_464_030_000
MODELS = ("m1", "m2", "")
TOKENS = {"task.tokens_in": "cost.tokens_in", "task.tokens_cache_read": "cost.tokens_cache_read"}

type Point = tuple[str, str | None, str, float]
"""Metric, task, model, value."""

POINTS = st.lists(
    st.tuples(
        st.sampled_from([*TOKENS, "task.cost_usd"]),
        st.sampled_from(["t1", "t2", "t3", None]),
        st.sampled_from(MODELS),
        st.integers(0, 1000).map(float),
    ),
    max_size=20,
)


def apart(points: Sequence[Point], sketches: Sequence[tuple[str, str, float]] = ()) -> dict[tuple[str, str], tuple[int, float]]:
    """Points and sum of what intake tells apart, by metric and model."""
    series = [
        {"name": name, "tags": _tags(name, model), "times": [0], "values": [value]} | ({"attributes": {"task_id": [task]}} if task else {})
        for name, task, model, value in points
    ]
    sketched = [_sketched(name, model, 0, value) for name, model, value in sketches]
    rollup = merge_into({}, [item.rollup for item in planned(series, sketched).items])
    return {
        (key.name, dict(key.tags).get("model", "")): (aggregate.sketch.count, aggregate.sketch.sum)
        for key, aggregate in rollup.items()
        if key.name.startswith("cost.")
    }


def planned(series: Sequence[dict[str, Any]], sketches: Sequence[dict[str, Any]] = ()) -> WritePlan:
    batch = {"v": 1, "agent": "a", "epoch": "e", "seq": 1, "time": NOW, "series": series, "sketches": sketches}
    made = plan(json.dumps(batch).encode(), workspace="w", dimensions=frozenset(DEFAULT_DIMENSIONS), scope=(), now=NOW, raw=False)
    assert not made.rejected.count, made.rejected.listed
    return made


def _tags(name: str, model: str) -> dict[str, str]:
    return ({"model": model} if model else {}) | ({"cost_source": "reported"} if name == "task.cost_usd" else {})


def _sketch(value: float) -> str:
    return b64encode(Sketch([value]).to_bytes()).decode()


@given(POINTS)
def test_tokens_are_apart_exactly_when_their_task_has_no_cost(points: list[Point]) -> None:
    costed = {task for name, task, _, _ in points if name == "task.cost_usd" and task}
    loose = [model for name, task, model, _ in points if name == "task.cost_usd" and not task]
    wanted: dict[tuple[str, str], tuple[int, float]] = {}
    for name, task, model, value in points:
        covered = task in costed if task else any(other == model or not (other and model) for other in loose)
        if name in TOKENS and not covered:
            count, total = wanted.get((TOKENS[name], model), (0, 0.0))
            wanted[TOKENS[name], model] = (count + 1, total + value)
    assert apart(points) == wanted


def test_sketches_are_apart_unless_a_cost_without_a_task_may_be_theirs() -> None:
    assert apart([], [("task.tokens_in", "m1", 5.0)]) == {("cost.tokens_in", "m1"): (1, 5.0)}
    assert apart([], [("task.tokens_in", "m1", 5.0), ("task.cost_usd", "m1", 0.1)]) == {}
    assert apart([("task.cost_usd", None, "m2", 0.1)], [("task.tokens_in", "m1", 5.0)]) == {("cost.tokens_in", "m1"): (1, 5.0)}
    assert apart([("task.cost_usd", "t1", "m1", 0.1)], [("task.tokens_in", "m1", 5.0)]) == {("cost.tokens_in", "m1"): (1, 5.0)}


NAMES = st.sampled_from([*TOKENS, *TOKENS, "task.cost_usd", "task.latency_ms", "cost.tokens_in"])
TASKS = st.sampled_from(["t1", "t2", "t3", None, ""])
VALUES = st.integers(0, 1000).map(float)
"""Whole numbers, whose sum is the same in any order."""
TIMES = st.sampled_from([0, -1, -MINUTE_MS])


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """A series as it is posted: its task among the tags, point by point, both, or nowhere."""
    name, size = draw(NAMES), draw(st.integers(1, 3))
    column: dict[str, Any] = {"name": name, "tags": _tags(name, draw(st.sampled_from(MODELS)))}
    if task := draw(st.sampled_from(["t1", "t2", None, None])):
        column["tags"]["task_id"] = task
    for key, cells in (("times", TIMES), ("values", VALUES)):
        column[key] = draw(st.lists(cells, min_size=size, max_size=size))
    if draw(st.booleans()):
        column["attributes"] = {"task_id": draw(st.lists(TASKS, min_size=size, max_size=size))}
    return column


@st.composite
def sketch_points(draw: st.DrawFn) -> dict[str, Any]:
    return _sketched(draw(NAMES), draw(st.sampled_from(MODELS)), draw(TIMES), draw(VALUES))


def _sketched(name: str, model: str, time: int, value: float) -> dict[str, Any]:
    return {"name": name, "tags": _tags(name, model), "time": time, "last": value, "sketch": _sketch(value)}


def _column(name: str, *named: str) -> dict[str, Any]:
    return {"name": name, "tags": {}, "times": [0] * len(named), "values": [1.0] * len(named), "attributes": {"task_id": list(named)}}


type Told = tuple[SeriesKey, str | None, int, float, Sketch | None]
"""Series, task, time in ms, value, and the sketch if it came as one."""


def _account(series: Sequence[dict[str, Any]], sketches: Sequence[dict[str, Any]]) -> Iterator[Told]:
    """All points of a batch."""
    for each in series:
        fixed = each["tags"].get("task_id")
        cells = each.get("attributes", {}).get("task_id") or [None] * len(each["times"])
        for time, value, cell in zip(each["times"], each["values"], cells, strict=True):
            yield _key(each), fixed if cell is None else cell or None, NOW + time, value, None
    for each in sketches:
        yield _key(each), None, NOW + each["time"], each["last"], Sketch([each["last"]])


def _key(posted: dict[str, Any]) -> SeriesKey:
    return SeriesKey(posted["name"], tuple(sorted((key, value) for key, value in posted["tags"].items() if key != "task_id")))


def _straightforward(series: Sequence[dict[str, Any]], sketches: Sequence[dict[str, Any]]) -> dict[int, bytes]:
    """What is to be written of a batch, minute by minute: all points, then those without a cost under their own names."""
    points = list(_account(series, sketches))
    costs = [(task, dict(key.tags).get("model", "")) for key, task, *_ in points if key.name == "task.cost_usd"]
    costed, loose = {task for task, _ in costs if task}, [model for task, model in costs if task is None]
    rollups: dict[int, Rollup] = {}
    for key, _, time, value, sketch in points:
        _take(rollups, key, time, value, sketch)
    for key, task, time, value, sketch in points:
        model = dict(key.tags).get("model", "")
        covered = task in costed if task else any(other == model or not (other and model) for other in loose)
        if key.name in TOKENS and not covered:
            _take(rollups, SeriesKey(TOKENS[key.name], key.tags), time, value, sketch)
    return {minute: encode(rollup) for minute, rollup in rollups.items()}


def _take(rollups: dict[int, Rollup], key: SeriesKey, time: int, value: float, sketch: Sketch | None) -> None:
    mine = rollups.setdefault(time // MINUTE_MS, {}).setdefault(key, Aggregate())
    if sketch is None:
        mine.add(value, time)
    else:
        mine.merge(Aggregate(sketch, value, time))


@given(st.lists(columns(), min_size=1, max_size=8), st.lists(sketch_points(), max_size=3))
@example([_column("task.tokens_in", "t1", "t2"), _column("task.cost_usd", "t1", "t3")], [])
@example([_column("task.tokens_in", "t1")], [_sketched("task.tokens_in", "", 0, 2.0), _sketched("task.cost_usd", "", 0, 0.5)])
def test_not_a_byte_differs_from_a_point_by_point_account(series: list[dict[str, Any]], sketches: list[dict[str, Any]]) -> None:
    assert {item.minute: encode(item.rollup) for item in planned(series, sketches).items} == _straightforward(series, sketches)


def test_series_that_are_folded_together_are_apart_only_as_far_as_they_have_no_cost() -> None:
    models = [f"m{i}" for i in range(150)]
    series = [{"name": "task.tokens_in", "tags": {"model": m, "task_id": m}, "times": [0], "values": [1.0]} for m in models]
    cost = {"name": "task.cost_usd", "tags": {"task_id": models[-1]}, "times": [0], "values": [0.1]}
    (item,) = planned([*series, cost]).items
    counts = {key: aggregate.sketch.count for key, aggregate in item.rollup.items() if ("model", "__other__") in key.tags}
    other = counts[SeriesKey("task.tokens_in", (("model", "__other__"),))]
    assert other > 1
    assert counts[SeriesKey("cost.tokens_in", (("model", "__other__"),))] == other - 1
