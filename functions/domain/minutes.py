"""Merging: from the batch items of a minute, or the rollups of an hour's minutes, to rollups of the group and of each agent.

Rollups are built anew from all their parts, taken in an order that does not depend on the store, so a repeat gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from functions.domain import rollup_codec, sketches
from functions.domain.cells import Cells
from functions.domain.failures import Failure, decode_failures, pairs_of
from functions.domain.items import StoredItem
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.rollup_codec import Row


@dataclass(frozen=True, slots=True)
class Part:
    """One batch item, decoded but for its sketches."""

    item: StoredItem
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class MergedMinute:
    """What a minute comes to; the group's series are the sums of the agents'."""

    group: Rollup
    agents: dict[str, Rollup]


def decode_items(items: Iterable[StoredItem]) -> tuple[list[Part], list[str]]:
    """Decode items in the order of their coming; an item that cannot be read is left out, with a sentence that says so."""
    parts, faults = [], []
    for item in sorted(items, key=lambda item: item.order):
        try:
            parts.append(Part(item, rollup_codec.rows(item.data)))
        except ValueError as error:
            faults.append(f"batch {item.batch} of agent {item.agent} is left out of minute {item.minute}: {error}")
    return parts, faults


def merge_minute(parts: Sequence[Part], remote_tags: Mapping[str, Mapping[str, str]], cells: Cells) -> MergedMinute:
    """Merge a minute; `remote_tags` has the tags set remotely, by agent. Raises ValueError when a part's sketch is damaged."""
    table = _Table()
    for part in parts:
        base, forced = _tags_of(part, remote_tags, cells)
        for row in part.rows:
            table.add(part.item.agent, SeriesKey(row.key.name, cells.place(base, row.key.tags, forced)), row)
    return table.merge()


def _tags_of(part: Part, remote_tags: Mapping[str, Mapping[str, str]], cells: Cells) -> tuple[TagPairs, TagPairs]:
    """What an item's points have of their agent, and of its token."""
    info = part.item.info
    return cells.restrict({**info.tags, **remote_tags.get(part.item.agent, {})}), cells.restrict(info.scope)


def sound_parts(parts: Sequence[Part]) -> tuple[list[Part], list[str]]:
    """Sort out the parts with damaged sketches, one by one: the slow way round, for when `merge_minute` refused."""
    sound, faults = [], []
    for part in parts:
        try:
            sketches.decode_many([row.sketch for row in part.rows])
            sound.append(part)
        except ValueError as error:
            faults.append(f"batch {part.item.batch} of agent {part.item.agent} is left out of minute {part.item.minute}: {error}")
    return sound, faults


def failures_in(parts: Iterable[Part]) -> tuple[list[tuple[Part, Failure]], list[str]]:
    """The failures that items tell of; an item whose failures cannot be read has none, and a sentence says so."""
    found: list[tuple[Part, Failure]] = []
    faults = []
    for part in parts:
        try:
            found += [(part, failure) for failure in decode_failures(part.item.failures)] if part.item.failures else []
        except ValueError as error:
            faults.append(f"the failures of batch {part.item.batch} of agent {part.item.agent} are left out: {error}")
    return found, faults


def first_cells(
    found: Iterable[tuple[Part, Failure]], kinds: Collection[str], remote_tags: Mapping[str, Mapping[str, str]], cells: Cells
) -> list[tuple[int, TagPairs]]:
    """Time and cell of the first failure of each of these kinds."""
    firsts: dict[str, tuple[tuple[int, str, str], Part, Failure]] = {}
    for part, failure in found:
        kind, order = failure.fingerprint, (failure.first, part.item.agent, failure.tags)
        if kind in kinds and (kind not in firsts or order < firsts[kind][0]):
            firsts[kind] = (order, part, failure)
    placed = []
    for _, (_, part, failure) in sorted(firsts.items()):
        base, forced = _tags_of(part, remote_tags, cells)
        placed.append((failure.first, cells.place(base, pairs_of(failure.tags), forced)))
    return placed


def merge_rollups(encoded: Iterable[bytes]) -> Rollup:
    """Merge encoded rollups of one group or agent, as of an hour's minutes. Raises ValueError for bytes that are no rollup."""
    table = _Table()
    for data in encoded:
        for row in rollup_codec.rows(data):
            table.add("", row.key, row)
    return table.merge().group


class _Table:
    """Rows on their way into series: each series of an agent, and of the group, is a slot."""

    def __init__(self) -> None:
        self._blobs: list[bytes] = []
        self._slot_of: list[int] = []
        self._slots: dict[tuple[str, SeriesKey], int] = {}
        self._newest: list[tuple[int, float]] = []

    def add(self, agent: str, key: SeriesKey, row: Row) -> None:
        slot = self._slots.setdefault((agent, key), len(self._slots))
        newest = (row.last_time, row.last)
        if slot == len(self._newest):
            self._newest.append(newest)
        elif newest > self._newest[slot]:
            self._newest[slot] = newest
        self._slot_of.append(slot)
        self._blobs.append(row.sketch)

    def merge(self) -> MergedMinute:
        columns = sketches.decode_many(self._blobs)
        slots = np.array(self._slot_of, dtype=np.int64)
        agents: dict[str, Rollup] = {}
        for (agent, key), sketch, (time, last) in zip(self._slots, columns.merge(slots, len(self._slots)), self._newest, strict=True):
            agents.setdefault(agent, {})[key] = Aggregate(sketch, last, time)
        if len(agents) == 1:
            return MergedMinute(next(iter(agents.values())), agents)
        return MergedMinute(self._group(columns, slots), agents)

    def _group(self, columns: sketches.Decoded, slots: sketches.Ints) -> Rollup:
        keys: dict[SeriesKey, int] = {}
        cell_of_slot = np.array([keys.setdefault(key, len(keys)) for _, key in self._slots], dtype=np.int64)
        group = {key: Aggregate(sketch) for key, sketch in zip(keys, columns.merge(cell_of_slot[slots], len(keys)), strict=True)}
        for (_, key), (time, last) in zip(self._slots, self._newest, strict=True):
            mine = group[key]
            if (time, last) > (mine.last_time, mine.last):
                mine.last_time, mine.last = time, last
        return group
