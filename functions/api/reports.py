"""Reports: asked for, listed, opened; and the schedule by which they come by themselves.

A file is opened by a link that S3 signs, for some minutes. The link in a message opens the report itself, for weeks, and has such a signed
one made whenever it is used: a function's own signature would not last as long as people take to read their mail.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import Field

from functions.api import documents, newest, paging
from functions.api.address import remember
from functions.api.approval_page import CONTENT_TYPE, SECURITY, message
from functions.api.desired import IfMatch
from functions.api.documents import Document, Kind, Stored
from functions.api.endpoint import Call, Guest, Noun, Reply
from functions.api.models import Answer, Asked, Body, Cursor, Instant, SelectorText, milliseconds
from functions.api.report_view import LINK_S, ReportAnswer, ReportDetails, brief, details
from functions.api.times import duration_ms
from functions.domain.channels import parse_channel
from functions.domain.errors import InvalidInput, NotFound
from functions.domain.report_files import RENDERINGS
from functions.domain.report_record import (
    FINAL_REPORT,
    FORMATS,
    ID_PATTERN,
    ReportPhase,
    ReportRecord,
    new_id,
    opens,
    parse_link,
)
from functions.domain.report_schedule import DOCUMENT, UNFIT, USUAL, parse_schedule
from functions.domain.selector import Selector
from functions.domain.times import DAY_MS, HOUR_MS
from functions.domain.token import Scope
from functions.runtime.alert_setup import CHANNELS
from functions.runtime.observability import logger

noun = Noun("reports")

MAX_PERIOD_MS = 35 * DAY_MS
"""A month, whichever it is."""
_USUAL_RANGE = "7d"
_ID_BYTES = 5
_MOST_CHANNELS = 20

type Format = Literal["html", "markdown", "json"]


class ReportWanted(Body):
    """A report that somebody wants."""

    start: Instant | None = Field(None, strict=False, description="RFC 3339; whole hours count.")
    end: Instant | None = Field(None, strict=False, description="RFC 3339, not included; the last full hour unless given.")
    range: str | None = Field(None, pattern=r"^[1-9][0-9]{0,4}[hd]$", description="Length up to the end, instead of `start`; usually 7d.")
    tags: SelectorText = ""
    formats: Annotated[list[Format], Field(min_length=1, max_length=len(FORMATS))] | None = Field(None, description="All unless given.")
    channels: list[str] = Field([], max_length=_MOST_CHANNELS, description="Names of channels that are told of it.")


class ReportsAsked(Asked):
    """Which reports."""

    state: str | None = Field(
        None,
        max_length=160,
        pattern=newest.states_pattern(ReportPhase),
        description="Phases, separated by commas; `open` and `over` stand for several.",
    )
    schedule: str | None = Field(None, max_length=63, pattern=r"^[a-z0-9][a-z0-9-]*$", description="Only those of this schedule.")
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


class ReportAsked(Asked):
    """Which report."""

    report: str = Field(pattern=rf"^{ID_PATTERN}$", description="A report's id.")


class SharedAsked(Asked):
    """Which shared link."""

    link: str = Field(max_length=256, description="As it was sent: workspace, id and secret.")


class Reports(Answer):
    """A page of reports, newest first."""

    reports: list[ReportAnswer]
    next: str | None


class ScheduleDocument(Document):
    """When reports come by themselves: `{"reports": [{"name": "weekly", "day": "monday", "hour": 7, "channels": ["team-mail"]}]}`."""


@noun.endpoint("GET", "/api/reports", scope=Scope.READ, asks=ReportsAsked, answers=Reports)
def listing(call: Call, asked: ReportsAsked) -> Reports:
    """Reports, newest first. A token with a tag scope sees those about its own agents."""
    phases = newest.phases_of(asked.state, ReportPhase, FINAL_REPORT)
    found, more = newest.page(
        asked.cursor,
        paging.fingerprint("reports", asked.state, asked.schedule, str(call.caller.tags)),
        partial(call.services.reports.reports, call.caller.workspace),
        lambda one: one.phase in phases and asked.schedule in (None, one.schedule) and one.visible_to(call.caller.tags),
        asked.limit,
    )
    return Reports.model_construct(reports=[brief(call, one) for one in found], next=more)


@noun.endpoint("POST", "/api/reports", scope=Scope.OPERATE, takes=ReportWanted, answers=ReportDetails, status=202)
def order(call: Call, body: ReportWanted) -> ReportDetails:
    """Have a report made; it takes some seconds. `GET /api/reports/{report}` tells when it is there."""
    start, end = _period(body, call.now)
    services, workspace = call.services, call.caller.workspace
    _check_channels(call, body.channels)
    remember(call)
    record = ReportRecord(
        id=new_id(call.now, services.random(_ID_BYTES)),
        created=call.now,
        by=call.caller.token_id,
        start=start,
        end=end,
        tags=str(Selector.parse(body.tags) & call.caller.tags),
        formats=tuple(dict.fromkeys(body.formats or FORMATS)),
        channels=tuple(dict.fromkeys(body.channels)),
    )
    services.reports.create(workspace, record)
    services.report_queue.send([({"workspace": workspace, "report": record.id}, 0)])
    logger("api").info("a report is wanted", extra={"workspace": workspace, "report": record.id, "by": call.caller.token_id})
    return details(call, record)


@noun.endpoint("GET", "/api/reports/{report}", scope=Scope.READ, asks=ReportAsked, answers=ReportDetails, secret=True)
def read(call: Call, asked: ReportAsked) -> ReportDetails:
    """One report, with a signed link for each of its files."""
    found = call.services.reports.read(call.caller.workspace, asked.report)
    if found is None or not found.record.visible_to(call.caller.tags):
        raise NotFound(f"no report {asked.report}")
    return details(call, found.record)


@noun.endpoint("GET", "/api/report-schedule", scope=Scope.READ, answers=ScheduleDocument)
def schedule(call: Call) -> Reply:
    """When reports come by themselves, and who is told of them."""
    return documents.read(call, SCHEDULE_KIND)


@noun.endpoint("PUT", "/api/report-schedule", scope=Scope.OPERATE, heeds=IfMatch, takes=ScheduleDocument, answers=ScheduleDocument)
def replace_schedule(call: Call, heeded: IfMatch, body: ScheduleDocument) -> Reply:
    """Replace it. `{"reports": []}` has none made; `{}` goes back to one each Monday."""
    remember(call)
    return documents.replace(call, SCHEDULE_KIND, heeded, body)


@noun.endpoint("GET", "/shared/reports/{link}", scope=None, by_link=True, asks=SharedAsked, content_type=CONTENT_TYPE, status=302)
def shared(guest: Guest, asked: SharedAsked) -> Reply:
    """The report behind a link of a message: leads to its page, by a signed link that is made now."""
    given = parse_link(asked.link)
    found = guest.services.reports.read(given.workspace, given.report) if given else None
    if given is None or found is None or not opens(found.record, given.secret, guest.now):
        page = message(
            "No such report", "The link is not complete, or has expired. Whoever has a token finds the report: clawpulse report list"
        )
        return Reply(body=page, status=HTTPStatus.NOT_FOUND, headers=SECURITY)
    format = next(name for name in FORMATS if name in found.record.sizes)
    url = guest.services.reports.link(given.workspace, given.report, RENDERINGS[format].name, LINK_S)
    return Reply(body=None, status=HTTPStatus.FOUND, headers={**SECURITY, "Location": url})


def _period(wanted: ReportWanted, now: int) -> tuple[int, int]:
    """Start and end in ms: whole hours, of which the last is over. Raises `InvalidInput`."""
    if wanted.start is not None and wanted.range is not None:
        raise InvalidInput("start and range exclude each other", "range")
    end = now if wanted.end is None else milliseconds(wanted.end)
    if end > now:
        raise InvalidInput("lies ahead: a report is about what is over", "end")
    end = end // HOUR_MS * HOUR_MS
    start = end - duration_ms(wanted.range or _USUAL_RANGE) if wanted.start is None else milliseconds(wanted.start) // HOUR_MS * HOUR_MS
    if not 0 <= start < end:
        raise InvalidInput("the end must be at least one full hour after the start", "end" if wanted.end else "start")
    if end - start > MAX_PERIOD_MS:
        raise InvalidInput(f"a report is about {MAX_PERIOD_MS // DAY_MS} days at most", "start" if wanted.start else "range")
    return start, end


def _check_channels(call: Call, names: list[str]) -> None:
    if not names:
        return
    call.caller.need_whole_workspace("sending a report")
    known = call.services.fleet.settings(call.caller.workspace, CHANNELS)
    for place, name in enumerate(names):
        try:
            channel = parse_channel(known, call.caller.workspace, name)
        except InvalidInput as error:
            raise InvalidInput(error.reason, f"channels[{place}]") from None
        if channel.kind in UNFIT:
            raise InvalidInput(f"{name} wakes people: reports are for channels that show them", f"channels[{place}]")


def _check_schedule(call: Call, document: Stored) -> object:
    return parse_schedule(document, call.services.fleet.settings(call.caller.workspace, CHANNELS) or {})


def _shown(call: Call, document: Stored) -> str:
    """What holds, if nobody has said anything."""
    return documents.as_stored(call, document or USUAL)


SCHEDULE_KIND = Kind(name=DOCUMENT, title="the schedule of reports", check=_check_schedule, shown=_shown)
