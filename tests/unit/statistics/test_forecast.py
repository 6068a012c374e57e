from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.alert_columns import Floats
from functions.domain.forecast import Forecast, TooLittle, forecast
from tests.unit.statistics.fleets import DAY, MONDAY, WEEK
from tests.unit.statistics.strategies import hourly

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
MONTH = 4 * WEEK


def week(weeks: int) -> Floats:
    """A dollar an hour on workdays, a tenth of it on weekends."""
    return np.tile(np.repeat([1.0, 1, 1, 1, 1, 0.1, 0.1], DAY), weeks)


def told(values: Floats, day: float, *, weeks_before: int = 0, **more: float) -> Forecast:
    start = MONDAY + weeks_before * WEEK
    return forecast(values, MONDAY, period_start=start, now_hour=start + int(day * DAY), period_end=start + MONTH, **more)


@settings(max_examples=60, deadline=None)
@given(hourly(least=60, rows=1), st.integers(-100, 500), st.integers(0, 800))
def test_any_values_have_a_forecast_or_a_reason(values: Floats, start: int, length: int) -> None:
    if not len(values):
        return
    now = MONDAY + values.shape[1]
    try:
        made = forecast(values[0], MONDAY, period_start=MONDAY + start, now_hour=now, period_end=MONDAY + start + length)
    except TooLittle:
        assert np.count_nonzero(~np.isnan(values)) < 72 or np.isnan(values[0, -72:]).all()
        return
    assert 0 <= made.used <= made.low <= made.expected <= made.high < np.inf
    assert len(made.cumulative) == len(made.cumulative_low) == len(made.cumulative_high) == len(made.hours)
    for line in (made.cumulative_low, made.cumulative, made.cumulative_high):
        assert (np.diff(line) >= 0).all()
    assert made.chance_above(made.high * 2 + 1) <= made.chance_above(made.expected) <= made.chance_above(made.low / 2)


def test_what_is_the_same_each_week_is_foretold() -> None:
    made = told(week(6), 10, weeks_before=2)
    assert made.used == pytest.approx(week(6)[2 * WEEK :][: 10 * DAY].sum())
    assert made.expected == pytest.approx(week(4).sum(), rel=0.01)
    np.testing.assert_allclose(made.cumulative, np.cumsum(week(4))[10 * DAY :], rtol=0.01)
    assert made.hours == range(MONDAY + 2 * WEEK + 10 * DAY, MONDAY + 6 * WEEK)


def test_what_is_used_is_exact_and_hours_that_are_not_known_count_as_usual() -> None:
    values = week(6)
    values[2 * WEEK + 5 : 2 * WEEK + 15] = np.nan
    made = told(values, 10, weeks_before=2)
    assert made.used == pytest.approx(np.nansum(values[2 * WEEK : 2 * WEEK + 10 * DAY]))
    assert made.expected == pytest.approx(week(4).sum(), rel=0.01)
    assert any("10 hours of the period are not known" in note for note in made.notes)


def test_later_hours_are_not_looked_at() -> None:
    values = week(6)
    values[2 * WEEK + 10 * DAY :] = 1e6
    assert told(values, 10, weeks_before=2).expected == told(week(6), 10, weeks_before=2).expected


def test_the_level_of_late_counts() -> None:
    values = week(6)
    values[2 * WEEK :] *= 2
    made = told(values, 14, weeks_before=2)
    assert made.expected == pytest.approx(2 * week(4).sum(), rel=0.15)
    assert made.low <= 2 * week(4).sum() <= made.high


def test_a_runaway_day_is_in_the_bill_but_not_in_what_comes() -> None:
    values = week(6)
    values[2 * WEEK + 2 * DAY :][:DAY] *= 50
    made = told(values, 10, weeks_before=2)
    assert made.used > 49 * DAY
    assert made.expected - made.used == pytest.approx(week(4)[10 * DAY :].sum(), rel=0.3)
    assert any(note.startswith("1 days with more than 3 times") for note in made.notes)


def test_a_weekend_that_nobody_has_seen_makes_it_unsure() -> None:
    early, late = told(week(4), 5), told(week(4), 8)
    assert any("none is known yet" in note for note in early.notes)
    assert not any("none is known yet" in note for note in late.notes)
    assert early.low <= week(4).sum()
    assert early.error > 2 * late.error


def test_when_a_limit_is_reached() -> None:
    made = told(week(6), 10, weeks_before=2)
    # Day 11 has it at the end of its first hour.
    assert made.reaches(made.used + 0.5) == made.hours[0]
    assert made.reaches(made.used - 1) == made.hours[0]
    assert made.reaches(made.used + 24.5) == made.hours[24]
    assert made.reaches(made.expected + 1) is None
    assert made.chance_above(made.used) == pytest.approx(1)
    assert made.chance_above(made.expected) == pytest.approx(0.5, abs=0.01)
    assert made.chance_above(made.high) == pytest.approx(0.1, abs=0.01)
    assert made.chance_above(made.low) == pytest.approx(0.9, abs=0.01)


def test_a_surer_interval_is_wider() -> None:
    eighty, most = told(week(6), 10, weeks_before=2), told(week(6), 10, weeks_before=2, level=0.95)
    assert most.low < eighty.low < eighty.expected == most.expected < eighty.high < most.high


def test_nothing_spent_is_nothing_to_come() -> None:
    made = told(np.zeros(6 * WEEK), 10, weeks_before=2)
    assert (made.used, made.low, made.expected, made.high) == (0, 0, 0, 0)
    assert made.chance_above(0) == 0
    assert made.reaches(0) is None


def test_a_period_that_is_over_is_what_it_was() -> None:
    made = told(week(4), 28)
    assert made.used == made.expected == made.low == made.high
    assert made.hours == range(MONDAY + MONTH, MONDAY + MONTH)


@pytest.mark.parametrize(
    ("known", "gap", "reason"),
    [
        (2 * DAY, 0, "48 hours are known; a forecast needs 72"),
        (10 * DAY, 4 * DAY, "nothing is known of the last 96 hours"),
    ],
)
def test_too_little_is_said(known: int, gap: int, reason: str) -> None:
    values = np.concatenate([np.ones(known), np.full(gap, np.nan)])
    with pytest.raises(TooLittle, match=reason):
        told(values, (known + gap) / DAY)
