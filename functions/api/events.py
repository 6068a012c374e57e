"""The feed of events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import Field

from functions.api import paging
from functions.api.endpoint import Call, Noun
from functions.api.feeds import attributes, reader, rows, tag_columns
from functions.api.models import AgentId, Answer, Cursor, Moment, SelectorText, TaskId
from functions.api.times import RangeAsked, range_of
from functions.domain.feed import MAX_LIMIT, EventFeed, events_sql, row_tags
from functions.domain.feed_sql import TagColumns
from functions.domain.selector import Selector
from functions.domain.token import Scope

noun = Noun("events")

TABLE = "events"
_NAME = r"[A-Za-z_][A-Za-z0-9_./-]{0,127}"
NAMES_PATTERN = rf"^{_NAME}(,{_NAME}){{0,19}}$"
_NS = 1_000_000


class EventsAsked(RangeAsked):
    """Which events."""

    name: str | None = Field(None, pattern=NAMES_PATTERN, description="One or several, separated by commas: task.failed.")
    tags: SelectorText = ""
    agent: AgentId | None = None
    task: TaskId | None = None
    limit: int = Field(100, ge=1, le=MAX_LIMIT)
    cursor: Cursor | None = None


class Event(Answer):
    """One event."""

    name: str
    time: Moment
    agent: str
    task_id: str | None
    payload: Any = Field(description="As sent; null without one.")
    tags: dict[str, str] = Field(description="Dimensions, as sent.")
    attributes: dict[str, Any]


class Events(Answer):
    """A page of events, newest first."""

    events: list[Event]
    start: Moment
    end: Moment
    next: str | None


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a page of events ended, and the range that all pages speak of."""

    start: paging.Ms
    end: paging.Ms
    time: paging.Ns
    agent: str
    batch: str
    name: str


@noun.endpoint("GET", "/api/events", scope=Scope.READ, asks=EventsAsked, answers=Events, raw_history=True)
def events(call: Call, asked: EventsAsked) -> Events:
    """Events, newest first, by name, tags, agent or task."""
    question = paging.fingerprint("events", asked.model_dump(exclude={"limit", "cursor"}))
    place = paging.read(asked.cursor, question, Place) if asked.cursor else None
    source, feed = reader(call), _feed(call, asked, place)
    columns = tag_columns(call, TABLE, feed.selector & feed.scope)
    # A table without a record has no columns but time and measure name.
    there = "batch" in columns.columns and (feed.task is None or "task_id" in columns.columns)
    found = rows(source, events_sql(feed, columns), feed.limit + 1) if there else []
    page = found[: feed.limit]
    return Events.model_construct(
        events=[_event(row, columns) for row in page],
        start=feed.start,
        end=feed.end,
        next=_next(question, feed, page[-1]) if len(found) > feed.limit else None,
    )


def _feed(call: Call, asked: EventsAsked, place: Place | None) -> EventFeed:
    start, end = (place.start, place.end) if place else range_of(asked, call.now)
    return EventFeed(
        workspace=call.caller.workspace,
        database=call.services.raw_database,
        start=start,
        end=end,
        limit=asked.limit,
        selector=Selector.parse(asked.tags),
        scope=call.caller.tags,
        agent=asked.agent,
        task=asked.task,
        after=(place.time, place.agent, place.batch, place.name) if place else (),
        names=tuple(asked.name.split(",")) if asked.name else (),
    )


def _event(row: Mapping[str, Any], columns: TagColumns) -> Event:
    return Event.model_construct(
        name=row["measure_name"],
        time=row["at"] // _NS,
        agent=row["agent"],
        task_id=row["task_id"],
        payload=json.loads(row["payload"]) if row["payload"] else None,
        tags=row_tags(row, columns),
        attributes=attributes(row["attributes"]),
    )


def _next(question: str, feed: EventFeed, last: Mapping[str, Any]) -> str:
    return paging.write(question, Place(feed.start, feed.end, last["at"], last["agent"], last["batch"], last["measure_name"]))
