"""Errors: failed tasks by kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from pydantic import Field

from functions.api import paging
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import view
from functions.api.models import AgentId, Answer, Cursor, Flag, Moment, SelectorText, rfc3339
from functions.api.series import comfortable_step
from functions.api.times import RangeAsked, range_of
from functions.domain import failure_report
from functions.domain.errors import NotFound
from functions.domain.failure_groups import OTHER_KINDS, Sample, decode_groups
from functions.domain.failure_report import Bucket, Kind, Meant, in_steps, kinds
from functions.domain.failures import OTHER
from functions.domain.incident import Incident
from functions.domain.selector import Selector
from functions.domain.spans import HOURS_KEPT_MS, Span, bucket_ms
from functions.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from functions.domain.token import Scope
from functions.ports import Resolution

noun = Noun("errors")

FINE_MS = 6 * HOUR_MS
"""Beyond this the usual step is whole hours, which cost a sixtieth."""
BEFORE_MS = 10 * MINUTE_MS
"""An incident's cause is sought from so long before on."""


class ErrorsOf(RangeAsked):
    """Whose errors, of which time."""

    tags: SelectorText = ""
    agent: AgentId | None = None
    tier: str | None = Field(None, max_length=256)


class ErrorsAsked(ErrorsOf):
    """Which errors."""

    type: str | None = Field(None, max_length=80, description="Only of this type, such as TimeoutError.")
    q: str = Field("", max_length=256, description="Words that must all occur in type or message.")
    new: Flag = Field(False, description="Only those that were first seen in this time.")
    limit: int = Field(100, ge=1, le=1000)
    cursor: Cursor | None = None


class ErrorAsked(ErrorsOf):
    """Which error."""

    fingerprint: str = Field(pattern=r"^[0-9a-f]{16}$", description="An error's fingerprint.")
    step: int | None = Field(None, ge=60, le=31 * 86_400, description="Seconds, a multiple of 60; of 3600 for what is older than 3 days.")


class SampleAnswer(Answer):
    """What came with one failed task."""

    at: Moment
    agent: str
    payload: str = Field(description="JSON as sent, without secrets; a long one is cut and ends in `…`.")


class ErrorAnswer(Answer):
    """One kind of error: failed tasks with the same type and the same message but for numbers, ids, names."""

    fingerprint: str
    type: str = Field(description="The exception's type; `unknown` when nobody told, `__other__` for kinds beyond what is told apart.")
    message: str = Field(description="`…` stands for what differs.")
    count: int
    per_minute: float
    first_seen: Moment = Field(description="Ever; in this time for a token with a tag scope.")
    last_seen: Moment = Field(description="In this time.")
    new: bool | None = Field(description="First seen in this time; null for a token with a tag scope, which does not see all.")
    agents: dict[str, int] = Field(description="How many by agent; `__other__` has those of further agents.")
    tiers: dict[str, int]
    sample: SampleAnswer | None


class Errors(Answer):
    """A page of errors, the most frequent first."""

    errors: list[ErrorAnswer]
    total: int = Field(description="How many kinds there are on all pages.")
    start: Moment
    end: Moment
    next: str | None


class ErrorLinks(Answer):
    """Where to go on; null on a stage without raw history."""

    tasks: str | None
    events: str | None


class ErrorDetails(ErrorAnswer):
    """All that is known of one kind of error."""

    samples: list[SampleAnswer] = Field(description="The newest different ones, newest first.")
    start: Moment
    end: Moment
    step: int
    points: list[tuple[int, int]] = Field(description="Start of each step in ms since 1970, and how many failed.")
    links: ErrorLinks


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a page of errors ended, and the time that all pages speak of."""

    start: paging.Ms
    end: paging.Ms
    count: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A kind with what seal remembers of it."""

    fingerprint: str
    kind: Kind
    first: int
    new: bool | None


@noun.endpoint("GET", "/api/errors", scope=Scope.READ, asks=ErrorsAsked, answers=Errors)
def errors(call: Call, asked: ErrorsAsked) -> Errors:
    """Failed tasks by kind, the most frequent first."""
    if asked.new:
        call.caller.need_whole_workspace("which errors are new")
    question = paging.fingerprint("errors", asked.model_dump(exclude={"limit", "cursor"}))
    place = paging.read(asked.cursor, question, Place) if asked.cursor else None
    start, end = (place.start, place.end) if place else range_of(asked, call.now)
    failure_report.checked_start(start, call.now)
    chosen = [found for found in _found(call, asked, start, failure_report.spans_between(start, end, call.now)) if _is_asked(asked, found)]
    chosen.sort(key=_order)
    rest = [found for found in chosen if place is None or _order(found) > (-place.count, place.fingerprint)]
    page = rest[: asked.limit]
    last = page[-1] if len(rest) > len(page) else None
    return Errors.model_construct(
        errors=[ErrorAnswer.model_construct(**_answer(found, start, min(end, call.now))) for found in page],
        total=len(chosen),
        start=start,
        end=end,
        next=paging.write(question, Place(start, end, last.kind.count, last.fingerprint)) if last else None,
    )


