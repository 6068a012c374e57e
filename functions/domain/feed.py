"""The feeds of tasks and events: a checked question becomes one statement of Timestream SQL.

A statement always names the workspace. Pages go on from the last row's place in the order (never from a service's token, which
expires): new rows at the top do not shift the pages below.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from functions.domain.errors import InvalidInput
from functions.domain.feed_sql import Override, TagColumns, after, name, select, text
from functions.domain.fleet import AgentState
from functions.domain.selector import Selector
from functions.domain.times import DAY_MS

MAX_RANGE_MS = 35 * DAY_MS
MAX_LIMIT = 500
STATUSES = ("started", "completed", "failed")
EVERYTHING = Selector()
_RANK = {status: rank for rank, status in enumerate(STATUSES, 1)}
BAND_PATTERN = r"^p(100|[0-9]{1,2}(?:\.[0-9]{1,3})?)-p(100|[0-9]{1,2}(?:\.[0-9]{1,3})?)$"

TASK_MEASURES = {
    "latency_ms": ("max", "double"),
    "tokens_in": ("sum", "double"),
    "tokens_out": ("sum", "double"),
    "tokens_cache_read": ("sum", "double"),
    "tokens_cache_write": ("sum", "double"),
    "cost_usd": ("sum", "double"),
    "errors": ("sum", "double"),
    "error": ("max", "varchar"),
}
"""How the records of one task, spread over batches, become one. Tags are merged by the same names, so conditions on them hold after it."""
TOKENS = "tokens"
"""In and out together."""


@dataclass(frozen=True, slots=True)
class Band:
    """Tasks whose latency lies between two percentiles of those that the rest of the filter leaves; `high` is not included below p100."""

    low: float
    """A fraction."""
    high: float

    @classmethod
    def parse(cls, written: str) -> Band:
        """Read `p95-p99`; raises `InvalidInput`."""
        found = re.fullmatch(BAND_PATTERN, written)
        if not found:
            raise InvalidInput(f"{written!r} is not of the form p95-p99", "band")
        low, high = float(found[1]), float(found[2])
        if low >= high:
            raise InvalidInput("the first percentile must be below the second", "band")
        return cls(low / 100, high / 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What both feeds share. Times in ms, `end` is not included; `after` is the place of the last row already shown."""

    workspace: str
    database: str
    start: int
    end: int
    limit: int
    selector: Selector = EVERYTHING
    scope: Selector = EVERYTHING
    """What the caller may read: it must hold for each record, before records of one task become a row."""
    agent: str | None = None
    task: str | None = None
    after: tuple[int | str, ...] = ()

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise InvalidInput("the end must be after the start", "end")
        if self.end - self.start > MAX_RANGE_MS:
            raise InvalidInput("raw history is kept 35 days: the range is at most that", "start")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFeed(Feed):
    """Tasks, the one that moved last first. `after`: (ms, agent, task id)."""

    statuses: tuple[str, ...] = ()
    errors_only: bool = False
    band: Band | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFeed(Feed):
    """Events, newest first. `after`: (ns, agent, batch, name)."""

    names: tuple[str, ...] = ()


def tasks_sql(feed: TaskFeed, tags: TagColumns) -> str:
    """The statement of a page of tasks; it gives one row more than the limit when there is another page."""
    parts, source, conditions = _chosen(feed, tags)
    if feed.after:
        at, agent, task = feed.after
        place = [('"at"', "<", str(int(at))), ('"agent"', ">", text(str(agent))), ('"task_id"', ">", text(str(task)))]
        conditions.append(after(place))
    order = '"at" DESC, "agent" ASC, "task_id" ASC'
    return f"WITH {parts} {select(['*'], source, conditions, order_by=order, limit=str(feed.limit + 1))}"


def greatest_sql(feed: TaskFeed, tags: TagColumns, measure: str) -> str:
    """The statement of the tasks with the most of a measure, of `TASK_MEASURES` or `TOKENS`; the first one first, at most the limit."""
    parts, source, conditions = _chosen(feed, tags)
    # A sum with null is null, so what told one kind of tokens only has that one.
    value = 'coalesce("tokens_in" + "tokens_out", "tokens_in", "tokens_out")' if measure == TOKENS else name(measure)
    order = f'{value} DESC, "agent" ASC, "task_id" ASC'
    return f"WITH {parts} {select(['*'], source, [*conditions, f'{value} IS NOT NULL'], order_by=order, limit=str(feed.limit))}"


def events_sql(feed: EventFeed, tags: TagColumns) -> str:
    """The statement of a page of events; it gives one row more than the limit when there is another page."""
    at = "to_nanoseconds(time)"
    conditions = _bounds_of(feed, tags) + tags.matches(feed.selector)
    if feed.names:
        conditions.append(f"measure_name IN ({', '.join(text(wanted, 'name') for wanted in feed.names)})")
    if feed.after:
        ns, agent, batch, event = feed.after
        place = [(at, "<", str(int(ns)))] + [
            (name(column), ">", text(str(value))) for column, value in (("agent", agent), ("batch", batch), ("measure_name", event))
        ]
        conditions.append(after(place))
    kept = [_or_null(column, "varchar", tags) for column in ("task_id", "payload", "attributes")]
    columns = [f'{at} AS "at"', '"measure_name"', '"agent"', '"batch"', *kept, *(name(column) for column in _tag_columns(tags))]
    order = f'{at} DESC, "agent" ASC, "batch" ASC, "measure_name" ASC'
    source = f"{name(feed.database)}.{name('events')}"
    return select(columns, source, conditions, order_by=order, limit=str(feed.limit + 1))


