"""Rollups: what one time bucket holds, per series, with a mergeable quantile sketch.

A rollup is a plain dict from `SeriesKey` to `Aggregate`; the same shape serves a batch's minute, an agent's minute or hour,
and a group's (there the key's tags are the cell). Merging is commutative and associative, so a rollup can be rebuilt
from any set of parts in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clawpulse.sketch import Sketch

type TagPairs = tuple[tuple[str, str], ...]


class SeriesKey(NamedTuple):
    """Name of a metric or event, and its tags sorted by key."""

    name: str
    tags: TagPairs = ()


@dataclass(slots=True)
class Aggregate:
    """All points of one series in one bucket: count, sum, min, max and quantiles in `sketch`, and the newest value."""

    sketch: Sketch = field(default_factory=Sketch)
    last: float = 0.0
    last_time: int = -1
    """Time of `last`, ms; -1 before the first point."""

    def add(self, value: float, time_ms: int) -> None:
        """Take in one point."""
        self.sketch.add(value)
        if time_ms >= self.last_time:
            self.last, self.last_time = value, time_ms

    def extend(self, values: Sequence[float], times: Sequence[int]) -> None:
        """Take in points, their times in ms; of several with the newest time the last one is the newest."""
        self.sketch.extend(values)
        newest = max(times)
        if newest >= self.last_time:
            self.last_time = newest
            self.last = values[-1] if times[-1] == newest else values[len(times) - 1 - times[::-1].index(newest)]

    def merge(self, other: Aggregate) -> None:
        """Take in another aggregate of the same series; `other` is left as it is."""
        self.sketch.merge(other.sketch)
        if (other.last_time, other.last) > (self.last_time, self.last):
            self.last, self.last_time = other.last, other.last_time


type Rollup = dict[SeriesKey, Aggregate]


def sorted_pairs(tags: dict[str, str]) -> TagPairs:
    """Tags as a hashable key."""
    return tuple(sorted(tags.items()))


def merge_into(target: Rollup, parts: Iterable[Rollup]) -> Rollup:
    """Merge `parts` into `target`, in place; returns it."""
    for part in parts:
        for key, aggregate in part.items():
            mine = target.get(key)
            if mine is None:
                target[key] = mine = Aggregate()
            mine.merge(aggregate)
    return target
