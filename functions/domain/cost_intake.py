"""Tokens of tasks that came without a cost, told apart when a batch comes: only there a task's figures are still side by side.

They become series of their own beside the ordinary ones, so that they can be priced later. A task is known by its `task_id`. Points that
name none, and sketches, are without a cost if the batch has no such cost whose tags agree with theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from functions.domain import tasks
from functions.domain.batch import Column, SketchPoint
from functions.domain.rollup import SeriesKey, TagPairs

TOKENS_CACHE_READ: Final = "task.tokens_cache_read"
TOKENS_CACHE_WRITE: Final = "task.tokens_cache_write"

WITHOUT_COST: Final = {
    tasks.TOKENS_IN: "cost.tokens_in",
    tasks.TOKENS_OUT: "cost.tokens_out",
    TOKENS_CACHE_READ: "cost.tokens_cache_read",
    TOKENS_CACHE_WRITE: "cost.tokens_cache_write",
}
"""Tokens of tasks that came without a cost, by the metric that they are part of."""
PARTS: Final = frozenset(WITHOUT_COST.values())
"""The metrics that hold them."""
COST_SOURCE: Final = "cost_source"
"""Tag of a cost: who priced it, `genai-prices 0.2.3`."""
_TASK_ID: Final = "task_id"


def apart(key: SeriesKey) -> SeriesKey:
    """The series that a token series' part without cost goes to."""
    return SeriesKey(WITHOUT_COST[key.name], key.tags)


class Apart(NamedTuple):
    """The token points of a batch whose tasks came without a cost, still under the names that they came with."""

    columns: Sequence[Column]
    sketches: Sequence[SketchPoint]
    split: Sequence[SeriesKey]
    """Series of which the batch has other points too."""


def without_cost(columns: Iterable[Column], sketches: Iterable[SketchPoint]) -> Apart:
    """What of a batch is to be told apart."""
    tokens, costs = _tokens_and_costs(columns)
    sketched, sketched_costs = _tokens_and_costs(sketches)
    if not (tokens or sketched) or not (costs or sketched_costs):
        return Apart(tokens, sketched, ())
    known = _Costs(costs, sketched_costs)
    left, points, split = [], [], []
    for column in tokens:
        missing = known.missing(column)
        if missing is not column:
            split.append(column.identity.key)
        if missing is not None:
            left.append(missing)
    for point in sketched:
        if known.may_cover(point.identity.key.tags):
            split.append(point.identity.key)
        else:
            points.append(point)
    return Apart(left, points, split)


def _tokens_and_costs[T: (Column, SketchPoint)](found: Iterable[T]) -> tuple[list[T], list[T]]:
    tokens: list[T] = []
    costs: list[T] = []
    for each in found:
        name = each.identity.key.name
        if name in WITHOUT_COST:
            tokens.append(each)
        elif name == tasks.COST:
            costs.append(each)
    return tokens, costs


class _Costs:
    """The costs of a batch: of which tasks they are, and the tags of those that name none."""

    def __init__(self, columns: Iterable[Column], sketches: Iterable[SketchPoint]) -> None:
        self._named: list[Sequence[str | None]] = []
        self._whole: dict[str | None, Sequence[str | None]] = {}
        """Columns of which every point names its task, by the first."""
        self._loose = [point.identity.key.tags for point in sketches]
        for column in columns:
            named = _task_ids(column)
            self._named.append(named)
            if all(named):
                self._whole[named[0]] = named
            else:
                self._loose.append(column.identity.key.tags)

    @cached_property
    def _tasks(self) -> set[str | None]:
        return set().union(*self._named) - {None}

    def missing(self, column: Column) -> Column | None:
        """The points of a token column that have no cost here; the column itself if that is all of them."""
        cells = column.attributes.get(_TASK_ID)
        if cells and self._whole.get(cells[0]) == cells:
            # Nearly all batches: tokens and costs come task by task in the same order, and no task has to be hashed.
            return None
        named, costed = _task_ids(column), self._tasks
        kept = [i for i, task in enumerate(named) if task not in costed]
        if None in named and self.may_cover(column.identity.key.tags):
            kept = [i for i in kept if named[i] is not None]
        if not kept:
            return None
        return column if len(kept) == len(named) else column.only(kept)

    def may_cover(self, tags: TagPairs) -> bool:
        """Whether any cost that names no task may be that of tokens with these tags: no tag contradicts it."""
        own = dict(tags)
        return any(all(own.get(key, value) == value for key, value in cost if key != COST_SOURCE) for cost in self._loose)


def _task_ids(column: Column) -> Sequence[str | None]:
    """The task that each point belongs to; None where it names none."""
    cells = column.attributes.get(_TASK_ID)
    if cells is not None and all(cells):
        return cells
    fixed = _fixed_task(column.identity.attributes)
    return (fixed,) * len(column.times) if cells is None else [fixed if cell is None else cell or None for cell in cells]


def _fixed_task(attributes: TagPairs) -> str | None:
    """The task that a whole series belongs to."""
    for key, value in attributes:
        if key == _TASK_ID:
            return value
    return None
