"""For random points and rules the engine finds what the slow, obvious reference finds: figures within 1 %, edges exactly."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from functions.domain.alert import AlertState, Data, series_id
from functions.domain.alert_data import Evidence, needs
from functions.domain.alert_evaluate import evaluate
from functions.domain.alert_memo import Memo
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_round import play
from functions.domain.alert_rules import Rule
from tests.alerts.unit import reference
from tests.alerts.unit.reference import Agent, Point, Seen
from tests.alerts.unit.rollups import buckets, snapshot

MINUTE = 60_000
FIRST = 29_924_400
WARM, LENGTH = 12, 24
"""Minutes of points before the first evaluation, and in all."""
START = FIRST * MINUTE
AGENTS = [
    Agent("a1", "fast", START, START + 99 * MINUTE),
    Agent("a2", "fast", START, START + 15 * MINUTE),
    Agent("a3", "smart", START + 9 * MINUTE, START + 99 * MINUTE),
    Agent("a4", "smart", START, START + 99 * MINUTE),
]
METRICS = ("task.latency_ms", "task.tokens_out", "task.errors")
EVENTS = ("task.completed", "task.failed")
MAGNITUDES = (-40.0, 0.0, 1.0, 1.0, 7.0, 40.0, 40.0, 300.0)


@st.composite
def bursts(draw: st.DrawFn) -> list[Point]:
    """Points of some agent for some minutes in a row, each with the same few values: conditions that hold for a while."""
    agent = draw(st.sampled_from(AGENTS))
    name = draw(st.sampled_from((*METRICS, *EVENTS)))
    first, length = draw(st.integers(0, LENGTH - 1)), draw(st.integers(1, 10))
    values = [1.0] if name in EVENTS else draw(st.lists(st.sampled_from(MAGNITUDES), min_size=1, max_size=3))
    offset = draw(st.integers(0, 50_000))
    made = [
        Point((FIRST + minute) * MINUTE + offset + number, name, agent.name, agent.tier, value)
        for minute in range(first, min(first + length, LENGTH))
        for number, value in enumerate(values)
    ]
    return [point for point in made if agent.first_seen <= point.time <= agent.last_seen]


AGGREGATIONS = st.sampled_from(["avg", "sum", "rate", "count", "min", "max", "last", "p0", "p50", "p90", "p99.9", "p100"])
METRIC_TERMS = st.fixed_dictionaries(
    {"metric": st.one_of(st.sampled_from(METRICS), st.just(["task.latency_ms", "task.tokens_out"])), "aggregation": AGGREGATIONS}
)
EVENT_TERMS = st.fixed_dictionaries({"event": st.sampled_from(EVENTS)}, optional={"aggregation": st.sampled_from(["rate", "sum", "max"])})
TERMS = st.one_of(METRIC_TERMS, EVENT_TERMS)
LIMITS = st.sampled_from([-20.0, -0.013, 0.0, 0.013, 0.5, 3.0, 11.0, 90.0])


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    over = {"over": draw(st.sampled_from(["1m", "3m", "5m"]))}
    shape = draw(st.sampled_from(["plain", "plain", "clear", "ratio", "change", "previous", "median", "rate", "absent"]))
    if shape == "absent":
        return over | {"absent": {"metric": draw(st.sampled_from(METRICS))}}
    when = over | ({"metric": "task.error_rate"} if shape == "rate" else draw(TERMS))
    if draw(st.booleans()):
        when["min_points"] = draw(st.integers(1, 6))
    if shape in ("previous", "median"):
        of = {"previous": "previous_window", "median": "fleet_median"}[shape]
        return when | {
            "baseline": {"of": of, "factor": draw(st.sampled_from([0.3, 0.7, 1.45, 2.7])), "min_points": draw(st.integers(1, 3))}
        }
    key, limit = draw(st.sampled_from(["above", "below"])), draw(LIMITS)
    when[key] = limit
    if shape == "clear":
        when["clear"] = limit - 2.6 if key == "above" else limit + 2.6
    if shape == "ratio":
        when["divided_by"] = draw(TERMS)
    if shape == "change":
        when["change"] = draw(st.sampled_from(["relative", "absolute"]))
    return when


RULES = st.fixed_dictionaries(
    {"name": st.just("r"), "when": conditions(), "per": st.sampled_from(["group", "agent", "tier"])},
    optional={"for": st.sampled_from(["1m", "3m"]), "keep_firing_for": st.sampled_from(["1m", "2m"])},
)


def observe(rule: dict[str, Any], points: list[Point], minute: int) -> dict[reference.Series, Seen]:
    every = reference.series_of(rule, AGENTS, points)
    end = (minute + 1) * MINUTE
    return {series: reference.look(rule, series, every, points, AGENTS, end) for series in every}


def evidence(rule: Rule, points: list[Point], minute: int) -> Evidence:
    """What seal would have stored by then: exactly what the plan asks for, no more."""
    now = (minute + 1) * MINUTE + 40_000
    wanted = needs([rule], now=now, settled=minute, dimensions=("tier",))
    group = [(span.unit, number) for span in wanted.group for number in range(span.first, span.last)]
    matrix = [(span.unit, number) for span in wanted.agents for number in range(span.first, span.last)]
    named = [point for point in points if point.name in wanted.agent_metrics]
    return Evidence(
        now=now,
        settled=minute,
        snapshot=snapshot(AGENTS, now, minute),
        group=buckets(points, group),
        agents=buckets(named, matrix, of_agents=True),
        dimensions=("tier",),
    )


def too_close(seen: Seen, rule: dict[str, Any]) -> bool:
    """Whether the sketch's 1 % could decide otherwise."""
    if seen.value is None or seen.threshold is None:
        return False
    marks = [seen.threshold, rule["when"].get("clear", seen.threshold)]
    return any(
        abs(seen.value - mark) <= max(2 * seen.off, 0.045 * max(abs(seen.value), abs(mark))) and (seen.value != 0 or seen.off)
        for mark in marks
    )


