"""Which tokens of a batch came without a cost, held against a task by task account."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from clawpulse.sketch import Sketch
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.intake import plan
from functions.domain.rollup import merge_into

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
    sketched = [
        {"name": name, "tags": _tags(name, model), "time": 0, "last": value, "sketch": _sketch(value)} for name, model, value in sketches
    ]
    batch = {"v": 1, "agent": "a", "epoch": "e", "seq": 1, "time": NOW, "series": series, "sketches": sketched}
    made = plan(json.dumps(batch).encode(), workspace="w", dimensions=frozenset(DEFAULT_DIMENSIONS), scope=(), now=NOW, raw=False)
    assert not made.rejected.count, made.rejected.listed
    rollup = merge_into({}, [item.rollup for item in made.items])
    return {
        (key.name, dict(key.tags).get("model", "")): (aggregate.sketch.count, aggregate.sketch.sum)
        for key, aggregate in rollup.items()
        if key.name.startswith("cost.")
    }


def _tags(name: str, model: str) -> dict[str, str]:
    return ({"model": model} if model else {}) | ({"cost_source": "reported"} if name == "task.cost_usd" else {})


def _sketch(value: float) -> str:
    from base64 import b64encode

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
