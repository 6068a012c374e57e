"""What channels are told of a report: what it comes to, what must not be missed, and where it is."""

from __future__ import annotations

from functions.domain.alert import Severity as AlertSeverity
from functions.domain.notification import Notification, NotificationKind
from functions.domain.report import Report, Stat, Unit
from functions.domain.report_record import ReportRecord
from functions.domain.report_text import change, highlights, period, shown

_STATS, _HIGHLIGHTS = 6, 5


def notification(report: Report, record: ReportRecord, link: str | None) -> Notification:
    """The message; without a link while the API's address is unknown."""
    return Notification(
        kind=NotificationKind.REPORT_READY,
        workspace=report.workspace,
        incident=record.id,
        title=report.title,
        severity=AlertSeverity.INFO,
        at=record.created,
        started=report.start,
        figures={"Period": period(report)} | {stat.label: _figure(stat) for stat in report.headline[:_STATS]},
        highlights=[_highlight(title, usd) for title, usd in _found(report)],
        note=report.summary,
        report=link,
    )


def _figure(stat: Stat) -> str:
    text = shown(stat.value, stat.unit)
    return text if stat.change is None else f"{text} ({change(stat.change)})"


def _found(report: Report) -> list[tuple[str, float | None]]:
    return [(finding.title, finding.usd_per_month) for _, finding in highlights(report, _HIGHLIGHTS)]


def _highlight(title: str, usd: float | None) -> str:
    return f"{title}: {shown(usd, Unit.USD_PER_MONTH)}" if usd else title
