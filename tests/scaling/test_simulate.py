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
from tests.scaling.loads import load, policy, wanted

MINUTES = 360
CYCLES = {Shape.STEADY: 0, Shape.STEP: 1, Shape.RAMP: 1}
"""How often a load goes up and down; the others do once a period."""


@st.composite
def scenes(draw, least_busy: float, most_busy: float = 60):
    """Loads that keep so many agents busy when they are low."""
    service_s = draw(st.floats(0.5, 60))
    rate = draw(st.floats(least_busy, most_busy)) / service_s
    shape, period = draw(st.sampled_from(Shape)), draw(st.sampled_from((60, 90, 180)))
    made = load(shape, rate, rate * draw(st.floats(1, 8)), MINUTES, period, service_s)
    agents = Agents(boot_s=draw(st.sampled_from((0, 60, 300))))
    return wanted(made, agents, initial=draw(st.none() | st.integers(1, 100)), seed=draw(st.integers(0, 99))), CYCLES.get(
        shape, MINUTES // period
    )


# What a load does by chance has no bound that always holds: these are the same scenes each time, whatever else is loaded.
def fixed_scenes(least_busy: float, most_busy: float, amount: int = 60):
    chance = random.Random(1)
    for _ in range(amount):
        service_s = chance.uniform(0.5, 60)
        rate = chance.uniform(least_busy, most_busy) / service_s
        shape, period = chance.choice(list(Shape)), chance.choice((60, 90, 180))
        made = load(shape, rate, rate * chance.uniform(1, 8), MINUTES, period, service_s)
        agents, initial = Agents(boot_s=chance.choice((0, 60, 300))), chance.choice((None, chance.randint(1, 100)))
        yield wanted(made, agents, initial=initial, seed=chance.randint(0, 99)), CYCLES.get(shape, MINUTES // period)


def test_the_count_turns_no_more_often_than_the_load() -> None:
    """Twice for each time that the load goes up and down, and twice for a beginning with too many or too few."""
    for asked, cycles in fixed_scenes(least_busy=8, most_busy=60):
        assert simulate(asked).direction_changes <= 2 * cycles + 2


def test_few_agents_turn_once_more_in_half_an_hour_at_most() -> None:
    """One agent more or less is much for them, and their tasks come by chance."""
    for asked, cycles in fixed_scenes(least_busy=0.1, most_busy=8):
        assert simulate(asked).direction_changes <= 2 * cycles + MINUTES / 30


@settings(max_examples=40, deadline=None)
@given(scenes(least_busy=0.05))
def test_changes_keep_the_times_of_the_policy(scene) -> None:
    asked, _ = scene
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
