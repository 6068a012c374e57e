"""What a report knows of the weeks before the period before: hourly figures of tiers and agents, as sums, which take little room."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

import numpy as np

from functions.domain import tasks, usage
from functions.domain.alert_columns import Floats
from functions.domain.report_tally import Overlay
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.usage_frame import UsageFrame

TIER: Final = "tier"
COST: Final = (tasks.COST, usage.PRICED)
FAILED: Final = (tasks.FAILED,)
LATENCY: Final = (tasks.LATENCY,)
FIGURES: Final = (COST, FAILED, LATENCY)
"""What is kept, each the metrics that are added up."""
GROUPS: Final = ((TIER,), (AGENT,))
METRICS: Final = frozenset(name for names in FIGURES for name in names)


class Hourly(NamedTuple):
    """Sums and numbers of points by series and hour."""

    keys: list[TagPairs]
    sums: Floats
    counts: Floats


class Past:
    """Hours first_hour <= hour < last_hour, taken in some at a time."""

    def __init__(self, first_hour: int, last_hour: int, selector: Selector, overlay: Overlay) -> None:
        self.first_hour, self.last_hour = first_hour, last_hour
        self._selector, self._overlay = selector, overlay
        self._missing: set[int] = set()
        self._began = last_hour
        self._parts: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[int, Hourly]]] = {}

    @property
    def missing(self) -> frozenset[int]:
        """Hours that are not known: those that could not be read, and those before the first with any usage."""
        return frozenset((*self._missing, *range(self.first_hour, self._began)))

    def add(self, frame: UsageFrame) -> None:
        """Take in some hours, of which no metric but `METRICS` is needed."""
        self._missing |= frame.missing
        if frame.amount:
            self._began = min(self._began, frame.first_hour)
        for names in FIGURES:
            for by in GROUPS:
                self._parts.setdefault((names, by), []).append((frame.first_hour, hourly(frame, names, by, self._selector, self._overlay)))

    def hourly(self, names: Collection[str], by: tuple[str, ...]) -> Hourly:
        """One of `FIGURES` by one of `GROUPS`."""
        parts = self._parts.get((tuple(names), by), [])
        return joined(self.first_hour, self.last_hour, parts)


def hourly(frame: UsageFrame, names: Collection[str], by: tuple[str, ...], selector: Selector, overlay: Overlay) -> Hourly:
    """Some metrics of a frame added up, by tags and hour."""
    groups = frame.group(by, selector, overlay)
    figures = [frame.hourly(name, groups) for name in sorted(names)]
    keys = [tuple(sorted(key)) for key in groups.keys]
    return Hourly(keys, np.sum([one.sum for one in figures], axis=0), np.sum([one.count for one in figures], axis=0))


def joined(first_hour: int, last_hour: int, parts: Collection[tuple[int, Hourly]]) -> Hourly:
    """Parts, each with its first hour, as one; 0 where a series is not in a part."""
    keys = list(dict.fromkeys(key for _, part in parts for key in part.keys))
    place = {key: row for row, key in enumerate(keys)}
    sums, counts = (np.zeros((len(keys), last_hour - first_hour)) for _ in range(2))
    for first, part in parts:
        rows, hours = [place[key] for key in part.keys], slice(first - first_hour, first - first_hour + part.sums.shape[1])
        sums[rows, hours], counts[rows, hours] = part.sums, part.counts
    return Hourly(keys, sums, counts)