@noun.endpoint("GET", "/api/errors/{fingerprint}", scope=Scope.READ, asks=ErrorAsked, answers=ErrorDetails)
def read(call: Call, asked: ErrorAsked) -> ErrorDetails:
    """One kind of error: how often over time, whose, with samples."""
    start, end = range_of(asked, call.now)
    failure_report.checked_start(start, call.now)
    steps = failure_report.steps(start, end, asked.step or _usual_step(end - start))
    found = _found(call, asked, steps.start, failure_report.spans_of(steps, call.now), only=asked.fingerprint)
    if not found:
        raise NotFound(f"no error {asked.fingerprint} in this time")
    return ErrorDetails.model_construct(
        **_answer(found[0], steps.start, min(steps.stop, call.now)),
        samples=[_sample(one) for one in found[0].kind.samples],
        start=steps.start,
        end=steps.stop,
        step=steps.step // SECOND_MS,
        points=in_steps(found[0].kind, steps),
        links=_links(call, found[0].kind, steps),
    )


def new_errors_link(call: Call, incident: Incident) -> str | None:
    """Where errors are listed that were first seen in an incident's time, and shortly before; None for who may not ask, or too late."""
    start = min((member.edge.since for member in incident.members.values()), default=incident.opened) - BEFORE_MS
    if call.caller.scope_text or start < call.now - HOURS_KEPT_MS:
        return None
    end = {"end": rfc3339(incident.closed)} if incident.closed is not None else {}
    return f"/api/errors?new=true&{urlencode({'start': rfc3339(start), **end}, safe=':')}"


def _usual_step(length: int) -> int:
    step = comfortable_step(length // SECOND_MS)
    return step if length <= FINE_MS else max(step, HOUR_MS // SECOND_MS)


def _found(call: Call, asked: ErrorsOf, start: int, spans: Iterable[Span], only: str | None = None) -> list[_Found]:
    fleet = view(call)
    meant = Meant(fleet=fleet.everyone, selector=Selector.parse(asked.tags), scope=call.caller.tags, agent=asked.agent, tier=asked.tier)
    known = fleet.snapshot.known_failures if fleet.snapshot else {}
    found = []
    for key, kind in kinds(_buckets(call, spans, only), meant).items():
        first, new = kind.first, None
        if not call.caller.scope_text:
            first = min(kind.first, known.get(key, (kind.first, 0))[0])
            new = first >= start and key != OTHER_KINDS
        found.append(_Found(key, kind, first, new))
    return found


def _buckets(call: Call, spans: Iterable[Span], only: str | None) -> Iterator[Bucket]:
    for span in spans:
        stored = call.services.rollups.read_failures(call.caller.workspace, Resolution(span.unit), span.first, span.last)
        for bucket, data in sorted(stored.items()):
            groups = decode_groups(data)
            yield Bucket(bucket_ms(span.unit, bucket), groups if only is None else {key: groups[key] for key in groups.keys() & {only}})


def _is_asked(asked: ErrorsAsked, found: _Found) -> bool:
    if asked.type not in (None, found.kind.type) or (asked.new and not found.new):
        return False
    text = f"{found.kind.type}\n{found.kind.message}".casefold()
    return all(word in text for word in asked.q.casefold().split())


def _order(found: _Found) -> tuple[int, str]:
    return (-found.kind.count, found.fingerprint)


def _answer(found: _Found, start: int, end: int) -> dict[str, Any]:
    kind = found.kind
    return {
        "fingerprint": found.fingerprint,
        "type": kind.type,
        "message": kind.message,
        "count": kind.count,
        "per_minute": kind.count / max(1, (end - start) / MINUTE_MS),
        "first_seen": found.first,
        "last_seen": kind.last,
        "new": found.new,
        "agents": _by_count(kind.agents),
        "tiers": _by_count(kind.tiers),
        "sample": _sample(kind.samples[0]) if kind.samples else None,
    }


def _by_count(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (item[0] == OTHER, -item[1], item[0])))


def _sample(one: Sample) -> SampleAnswer:
    return SampleAnswer.model_construct(at=one.at, agent=one.agent, payload=one.text)


def _links(call: Call, kind: Kind, steps: range) -> ErrorLinks:
    if call.services.raw is None:
        return ErrorLinks(tasks=None, events=None)
    agents = {"agent": next(iter(kind.agents))} if len(kind.agents) == 1 and OTHER not in kind.agents else {}
    query = urlencode({"start": rfc3339(steps.start), "end": rfc3339(steps.stop), **agents}, safe=":")
    return ErrorLinks(tasks=f"/api/tasks?status=failed&{query}", events=f"/api/events?name=task.failed&{query}")
