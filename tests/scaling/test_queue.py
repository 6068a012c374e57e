"""The queue of simulations: nothing is lost in it, and it does what queues are known to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.scaling_queue import STEPS_PER_MINUTE, Agents, Fleet, minute, resized

COUNTS = st.integers(0, 200)
TASKS = st.lists(st.floats(0, 500), min_size=STEPS_PER_MINUTE, max_size=STEPS_PER_MINUTE)


@given(
    st.lists(st.tuples(TASKS, COUNTS), min_size=1, max_size=8),
    st.floats(0.05, 600),
    st.integers(1, 5),
    st.integers(0, 300),
    st.none() | st.floats(1, 1000),
)
def test_no_task_is_lost_whatever_the_count_does(minutes, service_s, concurrency, boot_s, limit) -> None:
    agents = Agents(concurrency=concurrency, boot_s=boot_s, provider_per_minute=limit)
    fleet, came, done = Fleet(ready=1), 0.0, 0.0
    for number, (tasks, count) in enumerate(minutes):
        fleet, seen = minute(fleet, tasks, number * 60, service_s, agents)
        came, done = came + sum(tasks), done + seen.done
        assert came == pytest.approx(done + fleet.waiting + fleet.running, abs=1e-6)
        assert min(fleet.waiting, fleet.running, seen.done, seen.wait_s) >= -1e-9
        assert 0 <= seen.saturation <= 1
        fleet = resized(fleet, count, (number + 1) * 60, boot_s)
        assert fleet.count == count


def test_agents_are_as_busy_as_the_load_asks() -> None:
    fleet = Fleet(ready=20)
    for number in range(5):
        fleet, seen = minute(fleet, [4.2 * 5] * STEPS_PER_MINUTE, number * 60, 3.1, Agents())
    assert seen.saturation == pytest.approx(4.2 * 3.1 / 20, rel=0.01)
    assert (seen.waiting, seen.wait_s) == (0, 0)


@pytest.mark.parametrize("service_s", [0.5, 3.1, 60.0])
def test_what_comes_beyond_what_is_served_waits(service_s: float) -> None:
    """Overloaded, a queue grows by the rate of arrivals less that of service, however long a task takes."""
    agents, places = Agents(concurrency=2), 20
    fleet = Fleet(ready=10, running=places)
    served = places / service_s
    for number in range(10):
        fleet, seen = minute(fleet, [(served + 1) * 5] * STEPS_PER_MINUTE, number * 60, service_s, agents)
    assert seen.waiting == pytest.approx(600, rel=0.02)
    assert seen.saturation == pytest.approx(1, abs=0.01)
    assert seen.wait_s == pytest.approx(600 / served, rel=0.05)


def test_a_new_agent_works_when_it_has_booted_and_goes_first() -> None:
    fleet = resized(Fleet(ready=2), 5, 60, 90)
    assert (fleet.ready, fleet.booting, fleet.count) == (2, (150, 150, 150), 5)
    fewer = resized(fleet, 3, 120, 90)
    assert (fewer.ready, fewer.booting) == (2, (150,))
    after, _ = minute(fewer, [0.0] * STEPS_PER_MINUTE, 120, 3.0, Agents())
    assert (after.ready, after.booting) == (3, ())


def test_more_agents_cannot_beat_the_provider() -> None:
    found = []
    for count in (10, 100):
        fleet, done = Fleet(ready=count), 0.0
        for number in range(10):
            fleet, seen = minute(fleet, [10.0] * STEPS_PER_MINUTE, number * 60, 3.0, Agents(provider_per_minute=60))
            done += seen.done
        assert seen.refused > 0
        found.append(done)
    assert found[0] == pytest.approx(found[1]) == pytest.approx(600, rel=0.05)
