"""Reports in memory."""

from __future__ import annotations

from functions.domain.report_record import ReportRecord
from functions.ports import KeptReport


class MemoryReportStore:
    """A `ReportStore`; `files` by workspace, report and name."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[ReportRecord, int]] = {}
        self._writes = 0
        self.files: dict[tuple[str, str, str], str] = {}
        self.types: dict[tuple[str, str, str], str] = {}

    def create(self, workspace: str, record: ReportRecord) -> bool:
        if (workspace, record.id) in self._kept:
            return False
        self._put(workspace, record)
        return True

    def read(self, workspace: str, report: str) -> KeptReport | None:
        found = self._kept.get((workspace, report))
        return KeptReport(found[0], str(found[1])) if found else None

    def save(self, workspace: str, record: ReportRecord, seen: str) -> KeptReport | None:
        found = self._kept.get((workspace, record.id))
        if found is None or str(found[1]) != seen:
            return None
        self._put(workspace, record)
        return self.read(workspace, record.id)

    def reports(self, workspace: str, limit: int, before: str | None = None) -> list[ReportRecord]:
        own = [record for (owner, id), (record, _) in self._kept.items() if owner == workspace and (before is None or id < before)]
        return sorted(own, key=lambda record: record.id, reverse=True)[:limit]

    def put_file(self, workspace: str, report: str, name: str, text: str, content_type: str) -> None:
        self.files[workspace, report, name] = text
        self.types[workspace, report, name] = content_type

    def link(self, workspace: str, report: str, name: str, seconds: int) -> str:
        return f"https://reports.test/{workspace}/{report}/{name}?expires={seconds}"

    def _put(self, workspace: str, record: ReportRecord) -> None:
        self._writes += 1
        self._kept[workspace, record.id] = (record, self._writes)
