from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.alert_columns import Floats
from functions.domain.regression import Comparisons, Verdict, Work, compare, find_creeps
from tests.unit.statistics.fleets import MONDAY, WEEK
from tests.unit.statistics.strategies import hourly

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def work(price: list[float], tasks: list[float], *, weeks: int = 1, start: int = MONDAY, seed: int = 1) -> Work:
    """Strata with so many tasks an hour at such a price, which varies."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(np.array(tasks)[:, None], (len(tasks), weeks * WEEK)).astype(np.float64)
    return Work(counts * np.array(price)[:, None] * rng.normal(1, 0.1, counts.shape), counts, start)


def weeks(before: tuple[list[float], list[float]], after: tuple[list[float], list[float]]) -> Comparisons:
    names = [f"tier t{row}" for row in range(len(before[0]))]
    return compare(work(*before), work(*after, start=MONDAY + WEEK, seed=2), names=names, unit="$")


@settings(max_examples=60, deadline=None)
@given(hourly(rows=3), hourly(rows=3), st.integers(0, 100), st.booleans())
def test_any_work_is_compared_and_adds_up(sums: Floats, more: Floats, start: int, few: bool) -> None:
    rows = min(len(sums), len(more))
    sides = [
        Work(part[:rows], np.where(np.isnan(part[:rows]), np.nan, np.round(part[:rows] > 0) * (1 if few else 40)), MONDAY + start)
        for part in (sums, more)
    ]
    found = compare(*sides, names=[f"a{row}" for row in range(rows)], unit="$")
    assert len(found.strata) == rows
    for one in (found.total, *found.strata):
        assert one.reason
        if one.ratio is not None and one.low is not None and one.high is not None:
            assert one.low <= one.ratio <= one.high
        else:
            assert one.verdict is Verdict.TOO_LITTLE
        if one.before is not None and one.after is not None:
            hours = [max(int((~np.isnan(side.counts)).any(axis=0).sum()), 1) for side in sides]
            was = one.before * one.tasks_before / hours[0] * hours[1]
            assert was + one.traffic + one.mix + one.per_task == pytest.approx(one.after * one.tasks_after, rel=1e-6, abs=1e-6 * was)


def test_a_task_that_costs_more_is_a_regression() -> None:
    found = weeks(([0.1, 0.2], [20, 20]), ([0.1, 0.28], [20, 20]))
    assert [one.verdict for one in found.strata] == [Verdict.SAME, Verdict.REGRESSION]
    [worse] = found.regressions
    assert worse.ratio == pytest.approx(1.4, rel=0.05)
    assert worse.per_task == pytest.approx(0.08 * 20 * WEEK, rel=0.1)
    assert worse.reason.startswith("tier t1: $0.2")
    assert "more than before for the same tasks" in worse.reason


def test_more_tasks_are_none() -> None:
    found = weeks(([0.1, 0.2], [20, 20]), ([0.1, 0.2], [60, 60]))
    assert {one.verdict for one in (found.total, *found.strata)} == {Verdict.SAME}
    assert found.total.traffic == pytest.approx(2 * 0.3 * 20 * WEEK, rel=0.05)
    assert abs(found.total.per_task) < 0.02 * found.total.traffic


def test_simpson_is_not_believed() -> None:
    """Each tier is cheaper, more of the dear one: the pooled mean rises by half."""
    found = weeks(([0.1, 1.0], [90, 10]), ([0.07, 0.7], [70, 30]))
    assert found.total.before is not None
    assert found.total.after is not None
    assert found.total.after / found.total.before > 1.3
    assert found.total.verdict is Verdict.IMPROVEMENT
    assert found.total.ratio == pytest.approx(0.7, rel=0.05)
    assert found.total.mix > 0 > found.total.per_task
    assert [one.verdict for one in found.strata] == [Verdict.IMPROVEMENT] * 2


def test_less_than_asked_is_the_same() -> None:
    assert weeks(([0.1], [50]), ([0.11], [50])).total.verdict is Verdict.SAME


def test_few_tasks_say_nothing() -> None:
    found = weeks(([0.1, 0.1], [50, 0.1]), ([0.1, 0.5], [50, 0.1]))
    assert found.strata[1].verdict is Verdict.TOO_LITTLE
    assert "says nothing: fewer than 50 tasks or 4 days" in found.strata[1].reason


def test_many_agents_with_few_tasks_each_say_something_together() -> None:
    agents = 60
    found = weeks(([0.1] * agents, [0.15] * agents), ([0.15] * agents, [0.15] * agents))
    assert {one.verdict for one in found.strata} == {Verdict.TOO_LITTLE}
    assert found.total.verdict is Verdict.REGRESSION
    assert found.total.ratio == pytest.approx(1.5, rel=0.05)


def test_strata_of_one_period_are_left_out_and_told() -> None:
    found = weeks(([0.1, 0.1, 0.0], [50, 50, 0]), ([0.1, 0.0, 9.0], [50, 0, 50]))
    assert found.total.verdict is Verdict.SAME
    assert [one.verdict for one in found.strata[1:]] == [Verdict.TOO_LITTLE] * 2
    assert found.strata[2].reason == "tier t2: no task before"
    assert [note.split(" (")[0] for note in found.notes] == ["left out of the total: tier t2", "left out of the total: tier t1"]


def test_periods_of_different_length_are_made_alike() -> None:
    found = compare(work([0.1], [20], weeks=3), work([0.1], [20], start=MONDAY + 3 * WEEK, seed=2), names=["a"], unit="$")
    assert found.total.verdict is Verdict.SAME
    assert abs(found.total.traffic) < 0.1 * 0.1 * 20 * WEEK


def test_an_interval_holds_as_often_as_it_says() -> None:
    held = []
    for seed in range(200):
        before, after = work([0.1], [5], seed=2 * seed), work([0.1], [5], start=MONDAY + WEEK, seed=2 * seed + 1)
        one = compare(before, after, names=["a"]).total
        held.append(one.low is not None and one.high is not None and one.low <= 1 <= one.high)
    assert np.mean(held) > 0.9


def test_what_gets_dearer_slowly() -> None:
    steady = work([0.1, 0.1, 0.1], [20, 20, 20], weeks=4)
    rise = np.ones((3, 4 * WEEK))
    rise[1] = 1.1 ** (np.arange(4 * WEEK) / WEEK)
    rise[2, 2 * WEEK :] = 1.5
    [creep] = find_creeps(Work(steady.sums * rise, steady.counts, MONDAY), names=["a", "b", "c"], unit="$")
    assert creep.series == 1
    assert creep.low <= creep.per_week <= creep.high
    assert creep.per_week == pytest.approx(0.1, rel=0.1)
    assert creep.evidence.startswith("b: $0.14")


@settings(max_examples=40, deadline=None)
@given(hourly(most=700))
def test_any_work_has_creeps_that_can_be_shown(sums: Floats) -> None:
    for creep in find_creeps(Work(sums, np.where(np.isnan(sums), np.nan, 9.0), MONDAY + 7), names=["a"] * len(sums)):
        assert creep.before * 1.2 <= creep.after * 1.000001
        assert creep.low <= creep.per_week <= creep.high
