"""The arithmetic of capacity: exact rounding, Erlang's formulas against slow references and a simulation, and what can never be."""

from __future__ import annotations

import heapq
import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse import _capacity

RATES = st.floats(0, 500)
TIMES = st.floats(0, 60)
SHARES = st.sampled_from([0.3, 0.55, 0.65, 0.75, 0.85, 1.0])


def test_the_known_example() -> None:
    plan = _capacity.plan(4.2, 3.1, 0.65)
    assert (plan.agents, plan.with_headroom, round(plan.exact, 2)) == (21, 28, 20.03)


@pytest.mark.parametrize(
    ("rate", "service", "share", "agents", "padded"),
    [
        (1.3, 3, 0.65, 6, 8),  # as floats 1.3 x 3 / 0.65 is 6.000000000000001
        (1.1, 3, 0.55, 6, 8),
        (0.1, 3, 1.0, 1, 2),
        (1, 6.5, 0.65, 10, 13),
        (0, 3.1, 0.65, 0, 0),
        (1e-9, 3.1, 0.65, 1, 2),
    ],
)
def test_rounding_is_that_of_the_decimals_that_were_written(rate: float, service: float, share: float, agents: int, padded: int) -> None:
    plan = _capacity.plan(rate, service, share)
    assert (plan.agents, plan.with_headroom) == (agents, padded)


@given(RATES, RATES, TIMES, TIMES, SHARES)
def test_more_work_never_needs_fewer_agents(one: float, other: float, short: float, long: float, share: float) -> None:
    less, more = (_capacity.plan(rate, time, share) for rate, time in zip(sorted((one, other)), sorted((short, long)), strict=True))
    assert less.agents <= more.agents
    assert less.with_headroom <= more.with_headroom


@given(RATES, TIMES, SHARES, st.integers(1, 16))
def test_agents_are_as_few_as_keep_to_the_utilisation(rate: float, time: float, share: float, concurrency: int) -> None:
    plan = _capacity.plan(rate, time, share, concurrency=concurrency)
    load = Fraction(repr(rate)) * Fraction(repr(time))
    room = Fraction(repr(share)) * concurrency
    assert plan.agents * room >= load
    assert plan.agents == 0 or (plan.agents - 1) * room < load
    assert plan.with_headroom >= plan.agents * 1.3 - 1e-9


@given(st.floats(0.01, 60), st.integers(1, 120))
def test_erlang_against_the_sums_of_its_definition(load: float, servers: int) -> None:
    terms = [Fraction(repr(load)) ** count / math.factorial(count) for count in range(servers + 1)]
    blocked = float(terms[-1] / sum(terms))
    assert _capacity.erlang_b(load, servers) == pytest.approx(blocked, rel=1e-9)
    if load < servers:
        last = terms[-1] * servers / (servers - Fraction(repr(load)))
        assert _capacity.erlang_c(load, servers) == pytest.approx(float(last / (sum(terms[:-1]) + last)), rel=1e-9)


@given(st.floats(0.01, 3000), st.integers(1, 3000))
def test_a_probability_is_one_and_another_server_never_makes_the_wait_longer(load: float, servers: int) -> None:
    here, there = _capacity.waiting(load, 2.0, servers), _capacity.waiting(load, 2.0, servers + 1)
    assert (here is None) == (load >= servers)
    if here and there:
        assert 0 <= there.probability <= here.probability <= 1
        assert (there.mean_s, there.p95_s) <= (here.mean_s, here.p95_s)


def test_very_many_servers() -> None:
    # Halfin and Whitt: with load + b sqrt(load) servers it tends to 1 / (1 + b Phi(b) / phi(b)), for b = 1: 0.2236.
    assert _capacity.erlang_c(250_000, 250_500) == pytest.approx(0.2236, abs=0.001)
    with pytest.raises(ValueError, match="more than 1,000,000 agents"):
        _capacity.plan(1e6, 10, 0.65)


@pytest.mark.parametrize(("rate", "service", "servers"), [(4.2, 3.1, 15), (0.5, 1.8, 1), (30.0, 0.4, 14)])
def test_the_wait_against_a_simulation(rate: float, service: float, servers: int) -> None:
    mean, share = simulated(rate, service, servers, 150_000, random.Random(7))
    wait = _capacity.waiting(rate * service, service, servers)
    assert wait is not None
    assert (mean, share) == (pytest.approx(wait.mean_s, rel=0.1), pytest.approx(wait.probability, rel=0.06))


def simulated(rate: float, service: float, servers: int, tasks: int, dice: random.Random) -> tuple[float, float]:
    """Mean wait and the share of tasks that waited, of a queue that is run task by task."""
    free, now, total, late = [0.0] * servers, 0.0, 0.0, 0
    for _ in range(tasks):
        now += dice.expovariate(rate)
        start = max(now, heapq.heappop(free))
        heapq.heappush(free, start + dice.expovariate(1 / service))
        total, late = total + start - now, late + (start > now)
    return total / tasks, late / tasks


@pytest.mark.parametrize(
    ("figures", "named"),
    [
        ((-1, 3, 0.65), "arrival_rate"),
        ((math.nan, 3, 0.65), "arrival_rate"),
        ((1, math.inf, 0.65), "service_time"),
        ((1, 3, 0), "utilization"),
        ((1, 3, 1.01), "utilization"),
    ],
)
def test_figures_that_cannot_be_are_named(figures: tuple[float, float, float], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} must be a number from"):
        _capacity.plan(*figures)


def test_bursts_lower_the_utilisation_but_leave_some() -> None:
    assert [_capacity.lowered(share) for share in (0.65, 0.85, 0.1)] == [0.55, 0.75, 0.05]
