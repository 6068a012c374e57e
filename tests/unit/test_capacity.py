"""Plans of tiers: never fewer agents for more work, corrections where they belong, ceilings that hold, intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse import _capacity
from functions.domain.capacity import Demand, demand, settle
from functions.domain.capacity_figures import Observed, WhatIf
from functions.domain.capacity_peak import peak
from functions.domain.capacity_settings import TierPolicy, parse_settings
from functions.domain.provider_limits import Limit, Use, ceiling, parse_limits
from functions.domain.queueing import service

EVEN = np.random.default_rng(1).poisson(30, 1440).astype(float)
TIMES = service(*(part.astype(float) for part in np.unique(np.random.default_rng(2).gamma(4, 0.8, 5000).round(1), return_counts=True)), 3.2)


def observed(**more: object) -> Observed:
    return Observed(**{"tags": (("tier", "fast"),), "counts": EVEN, "bucket_s": 60, "service": TIMES, "agents": 5, **more})  # type: ignore[arg-type]


def planned(what_if: WhatIf, seen: Observed | None = None, policy: TierPolicy | None = None) -> Demand:
    found = demand(seen or observed(), policy or TierPolicy(kind="latency"), what_if, np.random.default_rng(3))
    assert isinstance(found, Demand)
    return found


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0.01, 50), st.floats(0.01, 50))
def test_more_tasks_or_longer_ones_never_need_fewer_agents(one: float, other: float, short: float, long: float) -> None:
    less, more = (
        planned(WhatIf(arrival_factor=rate, service_factor=time)).plan
        for rate, time in zip(sorted((one, other)), sorted((short, long)), strict=True)
    )
    assert less.agents <= more.agents
    assert less.with_headroom <= more.with_headroom


@given(st.floats(0, 20), st.floats(1, 3), st.sampled_from([1.0, 2.5, 8.0]))
def test_intervals_have_the_plan_in_them(rate: float, headroom: float, concurrency: float) -> None:
    found = planned(WhatIf(arrival_factor=rate, headroom=headroom, concurrency=concurrency))
    assert found.intervals is not None
    for name in ("agents", "with_headroom", "arrival_rate", "service_time"):
        low, high = getattr(found.intervals, name)
        assert low <= getattr(found.plan, name) <= high


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    # A tier whose every hour is alike: the 95th percentile of its windows is known from a thousand such days.
    dice = np.random.default_rng(4)
    truth = float(np.median([peak(dice.poisson(30, 1440).astype(float), 60, 3.2).rate for _ in range(200)]))  # type: ignore[union-attr]
    covered = 0
    for _ in range(100):
        found = planned(WhatIf(), observed(counts=dice.poisson(30, 1440).astype(float)))
        assert found.intervals is not None
        covered += found.intervals.arrival_rate.low <= truth <= found.intervals.arrival_rate.high
    assert covered >= 85


def test_windows_are_as_short_as_the_load_and_the_tasks_let_them() -> None:
    for mean, seconds, width in ((30, 3, 60), (30, 100, 300), (2, 3, 900), (30, 1000, 3600), (0.05, 3, 3600)):
        found = peak(np.random.default_rng(5).poisson(mean, 1440).astype(float), 60, seconds)
        assert found is not None
        assert (found.width_s, found.windows) == (width, 86_400 // width)


def test_the_busiest_day_counts_and_a_day_hardly_known_does_not() -> None:
    days = [np.full(1440, rate) for rate in (60.0, 120.0, 30.0)]
    found = peak(np.concatenate(days), 60, 1)
    assert found is not None
    assert (found.rate, found.days) == (2.0, 3)
    days[1][:1000] = np.nan
    again = peak(np.concatenate(days), 60, 1)
    assert again is not None
    assert (again.rate, again.days) == (1.0, 2)


def test_nothing_known_is_nothing_planned() -> None:
    unknown = np.full(1440, np.nan)
    assert peak(unknown, 60, 1) is None
    unknown[:3] = 5.0
    assert peak(unknown, 60, 1) is None
    found = demand(observed(counts=unknown), TierPolicy(), WhatIf(), np.random.default_rng(1))
    assert found == "less than an hour of it is known: nothing to plan from"


def test_agents_that_were_always_busy_hide_demand_and_the_reasons_say_so() -> None:
    assert "arrivals are what they could take" in planned(WhatIf(), observed(utilization=0.95)).reasons[-1]
    assert "they worked on 3.2, so give the concurrency" in planned(WhatIf(), observed(utilization=3.2)).reasons[3]


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0.1, 100), st.floats(1, 1000))
def test_a_ceiling_leaves_others_theirs_and_never_hinders_below_the_limit(
    mine: float, other: float, per_task: float, amount: float
) -> None:
    (limit,) = parse_limits({"limits": [{"name": "x", "provider": "p", "requests_per_minute": amount}]})
    held = ceiling(limit, "requests", Use(mine, per_task), other * per_task * 60)
    assert held is not None
    assert held.used == pytest.approx((mine + other) * per_task * 60)
    if held.used <= amount:
        assert held.arrival_rate >= mine * (1 - 1e-9)
    else:
        assert held.arrival_rate <= mine * (1 + 1e-9)
    both = [ceiling(limit, "requests", Use(a, per_task), b * per_task * 60) for a, b in ((mine, other), (other, mine))]
    if held.used > amount:
        assert sum(one.arrival_rate for one in both if one) * per_task * 60 == pytest.approx(amount)


def test_a_ceiling_holds_agents_and_headroom() -> None:
    found = planned(WhatIf(arrival_rate=4.2, service_time=3.1))
    (limit,) = parse_limits({"limits": [{"name": "x", "provider": "p", "requests_per_minute": 126}]})
    held = ceiling(limit, "requests", Use(4.2, 1), 0.0)
    assert held is not None
    plan = settle(found, WhatIf(agent_usd_per_month=10), [held])
    assert (plan.agents, plan.with_headroom, plan.limited) == (11, 11, True)
    assert plan.usd_per_month == 60
    assert plan.reasons[-1] == (
        "at most 11 agents: the limit x allows 126 requests a minute, all who share it ask for 252, which leaves 2.1 tasks/s;"
        " more agents cannot beat a shared key"
    )
    free = settle(found, WhatIf(), [])
    assert (free.agents, free.with_headroom, free.ceiling, free.usd_per_month) == (21, 28, None, None)


def limit_of(**fields: object) -> Limit:
    (found,) = parse_limits({"limits": [{"name": "x", "provider": "anthropic", "requests_per_minute": 1, **fields}]})
    return found


@pytest.mark.parametrize(
    ("fields", "model", "provider", "takes"),
    [
        ({"model": "claude-*"}, "claude-x", None, True),
        ({"model": "claude-*"}, "anthropic/claude-x", "anthropic", True),
        ({"model": "claude-*"}, "openrouter/claude-x", "openrouter", False),
        ({"model": "claude-*"}, "gpt-5", None, False),
        ({}, "anything", "anthropic", True),
        ({}, "anything", None, False),
        ({}, None, None, False),
    ],
)
def test_which_models_a_limit_is_of(fields: dict[str, str], model: str | None, provider: str | None, takes: bool) -> None:
    assert limit_of(**fields).takes_model(model, lambda _: provider) is takes


def test_tiers_have_what_the_top_says_unless_they_say_otherwise() -> None:
    found = parse_settings(
        {"headroom": 2, "agent_usd_per_month": 5, "utilization": 0.5, "tiers": {"a": {"kind": "batch"}, "b": {"headroom": 1}}}
    )
    assert (found.of("a").target, found.of("a").headroom) == (0.85, 2)
    assert (found.of("b").target, found.of("b").headroom, found.of("b").agent_usd_per_month) == (0.5, 1, 5)
    usual = parse_settings({})
    assert [usual.of(tier).target for tier in ("batch", "fast", None)] == [0.85, 0.65, 0.65]


def test_the_wait_is_that_of_the_mean_and_grows_with_what_varies() -> None:
    heavy = service(np.append(np.linspace(1, 2, 900), 5.0 * np.arange(1, 101)), np.ones(1000), 26.6)
    found = planned(WhatIf(utilization=0.65), observed(counts=np.where(np.arange(1440) // 5 % 6 == 0, 155.0, 5.0), service=heavy))
    assert found.bursts is not None
    assert (found.bursts.bursty, found.plan.service_time) == (True, heavy.p95)
    assert found.plan.load == pytest.approx(found.plan.arrival_rate * 26.6)
    plain = _capacity.waiting(found.plan.load, 26.6, found.plan.agents)
    assert plain is not None
    assert found.plan.wait is not None
    assert found.plan.wait.mean_s == pytest.approx(plain.mean_s * (found.bursts.index + heavy.spread) / 2)
