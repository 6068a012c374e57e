from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.alert_columns import Floats
from functions.domain.leak import LeakPolicy, find_leaks
from tests.unit.statistics.fleets import DAY, MONDAY
from tests.unit.statistics.strategies import hourly

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def memory(days: int, per_day: float = 0.0, *, seed: int = 1, cycle: float = 5.0) -> Floats:
    """Percent: a level with the day's ups and downs, that rises."""
    hours = np.arange(days * DAY)
    noise = np.random.default_rng(seed).normal(0, 0.5, len(hours))
    return 30 + cycle * np.sin(2 * np.pi * hours / DAY) + noise + per_day * hours / DAY


@settings(max_examples=60, deadline=None)
@given(hourly(), st.lists(st.integers(-10, 500), max_size=5))
def test_any_values_have_an_answer_that_can_be_shown(values: Floats, restarts: list[int]) -> None:
    told = {row: [MONDAY + hour for hour in restarts] for row in range(len(values))}
    for leak in find_leaks(values, MONDAY, names=["a"] * len(values), restarts=told):
        assert leak.per_day >= LeakPolicy().least_per_day
        assert leak.low <= leak.per_day <= leak.high
        assert MONDAY <= leak.first_hour < leak.last_hour == MONDAY + values.shape[1]
        assert leak.hours_to_full is not None
        assert leak.hours_to_full >= 0
        assert leak.name in leak.evidence


def test_how_fast_and_until_when() -> None:
    [leak] = find_leaks(np.stack([memory(7, 3.0), memory(7)]), MONDAY, names=["agent a0", "agent a1"])
    assert leak.series == 0
    assert leak.low <= leak.per_day <= leak.high
    assert leak.per_day == pytest.approx(3, rel=0.1)
    assert leak.hours_to_full == pytest.approx((100 - leak.value) / 3 * DAY, rel=0.1)
    assert leak.evidence.startswith("agent a0: ")
    assert " percentage points more a day (" in leak.evidence
    assert " for 7 days, now " in leak.evidence
    assert ", full in " in leak.evidence


def test_megabytes_without_an_end() -> None:
    [leak] = find_leaks(memory(7, 3.0)[None], MONDAY, names=["a"], unit="MB", full=None)
    assert leak.hours_to_full is None
    assert " MB more a day" in leak.evidence
    assert "full" not in leak.evidence


@pytest.mark.parametrize(
    "values",
    [
        memory(14),
        memory(14, -2.0),
        memory(14) + 25 * (1 - np.exp(-np.arange(14 * DAY) / 30)),
        memory(14) + np.where(np.arange(14 * DAY) > 150, 20, 0),
        memory(14) + np.where(np.abs(np.arange(14 * DAY) - 150) < 3, 40, 0),
        memory(14) + (np.arange(14 * DAY) - 3) % DAY * 0.8,
        np.full(14 * DAY, 40.0),
        np.full(14 * DAY, np.nan),
        memory(14, 0.1),
    ],
    ids=[
        "a day's ups and downs",
        "falls",
        "a cache fills",
        "a step",
        "a spike",
        "restarts each night",
        "constant",
        "unknown",
        "slower than asked",
    ],
)
def test_no_leak(values: Floats) -> None:
    assert not find_leaks(values[None], MONDAY, names=["a"])


def test_a_restart_begins_anew() -> None:
    values = memory(10, 4.0)
    values[150:] -= 25
    [leak] = find_leaks(values[None], MONDAY, names=["a"])
    assert leak.restarts == (MONDAY + 150,)
    assert leak.first_hour == MONDAY + 150
    assert leak.per_day == pytest.approx(4, rel=0.1)
    assert leak.evidence.endswith("; began anew once")


def test_a_leak_that_a_restart_ended_is_none() -> None:
    values = np.concatenate([memory(6, 5.0), memory(6, seed=2)])
    assert not find_leaks(values[None], MONDAY, names=["a"])


def test_a_leak_that_fills_the_memory_before_a_day_is_over() -> None:
    hours = np.arange(10 * DAY)
    values = 20 + hours % 17 * 4 + np.random.default_rng(3).normal(0, 0.5, len(hours))
    [leak] = find_leaks(values[None], MONDAY, names=["a"])
    assert leak.per_day == pytest.approx(4 * DAY, rel=0.1)
    assert len(leak.restarts) == len(hours) // 17


def test_restarts_that_are_told_make_a_nightly_sawtooth_a_leak() -> None:
    hours = np.arange(10 * DAY)
    values = 20 + (hours - 3) % DAY * 2.0 + np.random.default_rng(3).normal(0, 0.3, len(hours))
    told = {0: [MONDAY + 3 + day * DAY for day in range(10)]}
    assert not find_leaks(values[None], MONDAY, names=["a"])
    [leak] = find_leaks(values[None], MONDAY, names=["a"], restarts=told)
    assert leak.per_day == pytest.approx(48, rel=0.1)


def test_hours_that_are_not_known_hide_no_leak() -> None:
    values = memory(10, 3.0)
    values[np.random.default_rng(4).random(len(values)) < 0.3] = np.nan
    values[100:130] = np.nan
    [leak] = find_leaks(values[None], MONDAY, names=["a"])
    assert leak.per_day == pytest.approx(3, rel=0.15)


def test_the_fastest_is_told_first() -> None:
    leaks = find_leaks(np.stack([memory(7, rise) for rise in (1.0, 5.0, 3.0)]), MONDAY, names=["a", "b", "c"])
    assert [leak.name for leak in leaks] == ["b", "c", "a"]
