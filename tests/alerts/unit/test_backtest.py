"""Backtest: the same engine with an older `now`, and what it says of the money."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from functions.domain.alert_backtest import History, backtest, unreplayable
from functions.domain.alert_data import Bucket
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import Rule
from functions.domain.fleet import AgentState
from tests.alerts.unit import rollups
from tests.alerts.unit.reference import Point

MINUTE, HOUR = 60_000, 3_600_000
START = 498_740 * HOUR
BAD_FROM, BAD_UNTIL = START + 90 * MINUTE, START + 130 * MINUTE


def rule(**changes: Any) -> Rule:
    when = {"metric": "task.latency_ms", "aggregation": "avg", "over": "5m", "above": 500}
    return parse_rules({"name": "slow", "per": "tier", "when": when, "for": "2m"} | changes)[0]


def points() -> list[Point]:
    """Four hours: a task a minute for a cent, slow for forty minutes."""
    found = []
    for minute in range(240):
        time = START + minute * MINUTE
        slow = BAD_FROM <= time < BAD_UNTIL
        found.append(Point(time + 1, "task.latency_ms", "a-1", "fast", 2_000.0 if slow else 100.0))
        found.append(Point(time + 1, "task.cost_usd", "a-1", "fast", 0.01))
        found.append(Point(time + 1, "task.tokens_out", "a-1", "fast", 7.0))
    return found


def history(**changes: Any) -> History:
    group: dict[Bucket, bytes] = {}
    agents: dict[Bucket, bytes] = {}
    for of_agents, into in ((False, group), (True, agents)):
        for unit in ("m", "h"):
            into.update({(unit, number): data for number, data in rollups.rollups(points(), unit, of_agents=of_agents).items()})  # type: ignore[misc,arg-type]
    known = {"a-1": AgentState(id="a-1", name="a-1", tags={"tier": "fast"})}
    base = History(group=group, agents=agents, start=START, end=START + 4 * HOUR, minutes_from=START, fleet=known, dimensions=("tier",))
    return replace(base, **changes)


@pytest.mark.parametrize("per", ["tier", "agent"])
def test_pages_when_how_long_and_what_was_spent(per: str) -> None:
    [found] = backtest([rule(per=per)], history())
    # Two bad minutes of five are 860 on average: the third minute's end, two minutes of `for`, and the time that it takes to settle.
    assert (found.fired.at - BAD_FROM) // MINUTE == 4
    assert found.resolved
    assert (found.resolved.at - BAD_UNTIL) // MINUTE == 4
    spent_minutes = (found.fired.at - (found.fired.since - 40_000 - 5 * MINUTE)) // MINUTE
    assert found.to_page.usd == pytest.approx(0.01 * spent_minutes, abs=0.011)
    assert found.to_page.tokens == pytest.approx(700 * (found.to_page.usd or 0))
    assert (found.in_all.usd or 0) > (found.to_page.usd or 0)
    assert not found.coarse


def test_where_only_hours_are_left_it_is_true_to_the_hour_and_says_so() -> None:
    [found] = backtest([rule()], history(minutes_from=START + 4 * HOUR))
    assert found.coarse
    assert found.fired.at == START + 2 * HOUR + 40_000, "half of the second hour was slow"
    assert found.resolved
    assert found.resolved.at == START + 3 * HOUR + 40_000, "ten minutes of the third are 417 ms on average"


def test_an_alert_that_does_not_end_has_no_end() -> None:
    [found] = backtest([rule()], history(end=BAD_UNTIL))
    assert found.resolved is None


def test_what_stays_below_would_have_paged_nobody() -> None:
    when = {"metric": "task.latency_ms", "aggregation": "avg", "over": "5m", "above": 5_000}
    assert backtest([rule(when=when)], history()) == []


def test_rules_on_the_snapshot_cannot_be_replayed_and_say_why() -> None:
    dead = rule(per="agent", when={"field": "heartbeat_age_s", "above": 35})
    assert "no past is stored" in (unreplayable(dead) or "")
    assert unreplayable(rule()) is None
    assert backtest([dead], history()) == []
