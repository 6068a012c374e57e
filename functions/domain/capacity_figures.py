"""A tier's figures: rate, time, utilisation, concurrency, as they were seen, tested and corrected, or given; and how sure they are.

Randomness for the intervals is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from clawpulse import _capacity
from functions.domain.alert_columns import Floats
from functions.domain.capacity_peak import Peak
from functions.domain.capacity_settings import TierPolicy
from functions.domain.queueing import Dispersion, Service
from functions.domain.rollup import TagPairs

DRAWS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What shall be different from what was seen; None: nothing."""

    arrival_rate: float | None = None
    service_time: float | None = None
    arrival_factor: float = 1.0
    service_factor: float = 1.0
    utilization: float | None = None
    headroom: float | None = None
    concurrency: float | None = None
    agent_usd_per_month: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a tier did."""

    tags: TagPairs
    counts: Floats
    """Tasks that came, by bucket; nan where unknown. Whole hours."""
    bucket_s: int
    """60, or 3,600 where minutes cannot tell."""
    service: Service | None
    workers: float | None = None
    """Tasks that an agent can work on at a time, as agents report."""
    utilization: float | None = None
    agents: int | None = None
    """That there are now."""


class Interval(NamedTuple):
    """Between which values 95 of 100 draws lie."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How certain a plan is: of `DRAWS` days put together by chance of the day's hours, each with a time as uncertain as tasks are few."""

    agents: Interval
    with_headroom: Interval
    arrival_rate: Interval
    service_time: Interval


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of the formula."""

    peak: Peak | None
    service: Service | None
    bursts: Dispersion | None
    observed: Observed
    policy: TierPolicy
    what_if: WhatIf

    @property
    def rate(self) -> float:
        """Tasks a second."""
        given = self.what_if.arrival_rate
        return (given if given is not None else self.peak.rate if self.peak else 0.0) * self.what_if.arrival_factor

    @property
    def heavy(self) -> bool:
        """Whether the tail is, so that the mean says little."""
        service = self.service
        return self.what_if.service_time is None and service is not None and service.tail is not None and service.tail.heavy

    @property
    def time(self) -> float:
        """Seconds that a task keeps an agent busy, as it is planned with."""
        if self.what_if.service_time is not None or self.service is None:
            return (self.what_if.service_time or 0.0) * self.what_if.service_factor
        # A tail can be so heavy that the mean is beyond the 95th percentile.
        longest = max(self.service.p95, self.service.mean)
        return (longest if self.heavy else self.service.mean) * self.what_if.service_factor

    @property
    def utilization(self) -> float:
        """Share of their time that agents shall be busy."""
        if self.what_if.utilization is not None:
            return self.what_if.utilization
        return _capacity.lowered(self.policy.target) if self.bursts and self.bursts.bursty else self.policy.target

    @property
    def concurrency(self) -> float:
        """Tasks that an agent works on at a time."""
        given = (self.what_if.concurrency, self.policy.concurrency, self.observed.workers)
        return max(1.0, next((value for value in given if value is not None), 1.0))

    def plan(self) -> _capacity.Plan:
        """The agents for them. Raises ValueError for figures that cannot be."""
        headroom = self.policy.headroom if self.what_if.headroom is None else self.what_if.headroom
        return _capacity.plan(self.rate, self.time, self.utilization, headroom=headroom, concurrency=self.concurrency)

    def intervals(self, made: _capacity.Plan, dice: np.random.Generator) -> Intervals | None:
        """By drawing: the arithmetic of `_capacity`, in floats."""
        if self.peak is None and (self.service is None or self.what_if.service_time is not None):
            return None
        rates = self.peak.draws(DRAWS, dice) * self.what_if.arrival_factor if self.peak else np.full(DRAWS, self.rate)
        times = self._times(dice) * self.what_if.service_factor
        agents = np.ceil(rates * times / (made.utilization * made.concurrency))
        return Intervals(
            agents=_between(agents, made.agents),
            with_headroom=_between(np.ceil(agents * made.headroom), made.with_headroom),
            arrival_rate=_between(rates, self.rate),
            service_time=_between(times, self.time),
        )

    def _times(self, dice: np.random.Generator) -> Floats:
        service = self.service
        if service is None or self.what_if.service_time is not None:
            return np.full(DRAWS, self.what_if.service_time or 0.0)
        if self.heavy:
            # The rank of a quantile is as uncertain as a share of so many tasks.
            ranks = dice.normal(0.95, np.sqrt(0.95 * 0.05 / service.tasks), DRAWS)
            return np.asarray(np.maximum(service.quantile(np.clip(ranks, 0, 1)), service.mean))
        return np.maximum(0.0, dice.normal(service.mean, service.mean * np.sqrt(service.spread / service.tasks), DRAWS))


def _between(draws: Floats, middle: float) -> Interval:
    low, high = np.quantile(draws, (0.025, 0.975), method="nearest").tolist()
    return Interval(min(low, middle), max(high, middle))
