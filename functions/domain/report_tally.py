"""Tasks, tokens and dollars of usage, by group and hour: the figures that all sections of a report share.

Clients report a failure as an event, as a metric, or both (`domain.tasks`). Which it is differs by agent, so tasks are counted by agent and
hour first and added up then: all tables of a report have the same total.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from functions.domain import tasks, usage
from functions.domain.alert_columns import Floats
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.usage_frame import Groups, UsageFrame

NAMES = frozenset((*tasks.NAMES, *usage.TOKENS, usage.PRICED, usage.UNPRICED))
"""Metrics that a tally is made of."""
type Overlay = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What some groups did: arrays [group, hour]."""

    keys: list[TagPairs]
    """The groups' tags."""
    finished: Floats
    failed: Floats
    reported: Floats
    """USD that came with tasks."""
    listed: Floats
    """USD at list prices, of tasks that came without."""
    costed: Floats
    """Tasks whose cost is known, either way."""
    unpriced: Floats
    """Tasks with tokens that nobody can price."""
    tokens: Floats
    """Arrays [kind as in `usage.TOKENS`, group, hour]."""

    @property
    def usd(self) -> Floats:
        """All dollars that are known."""
        return self.reported + self.listed

    def place(self, key: TagPairs) -> int | None:
        """Which group has these tags."""
        return self.keys.index(key) if key in self.keys else None


class Total:
    """The sums of some of a tally's groups over its hours."""

    def __init__(self, tally: Tally, place: int | slice | None = None) -> None:
        """Of one group, or of all; None of a group is all zeros."""
        at = slice(0, 0) if place is None else place

        def total(values: Floats) -> float:
            return float(values[at].sum())

        self.finished, self.failed = total(tally.finished), total(tally.failed)
        self.reported, self.listed = total(tally.reported), total(tally.listed)
        self.costed, self.unpriced = total(tally.costed), total(tally.unpriced)
        self.tokens = [total(kind) for kind in tally.tokens]

    @property
    def usd(self) -> float | None:
        """None when no cost is known."""
        return self.reported + self.listed if self.costed else None

    @property
    def success(self) -> float | None:
        """Share of the tasks that did not fail; None without tasks."""
        return 1 - self.failed / self.finished if self.finished else None

    @property
    def usd_per_task(self) -> float | None:
        """Of tasks whose cost is known."""
        return None if self.usd is None else self.usd / self.costed

    @property
    def all_tokens(self) -> float | None:
        """Tokens in and out; None when none were reported. What was read from a cache or written to one is part of what went in."""
        return sum(self.tokens[:2]) or None


def everything(tally: Tally) -> Total:
    """Of all groups."""
    return Total(tally, slice(None))


def tally(frame: UsageFrame, by: Collection[str], selector: Selector, overlay: Overlay) -> Tally:
    """Count by groups, as `UsageFrame.group` makes them."""
    fine = frame.group((AGENT, *(tag for tag in by if tag != AGENT)), selector, overlay)
    keys: dict[TagPairs, int] = {}
    owner = np.array([keys.setdefault(tuple((k, v) for k, v in pairs if k in by), len(keys)) for pairs in fine.keys], dtype=np.int64)

    def added(values: Floats) -> Floats:
        total = np.zeros((len(keys), len(frame.hours)))
        np.add.at(total, owner, values)
        return total

    failed, finished = _ended(frame, fine)
    cost, priced, unpriced = (frame.hourly(name, fine) for name in (tasks.COST, usage.PRICED, usage.UNPRICED))
    return Tally(
        keys=list(keys),
        finished=added(finished),
        failed=added(failed),
        reported=added(cost.sum),
        listed=added(priced.sum),
        costed=added(cost.count + priced.count),
        unpriced=added(unpriced.count),
        tokens=np.stack([added(frame.hourly(name, fine).sum) for name in usage.TOKENS]),
    )


def _ended(frame: UsageFrame, groups: Groups) -> tuple[Floats, Floats]:
    """Tasks that failed and that came to an end, with the larger account of each agent and hour (`tasks.TaskCounts`)."""
    events, errors = frame.hourly(tasks.FAILED, groups).count, frame.hourly(tasks.ERRORS, groups).sum
    failed = np.maximum(events, np.round(errors))
    completed, measured = (frame.hourly(name, groups).count for name in (tasks.COMPLETED, tasks.LATENCY))
    return failed, np.maximum(completed + failed, measured)
