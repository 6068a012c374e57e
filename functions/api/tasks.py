"""The feed of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec
from pydantic import Field

from functions.api import paging
from functions.api.cost_reading import own_prices
from functions.api.endpoint import Call, Noun
from functions.api.feeds import attributes, reader, rows, tag_columns
from functions.api.fleet_view import load_snapshot
from functions.api.models import AgentId, Answer, Cursor, Flag, Moment, SelectorText, TaskId
from functions.api.times import RangeAsked, range_of
from functions.domain.cost_intake import COST_SOURCE
from functions.domain.cost_pricing import MODEL, Prices, Tokens
from functions.domain.errors import InvalidInput
from functions.domain.feed import BAND_PATTERN, MAX_LIMIT, STATUSES, TOKENS, Band, TaskFeed, greatest_sql, row_tags, tasks_sql
from functions.domain.feed_sql import TagColumns
from functions.domain.selector import Selector
from functions.domain.token import Scope

noun = Noun("tasks")

TABLE = "tasks"
MEASURES = {"latency": "latency_ms", "cost": "cost_usd", "tokens": TOKENS}
"""What tasks can be ordered by, beside time."""
STATUS_PATTERN = rf"^({'|'.join(STATUSES)})(,({'|'.join(STATUSES)}))*$"


class TasksAsked(RangeAsked):
    """Which tasks."""

    tags: SelectorText = ""
    agent: AgentId | None = None
    task: TaskId | None = None
    status: str | None = Field(None, pattern=STATUS_PATTERN, max_length=64, description="One or several, separated by commas.")
    errors: Flag = Field(False, description="Only tasks that failed or reported errors.")
    band: str | None = Field(None, pattern=BAND_PATTERN, description="Only tasks between two percentiles of the others' latency: p95-p99.")
    order: Literal["time", "latency", "cost", "tokens"] = Field(
        "time", description="The last moved first; or those with most of something, as far as they told it, on one page."
    )
    limit: int = Field(100, ge=1, le=MAX_LIMIT)
    cursor: Cursor | None = None


class TaskCost(Answer):
    """What a task cost, and who says so."""

    how: Literal["reported", "priced", "unpriced"] = Field(description="By the task; from its tokens, at prices of its time; or by nobody.")
    usd: float | None = Field(description="Null when nobody can price it.")
    source: str | None = Field(description="Who priced it, where that is told.")


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
    tokens_cache_read: float | None
    tokens_cache_write: float | None
    cost_usd: float | None = Field(description="As the task reported it.")
    cost: TaskCost | None = Field(description="Null for a task that told neither tokens nor cost.")
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
    """Tasks, newest first or those with most of something, by tags, agent, id, status, errors or latency."""
    if asked.cursor and asked.order != "time":
        raise InvalidInput("only tasks by time have further pages", "cursor")
    question = paging.fingerprint("tasks", asked.model_dump(exclude={"limit", "cursor"}))
    place = paging.read(asked.cursor, question, Place) if asked.cursor else None
    source, feed = reader(call), _feed(call, asked, place)
    columns = tag_columns(call, TABLE, feed.selector & feed.scope)
    # A table without a record has no columns but time and measure name.
    sql = tasks_sql(feed, columns) if asked.order == "time" else greatest_sql(feed, columns, MEASURES[asked.order])
    found = rows(source, sql, feed.limit + 1) if "task_id" in columns.columns else []
    page = found[: feed.limit]
    costs = _Costs(call)
    return Tasks.model_construct(
        tasks=[_task(row, columns, costs) for row in page],
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
        task=asked.task,
        after=(place.time, place.agent, place.task) if place else (),
        statuses=tuple(asked.status.split(",")) if asked.status else (),
        errors_only=asked.errors,
        band=Band.parse(asked.band) if asked.band else None,
    )


class _Costs:
    """Costs of tasks; prices and models of agents are read when a task needs them."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def of(self, row: Mapping[str, Any], tags: Mapping[str, str]) -> TaskCost | None:
        """What a row's task cost."""
        if row["cost_usd"] is not None:
            return TaskCost(how="reported", usd=row["cost_usd"], source=tags.get(COST_SOURCE))
        counts = [row[name] for name in ("tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write")]
        if all(count is None for count in counts):
            return None
        model = tags.get(MODEL) or self._models.get(row["agent"])
        found = self._prices(model, Tokens(*(round(count or 0) for count in counts)), 1, row["at"]) if model else None
        return TaskCost(how="priced", usd=found.usd, source=found.source) if found else TaskCost(how="unpriced", usd=None, source=None)

    @cached_property
    def _models(self) -> dict[str, str | None]:
        snapshot = load_snapshot(self._call)
        return {agent: state.model for agent, state in snapshot.agents.items()} if snapshot else {}

    @cached_property
    def _prices(self) -> Prices:
        return own_prices(self._call)


def _task(row: Mapping[str, Any], columns: TagColumns, costs: _Costs) -> Task:
    tags = row_tags(row, columns)
    return Task.model_construct(
        id=row["task_id"],
        agent=row["agent"],
        status=(None, *STATUSES)[row["rank"]],
        time=row["at"],
        first_time=row["first_at"],
        latency_ms=row["latency_ms"],
        tokens_in=row["tokens_in"],
        tokens_out=row["tokens_out"],
        tokens_cache_read=row["tokens_cache_read"],
        tokens_cache_write=row["tokens_cache_write"],
        cost_usd=row["cost_usd"],
        cost=costs.of(row, tags),
        errors=row["errors"],
        error=row["error"],
        tags=tags,
        attributes=attributes(row["attributes"]),
    )


def _band(feed: TaskFeed, page: list[Mapping[str, Any]]) -> BandAnswer | None:
    if feed.band is None:
        return None
    first = page[0] if page else {}
    return BandAnswer(low=first.get("band_low"), high=first.get("band_high"))


def _next(question: str, feed: TaskFeed, last: Mapping[str, Any]) -> str:
    return paging.write(question, Place(feed.start, feed.end, last["at"], last["agent"], last["task_id"]))
