from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.alert_columns import Floats
from functions.domain.anomaly import AnomalyPolicy, Direction, Scale, find_anomalies
from functions.domain.seasons import hour_of_week, usual
from tests.unit.statistics.fleets import DAY, MONDAY, WEEK
from tests.unit.statistics.strategies import hourly

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def days(amount: int, series: int = 20, seed: int = 1) -> Floats:
    """Sizes that go up and down with the day."""
    rng = np.random.default_rng(seed)
    hours = np.arange(amount * DAY)
    return np.exp(rng.normal(0, 0.1, (series, amount * DAY)) + np.sin(2 * np.pi * hours / DAY)) * 100


def names(values: Floats) -> list[str]:
    return [f"agent a{row}" for row in range(len(values))]


@settings(max_examples=60, deadline=None)
@given(hourly(), st.sampled_from(Scale), st.integers(-5, 500), st.booleans())
def test_any_values_have_an_answer_that_can_be_shown(values: Floats, scale: Scale, watch: int, counted: bool) -> None:
    counts = np.where(np.isnan(values), 0.0, np.round(values / 7)) if counted else None
    found = find_anomalies(values, MONDAY + 5, names=names(values), scale=scale, counts=counts, watch_from=MONDAY + 5 + watch)
    for one in found:
        assert MONDAY + 5 + max(watch, 0) <= one.first_hour < one.last_hour <= MONDAY + 5 + values.shape[1]
        assert np.isfinite([one.value, one.usual, one.score, one.chance]).all()
        assert (one.value > one.usual) == (one.direction is Direction.UP)
        assert one.name in one.evidence


@pytest.mark.parametrize("factor", [0.001, 1000.0])
def test_the_unit_makes_no_difference(factor: float) -> None:
    values = days(14)
    values[3, 250:254] *= 4
    one, other = (find_anomalies(values * times, MONDAY, names=names(values), scale=Scale.SIZE) for times in (1.0, factor))
    assert [(found.series, found.first_hour, found.last_hour) for found in one] == [(3, MONDAY + 250, MONDAY + 254)]
    assert [(found.series, found.first_hour, found.last_hour) for found in other] == [(3, MONDAY + 250, MONDAY + 254)]


def test_the_evidence_has_when_how_much_and_what_is_usual() -> None:
    values = days(14)
    values[3, 255:259] = 4000.0
    [found] = find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE, unit="ms")
    assert found.evidence.startswith("agent a3: 4,000 ms an hour from Thu 2026-01-15 15:00 to 19:00 UTC, usually ")
    assert found.evidence.endswith("standard deviations")
    assert found.usual < 100
    assert found.excess == pytest.approx((4000 - found.usual) * 4)


def test_an_hour_as_usual_in_between_makes_no_second_anomaly() -> None:
    values = days(14)
    values[3, 250:258] *= 5
    values[3, 253] /= 5
    [found] = find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE)
    assert (found.first_hour, found.last_hour) == (MONDAY + 250, MONDAY + 258)


def test_two_anomalies_far_from_each_other_are_two() -> None:
    values = days(14)
    values[3, 200:203] *= 6
    values[3, 250:253] /= 6
    found = find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE)
    assert {(one.first_hour - MONDAY, one.direction) for one in found} == {(200, Direction.UP), (250, Direction.DOWN)}


def test_what_was_before_the_watched_hours_is_not_told() -> None:
    values = days(21)
    values[3, 100:104] *= 5
    assert not find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE, watch_from=MONDAY + 2 * WEEK)


def test_hours_that_are_not_known_are_not_unusual_and_hide_nothing() -> None:
    values = days(14)
    values[:, 100:130] = np.nan
    values[5, 200:204] = np.nan
    values[3, 250:254] *= 5
    [found] = find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE)
    assert found.series == 3


@pytest.mark.parametrize("scale", list(Scale))
def test_what_is_the_same_all_the_time_is_usual(scale: Scale) -> None:
    values = np.full((5, 2 * WEEK), 7.0)
    values[1] = 0.0
    assert not find_anomalies(values, MONDAY, names=names(values), scale=scale)


def test_too_few_days_say_nothing() -> None:
    values = days(4)
    values[3, 50:54] *= 100
    assert not find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE)


def test_small_and_clear_is_told_only_if_it_is_asked_for() -> None:
    values = days(14)
    values[3, 250:258] *= 1.3
    assert not find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE)
    asked = find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE, policy=AnomalyPolicy(min_change=0.2))
    assert [one.series for one in asked] == [3]
    least = AnomalyPolicy(min_change=0.2, least=1000.0)
    assert not find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE, policy=least)


def test_a_thousand_quiet_series_have_next_to_no_anomaly() -> None:
    rng = np.random.default_rng(4)
    for values, scale in ((rng.normal(50, 5, (1000, 2 * WEEK)), Scale.LEVEL), (rng.poisson(20, (1000, 2 * WEEK)) * 0.01, Scale.AMOUNT)):
        found = find_anomalies(values, MONDAY, names=names(values), scale=scale, policy=AnomalyPolicy(min_change=0.0))
        assert len(found) <= 1


def test_a_job_that_comes_each_week_is_usual_after_two() -> None:
    values = days(21, series=10)
    values[3, 5::WEEK] *= 8
    assert not find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE, watch_from=MONDAY + 2 * WEEK)


def test_weekends_are_compared_with_weekends() -> None:
    hours = MONDAY + np.arange(2 * WEEK)
    work = (hour_of_week(hours) < 5 * DAY) & (hours % DAY >= 8) & (hours % DAY < 18)
    values = np.where(work, 100.0, 10.0)[None] * np.exp(np.random.default_rng(5).normal(0, 0.05, (3, 2 * WEEK)))
    np.testing.assert_allclose(np.exp(usual(np.log(values), MONDAY)), np.broadcast_to(np.where(work, 100.0, 10.0), values.shape), rtol=0.3)
    assert not find_anomalies(values, MONDAY, names=names(values), scale=Scale.SIZE)
