"""What the fleet did in some time, from rollups: counts, cost and percentiles of tasks, of all and of each tier.

A week of a large fleet is a hundred thousand rows: they are added up as columns, by numpy, and of all sketches only those of the latency
are unpacked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from clawpulse.sketch import Sketch
from functions.domain.rollup import TagPairs
from functions.domain.rollup_codec import Table
from functions.domain.selector import Selector
from functions.domain.sketches import merge_grouped
from functions.domain.summary import TIER, ByTier
from functions.domain.tasks import LATENCY, NAMES, TOKENS_IN, TOKENS_OUT, TaskCounts

type Ints = npt.NDArray[np.int64]
type Tags = Mapping[str, str] | None

_METRICS: Final = tuple(sorted(NAMES))
_NUMBERS: Final = {name: number for number, name in enumerate(_METRICS)}
_ROW: Final = np.dtype([(name, "<i8" if name in ("count", "last_time") else "<f8") for name in Table.SCALARS])


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of task latency in ms, 1 % relative error; None without a measured task."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @classmethod
    def of(cls, sketch: Sketch | None) -> Latency:
        """The percentiles of a sketch."""
        return cls(*sketch.quantiles((0.5, 0.95, 0.99))) if sketch is not None and sketch.count else cls()


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """Counts and latency of some time."""

    counts: TaskCounts = field(default_factory=TaskCounts)
    latency: Latency = field(default_factory=Latency)
    tokens: float | None = None
    """In and out; None when no task reported any."""


def task_figures(parts: Iterable[tuple[Tags, Table]], selector: Selector) -> ByTier[TaskFigures]:
    """Figures of rollups, each with the tags of the agent that it is of (None: a group's)."""
    sums = _Sums(selector)
    for agent, table in parts:
        sums.take(agent, table)
    return sums.figures()


class _Sums:
    """Running totals by tier."""

    def __init__(self, selector: Selector) -> None:
        self._selector = selector
        self._slots: dict[str | None, int] = {}
        self._groups: dict[TagPairs, int] = {}
        self._counts: dict[tuple[int, int], int] = defaultdict(int)
        self._totals: dict[tuple[int, int], float] = defaultdict(float)
        self._blobs: list[bytes] = []
        self._owners: list[int] = []

    def take(self, agent: Tags, table: Table) -> None:
        """Add a rollup."""
        metric = np.array([_NUMBERS.get(name, -1) for name in table.names], dtype=np.int64)
        slots = np.array([self._slot(pairs, agent) for pairs in table.tag_sets], dtype=np.int64)
        if not (metric >= 0).any() or not (slots >= 0).any():
            return
        row_metric, row_slot = metric[np.array(table.name_of)], slots[np.array(table.tags_of)]
        self._add(row_metric, row_slot, np.frombuffer(table.scalars, _ROW))
        of_latency = row_slot[row_metric == _NUMBERS[LATENCY]]
        if (of_latency >= 0).any():
            chosen = [(blob, slot) for blob, slot in zip(table.sketches(LATENCY), of_latency.tolist(), strict=True) if slot >= 0]
            self._blobs += [blob for blob, _ in chosen]
            self._owners += [slot for _, slot in chosen]

    def _add(self, metric: Ints, slot: Ints, scalars: npt.NDArray[np.void]) -> None:
        chosen = (metric >= 0) & (slot >= 0)
        places = slot[chosen] * len(_METRICS) + metric[chosen]
        counts = np.bincount(places, scalars["count"][chosen])
        totals = np.bincount(places, scalars["sum"][chosen])
        for place in np.unique(places).tolist():
            key = divmod(place, len(_METRICS))
            self._counts[key] += int(counts[place])
            self._totals[key] += float(totals[place])

    def _slot(self, pairs: TagPairs, agent: Tags) -> int:
        """Number of the tier that a row counts for; -1 for a row that is not selected."""
        if agent is not None:
            return self._find({**agent, **dict(pairs)})
        known = self._groups.get(pairs)
        if known is None:
            known = self._groups[pairs] = self._find(dict(pairs))
        return known

    def _find(self, tags: Mapping[str, str]) -> int:
        return self._slots.setdefault(tags.get(TIER), len(self._slots)) if self._selector.matches(tags) else -1

    def figures(self) -> ByTier[TaskFigures]:
        """What all that was taken amounts to."""
        sketches = merge_grouped(self._blobs, self._owners, len(self._slots)) if self._blobs else [Sketch()] * len(self._slots)
        seen = {slot for slot, _ in self._counts}
        tiers = {tier: self._of([slot], sketches[slot]) for tier, slot in self._slots.items() if tier is not None and slot in seen}
        together = Sketch()
        for sketch in sketches:
            together.merge(sketch)
        return ByTier(self._of(list(self._slots.values()), together), dict(sorted(tiers.items())))

    def _of(self, slots: list[int], sketch: Sketch) -> TaskFigures:
        counts = TaskCounts()
        tokens: list[float] = []
        for slot in slots:
            for number, name in enumerate(_METRICS):
                key = (slot, number)
                if key in self._counts:
                    counts.take(name, self._counts[key], self._totals[key])
                    tokens += [self._totals[key]] if name in (TOKENS_IN, TOKENS_OUT) else []
        return TaskFigures(counts, Latency.of(sketch), sum(tokens) if tokens else None)
