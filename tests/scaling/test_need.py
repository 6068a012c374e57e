"""How many agents the known tasks need, against sums done by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.domain.scaling import GroupPolicy, Observed, Past, Reading, Signal, Work
from functions.domain.scaling_need import LATELY_S, lately, least, need

POLICY = GroupPolicy(name="g", tags="")
NOW = 1_795_478_400_000
MINUTE = 60_000


def seen(waiting: float = 0.0, before: float = 0.0, busy: float | None = 10.0, **more: Any) -> tuple[Observed, list[Past]]:
    """Ten agents; what waits now, and what waited two minutes ago."""
    observed = Observed(**{"time": NOW, "current": 10, "work": Work(started=2.5, seconds=4.0), **more})
    return observed, [Past(NOW - 2 * MINUTE, before, busy), Past(NOW, waiting, busy)]


def needed(*given: Any, **named: Any) -> tuple[int, str] | None:
    found = need(POLICY, *seen(*given, **named))
    return found and (found.agents, found.text)


def test_what_comes_is_what_began_and_what_the_queue_grew_by() -> None:
    assert needed() == (16, "16 are needed: 2.5 tasks/s x 4 s / 0.625")
    assert needed(60, 0) == (20, "20 are needed: 3 tasks/s x 4 s / 0.625")
    assert needed(60, 180) == (10, "10 are needed: 1.5 tasks/s x 4 s / 0.625")
    assert needed(0, 3000) == (0, "0 are needed: 0 tasks/s x 4 s / 0.625")


def test_a_backlog_is_worked_off_before_an_agent_can_be_taken_away_again() -> None:
    assert needed(900, 900) == (22, "22 are needed: 2.5 tasks/s x 4 s + 900 waiting x 4 s / 5 min")


def test_an_agent_may_work_on_several_tasks() -> None:
    busy = {"places": 2.0, "busy": 5.0}
    assert needed(**busy) == (8, "8 are needed: 2.5 tasks/s x 4 s / 0.625 / 2 places")
    assert needed(900, 900, **busy) == (11, "11 are needed: (2.5 tasks/s x 4 s + 900 waiting x 4 s / 5 min) / 2 places")


def test_a_time_that_counts_waiting_too_is_not_believed() -> None:
    """Ten agents that begin 2.5 tasks a second have at most 4 s for each."""
    assert needed(work=Work(started=2.5, seconds=60.0)) == needed()


@pytest.mark.parametrize(
    "unknown",
    [
        {"work": None},
        {"work": Work(started=1.0, seconds=4.0)},  # ten are busy, and four by what is known
        {"waiting": None},
        {"before": None},
    ],
)
def test_too_little_is_known(unknown: Any) -> None:
    assert needed(**unknown) is None


def test_how_fast_a_queue_grows_cannot_be_told_from_one_look() -> None:
    observed, past = seen()
    assert need(POLICY, observed, past[-1:]) is None


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1e3), st.floats(0.01, 100), st.floats(0.01, 100))
def test_more_tasks_need_no_fewer_agents(waiting: float, more: float, before: float, started: float, faster: float) -> None:
    some, many = (
        need(POLICY, *seen(depth, before, None, work=Work(started=rate, seconds=0.05)))
        for depth, rate in ((waiting, started), (waiting + more, started + faster))
    )
    assert some
    assert many
    assert some.agents <= many.agents


def test_the_least_is_by_the_most_that_there_was_to_do() -> None:
    observed, _ = seen()
    past = [Past(NOW - 5 * MINUTE, 7.0, 0.5), Past(NOW - MINUTE, None, None), Past(NOW, 0.0, 0.1)]
    assert least(POLICY, observed, past).agents == 4
    assert least(POLICY, observed, past).text == "with 3 each could have 2.333 waiting tasks, above 2 (7 waited within 15 min)"
    assert least(replace(POLICY, queue=None), observed, past).agents == 2, "a half and 0.71 by chance"
    assert least(replace(POLICY, queue=None, saturation=None), observed, past).agents == 0


def test_fewer_than_none_are_busy_and_nothing_is_needed() -> None:
    observed, past = seen(-5.0, -5.0, -3.0)
    assert least(POLICY, observed, past).agents <= 0
    assert need(POLICY, observed, past) is not None
    # Nor does it help against what comes, were it as much as a gauge can tell.
    endless = Work(started=1.0, seconds=1e290)
    assert needed(-1e290, -1e290, None, work=endless, places=1e290) == needed(0.0, 0.0, None, work=endless, places=1e290)


def test_only_the_last_quarter_of_an_hour_is_remembered() -> None:
    readings = {Signal.QUEUE: Reading(3.0), Signal.SATURATION: Reading(fault="not sealed")}
    old, young = Past(NOW - LATELY_S * 1000 - 1, 9.0, 9.0), Past(NOW - LATELY_S * 1000, 8.0, 8.0)
    assert lately(Observed(time=NOW, current=10, readings=readings), [old, young]) == [young, Past(NOW, 3.0, None)]
