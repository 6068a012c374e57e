"""Usage of many hours as columns of numbers, to be summed by anything.

    frame = UsageFrame(first_hour, last_hour, names={"task.cost_usd"}); frame.add(hour, piece) …
    by = frame.group(("tenant",), selector, overlay)
    frame.sums("task.cost_usd", by)            USD by group: array [group]
    frame.hourly("task.cost_usd", by).sum      USD by group and hour: array [group, hour]

A week of 500 agents is a million rows; so rows are read as arrays and never made into objects.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from functions.domain.alert_columns import Column, Columns, Damaged, Floats, Ints, Ordered, TagSets, read_bins
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.usage_sketches import WholeSketches

__all__ = ["Damaged", "Figures", "Groups", "UsageFrame"]


class Groups(NamedTuple):
    """Which group a row counts for."""

    keys: Sequence[TagPairs]
    """The groups' tags, in the order of the arrays; a tag that rows lack is left out."""
    slots: Ints
    """By number of the tag set; -1 for rows that are not selected."""

    @property
    def amount(self) -> int:
        """Number of groups."""
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the points of every slot add up to. Where `count` is 0, min is inf and max -inf."""

    count: Floats
    sum: Floats
    min: Floats
    max: Floats

    @property
    def mean(self) -> Floats:
        """Mean value; nan without points."""
        return np.divide(self.sum, self.count, out=np.full_like(self.sum, np.nan), where=self.count > 0)


class UsageFrame:
    """Hours first_hour <= hour < last_hour."""

    def __init__(
        self, first_hour: int, last_hour: int, *, names: Collection[str], sketches: Collection[str] = (), whole: Collection[str] = ()
    ) -> None:
        """`names` are the metrics to keep, `sketches` those of them whose quantiles are wanted, which costs memory.

        `whole` are those whose quantiles are wanted over all hours together only, which costs little.
        """
        self.first_hour, self.last_hour = first_hour, last_hour
        self.missing: frozenset[int] = frozenset()
        """Hours whose usage is not built yet, or could not be read: they are unknown, not empty. Set by whoever reads."""
        self.tags = TagSets()
        self._names, self._sketches = frozenset(names), frozenset(sketches)
        self._whole = {name: WholeSketches() for name in whole}
        self._parts: dict[str, list[tuple[int, Column]]] = {}
        """With sketches."""
        self._loose: dict[str, list[tuple[int, Column]]] = {}
        """Not in `_rows` yet."""
        self._rows: dict[str, list[_Rows]] = {}
        self.amount = 0
        """Rows taken in."""

    @property
    def hours(self) -> range:
        """The hours, as numbers."""
        return range(self.first_hour, self.last_hour)

    def add(self, hour: int, data: bytes) -> None:
        """Take in one piece of an hour; raises `Damaged`."""
        columns = Columns(data, self.tags)
        for name in columns.names & self._names:
            column = columns.column(name) if name in self._sketches else columns.scalars(name)
            if column is not None:
                self._loose.setdefault(name, []).append((hour, column))
                self.amount += len(column.tags)
                if name in self._sketches:
                    self._parts.setdefault(name, []).append((hour, column))
        for name in columns.names & self._whole.keys():
            if (column := columns.column(name)) is not None:
                self._whole[name].add(hour, column)

    def settle(self) -> None:
        """Pack what was taken in: a day at a time that costs little, and a month of a large fleet would not fit otherwise."""
        while self._loose:
            name, fresh = self._loose.popitem()
            self._rows.setdefault(name, []).append(_packed(fresh, self.first_hour))

    def damaged_hours(self) -> set[int]:
        """Hours with sketches of `whole` metrics that could not be read, once all of them are added."""
        for sketches in self._whole.values():
            sketches.settle()
        return {hour for sketches in self._whole.values() for hour in sketches.damaged}

    def agents(self) -> list[str]:
        """Agents that have any row, sorted."""
        return sorted({agent for tags in self.tags.sets for key, agent in tags if key == AGENT})

    def group(
        self, by: Collection[str], selector: Selector | None = None, overlay: Mapping[str, Mapping[str, str]] | None = None
    ) -> Groups:
        """Groups by tags (`agent` among them). `overlay` has tags of agents, where the rows themselves do not say."""
        keys: dict[TagPairs, int] = {}
        slots = np.full(len(self.tags), -1, dtype=np.int64)
        for number, pairs in enumerate(self.tags.sets):
            tags = dict(pairs)
            if overlay:
                tags = {**overlay.get(tags.get(AGENT, ""), {}), **tags}
            if selector is None or selector.matches(tags):
                slots[number] = keys.setdefault(tuple((key, tags[key]) for key in by if key in tags), len(keys))
        return Groups(list(keys), slots)

    def figures(self, name: str, groups: Groups) -> Figures:
        """A metric's points by group: arrays [group]."""
        return self._fold(name, groups, hourly=False)

    def sums(self, name: str, groups: Groups) -> Floats:
        """Sums of a metric by group."""
        return self.figures(name, groups).sum

    def hourly(self, name: str, groups: Groups) -> Figures:
        """A metric's points by group and hour: arrays [group, hour]."""
        return self._fold(name, groups, hourly=True)

    def quantile(self, name: str, groups: Groups, q: float, *, hourly: bool = False) -> Floats:
        """A quantile by group (and hour) within 1 %; nan without points. Raises KeyError when sketches of it were not asked for."""
        known = self._fold(name, groups, hourly=hourly)
        return np.clip(self.ordered(name, groups, hourly=hourly).quantile(q).reshape(known.sum.shape), known.min, known.max)

    def ordered(self, name: str, groups: Groups, *, hourly: bool = False) -> Ordered:
        """A metric's values in order, for many quantiles of the same groups; slots are groups, or `group x hours + hour`.

        Raises KeyError when sketches of it were not asked for.
        """
        if name in self._whole and not hourly:
            tags, ranks, counts = self._whole[name].settle()
            slots = groups.slots[tags]
            chosen = slots >= 0
            return Ordered.of((slots[chosen], ranks[chosen], counts[chosen]), groups.amount)
        if name not in self._sketches:
            raise KeyError(f"the sketches of {name} were not read")
        parts = self._parts.get(name, [])
        read_bins([column for _, column in parts])
        empty = np.zeros(0, dtype=np.int64)
        pieces = [(empty, empty, np.zeros(0))]
        for hour, column in parts:
            rows, ranks, counts = column.bins
            slots = self._slots(groups, hour, column, hourly=hourly)[rows]
            chosen = slots >= 0
            pieces.append((slots[chosen], ranks[chosen], counts[chosen]))
        slots, ranks, counts = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
        return Ordered.of((slots, ranks, counts), groups.amount * (len(self.hours) if hourly else 1))

    def _slots(self, groups: Groups, hour: int, column: Column, *, hourly: bool) -> Ints:
        slots = groups.slots[column.tags]
        return np.where(slots >= 0, slots * len(self.hours) + hour - self.first_hour, -1) if hourly else slots

    def _fold(self, name: str, groups: Groups, *, hourly: bool) -> Figures:
        shape = (groups.amount, len(self.hours)) if hourly else (groups.amount,)
        size = int(np.prod(shape))
        rows = self._joined(name)
        slots = groups.slots[rows.tags]
        chosen = slots >= 0
        slots = slots[chosen]
        if hourly:
            slots = slots * len(self.hours) + rows.hours[chosen]
        low, high = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(low, slots, rows.min[chosen])
        np.maximum.at(high, slots, rows.max[chosen])
        count = np.bincount(slots, weights=rows.count[chosen], minlength=size).astype(np.float64)
        total = np.bincount(slots, weights=rows.sum[chosen], minlength=size).astype(np.float64)
        return Figures(count.reshape(shape), total.reshape(shape), low.reshape(shape), high.reshape(shape))

    def _joined(self, name: str) -> _Rows:
        """A metric's rows in one piece: many questions are asked of thousands of pieces."""
        parts = self._rows.pop(name, [])
        if fresh := self._loose.pop(name, []):
            parts.append(_packed(fresh, self.first_hour))
        if not parts:
            return _NO_ROWS
        if len(parts) > 1:
            parts = [_Rows(*(np.concatenate([getattr(part, column) for part in parts]) for column in _Rows.__slots__))]
        self._rows[name] = parts
        return parts[0]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a metric."""

    tags: npt.NDArray[np.int32]
    hours: npt.NDArray[np.int32]
    """From the first one on."""
    count: Floats
    sum: Floats
    min: Floats
    max: Floats


def _packed(parts: Sequence[tuple[int, Column]], first_hour: int) -> _Rows:
    """Rows of some hours, with no more than is asked of them."""
    return _Rows(
        np.concatenate([column.tags for _, column in parts]).astype(np.int32),
        np.repeat(np.array([hour - first_hour for hour, _ in parts], dtype=np.int32), [len(column.tags) for _, column in parts]),
        *(np.concatenate([column.scalars[field].astype(np.float64) for _, column in parts]) for field in ("count", "sum", "min", "max")),
    )


_NO_INTS: Final = np.zeros(0, dtype=np.int32)
_NO_FLOATS: Final[Floats] = np.zeros(0)
_NO_ROWS: Final = _Rows(_NO_INTS, _NO_INTS, _NO_FLOATS, _NO_FLOATS, _NO_FLOATS, _NO_FLOATS)
