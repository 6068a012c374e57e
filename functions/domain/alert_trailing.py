"""The trailing week: what the last 168 hours add up to, kept by adding the hour that comes and taking away the one that goes.

To merge 168 hours of a thousand agents anew each hour would cost seconds and a gigabyte. Sketches are counts, so they subtract: an hour
later two rollups are read. An hour that was written again since it was added cannot be taken away; then all is added up anew.

    plan = trailing.plan(rules, settled, dimensions)       # hours to drop and to add; it may say: all anew
    for hour in plan.drop: trailing.drop(hour, columns of it)     # False: it was written again; call `reset` and plan once more
    for hour in plan.add: trailing.add(hour, columns of it)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from functions.domain.alert_columns import RANKS, Column, Columns, Floats, Ints, TagSets, bin_values, pick
from functions.domain.alert_data import TRAILING_HOURS, trailing_hours
from functions.domain.alert_rules import Rule, names, needs_trailing
from functions.domain.dimensions import DEFAULT_DIMENSIONS

type Table = npt.NDArray[np.int32]
type Present = npt.NDArray[np.bool_]

MAX_ROWS: Final = 20_000
"""See `Trailing.rows`."""
_MIDDLE: Final = RANKS // 2


class HourColumns(NamedTuple):
    """One hour, of both kinds of rollups; None for a kind whose hour could not be read."""

    group: Columns | None
    agents: Columns | None


class Plan(NamedTuple):
    """Hours to take away and to add, in this order."""

    drop: list[int]
    add: list[int]


class _Sums:
    """One metric: a row a tag set, counts by bin, and in which hours there were any points."""

    def __init__(self) -> None:
        self.count, self.sum = np.zeros(0), np.zeros(0)
        self.present: Present = np.zeros((0, TRAILING_HOURS), dtype=bool)
        self.table: Table = np.zeros((0, 0), dtype=np.int32)
        self.ranks: Ints = np.zeros(0, dtype=np.int64)
        self._column_of = np.full(RANKS, -1, dtype=np.int64)

    def take(self, column: Column, hour: int, sign: int) -> None:
        """Add a rollup's rows, or take them away."""
        rows, ranks, counts = column.bins
        places = ranks + _MIDDLE
        self._make_room(int(column.tags.max(initial=-1)) + 1, ranks[self._column_of[places] < 0])
        self.count[column.tags] += sign * column.scalars["count"]
        self.sum[column.tags] += sign * column.scalars["sum"]
        self.present[column.tags, hour % TRAILING_HOURS] = sign > 0
        # A row has each rank once, so that no cell comes twice.
        cells = self.table.reshape(-1)
        cells[column.tags[rows] * self.table.shape[1] + self._column_of[places]] += sign * counts.astype(np.int32)

    def _make_room(self, rows: int, unknown: Ints) -> None:
        fresh = np.unique(unknown)
        if rows > len(self.table) or len(fresh):
            self._widen(max(len(self.table), rows + rows // 4 if rows > len(self.table) else 0), fresh)
        more = len(self.table) - len(self.count)
        if more:
            self.count, self.sum = np.pad(self.count, (0, more)), np.pad(self.sum, (0, more))
            self.present = np.pad(self.present, ((0, more), (0, 0)))

    def _widen(self, rows: int, fresh: Ints) -> None:
        """Make room; columns stay in the order of their ranks, so that quantiles read them as they stand."""
        old = self.ranks
        self.ranks = np.union1d(old, fresh)
        table = np.zeros((rows, len(self.ranks)), dtype=np.int32)
        table[: len(self.table), np.searchsorted(self.ranks, old)] = self.table
        self.table = table
        self._column_of[self.ranks + _MIDDLE] = np.arange(len(self.ranks))


class _Kind:
    """All metrics of one kind of rollups."""

    def __init__(self, tags: TagSets) -> None:
        self.tags = tags
        self.sums: dict[str, _Sums] = {}
        self.hours: dict[int, int] = {}
        """The hours that are in, with the checksum of what was added."""

    def take(self, hour: int, columns: Columns, wanted: Collection[str], sign: int) -> None:
        for name in wanted:
            column = columns.column(name)
            if column is not None:
                self.sums.setdefault(name, _Sums()).take(column, hour, sign)
        if sign > 0:
            self.hours[hour] = columns.checksum
        else:
            del self.hours[hour]


class TrailingTotals:
    """What the week comes to for the slots of an axis; see `alert_columns.Totals`."""

    def __init__(self, sums: Sequence[_Sums], of_tags: Ints, amount: int) -> None:
        self._sums, self._of_tags, self._amount = sums, of_tags, amount
        self.count, self.sum = (self._added([getattr(one, name) for one in sums]) for name in ("count", "sum"))

    @property
    def min(self) -> Floats:
        """Least value, within 1 %."""
        return self.quantile(0.0)

    @property
    def max(self) -> Floats:
        """Greatest value, within 1 %."""
        return self.quantile(1.0)

    @property
    def last(self) -> Floats:
        """Of a week the mean: its newest value says nothing of what is usual."""
        return self.sum / np.maximum(self.count, 1)

    def quantile(self, q: float) -> Floats:
        """A quantile, within 1 %; nan without points."""
        ranks = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(one.ranks for one in self._sums)]))
        table = np.zeros((self._amount, len(ranks)), dtype=np.int32)
        for one in self._sums:
            columns = slice(None) if len(one.ranks) == len(ranks) else np.searchsorted(ranks, one.ranks)
            for slots, rows in _layers(self._slots(len(one.count))):
                if isinstance(columns, slice):
                    table[slots] += one.table[rows]
                else:
                    table[np.ix_(slots, columns)] += one.table[rows]
        return pick(table, bin_values(ranks), q)

    def busy(self) -> Floats:
        """Hours in which each slot had any point."""
        present = np.zeros((self._amount, TRAILING_HOURS), dtype=bool)
        for one in self._sums:
            for slots, rows in _layers(self._slots(len(one.count))):
                present[slots] |= one.present[rows]
        return present.sum(axis=1).astype(np.float64)

    def _slots(self, rows: int) -> Ints:
        """Slot of each row; rows beyond the axis' tag sets are room that nobody has."""
        slots = np.full(rows, -1, dtype=np.int64)
        known = self._of_tags[:rows]
        slots[: len(known)] = known
        return slots

    def _added(self, columns: Sequence[Floats]) -> Floats:
        total = np.zeros(self._amount)
        for column in columns:
            slots = self._slots(len(column))
            total += np.bincount(slots[slots >= 0], weights=column[slots >= 0], minlength=self._amount)
        return total


