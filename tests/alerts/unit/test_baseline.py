"""Baselines equal a naive account of raw points; the trailing week kept hour by hour equals one that is added up anew."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.alert import Data
from functions.domain.alert_baseline import Baselines, make_baselines
from functions.domain.alert_columns import Columns
from functions.domain.alert_data import Evidence, baseline_needs, buckets
from functions.domain.alert_evaluate import evaluate
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import Rule
from functions.domain.alert_trailing import HourColumns, Trailing
from tests.alerts.unit import reference, rollups
from tests.alerts.unit.reference import Agent, Point, Series

HOUR = 3_600_000
NOW_HOUR = 498_740
SETTLED = NOW_HOUR * 60 + 20
NOW = (SETTLED + 1) * 60_000 + 40_000
AGENTS = [Agent("a1", "fast", 1, NOW), Agent("a2", "fast", 1, NOW), Agent("a3", "smart", 1, NOW)]
NAMES = ("task.latency_ms", "task.tokens_out")


def rule(of: str, per: str = "tier", **when: Any) -> Rule:
    baseline = {"of": of, "factor": 2, "min_points": 1, **when.pop("baseline", {})}
    condition = {"metric": "task.latency_ms", "aggregation": "p95", "over": "10m", "baseline": baseline} | when
    return parse_rules({"name": "r", "per": per, "when": condition})[0]


def evidence(rules: Sequence[Rule], points: Sequence[Point]) -> Evidence:
    wanted = baseline_needs(rules, settled=SETTLED, dimensions=("tier",))
    return Evidence(
        now=NOW,
        settled=SETTLED,
        snapshot=rollups.snapshot(AGENTS, NOW, SETTLED),
        group=rollups.buckets(points, list(buckets(wanted.group))),
        agents=rollups.buckets(points, list(buckets(wanted.agents)), of_agents=True),
        dimensions=("tier",),
    )


def found(watched: Rule, points: Sequence[Point]) -> dict[Series, float]:
    usual = make_baselines([watched], evidence([watched], points)).usual[watched.baseline_id]
    return dict(zip(usual.series, usual.values, strict=True))


@st.composite
def weeks(draw: st.DrawFn) -> list[Point]:
    """Runs of hours in which an agent has a few points an hour, over the last 30 days."""
    points = []
    for _ in range(draw(st.integers(0, 6))):
        agent, name = draw(st.sampled_from(AGENTS)), draw(st.sampled_from(NAMES))
        first, length, every = draw(st.integers(0, 200)), draw(st.integers(1, 180)), draw(st.sampled_from([1, 1, 3, 24, 168]))
        values = draw(st.lists(st.sampled_from([0.0, 1.0, 40.0, 300.0, 2_000.0]), min_size=1, max_size=3))
        for back in range(first, first + length * every, every):
            points += [Point((NOW_HOUR - back) * HOUR + number, name, agent.name, agent.tier, v) for number, v in enumerate(values)]
    return points


TERMS = st.fixed_dictionaries(
    {"metric": st.sampled_from([*NAMES, list(NAMES)]), "aggregation": st.sampled_from(["avg", "sum", "rate", "count", "p50", "p95", "min"])}
)
SHAPES = st.sampled_from(["trailing", "same hours", "hour of week"])


def expected(document: dict[str, Any], series: Series, points: Sequence[Point], shape: str) -> float | None:
    """By hand: the measure of these hours, brought down to one window."""
    over = 10 * 60
    hours = {
        "trailing": range(NOW_HOUR - 169, NOW_HOUR - 1),
        "same hours": range(NOW_HOUR - 168, NOW_HOUR, 24),
        "hour of week": range(NOW_HOUR - 672, NOW_HOUR, 168),
    }[shape]
    mine = [point for point in points if reference.belongs(series, point.agent, point.tier)]
    by_hour = {hour: [point for point in mine if point.time // HOUR == hour] for hour in hours}
    if shape == "same hours":
        daily = [value for inside in by_hour.values() if (value := figure(document, inside, 1, over)) is not None]
        return median(daily) if len(daily) >= 3 else None
    terms = [document, *([document["divided_by"]] if "divided_by" in document else [])]
    named = {name for term in terms for name in ([term["metric"]] if isinstance(term["metric"], str) else term["metric"])}
    busy = sum(any(point.name in named for point in inside) for inside in by_hour.values())
    if busy < (24 if shape == "trailing" else 1):
        return None
    return figure(document, [point for inside in by_hour.values() for point in inside], busy, over)


def figure(document: dict[str, Any], inside: Sequence[Point], hours: int, over: int) -> float | None:
    def of(term: dict[str, Any]) -> float | None:
        value, _ = reference.figure(term, inside, False, hours * 3600)
        share = over / 3600 / hours if term["aggregation"] in ("sum", "count") else 1
        return None if value is None else value * share

    value = of(document)
    if "divided_by" in document:
        under = of(document["divided_by"])
        return None if value is None or not under else value / under
    return value


@settings(max_examples=80)
@given(TERMS, st.one_of(st.none(), TERMS), SHAPES, st.sampled_from(["tier", "agent", "group"]), weeks())
def test_baselines_equal_a_naive_account(
    term: dict[str, Any], divisor: dict[str, Any] | None, shape: str, per: str, points: list[Point]
) -> None:
    document = term | ({"divided_by": divisor} if divisor else {})
    of = "same_hour_of_week" if shape == "hour of week" else "trailing_7d"
    watched = rule(of, per, **document, baseline={"hours": "same"} if shape == "same hours" else {})
    wanted = {
        series: value
        for series in reference.series_of({"per": per}, AGENTS, points)
        if (value := expected(document, series, points, shape)) is not None
    }
    made = found(watched, points)
    assert made.keys() == wanted.keys()
    for series, value in wanted.items():
        assert made[series] == pytest.approx(value, rel=0.021, abs=1e-9)


@settings(max_examples=25)
@given(weeks(), st.integers(1, 30))
def test_the_week_kept_hour_by_hour_equals_one_added_up_anew(points: list[Point], later: int) -> None:
    rules = [rule("trailing_7d"), rule("trailing_7d", "agent", aggregation="rate")]
    trailing = Trailing()
    encoded = {of_agents: rollups.rollups(points, "h", of_agents=of_agents) for of_agents in (False, True)}

    def columns(hour: int) -> HourColumns:
        return HourColumns(*(Columns(encoded[kind].get(hour), trailing.tags[kind]) for kind in (False, True)))

    for settled in (SETTLED - later * 60, SETTLED):
        plan = trailing.plan(rules, settled, ("tier",))
        assert len(plan.add) in (168, later)
        assert all(trailing.drop(hour, columns(hour)) for hour in plan.drop)
        for hour in plan.add:
            trailing.add(hour, columns(hour))
    fresh = make_baselines(rules, evidence(rules, points)).usual
    kept = make_baselines(rules, evidence(rules, points), trailing).usual
    for key, usual in fresh.items():
        both = (dict(zip(one.series, zip(one.values, one.points, strict=True), strict=True)) for one in (usual, kept[key]))
        first, second = both
        assert first.keys() == second.keys()
        for series, (value, count) in first.items():
            assert second[series] == (pytest.approx(value), count)


def test_an_hour_that_was_written_again_cannot_be_taken_away() -> None:
    trailing = Trailing()
    rules = [rule("trailing_7d")]
    before, after = (rollups.rollups([Point(HOUR, NAMES[0], "a1", "fast", value)], "h", of_agents=False)[1] for value in (1.0, 2.0))
    trailing.plan(rules, SETTLED, ("tier",))
    trailing.add(1, HourColumns(Columns(before, trailing.tags[False]), None))
    assert not trailing.drop(1, HourColumns(Columns(after, trailing.tags[False]), None))
    assert trailing.drop(1, HourColumns(Columns(before, trailing.tags[False]), None))


def test_a_rule_that_asks_for_another_metric_has_all_added_up_anew() -> None:
    trailing = Trailing()
    for number, watched in enumerate((rule("trailing_7d"), rule("trailing_7d", metric="task.tokens_out"))):
        plan = trailing.plan([watched], SETTLED + number * 60, ("tier",))
        assert len(plan.add) == 168
        for hour in plan.add:
            trailing.add(hour, HourColumns(Columns(None, trailing.tags[False]), Columns(None, trailing.tags[True])))


def test_baselines_survive_being_stored_and_say_when_they_are_due() -> None:
    points = [Point((NOW_HOUR - back) * HOUR, NAMES[0], "a1", "fast", 40.0) for back in range(2, 100)]
    watched = rule("trailing_7d")
    made = make_baselines([watched], evidence([watched], points))
    again = Baselines.decode(made.encode())
    assert (again.hour, again.usual) == (made.hour, made.usual)
    assert again.covers([watched], SETTLED)
    assert not again.covers([watched, rule("trailing_7d", aggregation="p50")], SETTLED)
    assert not again.covers([watched], SETTLED + 60)
    assert again.lasts(SETTLED + 60)
    assert not again.lasts(SETTLED + 120)
    with pytest.raises(ValueError, match="not baselines"):
        Baselines.decode(b"\x93")


def test_too_little_history_is_no_data_and_says_so() -> None:
    watched = rule("trailing_7d")
    points = [Point(NOW - 100_000, NAMES[0], "a1", "fast", 40.0)]
    now = Evidence(
        now=NOW,
        settled=SETTLED,
        snapshot=rollups.snapshot(AGENTS, NOW, SETTLED),
        group=rollups.buckets(points, [("m", minute) for minute in range(SETTLED - 9, SETTLED + 1)]),
        dimensions=("tier",),
    )
    sample = evaluate([watched], now)["r"].of({"tier": "fast"})
    assert sample.data is Data.NO_DATA
    assert sample.reason == "p95 of task.latency_ms over 10 min: no baseline: too little history, or too small a one"
