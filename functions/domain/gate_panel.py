"""From the rollups of agents to the panel that a gate judges: tasks by agent and slot of time, counted as everywhere (`domain.tasks`).

Slots are minutes, and hours of the time before them. Amounts (latency, cost, tokens) become bad tasks by limits: percentiles of what the
agent itself had before the change, or its cell where that is too little. So each agent is measured by its own measure, changed or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clawpulse.sketch import BINS_PER_E, Sketch
from functions.domain.gate import Panel
from functions.domain.gate_means import Amounts
from functions.domain.gate_score import Sample
from functions.domain.gate_tables import Floats, Ints
from functions.domain.gate_weigh import Design, Mask, Trials
from functions.domain.rollup import TagPairs
from functions.domain.rollup_codec import Row, rows
from functions.domain.sketches import Decoded, decode_many
from functions.domain.tasks import ERRORS, NAMES, count_tasks

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

    def places(self, stored: Stored) -> Iterator[tuple[int, bytes]]:
        """The slots of what is stored."""
        shift = len(self.minutes)
        yield from ((minute - self.minutes.start, data) for minute, data in stored.minutes.items() if minute in self.minutes)
        yield from ((shift + hour - self.hours.start, data) for hour, data in stored.hours.items() if hour in self.hours)

    def name(self, slot: int) -> str:
        """As `m29798` or `h496`."""
        shift = len(self.minutes)
        return f"m{self.minutes[slot]}" if slot < shift else f"h{self.hours[slot - shift]}"

    def windows(self) -> Ints:
        """Which stretch of time each slot belongs to."""
        minutes = (np.arange(len(self.minutes))) // WINDOW
        return np.concatenate((minutes, len(minutes) + np.arange(len(self.hours)))).astype(np.int64)


class Damaged(NamedTuple):
    """A rollup that could not be read, in part or at all; what could not be read is left out."""

    agent: str
    slot: str
    """As `m29798` or `h496`."""
    reason: str
    crucial: bool
    """Of a changed agent since its change."""


def panel(
    lanes: Sequence[Lane], stored: Sequence[Stored], axis: Axis, metrics: Collection[str], *, untouched: bool = True
) -> tuple[Panel, list[Damaged]]:
    """The panel of some agents and these metrics."""
    cells = {cell: number for number, cell in enumerate(sorted({lane.cell for lane in lanes}))}
    design = Design(
        changed=np.array([lane.changed for lane in lanes], dtype=bool),
        cell=np.array([cells[lane.cell] for lane in lanes], dtype=np.int64),
        before=_masks([axis.past(lane.before) for lane in lanes], axis),
        after=_masks([axis.mask(lane.after) for lane in lanes], axis),
        window=axis.windows(),
    )
    table = _Table((len(lanes), axis.size), metrics)
    faults = [fault for number in range(len(lanes)) for fault in table.take(number, axis.places(stored[number]))]
    faults += table.sift()
    damaged = [
        Damaged(lanes[number].agent, axis.name(slot), reason, bool(lanes[number].changed and design.after[number, slot]))
        for number, slot, reason in faults
    ]
    return Panel(design, table.finished, table.samples(design, metrics), untouched), damaged


def _masks(masks: list[Mask], axis: Axis) -> Mask:
    return np.stack(masks) if masks else np.zeros((0, axis.size), dtype=bool)


class _Fault(NamedTuple):
    number: int
    """Of the agent."""
    slot: int
    reason: str


class _Table:
    """Counts on their way into a panel."""

    def __init__(self, shape: tuple[int, int], metrics: Collection[str]) -> None:
        self.finished, self.failed = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self._columns = {name: _Column(shape) for name in metrics if name != ERRORS}

    def take(self, number: int, places: Iterable[tuple[int, bytes]]) -> Iterator[_Fault]:
        """Take in an agent's rollups, by slot."""
        for slot, data in places:
            try:
                self._read(number, slot, rows(data, NAMES))
            except ValueError as error:
                yield _Fault(number, slot, str(error))

    def _read(self, number: int, slot: int, found: Sequence[Row]) -> None:
        counts = count_tasks((row.key.name, row.count, row.sum) for row in found)
        self.finished[number, slot], self.failed[number, slot] = counts.finished, counts.failed
        for row in found:
            if row.key.name in self._columns:
                self._columns[row.key.name].rows.append((number, slot, row))

    def sift(self) -> list[_Fault]:
        """Leave out what is damaged within the rollups."""
        return [fault for column in self._columns.values() for fault in column.sift()]

    def samples(self, design: Design, metrics: Collection[str]) -> dict[str, Sample]:
        """By metric; those that nobody told are absent."""
        found = {name: column.sample(design) for name, column in self._columns.items() if column.rows}
        if ERRORS in metrics:
            failed, finished = self.failed[None], self.finished[None]
            found[ERRORS] = Sample(Trials(failed, finished), Amounts(failed.astype(np.float64), finished))
        return found


class _Column:
    """One metric's values."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.rows: list[tuple[int, int, Row]] = []
        """With agent and slot."""
        self._shape = shape

    def sift(self) -> list[_Fault]:
        """Leave out series with damaged sketches, found one by one only if there are any."""
        try:
            decode_many([row.sketch for _, _, row in self.rows])
        except ValueError:
            faults = [_Fault(number, slot, _fault_of(row)) for number, slot, row in self.rows]
            self.rows = [one for one, fault in zip(self.rows, faults, strict=True) if not fault.reason]
            return [fault for fault in faults if fault.reason]
        return []

    def sample(self, design: Design) -> Sample:
        """Count what is beyond the limits."""
        many = decode_many([row.sketch for _, _, row in self.rows])
        lane, slot = (np.array([one[side] for one in self.rows], dtype=np.int64) for side in (0, 1))
        counts, sums = np.zeros(self._shape, dtype=np.int64), np.zeros(self._shape)
        np.add.at(counts, (lane, slot), many.count)
        np.add.at(sums, (lane, slot), many.sum)
        bad = np.zeros((len(LIMITS), *self._shape), dtype=np.int64)
        for one, column in zip(bad, _limits(many, lane, slot, design).T, strict=True):
            np.add.at(one, (lane, slot), _beyond(many, column[lane]))
        return Sample(Trials(bad, np.broadcast_to(counts, bad.shape)), Amounts(sums[None], counts[None]))


def _fault_of(row: Row) -> str:
    try:
        decode_many([row.sketch])
    except ValueError as error:
        return f"{row.key.name}: {error}"
    return ""


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
