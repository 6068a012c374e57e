"""Usage holds each agent's hours by cell, and frames of it sum up to what plain loops sum up to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain import rollup_codec, usage
from functions.domain.errors import InvalidInput
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.selector import Selector
from functions.domain.usage_frame import Damaged, UsageFrame
from functions.usage_reading import read_usage
from tests.fakes.rollups import MemoryRollups

HOUR = 498_000
COST = "task.cost_usd"
LATENCY = "task.latency_ms"


def rollup_of(points: Mapping[tuple[str, TagPairs], list[float]]) -> Rollup:
    made: Rollup = {}
    for (name, tags), values in points.items():
        aggregate = made[SeriesKey(name, tags)] = Aggregate()
        aggregate.extend(values, list(range(len(values))))
    return made


def test_usage_names_the_agent_among_the_tags() -> None:
    agents = {"a7": rollup_of({(COST, (("model", "m"),)): [0.5], ("somebody.elses", ()): [1.0]})}
    assert list(usage.usage_of(agents)) == [SeriesKey(COST, (("agent", "a7"), ("model", "m")))]


def test_an_agent_that_is_built_again_replaces_only_its_own() -> None:
    stored = usage.usage_of({"a": rollup_of({(COST, ()): [1.0]}), "b": rollup_of({(COST, ()): [2.0], (LATENCY, ()): [9.0]})})
    fresh = usage.usage_of({"b": rollup_of({(COST, ()): [3.0]})})
    found = usage.replaced(stored, fresh, ["b"])
    assert {dict(key.tags)["agent"]: aggregate.sketch.sum for key, aggregate in found.items()} == {"a": 1.0, "b": 3.0}


def test_an_agent_that_has_nothing_left_is_gone() -> None:
    assert usage.replaced(usage.usage_of({"a": rollup_of({(COST, ()): [1.0]})}), {}, ["a"]) == {}


def test_what_would_not_fit_is_refused_and_packing_changes_nothing() -> None:
    store = MemoryRollups(lambda: -1.0)
    for hour in range(HOUR, HOUR + 72):
        store.put_usage("w", hour, 0, usage.usage_of({"a": rollup_of({(COST, ()): [float(hour)]})}), 0)
    frame = read_usage(store, "w", None, HOUR, HOUR + 72, names={COST}, most=72)
    hourly = frame.hourly(COST, frame.group(())).sum
    assert hourly.tolist() == [[float(hour) for hour in range(HOUR, HOUR + 72)]]
    with pytest.raises(InvalidInput, match="choose a shorter period"):
        read_usage(store, "w", None, HOUR, HOUR + 72, names={COST}, most=71)


cells = st.sampled_from([(), (("tier", "fast"),), (("tier", "smart"),), (("model", "m"), ("tier", "fast"))])
points = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["a", "b", "c"]),
        cells,
        st.sampled_from([COST, LATENCY]),
        st.lists(st.floats(0.01, 1e4), min_size=1, max_size=5),
    ),
    max_size=30,
)
TEAMS = {"a": {"team": "x"}, "b": {"team": "y", "tier": "of-the-agent"}}


@given(points, st.sampled_from([(), ("agent",), ("tier",), ("team", "tier")]), st.sampled_from(["", "tier=fast", "agent!=a"]))
def test_a_frame_sums_as_a_loop_does(found: list[tuple[int, str, TagPairs, str, list[float]]], by: tuple[str, ...], selector: str) -> None:
    frame = UsageFrame(HOUR, HOUR + 4, names={COST, LATENCY}, sketches={LATENCY})
    raw: dict[tuple[int, str], dict[tuple[str, TagPairs], list[float]]] = defaultdict(lambda: defaultdict(list))
    for hour, agent, cell, name, values in found:
        raw[hour, agent][name, cell] += values
    for (hour, agent), series in raw.items():
        frame.add(HOUR + hour, rollup_codec.encode(usage.usage_of({agent: rollup_of(series)})))
    groups = frame.group(by, Selector.parse(selector), TEAMS)
    expected: dict[tuple[str, TagPairs, int], list[float]] = defaultdict(list)
    for hour, agent, cell, name, values in found:
        tags = {**TEAMS.get(agent, {}), **dict(cell), "agent": agent}
        if Selector.parse(selector).matches(tags):
            expected[name, tuple((key, tags[key]) for key in by if key in tags), hour] += values
    for name in (COST, LATENCY):
        hourly, total = frame.hourly(name, groups), frame.figures(name, groups)
        for number, key in enumerate(groups.keys):
            of_group = [expected.get((name, key, hour), []) for hour in range(4)]
            assert hourly.count[number].tolist() == [len(values) for values in of_group]
            assert hourly.sum[number].tolist() == pytest.approx([math.fsum(values) for values in of_group])
            together = [value for values in of_group for value in values]
            assert total.count[number] == len(together)
            if together:
                assert (total.min[number], total.max[number]) == (min(together), max(together))
                assert total.mean[number] == pytest.approx(math.fsum(together) / len(together))
    medians = frame.quantile(LATENCY, groups, 0.5)
    for number, key in enumerate(groups.keys):
        together = sorted(value for hour in range(4) for value in expected.get((LATENCY, key, hour), []))
        if together:
            assert medians[number] == pytest.approx(together[(len(together) - 1) // 2], rel=0.011)
        else:
            assert np.isnan(medians[number])


def test_quantiles_by_hour() -> None:
    frame = UsageFrame(HOUR, HOUR + 2, names={LATENCY}, sketches={LATENCY})
    for hour, value in ((HOUR, 10.0), (HOUR + 1, 1000.0)):
        frame.add(hour, rollup_codec.encode(usage.usage_of({"a": rollup_of({(LATENCY, ()): [value] * 3})})))
    found = frame.quantile(LATENCY, frame.group(("agent",)), 0.95, hourly=True)
    assert found.tolist() == [[pytest.approx(10.0, rel=0.01), pytest.approx(1000.0, rel=0.01)]]


def test_quantiles_need_their_sketches() -> None:
    frame = UsageFrame(HOUR, HOUR + 1, names={LATENCY})
    with pytest.raises(KeyError, match=r"task\.latency_ms"):
        frame.quantile(LATENCY, frame.group(()), 0.5)


def test_damaged_usage_is_told() -> None:
    with pytest.raises(Damaged):
        UsageFrame(HOUR, HOUR + 1, names={COST}).add(HOUR, b"\x01nonsense")
