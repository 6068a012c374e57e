"""From the rollups of agents to the panel that a gate judges: tasks by agent and slot of time, counted as everywhere (`domain.tasks`).

Slots are minutes, and hours of the time before them. Amounts (latency, cost, tokens) become bad tasks by limits: percentiles of what the
agent itself had before the change, or its cell where that is too little. So each agent is measured by its own measure, changed or not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clawpulse.sketch import BINS_PER_E, Sketch
from functions.domain.gate import Panel, Sample
from functions.domain.gate_means import Amounts
from functions.domain.gate_tables import Floats, Ints
from functions.domain.gate_weigh import Design, Mask, Trials
from functions.domain.rollup import TagPairs
from functions.domain.rollup_codec import rows
from functions.domain.sketches import Decoded, decode_many
from functions.domain.tasks import ERRORS, NAMES, TaskCounts

LIMITS = (0.75, 0.90, 0.97)
"""Percentiles before the change: what is beyond is bad. The lower ones see that all tasks shift, the highest that a few become dear."""
OWN = 100
"""An agent with fewer values before the change is measured by its cell's limits."""
WINDOW = 10
"""Minutes; as long as a bake, for how much bad tasks come and go within such a time is the question."""
_NEVER = np.iinfo(np.int64).max


class Lane(NamedTuple):
    """One agent of a panel. Ranges are of minutes, and its hours before `before` belong to the past as well."""

    agent: str
    changed: bool
    cell: TagPairs
    before: range
    after: range


@dataclass(frozen=True, slots=True)
class Stored:
    """Encoded rollups of one agent, by minute and by hour."""

    minutes: Mapping[int, bytes] = field(default_factory=dict)
    hours: Mapping[int, bytes] = field(default_factory=dict)


class Axis(NamedTuple):
    """The slots of a panel: minutes first, then hours."""

    minutes: range
    hours: range = range(0)
    holes: Collection[int] = ()
    """Minutes that cannot be read."""

    @property
    def size(self) -> int:
        """How many slots there are."""
        return len(self.minutes) + len(self.hours)

    def mask(self, span: range) -> Mask:
        """The minutes of a span that can be read."""
        return np.array([minute in span and minute not in self.holes for minute in self.minutes] + [False] * len(self.hours), dtype=bool)

    def past(self, span: range) -> Mask:
        """Likewise, and the hours."""
        found = self.mask(span)
        found[len(self.minutes) :] = True
        return found

    def windows(self) -> Ints:
        """Which stretch of time each slot belongs to."""
        minutes = (np.arange(len(self.minutes))) // WINDOW
        return np.concatenate((minutes, len(minutes) + np.arange(len(self.hours)))).astype(np.int64)


class Damaged(NamedTuple):
    """A rollup that could not be read; it is left out."""

    lane: Lane
    slot: str
    """As `m29798` or `h496`."""
    reason: str


def panel(lanes: Sequence[Lane], stored: Sequence[Stored], axis: Axis, metrics: Collection[str]) -> tuple[Panel, list[Damaged]]:
    """The panel of some agents and these metrics."""
    table = _Table(len(lanes), axis, metrics)
    damaged = [fault for number, lane in enumerate(lanes) for fault in table.take(number, lane, stored[number])]
    cells = {cell: number for number, cell in enumerate(sorted({lane.cell for lane in lanes}))}
    design = Design(
        changed=np.array([lane.changed for lane in lanes], dtype=bool),
        cell=np.array([cells[lane.cell] for lane in lanes], dtype=np.int64),
        before=_masks([axis.past(lane.before) for lane in lanes], axis),
        after=_masks([axis.mask(lane.after) for lane in lanes], axis),
        window=axis.windows(),
    )
    samples = {name: column.sample(design) for name, column in table.columns.items() if column.blobs}
    if ERRORS in metrics:
        samples[ERRORS] = Sample(
            Trials(table.failed[None], table.finished[None]), Amounts(table.failed[None].astype(np.float64), table.finished[None])
        )
    return Panel(design, table.finished, samples), damaged


def _masks(masks: list[Mask], axis: Axis) -> Mask:
    return np.stack(masks) if masks else np.zeros((0, axis.size), dtype=bool)


