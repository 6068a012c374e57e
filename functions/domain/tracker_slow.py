"""What slow tasks have in common: models and hosts whose tasks are beyond their tier's 95th percentile more often than chance lets them."""

from __future__ import annotations

from collections.abc import Collection
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from functions.domain import tasks
from functions.domain.alert_columns import Floats, bin_values
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.summary import TIER
from functions.domain.times import SECOND_MS
from functions.domain.tracker import Overlay
from functions.domain.usage_frame import Groups, UsageFrame

FACTORS: Final = ("model", "host")
_Q: Final = 0.95
_LEAST: Final = 20
"""Slow tasks, below which nothing is said."""
_SURE: Final = 4.0
"""Standard deviations beyond chance: with thousands of hosts, about one wrong word in ten looks."""
_MATTERS: Final = 1.5
"""Times the usual share."""


class SlowTie(NamedTuple):
    """A model or host that many of a tier's slow tasks have in common."""

    tier: str | None
    factor: str
    """`model` or `host`."""
    value: str
    tasks: int
    slow: int
    """Of them, beyond the tier's 95th percentile."""
    threshold: float
    """That percentile, s."""
    times: float
    """How often, against the tier's other tasks."""

    @property
    def sentence(self) -> str:
        """For people."""
        where = f"tier {self.tier}" if self.tier else "no tier"
        return (
            f"{where}: {self.slow / self.tasks:.0%} of the tasks of {self.factor} {self.value} took longer than {self.threshold:.3g} s,"
            f" {self.times:.1f} times as often as those of others"
        )


def slow_ties(frame: UsageFrame, selector: Selector, overlay: Overlay, factors: Collection[str] = FACTORS) -> list[SlowTie]:
    """What slow tasks have in common, that which explains most of them first."""
    tiers = frame.group((TIER,), selector, overlay)
    thresholds = frame.quantile(tasks.LATENCY, tiers, _Q)
    found = [tie for factor in factors for tie in _ties(frame, tiers, thresholds, factor, frame.group((TIER, factor), selector, overlay))]
    return sorted(found, key=lambda tie: (-(tie.slow - tie.slow / tie.times), tie))


def _ties(frame: UsageFrame, tiers: Groups, thresholds: Floats, factor: str, groups: Groups) -> list[SlowTie]:
    place = {key: slot for slot, key in enumerate(tiers.keys)}
    tier_of = np.array([place[_of_tier(key)] for key in groups.keys], dtype=np.int64)
    if not len(tier_of):
        return []
    ordered = frame.ordered(tasks.LATENCY, groups)
    counts = np.diff(ordered.running, prepend=0.0)
    beyond = bin_values(ordered.ranks) > thresholds[tier_of[ordered.slots]]
    all_tasks = np.bincount(ordered.slots, weights=counts, minlength=groups.amount)
    slow = np.bincount(ordered.slots, weights=counts * beyond, minlength=groups.amount)
    tier_tasks, tier_slow = (np.bincount(tier_of, weights=part, minlength=tiers.amount)[tier_of] for part in (all_tasks, slow))
    found = []
    for slot, key in enumerate(groups.keys):
        value = dict(key).get(factor)
        others, usual = tier_tasks[slot] - all_tasks[slot], tier_slow[slot] - slow[slot]
        if value is None or slow[slot] < _LEAST or others < _LEAST:
            continue
        # Half a task more on both sides: a share of none is no share of zero.
        share = (usual + 0.5) / (others + 1)
        if _stands_out(float(slow[slot]), float(all_tasks[slot]), float(share)):
            times = float(slow[slot] / all_tasks[slot] / share)
            threshold = float(thresholds[tier_of[slot]]) / SECOND_MS
            found.append(SlowTie(dict(key).get(TIER), factor, value, int(all_tasks[slot]), int(slow[slot]), threshold, times))
    return found


def _stands_out(slow: float, amount: float, share: float) -> bool:
    chance = amount * share
    return slow > _MATTERS * chance and slow - chance > _SURE * sqrt(chance * (1 - share))


def _of_tier(key: TagPairs) -> TagPairs:
    return tuple(pair for pair in key if pair[0] == TIER)
