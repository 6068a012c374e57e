"""Queues reports that are due by the workspace's schedule, and brings back those whose run was lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.domain.errors import InvalidInput
from functions.domain.report_record import FINAL_REPORT
from functions.domain.report_schedule import DOCUMENT, due_records, parse_schedule
from functions.domain.times import HOUR_MS
from functions.ports import Dispatcher, ReportStore, SettingsReader

CHANNELS = "channels"
"""Name of the settings document."""
LOST_AFTER_MS = 2 * HOUR_MS
"""A run that was queued, or began, so long ago is not going to end."""


@dataclass(slots=True)
class TickReport:
    """What a tick did."""

    queued: list[str] = field(default_factory=list)
    """Ids of reports that are new."""
    again: list[str] = field(default_factory=list)
    """Those whose run was lost."""
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The use case over its ports."""

    store: ReportStore
    settings: SettingsReader
    queue: Dispatcher
    """Takes `{"workspace", "report"}`."""

    def run(self, workspace: str, now: int) -> TickReport:
        """One tick; safe to repeat, and beside others. Raises `StoreUnavailable`."""
        report = TickReport()
        try:
            schedule = parse_schedule(self.settings.settings(workspace, DOCUMENT))
        except InvalidInput as error:
            # Of a later release, or a hand in the table.
            report.warning = f"the schedule of reports is not valid, none is made: {error}"
            return report
        known: Mapping[str, object] = self.settings.settings(workspace, CHANNELS) or {}
        for record in due_records(workspace, schedule, known, now):
            found = self.store.read(workspace, record.id)
            if found is None and self.store.create(workspace, record):
                report.queued.append(record.id)
            elif found and found.record.phase not in FINAL_REPORT and _lost(found.record.created, found.record.held_until, now):
                report.again.append(record.id)
        self.queue.send([({"workspace": workspace, "report": id}, 0) for id in (*report.queued, *report.again)])
        return report


def _lost(created: int, held_until: int, now: int) -> bool:
    return max(created, held_until) + LOST_AFTER_MS <= now
