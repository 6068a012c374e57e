"""The capacity planner: how many agents a tier needs, how sure that is, what limits it, and what the change costs.

    agents = ceil(rate x time / (utilisation x concurrency))

A tier is planned from its own tasks: tiers are never pooled, for a mean of fast and slow tasks describes neither. Two tests correct the
formula: a heavy tail puts the 95th percentile of the service time in the place of its mean, bursts lower the utilisation by 0.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from clawpulse import _capacity
from functions.domain.capacity_figures import Figures, Intervals, Observed, WhatIf
from functions.domain.capacity_peak import Peak, peak
from functions.domain.capacity_reasons import MINUTE_S, reasons
from functions.domain.capacity_settings import TierPolicy
from functions.domain.provider_limits import Ceiling
from functions.domain.queueing import Dispersion, dispersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a tier asks for, before anything limits it."""

    observed: Observed
    policy: TierPolicy
    plan: _capacity.Plan
    peak: Peak | None
    """None when the rate was given."""
    bursts: Dispersion | None
    """None when there is no telling."""
    intervals: Intervals | None
    """None when all was given."""
    reasons: tuple[str, ...]
    """Where each figure comes from; the tests and what they corrected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPlan:
    """What a tier should have."""

    demand: Demand
    agents: int
    with_headroom: int
    """With `agents` no more than the ceiling."""
    ceiling: Ceiling | None
    """The lowest one of those that hold; it need not be reached."""
    limited: bool
    """Whether the ceiling is."""
    usd_per_month: float | None
    """What going from today's agents to `with_headroom` costs more, or saves below 0; None when unknown."""
    reasons: tuple[str, ...]


def demand(observed: Observed, policy: TierPolicy, what_if: WhatIf, dice: np.random.Generator) -> Demand | str:
    """What a tier asks for; a sentence when there is nothing to plan from."""
    service = observed.service
    given_time = what_if.service_time
    if service is None and given_time is None:
        return "no task of it told how long it took: nothing to plan from"
    mean = (given_time if given_time is not None else service.mean if service else 0.0) * what_if.service_factor
    found = None if what_if.arrival_rate is not None else peak(observed.counts, observed.bucket_s, mean)
    if found is None and what_if.arrival_rate is None:
        return "less than an hour of it is known: nothing to plan from"
    bursts = dispersion(observed.counts) if observed.bucket_s == MINUTE_S and found else None
    figures = Figures(found, service, bursts, observed, policy, what_if)
    made = figures.plan()
    # Waiting depends on the mean, whatever is planned with, and on how arrivals and times vary.
    load, concurrency = figures.rate * mean, made.concurrency
    variability = ((bursts.index if bursts else 1.0) + (service.spread if service and given_time is None else 1.0)) / 2
    waits = [_capacity.waiting(load, mean, int(count * concurrency), variability) for count in (made.agents, made.with_headroom)]
    return Demand(
        observed=observed,
        policy=policy,
        plan=made._replace(load=load, wait=waits[0], wait_with_headroom=waits[1]),
        peak=found,
        bursts=bursts,
        intervals=figures.intervals(made, dice),
        reasons=tuple(reasons(figures)),
    )


def settle(wanted: Demand, what_if: WhatIf, ceilings: list[Ceiling]) -> TierPlan:
    """What a tier should have, given how far its providers' limits let it go."""
    made = wanted.plan
    lowest = min(ceilings, key=lambda one: one.arrival_rate, default=None)
    most = _most(lowest, made) if lowest else made.with_headroom
    agents, padded = min(made.agents, most), min(made.with_headroom, most)
    limited = padded < made.with_headroom
    price = wanted.policy.agent_usd_per_month if what_if.agent_usd_per_month is None else what_if.agent_usd_per_month
    now = wanted.observed.agents
    return TierPlan(
        demand=wanted,
        agents=agents,
        with_headroom=padded,
        ceiling=lowest,
        limited=limited,
        usd_per_month=None if price is None or now is None else (padded - now) * price,
        reasons=(*wanted.reasons, *([_limited(lowest, most)] if lowest and limited else [])),
    )


def _most(lowest: Ceiling, made: _capacity.Plan) -> int:
    """Agents that can do all that the limit allows; more could only wait for it."""
    return ceil(_capacity.exact_agents(lowest.arrival_rate, made.service_time, made.utilization, made.concurrency))


def _limited(lowest: Ceiling, most: int) -> str:
    what = lowest.quantity.replace("_", " ")
    return (
        f"at most {most} agents: the limit {lowest.limit} allows {lowest.amount:,.0f} {what} a minute, all who share it ask for"
        f" {lowest.used:,.0f}, which leaves {lowest.arrival_rate:.3g} tasks/s; more agents cannot beat a shared key"
    )
