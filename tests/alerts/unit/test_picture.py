"""The picture of a backtest: what was measured over time, and what made each alert is in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from functions.domain.alert_backtest import History, backtest
from functions.domain.alert_picture import MAX_COLUMNS, MAX_LINES, Line, Painter
from functions.domain.alert_rules import Rule
from functions.domain.fleet import AgentState
from tests.alerts.unit import rollups
from tests.alerts.unit.reference import Point
from tests.alerts.unit.test_backtest import BAD_FROM, BAD_UNTIL, HOUR, MINUTE, START, history, rule


def paint(wanted: Rule, past: History, step_minutes: int = 1) -> tuple[Painter, list[Line]]:
    painter = Painter(wanted, past, step_minutes)
    episodes = backtest([wanted], past, step_minutes, painter.see)
    return painter, painter.lines(episodes)


def test_values_and_thresholds_are_those_of_the_replay() -> None:
    painter, (line,) = paint(rule(), history())
    assert (painter.width, line.series, len(line.points)) == (MINUTE, {"tier": "fast"}, 240)
    before = [value for at, value, _ in line.points if at < BAD_FROM]
    during = [value for at, value, _ in line.points if BAD_FROM + 5 * MINUTE < at < BAD_UNTIL]
    assert (set(before), set(during)) == ({100.0}, {2_000.0})
    assert {threshold for _, value, threshold in line.points if value is not None} == {500.0}


@pytest.mark.parametrize("hours", [1, 3, 4])
def test_columns_follow_each_other_and_lie_within_the_time(hours: int) -> None:
    past = history(end=START + hours * HOUR)
    painter, (line,) = paint(rule(), past, step_minutes=7)
    times = [at for at, _, _ in line.points]
    assert all(later - earlier == painter.width for earlier, later in pairwise(times))
    assert past.start < times[0]
    assert times[-1] - painter.width // 2 < past.end
    assert len(times) <= MAX_COLUMNS


def test_what_fired_shortly_stays_to_be_seen_in_a_wide_column() -> None:
    _, (line,) = paint(rule(), history(minutes_from=START + 4 * HOUR))
    assert [value for _, value, _ in line.points] == [100.0, 1050.0, 416.667, 100.0], "an hour each, as only hours are left"


def test_the_lowest_value_counts_for_a_rule_that_looks_below() -> None:
    low = rule(when={"metric": "task.latency_ms", "aggregation": "avg", "over": "5m", "below": 150})
    coarse = Painter(low, history(), step_minutes=240)
    backtest([low], history(), 1, coarse.see)
    ((_, value, threshold),) = coarse.lines([])[0].points
    assert (value, threshold) == (100.0, 150.0)


def test_too_few_points_are_no_value() -> None:
    _, lines = paint(rule(when={"metric": "task.latency_ms", "aggregation": "avg", "over": "5m", "above": 500, "min_points": 6}), history())
    assert [value for line in lines for _, value, _ in line.points if value is not None] == []


def test_of_many_series_those_that_fired_are_shown() -> None:
    found = [
        Point(START + minute * MINUTE + 1, "task.latency_ms", f"a-{n}", f"t{n:02d}", 900.0 if n == 17 else 400.0 - n)
        for minute in range(30)
        for n in range(20)
    ]
    group = {("m", number): data for number, data in rollups.rollups(found, "m", of_agents=False).items()}
    known = {f"a-{n}": AgentState(id=f"a-{n}", name=f"a-{n}", tags={"tier": f"t{n:02d}"}) for n in range(20)}
    past = replace(history(end=START + HOUR), group=group, agents={}, fleet=known)
    _, lines = paint(rule(), past)
    assert [line.series["tier"] for line in lines] == ["t17", *(f"t{n:02d}" for n in range(MAX_LINES - 1))]
