"""What arrivals and service times are like: tails and bursts of known make are told right, and chance alone is seldom taken for either."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.queueing import dispersion, service, tail

DAYS = 60
DRAWS = {
    "exponential": (lambda dice, n: dice.exponential(1, n), False),
    "lognormal, sigma 1": (lambda dice, n: dice.lognormal(0, 1, n), False),
    "Pareto, index 3": (lambda dice, n: dice.pareto(3, n) + 1, False),
    "Pareto, index 1.5": (lambda dice, n: dice.pareto(1.5, n) + 1, True),
    "lognormal, sigma 1.5": (lambda dice, n: dice.lognormal(0, 1.5, n), True),
}


def binned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values as sketches keep them, in bins 2 % apart."""
    found, counts = np.unique(np.exp(np.round(np.log(values) * 50) / 50), return_counts=True)
    return found, counts.astype(np.float64)


@pytest.mark.parametrize("name", DRAWS)
def test_tails_of_known_make(name: str) -> None:
    make, heavy = DRAWS[name]
    dice = np.random.default_rng(2)
    found = [tail(*binned(make(dice, 3_000))) for _ in range(DAYS)]
    right = sum(one is not None and one.heavy == heavy for one in found)
    assert right >= 0.95 * DAYS


def test_the_index_of_a_pareto_is_its_own() -> None:
    found = tail(*binned(np.random.default_rng(3).pareto(2.5, 200_000) + 1))
    assert found is not None
    assert found.low < 2.5 < found.high
    assert found.index == pytest.approx(2.5, rel=0.03)


def test_tails_that_cannot_be_told() -> None:
    few = tail(*binned(np.random.default_rng(4).pareto(1.1, 200) + 1))
    assert few is None
    assert tail(np.array([0.0, 1.0]), np.array([1000.0, 1.0])) is None
    equal = tail(np.array([3.0]), np.array([1000.0]))
    assert equal is not None
    assert (equal.index, equal.heavy) == (math.inf, False)


@given(st.lists(st.tuples(st.floats(0.001, 1e4), st.integers(1, 50)), min_size=1, max_size=40))
def test_figures_of_a_service_are_those_of_its_tasks(parts: list[tuple[float, int]]) -> None:
    every = sorted(value for value, count in parts for _ in range(count))
    values, counts = np.unique(every, return_counts=True)
    mean = math.fsum(every) / len(every)
    found = service(values, counts.astype(np.float64), mean)
    assert found.tasks == len(every)
    assert [found.p50, found.p95, found.p99] == [every[int(q * (len(every) - 1))] for q in (0.5, 0.95, 0.99)]
    variance = math.fsum((value - mean) ** 2 for value in every) / len(every)
    assert found.spread == pytest.approx(variance / mean**2, abs=1e-9, rel=1e-6)
    assert found.quantile(np.array([0.0, 1.0])).tolist() == [every[0], every[-1]]


def test_poisson_arrivals_are_seldom_bursts() -> None:
    dice = np.random.default_rng(5)
    for mean in (0.3, 2.0, 50.0):
        found = [dispersion(dice.poisson(mean, 1440).astype(float)) for _ in range(200)]
        assert all(one is not None and not one.bursty for one in found)
        assert sum(one is not None and one.index > one.limit for one in found) <= 10
        assert np.mean([one.index for one in found if one]) == pytest.approx(1, abs=0.02)


def test_a_day_that_swells_and_ebbs_has_no_bursts() -> None:
    mean = 100 + 80 * np.sin(np.arange(1440) / 1440 * 2 * np.pi)
    found = dispersion(np.random.default_rng(6).poisson(mean).astype(float))
    assert found is not None
    assert found.bursty is False


def test_arrivals_in_batches_are_bursts_of_their_size() -> None:
    found = dispersion(5.0 * np.random.default_rng(7).poisson(4, 1440))
    assert found is not None
    assert found.bursty is True
    assert found.index == pytest.approx(5, rel=0.15)


def test_unknown_minutes_are_no_lulls() -> None:
    counts = np.random.default_rng(8).poisson(40, 1440).astype(float)
    counts[::7] = np.nan
    counts[300:400] = np.nan
    found = dispersion(counts)
    assert found is not None
    assert found.bursty is False
    assert found.minutes < 1440 - 205


@pytest.mark.parametrize("counts", [[0.0] * 1440, [math.nan] * 1440, [1.0] + [0.0] * 1439, [5.0] * 59])
def test_too_little_to_tell_bursts(counts: list[float]) -> None:
    assert dispersion(np.array(counts)) is None
