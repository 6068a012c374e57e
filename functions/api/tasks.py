"""The feed of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import Field

from functions.api import paging
from functions.api.endpoint import Call, Noun
from functions.api.feeds import attributes, reader, rows, tag_columns
from functions.api.models import AgentId, Answer, Cursor, Flag, Moment, SelectorText
from functions.api.times import RangeAsked, range_of
from functions.domain.feed import BAND_PATTERN, MAX_LIMIT, STATUSES, Band, TaskFeed, row_tags, tasks_sql
from functions.domain.feed_sql import TagColumns
from functions.domain.selector import Selector
from functions.domain.token import Scope

noun = Noun("tasks")

TABLE = "tasks"
STATUS_PATTERN = rf"^({'|'.join(STATUSES)})(,({'|'.join(STATUSES)}))*$"


class TasksAsked(RangeAsked):
    """Which tasks."""

    tags: SelectorText = ""
    agent: AgentId | None = None
    status: str | None = Field(None, pattern=STATUS_PATTERN, max_length=64, description="One or several, separated by commas.")
    errors: Flag = Field(False, description="Only tasks that failed or reported errors.")
    band: str | None = Field(None, pattern=BAND_PATTERN, description="Only tasks between two percentiles of the others' latency: p95-p99.")
    limit: int = Field(100, ge=1, le=MAX_LIMIT)
    cursor: Cursor | None = None


class Task(Answer):
    """One task, put together from all that was reported of it."""

    id: str
    agent: str
    status: str | None = Field(description="The furthest seen: started, completed or failed.")
    time: Moment = Field(description="When it last moved.")
    first_time: Moment
    latency_ms: float | None
    tokens_in: float | None
    tokens_out: float | None
    cost_usd: float | None
    errors: float | None
    error: str | None
    tags: dict[str, str] = Field(description="Dimensions, as sent.")
    attributes: dict[str, Any]


class BandAnswer(Answer):
    """The latencies that a band of percentiles means here, ms."""

    low: float | None
    high: float | None


class Tasks(Answer):
    """A page of tasks, the one that moved last first."""

    tasks: list[Task]
    band: BandAnswer | None = Field(description="Null unless asked for a band.")
    start: Moment
    end: Moment
    next: str | None


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a page of tasks ended, and the range that all pages speak of."""

    start: paging.Ms
    end: paging.Ms
    time: paging.Ms
    agent: str
    task: str


@noun.endpoint("GET", "/api/tasks", scope=Scope.READ, asks=TasksAsked, answers=Tasks, raw_history=True)
def tasks(call: Call, asked: TasksAsked) -> Tasks:
    """Tasks, newest first, by tags, agent, status, errors or latency."""
    question = paging.fingerprint("tasks", asked.model_dump(exclude={"limit", "cursor"}))
    place = paging.read(asked.cursor, question, Place) if asked.cursor else None
    source, feed = reader(call), _feed(call, asked, place)
    columns = tag_columns(call, TABLE, feed.selector & feed.scope)
    # A table without a record has no columns but time and measure name.
    found = rows(source, tasks_sql(feed, columns), feed.limit + 1) if "task_id" in columns.columns else []
    page = found[: feed.limit]
    return Tasks.model_construct(
        tasks=[_task(row, columns) for row in page],
        band=_band(feed, page),
        start=feed.start,
        end=feed.end,
        next=_next(question, feed, page[-1]) if len(found) > feed.limit else None,
    )


def _feed(call: Call, asked: TasksAsked, place: Place | None) -> TaskFeed:
    start, end = (place.start, place.end) if place else range_of(asked, call.now)
    return TaskFeed(
        workspace=call.caller.workspace,
        database=call.services.raw_database,
        start=start,
        end=end,
        limit=asked.limit,
        selector=Selector.parse(asked.tags),
        scope=call.caller.tags,
        agent=asked.agent,
        after=(place.time, place.agent, place.task) if place else (),
        statuses=tuple(asked.status.split(",")) if asked.status else (),
        errors_only=asked.errors,
        band=Band.parse(asked.band) if asked.band else None,
    )


def _task(row: Mapping[str, Any], columns: TagColumns) -> Task:
    return Task.model_construct(
        id=row["task_id"],
        agent=row["agent"],
        status=(None, *STATUSES)[row["rank"]],
        time=row["at"],
        first_time=row["first_at"],
        latency_ms=row["latency_ms"],
        tokens_in=row["tokens_in"],
        tokens_out=row["tokens_out"],
        cost_usd=row["cost_usd"],
        errors=row["errors"],
        error=row["error"],
        tags=row_tags(row, columns),
        attributes=attributes(row["attributes"]),
    )


def _band(feed: TaskFeed, page: list[Mapping[str, Any]]) -> BandAnswer | None:
    if feed.band is None:
        return None
    first = page[0] if page else {}
    return BandAnswer(low=first.get("band_low"), high=first.get("band_high"))


def _next(question: str, feed: TaskFeed, last: Mapping[str, Any]) -> str:
    return paging.write(question, Place(feed.start, feed.end, last["at"], last["agent"], last["task_id"]))
