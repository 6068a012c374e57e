from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.alert_columns import Floats
from functions.domain.change_bisect import Bisect, Change, bisect, of_fleet_change
from functions.domain.fleet_changes import FleetChange
from functions.domain.regression import Work
from functions.domain.times import HOUR_MS, MINUTE_MS
from tests.unit.statistics.fleets import MONDAY, WEEK
from tests.unit.statistics.strategies import hourly

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
AGENTS = [f"a{number}" for number in range(10)]
HALF = frozenset(AGENTS[:5])
AT = 200


def work(rows: int = 10, factor: float = 1.0, at: int = AT) -> Work:
    rng = np.random.default_rng(1)
    counts = rng.poisson(10, (10, 2 * WEEK)).astype(np.float64)
    each = rng.normal(0.1, 0.02, counts.shape)
    each[:rows, at:] *= factor
    return Work(each * counts, counts, MONDAY)


def change(text: str, hour: float, agents: frozenset[str] | None = None, until: float | None = None) -> Change:
    begin, end = (int((MONDAY + each) * HOUR_MS) for each in (hour, hour if until is None else until))
    return Change(text=text, at=begin, until=end, agents=agents)


def found(work: Work, *changes: Change) -> Bisect:
    return bisect(work, AGENTS, changes, unit="$")


@settings(max_examples=40, deadline=None)
@given(hourly(rows=3), st.lists(st.tuples(st.integers(-50, 500), st.integers(0, 100), st.booleans()), max_size=4))
def test_any_work_has_an_answer_that_can_be_shown(sums: Floats, changes: list[tuple[int, int, bool]]) -> None:
    agents = AGENTS[: len(sums)]
    told = [change(str(hour), hour, frozenset(agents[:1]) if some else None, hour + length) for hour, length, some in changes]
    answer = bisect(Work(sums, np.where(np.isnan(sums), np.nan, 5.0), MONDAY), agents, told)
    assert answer.reason
    assert sum(suspect.score for suspect in answer.suspects) <= 1 + 1e-9
    if answer.at_hour is not None and answer.low_hour is not None and answer.high_hour is not None:
        assert MONDAY <= answer.low_hour <= answer.at_hour <= answer.high_hour < MONDAY + sums.shape[1]


def test_the_change_at_the_time_of_the_rise_is_named() -> None:
    answer = found(work(factor=1.3), change("v1 → v2", 100), change("v2 → v3", AT), change("v3 → v4", 280))
    assert answer.culprit is not None
    assert answer.culprit.text == "v2 → v3"
    assert answer.at_hour == MONDAY + AT
    assert answer.before == pytest.approx(0.1, rel=0.02)
    assert answer.after == pytest.approx(0.13, rel=0.02)
    assert answer.reason.startswith("from $0.")
    assert "a task at Tue 2026-01-13 08:00 UTC" in answer.reason
    assert answer.reason.endswith("v2 → v3")


def test_of_two_at_the_same_time_it_is_that_whose_agents_rose() -> None:
    rest = frozenset(AGENTS) - HALF
    answer = found(work(5, 1.3), change("theirs", AT, HALF), change("the others'", AT, rest), change("everybody's", AT))
    assert answer.culprit is not None
    assert answer.culprit.text == "theirs"
    assert answer.suspects[0].why.startswith("5 agents, Tue 2026-01-13 08:00 UTC; those with it: $0.")
    assert "(1.28 times); the others" in answer.suspects[0].why


def test_two_that_cannot_be_told_apart_share_the_blame() -> None:
    answer = found(work(factor=1.3), change("one", AT), change("other", AT))
    assert answer.culprit is None
    assert [suspect.score for suspect in answer.suspects] == [pytest.approx(0.5, abs=0.02)] * 2
    assert answer.reason.endswith("no single change that is known explains it")


def test_what_nobody_told_is_no_reason_to_blame_another() -> None:
    answer = found(work(factor=1.3), change("before", 100), change("after", 280))
    assert answer.at_hour == MONDAY + AT
    assert answer.suspects == []


def test_nothing_that_happened_has_no_culprit() -> None:
    answer = found(work(), change("innocent", AT))
    assert (answer.at_hour, answer.culprit, answer.reason) == (None, None, "no clear change of level")


def test_no_tasks_are_no_change() -> None:
    nothing = np.zeros((10, WEEK))
    assert found(Work(nothing, nothing, MONDAY), change("innocent", 50)).reason == "no tasks"


def test_a_rollout_is_named_with_all_of_its_hours() -> None:
    data = work()
    for row in range(10):
        data.sums[row, AT + 2 * row :] *= 1.4
    answer = found(data, change("rolled out", AT, until=AT + 19), change("innocent", AT - 60))
    assert answer.culprit is not None
    assert answer.culprit.text == "rolled out"
    assert answer.low_hour is not None
    assert answer.high_hour is not None
    assert answer.low_hour <= MONDAY + AT < MONDAY + AT + 19 <= answer.high_hour


def test_changes_outside_of_the_hours_and_of_other_agents_are_passed_over() -> None:
    answer = found(work(factor=1.3), change("long ago", -50), change("of strangers", AT, frozenset({"b1"})))
    assert answer.suspects == []
    assert answer.at_hour == MONDAY + AT


def test_changes_of_the_snapshot() -> None:
    told = FleetChange(text="model: a → b", at=5, until=5 + MINUTE_MS, agents=["a1", "a2"])
    assert of_fleet_change(told) == Change(text="model: a → b", at=5, until=5 + MINUTE_MS, agents=frozenset({"a1", "a2"}))
    more = FleetChange(text="model: a → b", at=5, until=5, agents=["a1"], more=300)
    assert of_fleet_change(more).agents is None
