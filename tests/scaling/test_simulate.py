"""Policies against loads: the count follows the load, and does not thrash."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.scaling import Action, Signal
from functions.domain.scaling_load import Shape
from functions.domain.scaling_queue import Agents
from functions.domain.scaling_simulate import Simulation, constant, simulate
from functions.domain.times import MINUTE_MS, SECOND_MS
from tests.scaling.loads import CYCLES, MINUTES, load, policy, wanted

BOOTS = (0, 60, 300)
SPARSE = [(0.3, 10), (0.5, 1), (0.8, 60), (3, 60)]
"""Busy agents and seconds of a task: where chance is much."""


@st.composite
def scenes(draw):
    """Loads of any shape and size."""
    service_s = draw(st.floats(0.5, 60))
    rate = draw(st.floats(0.05, 60)) / service_s
    shape, period = draw(st.sampled_from(Shape)), draw(st.sampled_from((60, 90, 180)))
    made = load(shape, rate, rate * draw(st.floats(1, 8)), MINUTES, period, service_s)
    agents = Agents(boot_s=draw(st.sampled_from(BOOTS)))
    return wanted(made, agents, initial=draw(st.none() | st.integers(1, 100)), seed=draw(st.integers(0, 99)))


# What a load does by chance has no bound that always holds: these are the same scenes each time, whatever else is loaded.
def fixed_scenes(least_busy: float, most_busy: float, amount: int):
    chance = random.Random(1)
    for _ in range(amount):
        service_s = chance.uniform(0.5, 60)
        rate = chance.uniform(least_busy, most_busy) / service_s
        shape, period = chance.choice(list(Shape)), chance.choice((60, 90, 180))
        made = load(shape, rate, rate * chance.uniform(1, 8), MINUTES, period, service_s)
        agents, initial = Agents(boot_s=chance.choice(BOOTS)), chance.choice((None, chance.randint(1, 100)))
        yield wanted(made, agents, initial=initial, seed=chance.randint(0, 99)), CYCLES.get(shape, MINUTES // period)


@pytest.mark.parametrize(("least_busy", "most_busy"), [(8, 60), (0.1, 8), (0.05, 1)])
def test_the_count_turns_no_more_often_than_the_load(least_busy: float, most_busy: float) -> None:
    """Twice for each time that the load goes up and down, and once more for a beginning with too many or too few, or by chance."""
    for asked, cycles in fixed_scenes(least_busy, most_busy, amount=16):
        assert simulate(asked).direction_changes <= 2 * cycles + 1


@pytest.mark.parametrize(("busy", "service_s"), SPARSE)
def test_few_agents_do_not_turn_by_chance(busy: float, service_s: float) -> None:
    """A day of tasks that come at one rate: the count finds its place within some turns, and stays."""
    day = load(Shape.STEADY, busy / service_s, minutes=1440, service_s=service_s)
    assert simulate(wanted(day, seed=2)).direction_changes <= 3


@pytest.mark.parametrize("boot_s", BOOTS)
def test_a_step_gets_the_agents_that_it_needs(boot_s: int) -> None:
    """Twelve tasks a second of 3.1 s keep 37 agents busy, 60 at the utilisation that policies aim at."""
    found = simulate(wanted(load(Shape.STEP), Agents(boot_s=boot_s), seed=2))
    assert 12 * 3.1 / 0.85 < found.points[-1].agents <= max(point.agents for point in found.points) <= 66
    assert found.direction_changes == 0
    assert found.longest_wait_s < 120 + boot_s


def test_without_known_tasks_the_count_grows_in_proportion() -> None:
    """Fewer tasks than tell anything: what a level says has to do, and the group grows all the same."""
    asked = wanted(load(Shape.STEP, rate=0.005, peak=0.02, service_s=200))
    found = simulate(asked)
    assert found.points[-1].agents > 0.02 * 200
    assert not any("are needed" in change.reason for change in found.changes)


@settings(max_examples=10, deadline=None)
@given(scenes())
def test_changes_keep_the_times_of_the_policy(asked) -> None:
    found = simulate(asked)
    rules = asked.policy.scaling().values()
    holds = {
        Action.GROW: min(max(rule.up_for_s, rule.up_cooldown_s) for rule in rules),
        Action.SHRINK: min(max(rule.down_for_s, rule.down_cooldown_s) for rule in rules if rule.must_agree),
    }
    for before, after in pairwise(found.changes):
        assert after.time - before.time >= holds[after.action] * SECOND_MS
    for change in found.changes:
        assert asked.policy.min <= change.desired <= asked.policy.max
        assert (change.desired > change.before) is (change.action is Action.GROW)


def test_a_load_that_stays_has_a_count_that_stays() -> None:
    found = simulate(wanted(load(Shape.STEADY), seed=3))
    assert found.changes == []
    assert found.points[0].decision.desired == found.points[-1].decision.desired == 22


def test_a_load_that_rises_gets_agents_until_nobody_waits() -> None:
    found = simulate(wanted(load(Shape.STEP)))
    assert found.points[-1].seen.waiting < 1
    assert found.points[-1].agents > 12 * 3.1
    assert found.longest_wait_s > 0


def test_agents_that_boot_slowly_let_tasks_wait_longer() -> None:
    quick, slow = (simulate(wanted(load(Shape.STEP), Agents(boot_s=boot))) for boot in (0, 300))
    assert slow.longest_wait_s > quick.longest_wait_s


def test_the_same_seed_is_the_same_simulation() -> None:
    one, same, other = (simulate(wanted(load(Shape.WAVE), seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert [point.arrived for point in one.points] != [point.arrived for point in other.points]


def test_rate_limits_and_cost_tell_and_scale_nothing() -> None:
    """A provider that refuses, and a day that costs more than usual: the same count as with a policy that does not look at them."""
    asked = wanted(load(Shape.STEP, rate=2.0), Agents(provider_per_minute=690), usd_per_task=1.0)
    found = simulate(asked)
    deaf = simulate(replace(asked, policy=policy(rate_limited=None, cost=None)))
    assert {told.signal for told in found.told} == {Signal.RATE_LIMITED, Signal.COST}
    assert deaf.told == []
    assert [point.decision.desired for point in found.points] == [point.decision.desired for point in deaf.points]


def test_a_constant_count_that_waits_no_longer() -> None:
    asked = wanted(load(Shape.WAVE))
    found = simulate(asked)
    count = constant(asked, found.longest_wait_s)
    assert count is not None
    steady, fewer = (simulate(replace(asked, policy=policy(min=one, max=one))) for one in (count, count - 1))
    assert steady.longest_wait_s <= found.longest_wait_s < fewer.longest_wait_s
    assert constant(wanted(load(Shape.STEADY, rate=100.0), policy=policy(max=5)), 1.0) is None


def test_money_is_known_as_far_as_prices_are() -> None:
    asked = wanted(load(Shape.STEADY, minutes=60))
    found: Simulation = simulate(asked)
    assert found.usd(asked) is None
    assert found.usd(replace(asked, usd_per_agent_hour=0.5)) == pytest.approx(11.0)
    done = sum(point.seen.done for point in found.points)
    assert found.usd(replace(asked, usd_per_agent_hour=0.5, usd_per_task=0.01)) == pytest.approx(11.0 + done * 0.01)


def test_points_are_minutes_of_the_time_asked() -> None:
    found = simulate(wanted(load(minutes=10)))
    assert [after.time - before.time for before, after in pairwise(found.points)] == [MINUTE_MS] * 9
