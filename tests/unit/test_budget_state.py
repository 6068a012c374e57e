"""How groups stand to their budgets: documents, periods, levels, forecasts and sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert_budgets import BudgetAct, BudgetLimit, parse_acts, parse_budgets
from functions.domain.alert_faults import InvalidDocument
from functions.domain.alert_rules import BUDGETS
from functions.domain.budget_state import ORDER, BudgetState, Level, at_risk, budget_states, level_of, period_of
from functions.domain.budget_use import Counted, Use
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

DIMENSIONS = ("tier", "shard", "team")
DAY = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000)
NOON = DAY + 12 * HOUR_MS


def states(document: dict[str, Any], use: dict[str, dict[str, Use]], now: int = NOON, at: int | None = None) -> dict[str, BudgetState]:
    counted = Counted(at=now if at is None else at, use=use)
    found = budget_states(parse_budgets(document, DIMENSIONS), parse_acts(document), counted, now)
    return {f"{state.group}|{state.budget}": state for state in found}


def one(
    used: float | None, limit: float = 1000, budget: str = "tokens_per_day", missing: int = 0, now: int = NOON, **more: Any
) -> BudgetState:
    (state,) = states({"tier=smart": {budget: limit, **more}}, {"tier=smart": {budget: Use(used, missing)}}, now).values()
    return state


def faults(document: Any) -> dict[str, str]:
    with pytest.raises(InvalidDocument) as caught:
        parse_budgets(document, DIMENSIONS)
    return {fault.path: fault.reason for fault in caught.value.faults}


def test_the_old_form_stays_valid_and_says_the_same() -> None:
    document = {"tier=smart": {"tokens_per_day": 1_000_000, "usd_per_day": 50}, "": {"usd_per_month": 900.5}}
    assert parse_budgets(document, DIMENSIONS) == document
    assert parse_acts(document) == {}


def test_all_faults_are_told_at_once_with_their_path() -> None:
    found = faults(
        {
            "tier=smart": {"tokens_per_day": 5, "warn": 0.9, "alert": 0.8, "act": {"at": 0, "do": "stop", "unti": "x"}},
            "team=a": {"cpu_percent": 80, "act": {"at": 1, "do": "pause"}},
            "team=b": {"usd_per_day": 5, "act": {"at": 1, "do": {"model": "m", "x": 1}, "budgets": ["tokens_per_day"]}},
            "team=c": {"usd_per_day": 5, "warn": 120, "alert": 121, "act": {"do": {"model": 5}, "until": "never", "budgets": []}},
            "team=d": {"usd_per_day": -1, "act": "pause"},
        }
    )
    assert found.keys() == {
        "['tier=smart'].warn",
        "['tier=smart'].act.at",
        "['tier=smart'].act.do",
        "['tier=smart'].act.unti",
        "['team=a'].act",
        "['team=b'].act.do.x",
        "['team=b'].act.budgets",
        "['team=c'].warn",
        "['team=c'].alert",
        "['team=c'].act.at",
        "['team=c'].act.do.model",
        "['team=c'].act.until",
        "['team=c'].act.budgets",
        "['team=d'].usd_per_day",
        "['team=d'].act",
    }
    assert "did you mean until?" in found["['tier=smart'].act.unti"]


def test_a_group_stands_there_once() -> None:
    found = faults({"tier=a,team=b": {"usd_per_day": 1}, "team=b,tier=a": {"usd_per_day": 2}})
    assert found == {"['team=b,tier=a']": "is the group 'tier=a,team=b' once more"}


def test_what_a_budget_does() -> None:
    document = {
        "tier=smart": {"tokens_per_day": 1, "usd_per_month": 2, "cpu_percent": 80, "act": {"at": 1.2, "do": "pause"}},
        "team=a , tier=x": {
            "usd_per_day": 1,
            "act": {"at": 1, "do": {"model": "anthropic/claude-haiku-4-5"}, "until": "raised", "budgets": "usd_per_day"},
        },
    }
    parse_budgets(document, DIMENSIONS)
    assert parse_acts(document) == {
        "tier=smart": BudgetAct(1.2, {"paused": True}, "paused", "period", ("tokens_per_day", "usd_per_month")),
        "team=a,tier=x": BudgetAct(
            1.0, {"model": {"primary": "anthropic/claude-haiku-4-5"}}, "model anthropic/claude-haiku-4-5", "raised", ("usd_per_day",)
        ),
    }


@given(st.sampled_from(BUDGETS), st.integers(min_value=0, max_value=4_102_444_800_000))
def test_periods_cover_time_without_gaps_or_overlap(budget: str, time: int) -> None:
    start, end = period_of(budget, time)
    assert start <= time < end
    assert period_of(budget, end)[0] == end
    assert period_of(budget, start) == period_of(budget, end - 1) == (start, end)
    first = datetime.fromtimestamp(start / 1000, UTC)
    assert (first.minute, first.second, first.microsecond) == (0, 0, 0)
    assert "hour" in budget or first.hour == 0
    assert "month" not in budget or first.day == 1


shares = st.floats(min_value=0.01, max_value=10)


@given(shares, shares, st.none() | shares, st.floats(0, 20), st.floats(0, 20))
def test_levels_never_fall_while_use_rises(warn: float, alert: float, at: float | None, one: float, other: float) -> None:
    limit = BudgetLimit((), 1.0, min(warn, alert), max(warn, alert))
    act = BudgetAct(at, {}, "paused", "period", ()) if at else None
    low, high = (ORDER.index(level_of(share, limit, act)) for share in sorted((one, other)))
    assert low <= high
    assert act is not None or level_of(20, limit, act) is not Level.ACT


def test_used_share_forecast_level_and_the_sentence() -> None:
    state = one(620, act={"at": 1.2, "do": "pause"})
    assert (state.used, state.limit, state.share, state.level) == (620, 1000, 0.62, Level.OK)
    assert state.forecast == 1240, "half of the day has passed"
    assert state.reason == (
        "620 tokens of 1,000 tokens (62 %) in the day since 11-23 00:00 UTC; at this rate 1,240 tokens at its end; paused above 120 %"
    )
    assert (state.start, state.end, state.threshold) == (DAY, DAY + DAY_MS, 1200)


@pytest.mark.parametrize(
    ("used", "level"), [(800, Level.OK), (801, Level.WARN), (1000, Level.WARN), (1001, Level.ALERT), (1201, Level.ACT)]
)
def test_levels_begin_above_their_shares_as_alerts_do(used: float, level: Level) -> None:
    assert one(used, act={"at": 1.2, "do": "pause"}).level is level


def test_only_the_budgets_that_are_named_act() -> None:
    document = {"": {"tokens_per_day": 10, "usd_per_day": 10, "act": {"at": 1.2, "do": "pause", "budgets": ["usd_per_day"]}}}
    found = states(document, {"": {"tokens_per_day": Use(100), "usd_per_day": Use(100)}})
    assert [(key, state.level) for key, state in found.items()] == [("|tokens_per_day", Level.ALERT), ("|usd_per_day", Level.ACT)]


def test_nothing_reported_is_unknown_and_never_zero() -> None:
    unpriced = one(None, budget="usd_per_day")
    assert (unpriced.used, unpriced.share, unpriced.forecast, unpriced.level) == (None, None, None, None)
    assert unpriced.reason == "no task of this day has a known cost"
    assert one(None).reason == "no task of this day reported tokens"
    assert one(None, missing=3).reason == "what is stored of it could not be read"
    assert one(None, budget="cpu_percent", limit=80).reason.startswith("no agent of the group reported cpu in 15 min")


def test_what_could_not_be_read_is_said_and_a_level_is_never_too_low() -> None:
    low, high = one(500, missing=2), one(900, missing=2)
    assert (low.level, high.level, low.forecast) == (None, Level.WARN, None)
    assert low.reason == "at least 500 tokens of 1,000 tokens (50 %) in the day since 11-23 00:00 UTC; 2 rollups could not be read"


def test_a_forecast_needs_a_twentieth_of_the_period() -> None:
    early = DAY + 72 * MINUTE_MS
    assert one(10, now=early - 1).forecast is None
    assert one(10, now=early).forecast == 200


def test_a_new_period_is_not_counted_before_a_minute_of_it_is() -> None:
    document, use = {"": {"tokens_per_day": 10, "tokens_per_month": 100}}, {"": {"tokens_per_day": Use(9), "tokens_per_month": Use(90)}}
    found = states(document, use, now=DAY + 30_000, at=DAY)
    assert (found["|tokens_per_day"].used, found["|tokens_per_day"].reason) == (None, "not counted yet")
    assert found["|tokens_per_month"].used == 90
    assert {state.used for state in budget_states({"": {"usd_per_day": 1.0}}, {}, None, NOON)} == {None}


def test_a_resource_has_no_forecast_and_names_the_agent_that_uses_most() -> None:
    document, use = {"team=a": {"cpu_percent": 80}}, {"team=a": {"cpu_percent": Use(72.0, 0, "a-7")}}
    state = states(document, use)["team=a|cpu_percent"]
    assert (state.level, state.forecast, state.agent, state.share) == (Level.WARN, None, "a-7", 0.9)
    assert state.reason == "72 percent of 80 percent (90 %) of a-7 in the mean of 15 min, the most of all"
    assert states(document, use, at=NOON - 6 * MINUTE_MS)["team=a|cpu_percent"].level is None, "a mean of six minutes ago says nothing"


def test_those_at_risk_come_gravest_first() -> None:
    document = {f"tier=t{n}": {"tokens_per_day": 100, "act": {"at": 1.5, "do": "pause"}} for n in range(5)}
    use = {f"tier=t{n}": {"tokens_per_day": Use(used)} for n, used in enumerate((10, 90, 200, 120, None))}
    found = at_risk(states(document, use).values(), 2)
    assert [(state.group, state.level) for state in found] == [("tier=t2", Level.ACT), ("tier=t3", Level.ALERT)]
