from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert_columns import Floats
from functions.domain.robust import (
    NORMAL,
    as_normal,
    as_students,
    chance_above_zero,
    found_by,
    kendall,
    quantile,
    spread,
    theil_sen,
    upper_tail,
)
from tests.unit.statistics.strategies import hourly


@given(hourly(least=1, most=30), st.floats(0, 1))
def test_quantiles_are_those_of_numpy(values: Floats, q: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of rows without values
        expected = np.nanquantile(values, q, axis=1) if len(values) else np.zeros(0)
    np.testing.assert_allclose(quantile(values, q), expected, rtol=1e-9, atol=1e-9)


def test_nothing_has_no_quantile() -> None:
    assert np.isnan(quantile(np.zeros((2, 0)), 0.5)).all()


def test_the_spread_is_that_of_a_normal_distribution_whatever_a_tenth_of_it_does() -> None:
    values = np.random.default_rng(1).normal(5, 2, 10_000)
    assert spread(values) == pytest.approx(2, rel=0.05)
    values[:1000] = 1e9
    assert spread(values) == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize(("t", "freedom", "tail"), [(2.5706, 5, 0.025), (5.8934, 5, 0.001), (2.2281, 10, 0.025), (3.1824, 3, 0.025)])
def test_students_distribution_is_that_of_the_tables(t: float, freedom: float, tail: float) -> None:
    assert upper_tail(float(as_normal(np.float64(t), freedom))) == pytest.approx(tail, rel=0.1)


@given(st.floats(-8, 8), st.floats(3, 200))
def test_students_distribution_back_and_forth(z: float, freedom: float) -> None:
    assert float(as_normal(np.float64(as_students(z, freedom)), freedom)) == pytest.approx(z, abs=1e-6)


def test_tails_are_exact_far_out() -> None:
    assert upper_tail(3) == pytest.approx(1 - NORMAL.cdf(3))
    assert upper_tail(10) == pytest.approx(7.62e-24, rel=0.01)


@given(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=40))
def test_a_trend_is_of_the_order_alone_and_turns_with_time(values: list[float]) -> None:
    known = np.array(values)
    test = kendall(known)
    assert abs(test.sum) <= test.pairs == len(values) * (len(values) - 1) // 2
    assert kendall(known[::-1]).sum == -test.sum
    assert kendall(known * 8).sum == test.sum
    with_gaps = np.full(2 * len(known), np.nan)
    with_gaps[::2] = known
    assert kendall(with_gaps).sum == test.sum


def test_a_trend_is_as_rare_as_its_test_says() -> None:
    rng = np.random.default_rng(2)
    z = np.array([kendall(rng.normal(size=60)).z for _ in range(2000)])
    assert np.mean(z > 1.6449) < 0.08
    assert np.mean([kendall(rng.normal(size=60) + np.arange(60) * 0.03).z > 3 for _ in range(200)]) > 0.7


def test_values_like_the_one_before_are_no_trend() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(500, 200))
    for at in range(1, 200):
        noise[:, at] += 0.7 * noise[:, at - 1]
    plain = np.array([kendall(row) for row in noise])
    found = plain[:, 0] / np.sqrt(plain[:, 1])
    independent = plain[:, 0] / math.sqrt(200 * 199 * 405 / 18)
    assert np.mean(found > 1.6449) < 0.1 < np.mean(independent > 1.6449)


def test_the_slope_is_the_middle_one() -> None:
    values = np.arange(20) * 0.5
    values[3] = 1e6
    assert theil_sen(np.arange(20.0), values) == pytest.approx(0.5)


@pytest.mark.parametrize(("values", "chance"), [([], 1.0), ([1.0], 1.0), ([1.0, 1.0], 0.0), ([-1.0, -1.0], 1.0), ([-1.0, 1.0], 0.5)])
def test_the_chance_of_a_mean_above_zero(values: list[float], chance: float) -> None:
    assert chance_above_zero(np.array(values)) == pytest.approx(chance)


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.001, 0.5))
def test_what_is_found_is_what_benjamini_and_hochberg_say(chances: list[float], alpha: float) -> None:
    ordered = sorted(chances)
    most = max((rank for rank, chance in enumerate(ordered, 1) if chance <= alpha * rank / len(chances)), default=0)
    found = found_by(np.array(chances), alpha)
    assert found.sum() >= most  # the same chance as the last one is found, too, or not: sorting decides
    assert sorted(np.array(chances)[found].tolist()) == ordered[:most]