class _Table:
    """Counts on their way into a panel."""

    def __init__(self, agents: int, axis: Axis, metrics: Collection[str]) -> None:
        shape = (agents, axis.size)
        self._axis = axis
        self.finished, self.failed = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.columns = {name: _Column(shape) for name in metrics if name != ERRORS}

    def take(self, number: int, lane: Lane, stored: Stored) -> list[Damaged]:
        """Take in an agent's rollups."""
        damaged = []
        minutes, shift = self._axis.minutes, len(self._axis.minutes)
        places = [(minute - minutes.start, f"m{minute}", data) for minute, data in stored.minutes.items() if minute in minutes]
        hours = self._axis.hours
        places += [(shift + hour - hours.start, f"h{hour}", data) for hour, data in stored.hours.items() if hour in hours]
        for slot, name, data in places:
            try:
                self._read(number, slot, data)
            except ValueError as error:
                damaged.append(Damaged(lane, name, str(error)))
        return damaged

    def _read(self, number: int, slot: int, data: bytes) -> None:
        counts = TaskCounts()
        found = rows(data, NAMES)
        for row in found:
            counts.take(row.key.name, row.count, row.sum)
        amounts = [row for row in found if row.key.name in self.columns]
        decode_many([row.sketch for row in amounts])  # all of it is sound, or none is taken
        self.finished[number, slot], self.failed[number, slot] = counts.finished, counts.failed
        for row in amounts:
            self.columns[row.key.name].add(number, slot, row.count, row.sum, row.sketch)


class _Column:
    """One metric's values."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.blobs: list[bytes] = []
        self._at: list[tuple[int, int]] = []
        self._sums, self._counts = np.zeros(shape), np.zeros(shape, dtype=np.int64)

    def add(self, number: int, slot: int, count: int, total: float, sketch: bytes) -> None:
        """Take in one series of an agent's slot."""
        self.blobs.append(sketch)
        self._at.append((number, slot))
        self._sums[number, slot] += total
        self._counts[number, slot] += count

    def sample(self, design: Design) -> Sample:
        """Count what is beyond the limits."""
        many = decode_many(self.blobs)
        lane, slot = np.array(self._at, dtype=np.int64).T
        bins = _limits(many, lane, slot, design)
        bad = np.zeros((len(LIMITS), *self._counts.shape), dtype=np.int64)
        for one, column in zip(bad, bins.T, strict=True):
            np.add.at(one, (lane, slot), _beyond(many, column[lane]))
        return Sample(Trials(bad, np.broadcast_to(self._counts, bad.shape)), Amounts(self._sums[None], self._counts[None]))


def _limits(many: Decoded, lane: Ints, slot: Ints, design: Design) -> Ints:
    """The bins of the limits, by agent and limit."""
    agents, cells = len(design.changed), int(design.cell.max()) + 1
    past, control = design.before[lane, slot], ~design.changed[lane]
    own = many.merge(np.where(past, lane, agents), agents + 1)
    before = many.merge(np.where(past, design.cell[lane], cells), cells + 1)
    beside = many.merge(np.where(control, design.cell[lane], cells), cells + 1)
    every = many.merge(np.zeros(len(lane), dtype=np.int64), 1)[0]
    of_cell = [next(one for one in (before[cell], beside[cell], every) if one.count) for cell in range(cells)]
    return np.array([_bins(own[agent] if own[agent].count >= OWN else of_cell[design.cell[agent]]) for agent in range(agents)])


def _bins(sketch: Sketch) -> list[int]:
    return [ceil(log(value) * BINS_PER_E) if value > 0 else -_NEVER for value in sketch.quantiles(LIMITS)]


def _beyond(many: Decoded, limit: Ints) -> Ints:
    """How many values of each sketch lie in bins above its limit's."""
    run = np.repeat(np.arange(len(many.sizes)), many.sizes)
    blob, positive = run // 2, run % 2 == 0
    index = many.ramp + many.shift[run]
    weights: npt.NDArray[np.float64] | Floats = np.where(positive & (index > limit[blob]), many.bin_count, 0)
    return np.bincount(blob, weights=weights, minlength=len(limit)).astype(np.int64)
