"""Reports as the API shows them: their state, and a signed link for each file."""

from __future__ import annotations

from pydantic import Field

from functions.api.endpoint import Call
from functions.api.models import Answer, Moment
from functions.domain.report_files import RENDERINGS
from functions.domain.report_record import FORMATS, ReportPhase, ReportRecord
from functions.domain.times import SECOND_MS

LINK_S = 900
"""How long a signed link opens its file."""


class ReportAnswer(Answer):
    """One report."""

    id: str
    state: ReportPhase
    reason: str | None = Field(description="Why it failed.")
    title: str | None = Field(description="Null until it is made.")
    summary: str | None
    start: Moment
    end: Moment
    tags: str = Field(description="Selector of its agents; empty for all.")
    schedule: str | None = Field(description="Name of the schedule that wanted it; null for one that was asked for.")
    by: str = Field(description="Id of the token that asked for it, or `schedule`.")
    created: Moment
    made: Moment | None
    channels: list[str] = Field(description="That are told; none of them to a token with a tag scope.")


class ReportFile(Answer):
    """One file of a report."""

    format: str
    content_type: str
    bytes: int
    url: str = Field(description="Opens the file for whoever has it.")
    expires: Moment


class ReportDetails(ReportAnswer):
    """One report with its files."""

    files: list[ReportFile]
    deliveries: list[str] = Field(description="Ids of the messages to its channels; `GET /api/deliveries` tells what became of them.")


def brief(call: Call, record: ReportRecord) -> ReportAnswer:
    """A report without its files."""
    return ReportAnswer(
        id=record.id,
        state=record.phase,
        reason=record.reason or None,
        title=record.title or None,
        summary=record.summary or None,
        start=record.start,
        end=record.end,
        tags=record.tags,
        schedule=record.schedule or None,
        by=record.by,
        created=record.created,
        made=record.made,
        channels=[] if call.caller.scope_text else list(record.channels),
    )


def details(call: Call, record: ReportRecord) -> ReportDetails:
    """A report with links to its files, signed now."""
    files = [_file(call, record, format) for format in FORMATS if format in record.sizes]
    deliveries = [] if call.caller.scope_text else list(record.deliveries)
    return ReportDetails(**dict(brief(call, record)), files=files, deliveries=deliveries)


def _file(call: Call, record: ReportRecord, format: str) -> ReportFile:
    rendering = RENDERINGS[format]
    return ReportFile(
        format=format,
        content_type=rendering.content_type,
        bytes=record.sizes[format],
        url=call.services.reports.link(call.caller.workspace, record.id, rendering.name, LINK_S),
        expires=call.now + LINK_S * SECOND_MS,
    )