def columns_sql(database: str, table: str) -> str:
    """The statement that lists a table's columns."""
    return f"DESCRIBE {name(database)}.{name(table)}"


def overrides(selector: Selector, dimensions: Collection[str], agents: Iterable[AgentState]) -> dict[str, list[Override]]:
    """What agents have of a selector's tags that their records may lack: records carry an agent's own dimensions, nothing else of it."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for state in agents:
        for key in selector.keys() & state.tags.keys():
            effective, own = state.tags[key], state.local_tags.get(key, "")
            if effective != own or key not in dimensions:
                groups.setdefault((key, effective, "" if effective == own else own), []).append(state.id)
    found: dict[str, list[Override]] = {}
    for (key, effective, own), members in sorted(groups.items()):
        found.setdefault(key, []).append(Override(effective, own, tuple(sorted(members))))
    return found


def row_tags(row: Mapping[str, Any], tags: TagColumns) -> dict[str, str]:
    """The tags of a row of either feed."""
    return {column: row[column] for column in _tag_columns(tags) if row.get(column)}


def _tag_columns(tags: TagColumns) -> list[str]:
    return sorted(tags.dimensions & tags.columns - TASK_MEASURES.keys())


def _bounds_of(feed: Feed, tags: TagColumns) -> list[str]:
    conditions = [
        f'"workspace" = {text(feed.workspace)}',
        f"time >= from_milliseconds({int(feed.start)})",
        f"time < from_milliseconds({int(feed.end)})",
    ]
    named = [f"{name(column)} = {text(value, key)}" for key, column, value in _named(feed) if value is not None]
    return conditions + named + tags.matches(feed.scope)


def _named(feed: Feed) -> tuple[tuple[str, str, str | None], ...]:
    return (("agent", "agent", feed.agent), ("task", "task_id", feed.task))


def _merged(feed: TaskFeed, tags: TagColumns) -> str:
    ranks = " ".join(f"WHEN {text(status)} THEN {rank}" for status, rank in _RANK.items())
    measures = [_aggregate(column, how, kind, tags) for column, (how, kind) in TASK_MEASURES.items()]
    columns = [
        '"agent"',
        '"task_id"',
        'to_milliseconds(max(time)) AS "at"',
        'to_milliseconds(min(time)) AS "first_at"',
        f'max(CASE "status" {ranks} ELSE 0 END) AS "rank"',
        *measures,
        'max_by("attributes", time) AS "attributes"' if "attributes" in tags.columns else 'CAST(NULL AS varchar) AS "attributes"',
        *(f"max({name(column)}) AS {name(column)}" for column in _tag_columns(tags)),
    ]
    source = f"{name(feed.database)}.{name('tasks')}"
    return select(columns, source, _bounds_of(feed, tags), group_by='"agent", "task_id"')


def _chosen(feed: TaskFeed, tags: TagColumns) -> tuple[str, str, list[str]]:
    """The parts before a SELECT of the tasks that a question means, what it reads from, and its conditions."""
    conditions = tags.matches(feed.selector) + _task_conditions(feed)
    parts = [f"merged AS ({_merged(feed, tags)})", f"chosen AS ({select(['*'], 'merged', conditions)})"]
    if feed.band is None:
        return ", ".join(parts), "chosen", []
    return ", ".join([*parts, f"bounds AS ({_bounds(feed.band)})"]), "chosen CROSS JOIN bounds", _in_band(feed.band)


def _task_conditions(feed: TaskFeed) -> list[str]:
    conditions = []
    if feed.statuses:
        conditions.append(f'"rank" IN ({", ".join(str(_RANK[status]) for status in feed.statuses)})')
    if feed.errors_only:
        conditions.append(f'("rank" = {_RANK["failed"]} OR coalesce("errors", 0) > 0)')
    return conditions


def _bounds(band: Band) -> str:
    ends = (("band_low", band.low), ("band_high", band.high))
    return select([f'approx_percentile("latency_ms", {end}) AS {name(label)}' for label, end in ends], "chosen")


def _in_band(band: Band) -> list[str]:
    return ['"latency_ms" >= "band_low"', f'"latency_ms" {"<=" if band.high == 1 else "<"} "band_high"']


def _aggregate(column: str, how: str, kind: str, tags: TagColumns) -> str:
    if column not in tags.columns:
        return f"CAST(NULL AS {kind}) AS {name(column)}"
    return f"{how}({name(column)}) AS {name(column)}"


def _or_null(column: str, kind: str, tags: TagColumns) -> str:
    return name(column) if column in tags.columns else f"CAST(NULL AS {kind}) AS {name(column)}"
