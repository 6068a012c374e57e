"""Tokens of tasks that came without a cost, told apart when a batch comes: only there a task's figures are still side by side.

They become series of their own beside the ordinary ones, so that they can be priced later. A task is known by its `task_id`. Points that
name none, and sketches, are without a cost if the batch has no such cost whose tags agree with theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

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
COST_SOURCE: Final = "cost_source"
"""Tag of a cost: who priced it, `genai-prices 0.2.3`."""
_TASK_ID: Final = "task_id"


def apart(key: SeriesKey) -> SeriesKey:
    """The series that a token series' part without cost goes to."""
    return SeriesKey(WITHOUT_COST[key.name], key.tags)


def without_cost(columns: Sequence[Column], sketches: Sequence[SketchPoint]) -> tuple[list[Column], list[SketchPoint]]:
    """The token points of a batch whose tasks came without a cost, still under the names that they came with."""
    tokens = [column for column in columns if column.identity.key.name in WITHOUT_COST]
    sketched = [point for point in sketches if point.identity.key.name in WITHOUT_COST]
    if not tokens and not sketched:
        return [], []
    costed: set[str | None] = set()
    loose = [point.identity.key.tags for point in sketches if point.identity.key.name == tasks.COST]
    for column in columns:
        if column.identity.key.name == tasks.COST:
            named = _task_ids(column)
            costed.update(named)
            loose += [column.identity.key.tags] if None in named else []
    costed.discard(None)
    return list(_left(tokens, costed, loose)), [point for point in sketched if not _covered(point.identity.key.tags, loose)]


def _left(tokens: Iterable[Column], costed: set[str | None], loose: Collection[TagPairs]) -> Iterator[Column]:
    for column in tokens:
        cells = column.attributes.get(_TASK_ID)
        if cells is not None and costed.issuperset(cells):
            # Nearly all batches: every task has its cost.
            continue
        named = _task_ids(column)
        missing = set(named).difference(costed)
        if None in missing and _covered(column.identity.key.tags, loose):
            missing.discard(None)
        if missing:
            kept = [i for i, task in enumerate(named) if task in missing]
            yield column if len(kept) == len(named) else column.only(kept)


def _task_ids(column: Column) -> Sequence[str | None]:
    """The task that each point belongs to; None where it names none."""
    fixed = next((value for key, value in column.identity.attributes if key == _TASK_ID), None)
    cells = column.attributes.get(_TASK_ID)
    if cells is None:
        return (fixed,) * len(column.times)
    return [fixed if cell is None else cell or None for cell in cells] if None in cells or "" in cells else cells


def _covered(tags: TagPairs, costs: Collection[TagPairs]) -> bool:
    """Whether any of these costs may be that of tokens with these tags: no tag contradicts it."""
    own = dict(tags)
    return any(all(own.get(key, value) == value for key, value in cost if key != COST_SOURCE) for cost in costs)
