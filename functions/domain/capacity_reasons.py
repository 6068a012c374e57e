"""Why a tier is planned as it is: a sentence to each figure."""

from __future__ import annotations

from typing import Final

from functions.domain.capacity_figures import Figures
from functions.domain.queueing import BURSTY

HIDES: Final = 0.9
"""Utilisation from which arrivals are what agents could take, not what came."""
MINUTE_S: Final = 60


def reasons(figures: Figures) -> list[str]:
    """A sentence to each figure: where it comes from, which test decided, and what it corrected."""
    found = [_why_rate(figures), _why_time(figures), _why_utilization(figures), _why_concurrency(figures)]
    busy = figures.observed.utilization
    if busy is not None and busy >= HIDES and figures.what_if.arrival_rate is None:
        found.append(f"agents were busy {busy:.0%} of their time: arrivals are what they could take, more may want to come")
    return found


def _why_rate(figures: Figures) -> str:
    more = _times_as(figures.what_if.arrival_factor)
    if figures.peak is None:
        return f"arrival rate {figures.rate:.4g}/s: given{more}"
    days = f" of the busiest of {figures.peak.days} days" if figures.peak.days > 1 else ""
    what = f"the 95th percentile of {figures.peak.windows} windows of {figures.peak.width_s // MINUTE_S} min{days}"
    return f"arrival rate {figures.rate:.4g}/s: {what}{more}"


def _why_time(figures: Figures) -> str:
    more = _times_as(figures.what_if.service_factor)
    service = figures.service
    if service is None or figures.what_if.service_time is not None:
        return f"service time {figures.time:.4g} s: given{more}"
    if service.tail is None:
        return f"service time {figures.time:.4g} s: the mean of {service.tasks:,} tasks, too few to test their tail{more}"
    tail = f"tail index {service.tail.index:.2f} (95 % interval {service.tail.low:.2f} to {service.tail.high:.2f})"
    if figures.heavy:
        what = f"the 95th percentile in place of the mean of {service.mean:.4g} s, for the tail is heavy: {tail}, below 2"
        return f"service time {figures.time:.4g} s: {what}{more}"
    what = f"the mean of {service.tasks:,} tasks, whose tail is not heavy: {tail}, not surely below 2"
    return f"service time {figures.time:.4g} s: {what}{more}"


def _why_utilization(figures: Figures) -> str:
    if figures.what_if.utilization is not None:
        return f"utilisation {figures.utilization:.4g}: given"
    kind = f"{figures.policy.target:.4g}" if figures.policy.utilization is not None else f"that of {figures.policy.kind or 'latency'} tiers"
    if figures.bursts is None:
        untold = "given" if figures.peak is None else "told by the hour only" if figures.observed.bucket_s > MINUTE_S else "too few"
        return f"utilisation {figures.utilization:.4g}: {kind}; bursts were not tested, for arrivals are {untold}"
    test = f"index of dispersion {figures.bursts.index:.2f}"
    limit = f"{max(figures.bursts.limit, BURSTY):.2f}"
    if figures.bursts.bursty:
        return f"utilisation {figures.utilization:.4g}: {kind}, less 0.1 for arrivals that come in bursts: {test}, above {limit}"
    return f"utilisation {figures.utilization:.4g}: {kind}; arrivals are not bursty: {test}, not above {limit}"


def _why_concurrency(figures: Figures) -> str:
    if figures.what_if.concurrency is not None or figures.policy.concurrency is not None:
        return f"{figures.concurrency:.4g} tasks at a time by agent: given"
    if figures.observed.workers is not None:
        return f"{figures.concurrency:.4g} tasks at a time by agent: as they report (fleet.max_workers)"
    more = figures.observed.utilization is not None and figures.observed.utilization > 1
    several = f"; they worked on {figures.observed.utilization:.1f}, so give the concurrency" if more else ""
    return f"1 task at a time by agent: none reports fleet.max_workers{several}"


def _times_as(factor: float) -> str:
    return "" if factor == 1 else f", times {factor:g}"
