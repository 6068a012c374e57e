"""Stored rollups as columns of numbers, and the figures of many series made from them at once.

Thousands of series, a few rollups each: a loop over them costs more than everything else about alerting. So tag sets get numbers
(`TagSets`), each rollup is read into arrays once (`Columns`, kept while its minute is in some window), and a figure is a `bincount`.
Results equal `series_bins`, which goes row by row; tests hold them against each other and against raw points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import count
from typing import Final, Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt

from clawpulse._sketch_bytes import MAX_INDEX
from clawpulse.sketch import bin_value
from functions.domain.rollup import TagPairs
from functions.domain.rollup_codec import Table
from functions.domain.sketches import Decoded, decode_many

type Ints = npt.NDArray[np.int64]
type Floats = npt.NDArray[np.float64]
type Bins = tuple[Ints, Ints, Floats]

_ROW: Final = np.dtype([(name, "<i8" if name in ("count", "last_time") else "<f8") for name in Table.SCALARS])
_SHIFT: Final = MAX_INDEX + 1
"""Ranks of bins: those of positive values are `index + _SHIFT`, of negative ones its opposite, of zero 0. Ranks ascend as values do."""
RANKS: Final = 2 * (MAX_INDEX + _SHIFT) + 1
_CELLS: Final = 4_000_000
"""Slots times bins that are counted in one table; beyond, what there is gets sorted."""


class Damaged(ValueError):
    """Bytes that are no rollup, or hold sketches that are none."""


class TagSets:
    """Numbers for tag sets; they only grow. One for each kind of rollup, shared by all of its columns."""

    def __init__(self) -> None:
        self.sets: list[TagPairs] = []
        self._numbers: dict[TagPairs, int] = {}

    def __len__(self) -> int:
        return len(self.sets)

    def number(self, tags: TagPairs) -> int:
        """The number of a tag set, given out now if it is new."""
        found = self._numbers.get(tags)
        if found is None:
            found = self._numbers[tags] = len(self.sets)
            self.sets.append(tags)
        return found


class Column:
    """One metric of one rollup: a row a tag set."""

    def __init__(self, tags: Ints, scalars: npt.NDArray[np.void], sketches: Sequence[bytes]) -> None:
        self.tags = tags
        """Numbers of the rows' tag sets."""
        self.scalars = scalars
        """With the fields of `rollup_codec.Table.SCALARS`."""
        self._sketches = sketches
        self._bins: Bins | None = None

    @property
    def bins(self) -> Bins:
        """Of every bin of every row: the row, the bin's rank, its count."""
        if self._bins is None:
            read_bins([self])
        if self._bins is None:
            raise AssertionError("bins were not read")
        return self._bins


def read_bins(columns: Sequence[Column]) -> None:
    """Decode the sketches of many columns at once, each of which then has its `bins`: of a few rows each, that is several times faster."""
    columns = [column for column in columns if column._bins is None]
    if not columns:
        return
    try:
        bins = _bins(decode_many([sketch for column in columns for sketch in column._sketches]))
    except ValueError as error:
        raise Damaged(str(error)) from None
    if len(columns) == 1:
        columns[0]._bins = bins
        return
    sizes = np.array([len(column._sketches) for column in columns])
    order = np.argsort(bins[0], kind="stable")
    rows, ranks, counts = bins[0][order], bins[1][order], bins[2][order]
    ends = np.cumsum(sizes)
    cuts = np.searchsorted(rows, ends).tolist()
    for column, first, begin, end in zip(columns, ends - sizes, [0, *cuts], cuts, strict=False):
        column._bins = rows[begin:end] - first, ranks[begin:end], counts[begin:end]


def _bins(decoded: Decoded) -> Bins:
    """Row, rank and count of every bin of some sketches."""
    if decoded.sizes[1::2].any():
        runs = np.repeat(np.arange(len(decoded.sizes)), decoded.sizes)
        index = decoded.ramp + decoded.shift[runs]
        rows, ranks = runs // 2, np.where(runs % 2 == 0, index + _SHIFT, -index - _SHIFT)
    else:
        sizes = decoded.sizes[::2]
        rows = np.repeat(np.arange(len(sizes)), sizes)
        ranks = decoded.ramp + np.repeat(decoded.shift[::2] + _SHIFT, sizes)
    counts: Floats = decoded.bin_count.astype(np.float64)
    zeros = np.flatnonzero(decoded.zero)
    if not len(zeros):
        return rows, ranks, counts
    none = np.zeros(len(zeros), dtype=np.int64)
    return np.concatenate((rows, zeros)), np.concatenate((ranks, none)), np.concatenate((counts, decoded.zero[zeros]))


