from __future__ import annotations

from math import comb, lgamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.gate_tables import EXACT, Floats, log_factorial, log_ratios

ODDS = np.log([1.5, 3.0, 10.0, 1000.0])


def ratios(n: int, m: int, s: int, offset: float = 0.0) -> tuple[Floats, Floats]:
    """Of all tables with these margins: their chance under the null, and their likelihood ratios."""
    outcomes = np.arange(max(0, s - m), min(n, s) + 1)
    weights = np.array([float(comb(n, int(x)) * comb(m, s - int(x))) * np.exp(x * offset) for x in outcomes])
    columns = (np.full(len(outcomes), value) for value in (n, s, m))
    return weights / weights.sum(), log_ratios(outcomes, *columns, ODDS, np.full(len(outcomes), offset))


@given(st.integers(0, 60), st.integers(0, 60), st.floats(-2, 2), st.data())
def test_under_the_null_ratios_are_one_on_average(n: int, m: int, offset: float, data: st.DataObject) -> None:
    chance, logs = ratios(n, m, data.draw(st.integers(0, n + m)), offset)
    assert chance @ np.exp(logs) == pytest.approx(np.ones(len(ODDS)))


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_where_there_is_less_harm_than_the_null_allows_they_are_at_most_one(n: int, m: int, data: st.DataObject) -> None:
    s = data.draw(st.integers(0, n + m))
    less, _ = ratios(n, m, s, -0.7)
    _, logs = ratios(n, m, s)
    assert (less @ np.exp(logs) <= 1 + 1e-9).all()


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_one_more_bad_task_is_never_less_evidence(n: int, m: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, m))
    table = (np.array([a, a + 1]), np.array([n, n]), np.array([a + b, a + b + 1]), np.array([m, m]))
    fewer, more = log_ratios(*table, ODDS, np.zeros(2))
    assert (more >= fewer - 1e-9).all()


def test_large_tables_are_near_what_a_sum_gives() -> None:
    n, m, s = 130, 900, 120
    assert min(n, s) > EXACT
    x = np.arange(s + 1)
    log_chance = np.array(
        [lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + lgamma(m + 1) - lgamma(s - k + 1) - lgamma(m - s + k + 1) for k in x]
    )
    chance = np.exp(log_chance - log_chance.max())
    chance /= chance.sum()
    exact = np.log(chance @ np.exp(np.outer(x, ODDS[:3])))
    one = (np.array([20]), np.array([n]), np.array([s]), np.array([m]))
    assert log_ratios(*one, ODDS[:3], np.zeros(1))[0] == pytest.approx(20 * ODDS[:3] - exact, abs=0.1)


def test_tables_with_one_possible_outcome_say_nothing() -> None:
    empty = (np.array([0, 0, 4, 3]), np.array([0, 5, 4, 3]), np.array([3, 0, 9, 3]), np.array([7, 7, 5, 0]))
    assert not log_ratios(*empty, ODDS, np.array([0.3, 0.0, -1.0, 0.0])).any()


def test_log_factorials() -> None:
    numbers = [0, 1, 2, 100, 255, 256, 10_000, 10**9]
    assert log_factorial(np.array(numbers)) == pytest.approx([lgamma(number + 1) for number in numbers], rel=1e-12)


def test_tables_of_all_sizes_at_once_are_those_one_by_one() -> None:
    rng = np.random.default_rng(1)
    n, m = rng.integers(0, 400, 200), rng.integers(0, 4000, 200)
    a, b = rng.binomial(n, 0.3), rng.binomial(m, 0.3)
    offset = rng.normal(0, 0.5, 200)
    together = log_ratios(a, n, a + b, m, ODDS, offset)
    for row in range(200):
        one = slice(row, row + 1)
        assert together[row] == pytest.approx(log_ratios(a[one], n[one], (a + b)[one], m[one], ODDS, offset[one])[0])