@settings(max_examples=250, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(RULES, st.lists(bursts(), max_size=8))
def test_the_engine_equals_the_reference(document: dict[str, Any], found: list[list[Point]]) -> None:
    points = [point for burst in found for point in burst]
    [rule] = parse_rules(document)
    sights: dict[reference.Series, list[tuple[int, Seen]]] = {}
    states: dict[str, AlertState] = {}
    told: dict[reference.Series, list[tuple[int, str]]] = {}
    memo = Memo()
    for minute in range(FIRST + WARM, FIRST + LENGTH):
        expected = observe(document, points, minute)
        assume(not any(too_close(seen, document) for seen in expected.values()))
        seen_by_engine = evidence(rule, points, minute)
        samples = evaluate([rule], seen_by_engine, memo=memo)
        for series, seen in expected.items():
            sample = samples["r"].of(dict(series))
            assert (sample.data is Data.OK) == (seen.value is not None), (series, seen, sample)
            if seen.value is not None and sample.value is not None:
                assert abs(sample.value - seen.value) <= 0.021 * abs(seen.value) + seen.off + 1e-9, (series, seen, sample)
                assert (sample.holds, sample.clear) == (seen.holds, seen.clear), (series, seen, sample)
            sights.setdefault(series, []).append((seen_by_engine.now, seen))
        for move in play([rule], samples, list(states.values()), seen_by_engine.now):
            states[series_id("r", move.state.series)] = move.state
            if move.edge:
                told.setdefault(tuple(sorted(move.edge.series.items())), []).append((move.edge.at, move.edge.kind.value))
    assert told == {series: wanted for series in sights if (wanted := list(reference.edges(document, sights[series])))}


@given(st.lists(RULES, min_size=1, max_size=4, unique_by=str), st.lists(bursts(), max_size=5))
def test_a_warm_memory_changes_nothing(found: list[dict[str, Any]], made: list[list[Point]]) -> None:
    points = [point for burst in made for point in burst]
    rules = parse_rules({"rules": [rule | {"name": f"r{number}"} for number, rule in enumerate(found)]})
    memo = Memo()
    for minute in range(FIRST + WARM, FIRST + WARM + 4):
        now = (minute + 1) * MINUTE + 40_000
        readable = [("m", number) for number in range(FIRST, FIRST + LENGTH)]
        seen = Evidence(
            now=now,
            settled=minute,
            snapshot=snapshot(AGENTS, now, minute),
            group=buckets(points, readable),  # type: ignore[arg-type]
            agents=buckets(points, readable, of_agents=True),  # type: ignore[arg-type]
            dimensions=("tier",),
        )
        warm, cold = (evaluate(rules, seen, memo=one) for one in (memo, Memo()))
        assert {name: list(one) for name, one in warm.items()} == {name: list(one) for name, one in cold.items()}