def _layers(slots: Ints) -> list[tuple[Ints, Ints]]:
    """Rows by the slot they count for, in layers in which no slot comes twice: so a layer is added at one stroke."""
    rows = np.flatnonzero(slots >= 0)
    order = rows[np.argsort(slots[rows], kind="stable")]
    ordered = slots[order]
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(order) else order
    depth = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    return [(ordered[depth == layer], order[depth == layer]) for layer in range(int(depth.max(initial=-1)) + 1)]


class Trailing:
    """The trailing week of a workspace. Columns that it is given must have been made with the tag sets of their kind here."""

    def __init__(self, group: TagSets | None = None, agents: TagSets | None = None) -> None:
        # Not `or`: tag sets that have no numbers yet are falsy.
        self._group, self._agents = (_Kind(TagSets() if tags is None else tags) for tags in (group, agents))
        self._names: frozenset[str] = frozenset()

    def reset(self) -> None:
        """Forget all hours."""
        self._group, self._agents = _Kind(self._group.tags), _Kind(self._agents.tags)

    @property
    def rows(self) -> int:
        """Tag sets ever seen; when they are more than `MAX_ROWS`, a new `Trailing` sweeps out those that are gone."""
        return max(len(self._group.tags), len(self._agents.tags))

    @property
    def tags(self) -> Mapping[bool, TagSets]:
        """Tag sets to make columns with: of the agent matrix (True), of the group (False)."""
        return {False: self._group.tags, True: self._agents.tags}

    def plan(self, rules: Sequence[Rule], settled: int, dimensions: Collection[str] = DEFAULT_DIMENSIONS) -> Plan:
        """What must be done for the baselines of the hour of `settled`; forgets everything when rules ask for what was not added up."""
        wanted = [rule for rule in rules if needs_trailing(rule)]
        named = frozenset().union(*(names(rule) for rule in wanted)) if wanted else frozenset()
        hours = set(trailing_hours(settled)) if wanted else set()
        have = self._group.hours.keys() | self._agents.hours.keys()
        if not named <= self._names or len(have - hours) > len(hours) // 2:
            self.reset()
            have = set()
        self._names |= named
        return Plan(sorted(have - hours), sorted(hours - have))

    def add(self, hour: int, columns: HourColumns) -> None:
        """Add an hour. Raises `alert_columns.Damaged` for one that cannot be read."""
        for kind, found in zip((self._group, self._agents), columns, strict=True):
            if found is not None and hour not in kind.hours:
                kind.take(hour, found, self._names, 1)

    def drop(self, hour: int, columns: HourColumns) -> bool:
        """Take an hour away; tells whether that was possible: not when it is not what was added."""
        pairs = list(zip((self._group, self._agents), columns, strict=True))
        if any(hour in kind.hours and (found is None or kind.hours[hour] != found.checksum) for kind, found in pairs):
            return False
        for kind, found in pairs:
            if found is not None and hour in kind.hours:
                kind.take(hour, found, self._names, -1)
        return True

    def totals(self, wanted: Collection[str], of_tags: Ints, amount: int, *, of_agents: bool) -> TrailingTotals:
        """What some names come to for the slots of an axis."""
        kind = self._agents if of_agents else self._group
        return TrailingTotals([kind.sums[name] for name in wanted if name in kind.sums], of_tags, amount)
