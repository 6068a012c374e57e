"""Evaluates a series from rows of rollups: rows are folded into bins, and all quantiles are merged at once at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from functions.domain.rollup import TagPairs
from functions.domain.rollup_codec import Row, Table
from functions.domain.selector import Selector
from functions.domain.series import AGENT, Aggregation, SeriesQuery
from functions.domain.sketches import merge_grouped
from functions.domain.times import SECOND_MS


class Part(NamedTuple):
    """One stored rollup."""

    time: int
    """Start of its bucket, ms."""
    table: Table
    agent: Mapping[str, str] | None = None
    """Tags (with `agent` as the id) of the agent whose rollup it is; None for a group's."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of the answer: (start of the bucket in ms, value or None)."""

    tags: dict[str, str]
    points: list[tuple[int, float | None]]


@dataclass(slots=True)
class _Bin:
    """All that falls into one bucket of one line."""

    count: int = 0
    sum: float = 0.0
    min: float = float("inf")
    max: float = float("-inf")
    last: float = 0.0
    last_time: int = -1
    sketches: list[bytes] = field(default_factory=list)

    def take(self, row: Row) -> None:
        self.count += row.count
        self.sum += row.sum
        self.min = min(self.min, row.min)
        self.max = max(self.max, row.max)
        if (row.last_time, row.last) > (self.last_time, self.last):
            self.last, self.last_time = row.last, row.last_time


type _Bins = dict[tuple[TagPairs, int], _Bin]


class _Places:
    """Which line a row belongs to, found out once for each set of tags."""

    def __init__(self, selector: Selector, by: tuple[str, ...]) -> None:
        self._selector, self._by = selector, by
        self._known: dict[tuple[str, TagPairs], TagPairs | None] = {}

    def find(self, row_tags: TagPairs, agent: Mapping[str, str] | None) -> TagPairs | None:
        """The line's tags, None for a row that is not selected."""
        key = (agent[AGENT] if agent else "", row_tags)
        if key not in self._known:
            tags = {**(agent or {}), **dict(row_tags)}
            selected = self._selector.matches(tags)
            self._known[key] = tuple((name, tags[name]) for name in self._by if name in tags) if selected else None
        return self._known[key]


def evaluate(asked: SeriesQuery, parts: Iterable[Part], now: int) -> list[Line]:
    """The lines of a question, ordered by tags. Without `by` there is always one, even if all null."""
    bins = _fold(asked, parts)
    quantile = asked.aggregation.quantile
    values = _quantiles(bins, quantile) if quantile is not None else _values(bins, asked, now)
    lines = sorted({line for line, _ in bins} | (set() if asked.by else {()}))
    return [Line(dict(line), [(time, values.get((line, time))) for time in asked.buckets]) for line in lines]


def _fold(asked: SeriesQuery, parts: Iterable[Part]) -> _Bins:
    bins: _Bins = {}
    places = _Places(asked.selector, asked.by)
    quantile = asked.aggregation.quantile is not None
    for part in parts:
        bucket = asked.start + (part.time - asked.start) // asked.step * asked.step
        for row in part.table.rows({asked.metric}, sketches=quantile):
            line = places.find(row.key.tags, part.agent)
            if line is None or not row.count:
                continue
            target = bins.setdefault((line, bucket), _Bin())
            if quantile:
                target.sketches.append(row.sketch)
            else:
                target.take(row)
    return bins


def _quantiles(bins: _Bins, quantile: float) -> dict[tuple[TagPairs, int], float]:
    if not bins:
        return {}
    blobs = [blob for folded in bins.values() for blob in folded.sketches]
    groups = [number for number, folded in enumerate(bins.values()) for _ in folded.sketches]
    merged = merge_grouped(blobs, groups, len(bins))
    return {place: sketch.quantile(quantile) for place, sketch in zip(bins, merged, strict=True)}


def _values(bins: _Bins, asked: SeriesQuery, now: int) -> dict[tuple[TagPairs, int], float]:
    return {place: _value(folded, asked.aggregation, _seconds(place[1], asked.step, now)) for place, folded in bins.items()}


def _value(folded: _Bin, aggregation: Aggregation, seconds: float) -> float:
    match aggregation.name:
        case "avg":
            return folded.sum / folded.count
        case "rate":
            return folded.sum / seconds
        case name:
            value: float = getattr(folded, name)
            return value


def _seconds(bucket: int, step: int, now: int) -> float:
    """How much of a bucket has passed, so that the rate of the current one is not too low."""
    return max(SECOND_MS, min(step, now - bucket)) / SECOND_MS
