"""The tracker against plain loops over the same tasks, whatever they are."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain import rollup_codec, usage
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, sorted_pairs
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS
from functions.domain.tracker import NAMES, SKETCHES, Track, track
from functions.domain.tracker_slow import slow_ties
from functions.domain.usage_frame import UsageFrame

HOUR, HOURS = 498_000, 4
AGENTS = {"a": {"tier": "fast", "host": "h1"}, "b": {"tier": "smart", "host": "h1"}, "c": {"host": "h2"}}
LATENCY, BEGUN, DONE, FAILED = "task.latency_ms", "task.started", "task.completed", "task.failed"
GAUGES = ("fleet.active_workers", "fleet.max_workers", "queue.depth", "openclaw.queue.wait_ms")

points = st.lists(
    st.tuples(
        st.integers(0, HOURS - 1),
        st.sampled_from(sorted(AGENTS)),
        st.sampled_from([{}, {"tier": "fast"}, {"model": "m"}]),
        st.sampled_from([LATENCY, BEGUN, DONE, FAILED, *GAUGES]),
        st.integers(1, 5_000),
    ),
    max_size=60,
)
Points = list[tuple[int, str, dict[str, str], str, int]]


def frame_of(found: Points, missing: frozenset[int] = frozenset()) -> UsageFrame:
    frame = UsageFrame(HOUR, HOUR + HOURS, names=NAMES, sketches=SKETCHES)
    hours: dict[tuple[int, str], Rollup] = defaultdict(dict)
    for hour, agent, cell, name, value in found:
        hours[hour, agent].setdefault(SeriesKey(name, sorted_pairs(cell)), Aggregate()).add(float(value), hour * HOUR_MS)
    for (hour, agent), rollup in hours.items():
        frame.add(HOUR + hour, rollup_codec.encode(usage.usage_of({agent: rollup})))
    frame.missing = frozenset(HOUR + hour for hour in missing)
    return frame


def of(found: Points, name: str) -> list[int]:
    return [value for _, _, _, kind, value in found if kind == name]


def mean(values: list[int]) -> float | None:
    return sum(values) / len(values) if values else None


def check(one: Track, everything: Points, missing: frozenset[int]) -> None:
    """One group's figures, by loops over its points."""
    known = [point for point in everything if point[0] not in missing]
    seconds = (HOURS - len(missing)) * 3600
    by_hour: dict[int, Points] = defaultdict(list)
    for point in known:
        by_hour[point[0]].append(point)
    ended = {hour: max(len(of(part, DONE)) + len(of(part, FAILED)), len(of(part, LATENCY))) for hour, part in by_hour.items()}
    assert one.tasks == sum(ended.values())
    assert one.errors == len(of(known, FAILED))
    assert one.arrivals in (one.tasks, len(of(known, BEGUN)))
    assert one.arrival_rate == pytest.approx(one.arrivals / seconds)
    times = sorted(of(everything, LATENCY))
    if times:
        assert one.service is not None
        assert one.service.mean == pytest.approx(sum(times) / len(times) / 1000)
        assert one.service.p95 == pytest.approx(times[int(0.95 * (len(times) - 1))] / 1000, rel=0.011)
        assert one.concurrency == pytest.approx(sum(of(known, LATENCY)) / 1000 / seconds)
    else:
        assert (one.service, one.concurrency) == (None, None)
    active, most = mean(of(everything, GAUGES[0])), mean(of(everything, GAUGES[1]))
    there = {(hour, agent) for hour, agent, _, name, _ in known if name != GAUGES[3]}
    assert one.agents == len({agent for _, agent in there})
    if active is not None and most:
        assert (one.source, one.utilization) == ("workers", pytest.approx(active / most))
    elif times and there:
        busy = sum(of(known, LATENCY)) / 1000 / (len(there) * 3600) / (most or 1)
        assert (one.source, one.utilization) == ("tasks", pytest.approx(busy))
    depths: dict[str, list[int]] = defaultdict(list)
    for _, agent, _, name, value in everything:
        if name == GAUGES[2]:
            depths[agent].append(value)
    together = sum(sum(values) / len(values) for values in depths.values())
    assert one.queue_depth == (pytest.approx(together) if depths else None)
    if of(everything, GAUGES[3]):
        assert one.wait is not None
        assert one.wait.mean == pytest.approx(sum(of(everything, GAUGES[3])) / len(of(everything, GAUGES[3])) / 1000)
    elif depths and one.arrivals:
        assert one.wait is not None
        assert one.wait.mean == pytest.approx(together / one.arrival_rate)


@settings(max_examples=60)
@given(points, st.sampled_from([(), ("tier",), ("agent",), ("host", "tier")]), st.sampled_from(["", "host=h1"]), st.sets(st.integers(0, 2)))
def test_tracks_are_what_loops_make_of_the_points(found: Points, by: tuple[str, ...], selector: str, unknown: set[int]) -> None:
    missing = frozenset(unknown)
    groups: dict[tuple[tuple[str, str], ...], Points] = defaultdict(list)
    for point in found:
        tags = {**AGENTS[point[1]], **point[2], "agent": point[1]}
        if Selector.parse(selector).matches(tags):
            groups[tuple((key, tags[key]) for key in by if key in tags)].append(point)
    tracks = {one.tags: one for one in track(frame_of(found, missing), by, Selector.parse(selector), AGENTS)}
    for key, everything in groups.items():
        counted = [point for point in everything if point[0] not in missing and point[3] in (LATENCY, BEGUN, DONE, FAILED)]
        assert (key in tracks) == bool(counted)
        if counted:
            check(tracks[key], everything, missing)


def test_slow_tasks_are_tied_to_what_they_have_in_common_and_chance_to_nothing() -> None:
    dice = np.random.default_rng(9)
    named = {f"a{number}": {"tier": "fast", "host": f"h{number % 50}", "model": "m"} for number in range(100)}
    even: Points = [(0, agent, {}, LATENCY, int(value) + 1) for agent in named for value in dice.exponential(900, 60)]
    assert slow_ties(frame_of(even), Selector(), named) == []
    slow = [(hour, agent, cell, name, value * (9 if named[agent]["host"] == "h7" else 1)) for hour, agent, cell, name, value in even]
    (tie,) = slow_ties(frame_of(slow), Selector(), named)
    assert (tie.tier, tie.factor, tie.value, tie.tasks) == ("fast", "host", "h7", 120)
    assert tie.times > 5
