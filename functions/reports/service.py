"""Reports: one run makes one report, keeps its files, and tells the channels that want it.

    claim (lease) ──▶ make ──▶ files ──▶ a delivery a channel, once ──▶ done

Every step can be repeated: files are replaced, and the id of a delivery is made of report and channel, so that each channel is told once
whatever dies in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from functions.domain.errors import InvalidInput
from functions.domain.report import Report
from functions.domain.report_files import RENDERINGS
from functions.domain.report_record import ReportPhase, ReportRecord, claimed, ended, made
from functions.ports import KeptReport, ReportMaker, ReportStore
from functions.reports.telling import Telling


class Outcome(NamedTuple):
    """What became of a run; `text` is for people."""

    phase: ReportPhase | None
    """None when it did nothing."""
    text: str


class Overtaken(Exception):
    """Somebody else has the report by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportService:
    """The use case over its ports."""

    store: ReportStore
    make: ReportMaker
    telling: Telling
    clock: Callable[[], int]
    """ms."""

    def run(self, workspace: str, report: str, holder: str) -> Outcome:
        """Make a report that is not made yet. `holder` names who runs it; a repeat has the same name.

        Raises `StoreUnavailable`: the run is then to be repeated as a whole.
        """
        found = self.store.read(workspace, report)
        if found is None:
            return Outcome(None, "there is no such report")
        now = self.clock()
        mine = claimed(found.record, holder, now)
        if mine is None:
            return Outcome(None, f"it is {found.record.phase}")
        try:
            return self._made(workspace, self._save(workspace, mine, found.seen), now)
        except Overtaken:
            return Outcome(None, "another run has it")

    def give_up(self, workspace: str, report: str, holder: str, reason: str) -> None:
        """Note that a report is not going to be made, unless it was or somebody else is at it."""
        found = self.store.read(workspace, report)
        if found and claimed(found.record, holder, self.clock()):
            self.store.save(workspace, ended(found.record, ReportPhase.FAILED, reason), found.seen)

    def _made(self, workspace: str, kept: KeptReport, now: int) -> Outcome:
        try:
            report = self.make(workspace, kept.record, now)
        except InvalidInput as error:
            self._save(workspace, ended(kept.record, ReportPhase.FAILED, str(error)), kept.seen)
            return Outcome(ReportPhase.FAILED, str(error))
        sizes = self._put_files(workspace, report, kept.record)
        kept = self._save(workspace, made(kept.record, title=report.title, summary=report.summary, sizes=sizes, at=now), kept.seen)
        told = self.telling.tell(workspace, report, kept, self.clock())
        if told is None:
            raise Overtaken
        self._save(workspace, ended(told.record, ReportPhase.DONE), told.seen)
        return Outcome(ReportPhase.DONE, f"made, and {len(told.record.deliveries)} channels are told")

    def _put_files(self, workspace: str, report: Report, record: ReportRecord) -> dict[str, int]:
        sizes = {}
        for name in record.formats:
            rendering = RENDERINGS[name]
            text = rendering.render(report)
            self.store.put_file(workspace, record.id, rendering.name, text, rendering.content_type)
            sizes[name] = len(text.encode())
        return sizes

    def _save(self, workspace: str, record: ReportRecord, seen: str) -> KeptReport:
        kept = self.store.save(workspace, record, seen)
        if kept is None:
            raise Overtaken
        return kept