class Columns:
    """One stored rollup. Raises `Damaged`, here or when a metric is first read, for bytes that are none."""

    _serials = count()

    def __init__(self, data: bytes | None, tags: TagSets) -> None:
        self.serial = next(self._serials)
        """Tells these columns from all others, also from those of the same minute before it was reopened."""
        self.checksum = 0 if data is None else crc32(data)
        try:
            self._table = Table(data) if data is not None else None
        except ValueError as error:
            raise Damaged(str(error)) from None
        table_tags = self._table.tag_sets if self._table else []
        self._tags = np.fromiter((tags.number(tuple(pairs)) for pairs in table_tags), dtype=np.int64, count=len(table_tags))
        self._columns: dict[str, Column | None] = {}

    @cached_property
    def present(self) -> Ints:
        """Numbers of the tag sets that have any point in it."""
        return self._tags[np.unique(self._rows[1])] if len(self._tags) else self._tags

    def column(self, name: str) -> Column | None:
        """A metric's rows; None when it has none."""
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    @property
    def names(self) -> frozenset[str]:
        """Metrics that have any row."""
        return frozenset(self._table.names) if self._table else frozenset()

    def scalars(self, name: str) -> Column | None:
        """A metric's rows without their sketches, which stay packed: it has no `bins`."""
        return self._column(name, ())

    def _read(self, name: str) -> Column | None:
        if self._table is None or name not in self._table.names:
            return None
        try:
            return self._column(name, self._table.sketches(name))
        except ValueError as error:
            raise Damaged(str(error)) from None

    def _column(self, name: str, sketches: Sequence[bytes]) -> Column | None:
        if self._table is None or name not in self._table.names:
            return None
        name_of, tags_of, scalars = self._rows
        chosen = np.flatnonzero(name_of == self._table.names.index(name))
        return Column(self._tags[tags_of[chosen]], scalars[chosen], sketches)

    @cached_property
    def _rows(self) -> tuple[Ints, Ints, npt.NDArray[np.void]]:
        table = self._table
        if table is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=_ROW)
        return np.array(table.name_of, dtype=np.int64), np.array(table.tags_of, dtype=np.int64), np.frombuffer(table.scalars, _ROW)


class Totals(Protocol):
    """What the points of every slot add up to; arrays by slot. Where `count` is 0 the others mean nothing."""

    @property
    def count(self) -> Floats: ...  # noqa: D102
    @property
    def sum(self) -> Floats: ...  # noqa: D102
    @property
    def min(self) -> Floats: ...  # noqa: D102
    @property
    def max(self) -> Floats: ...  # noqa: D102
    @property
    def last(self) -> Floats: ...  # noqa: D102

    def quantile(self, q: float) -> Floats:
        """A quantile, within 1 %."""
        ...


