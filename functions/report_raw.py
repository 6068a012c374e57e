"""Reads the single tasks that a report tells of: the slowest and the most expensive ones of raw history."""

from __future__ import annotations

from collections.abc import Iterable

from functions.domain.dimensions import RESERVED
from functions.domain.feed import MAX_RANGE_MS, TaskFeed, columns_sql, greatest_sql, overrides
from functions.domain.feed_sql import TagColumns
from functions.domain.fleet import AgentState
from functions.domain.report_data import RawTask
from functions.ports import RawReader

MAX_COLUMNS = 1_000


def greatest_tasks(
    source: RawReader, feed: TaskFeed, dimensions: Iterable[str], agents: Iterable[AgentState], measure: str
) -> list[RawTask]:
    """The tasks with the most of a measure, the first one first. Raises `StoreUnavailable`."""
    columns = _columns(source, feed, dimensions, agents)
    # A table without a record has no columns but time and measure name.
    if "task_id" not in columns.columns:
        return []
    found = source.query(greatest_sql(feed, columns, measure), feed.limit).rows
    return [RawTask(row["task_id"], row["agent"], row["first_at"], row["latency_ms"], row["cost_usd"]) for row in found]


def is_kept(start: int, now: int) -> bool:
    """Whether raw history goes back to a time, ms."""
    return start >= now - MAX_RANGE_MS


def _columns(source: RawReader, feed: TaskFeed, dimensions: Iterable[str], agents: Iterable[AgentState]) -> TagColumns:
    described = source.query(columns_sql(feed.database, "tasks"), MAX_COLUMNS).rows
    kinds = {str(row["Column"]): str(row.get("Timestream attribute type", "")) for row in described}
    stored = frozenset(column for column, kind in kinds.items() if kind == "DIMENSION") - RESERVED
    known = stored | frozenset(dimensions) if feed.selector.keys() else stored
    return TagColumns(frozenset(kinds), known, overrides(feed.selector, known, agents))