class Folded:
    """Rows of some columns, brought together by slot: row i counts for slot `slots[i]`, and for none at -1."""

    def __init__(self, columns: Sequence[Column], slot_of: Ints, amount: int) -> None:
        self.amount = amount
        """Slots; every figure is an array of so many."""
        self._columns = columns
        self._row_slots = [slot_of[column.tags] for column in columns]
        self._slots = np.concatenate([np.zeros(0, dtype=np.int64), *self._row_slots])
        self._chosen = self._slots >= 0
        self._slots = self._slots[self._chosen]

    @cached_property
    def count(self) -> Floats:
        """Points."""
        return self._added("count")

    @cached_property
    def sum(self) -> Floats:
        """Sum of the values."""
        return self._added("sum")

    @cached_property
    def min(self) -> Floats:
        """Least value; inf without points."""
        found = np.full(self.amount, np.inf)
        np.minimum.at(found, self._slots, self._scalar("min"))
        return found

    @cached_property
    def max(self) -> Floats:
        """Greatest value; -inf without points."""
        found = np.full(self.amount, -np.inf)
        np.maximum.at(found, self._slots, self._scalar("max"))
        return found

    @cached_property
    def last(self) -> Floats:
        """Newest value, of several with the same time the greatest."""
        found = np.full(self.amount, np.nan)
        values = self._scalar("last")
        order = np.lexsort((values, self._scalar("last_time")))
        found[self._slots[order]] = values[order]
        return found

    def quantile(self, q: float) -> Floats:
        """The value at rank floor(q (n - 1)) within 1 %; nan without points."""
        return np.clip(self._ordered.quantile(q), self.min, self.max)

    def _added(self, scalar: str) -> Floats:
        return np.bincount(self._slots, weights=self._scalar(scalar), minlength=self.amount).astype(np.float64)

    def _scalar(self, name: str) -> Floats:
        found = np.concatenate([np.zeros(0), *(column.scalars[name] for column in self._columns)])
        return found[self._chosen].astype(np.float64)

    @cached_property
    def _ordered(self) -> Ordered:
        return Ordered.of(self.bins, self.amount)

    @cached_property
    def bins(self) -> Bins:
        """Of every bin of every chosen row: slot, rank, count."""
        read_bins(self._columns)
        parts = [(slots[column.bins[0]], *column.bins[1:]) for slots, column in zip(self._row_slots, self._columns, strict=True)]
        if not parts:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
        slots, ranks, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        chosen = slots >= 0
        return (slots, ranks, counts) if chosen.all() else (slots[chosen], ranks[chosen], counts[chosen])


@dataclass(frozen=True, slots=True)
class Ordered:
    """Bins of many slots, ordered by slot and then by value: any quantile of all of them is one search."""

    slots: Ints
    ranks: Ints
    running: Floats
    """Sum of the counts up to and with each."""
    amount: int

    @classmethod
    def of(cls, bins: Bins, amount: int) -> Ordered:
        """Bring bins in order; of several with the same slot and rank the counts may stay apart."""
        slots, ranks, counts = bins
        low = int(ranks.min(initial=0))
        seen = np.zeros(int(ranks.max(initial=0)) - low + 1, dtype=bool)
        seen[ranks - low] = True
        used = np.flatnonzero(seen)
        if amount * len(used) > _CELLS:
            order = np.lexsort((ranks, slots))
            return cls(slots[order], ranks[order], np.cumsum(counts[order]), amount)
        places = slots * len(used) + (np.cumsum(seen) - 1)[ranks - low]
        table = np.bincount(places, weights=counts, minlength=amount * len(used))
        found = np.flatnonzero(table)
        return cls(found // max(1, len(used)), used[found % max(1, len(used))] + low, np.cumsum(table[found]), amount)

    def quantile(self, q: float) -> Floats:
        """The value at rank floor(q (n - 1)) of each slot; nan for one without bins."""
        found = np.full(self.amount, np.nan)
        if not len(self.slots):
            return found
        before = np.concatenate(([0.0], self.running))
        edges = np.searchsorted(self.slots, np.arange(self.amount + 1))
        begin, total = before[edges[:-1]], before[edges[1:]] - before[edges[:-1]]
        some = total > 0
        place = np.searchsorted(self.running, begin[some] + np.floor(q * (total[some] - 1)), side="right")
        found[some] = bin_values(self.ranks[place])
        return found


def pick(table: npt.NDArray[np.int32], values: Floats, q: float) -> Floats:
    """A quantile of each row of a table of counts, whose columns stand for ascending values; nan for rows without counts."""
    if not len(values):
        return np.full(len(table), np.nan)
    running = table.cumsum(axis=1, dtype=np.int64)
    total = running[:, -1]
    place = (running <= np.floor(q * (total - 1))[:, None]).sum(axis=1)
    return np.where(total > 0, values[np.minimum(place, len(values) - 1)], np.nan)


def bin_values(ranks: Ints) -> Floats:
    """The value that stands for the bin of each rank."""
    return _values()[ranks + RANKS // 2]


@cache
def _values() -> Floats:
    """Of every rank, ascending."""
    positive = np.array([bin_value(index) for index in range(-MAX_INDEX, MAX_INDEX + 1)])
    return np.concatenate((-positive[::-1], [0.0], positive))
