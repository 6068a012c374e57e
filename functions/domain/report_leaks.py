"""Section: memory that only grows (`domain.leak`)."""

from __future__ import annotations

from collections.abc import Sequence

from functions.domain import usage
from functions.domain.leak import Leak, find_leaks
from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_history import history
from functions.domain.report_words import amount
from functions.domain.series import AGENT
from functions.domain.times import HOURS_PER_DAY

MOST = 10
SOON_DAYS = 7.0


def leaks(data: ReportData) -> Section | None:
    """The section; None when no agent measures its memory."""
    known = history(data, (usage.MEMORY,), AGENT)
    if not (known.counts > 0).any():
        return None
    ids = [dict(key).get(AGENT, "") for key in known.keys]
    found = find_leaks(known.means, data.before.first_hour, names=[data.name(agent) for agent in ids])
    return Section(
        id="leaks",
        title="Memory leaks",
        summary=_summary(found),
        stats=[Stat(label="Agents that leak", value=len(found), unit=Unit.COUNT, better="down")],
        findings=[_finding(one, ids[one.series]) for one in found[:MOST]],
        tables=[_table(found)],
    )


def _days_left(one: Leak) -> float | None:
    return None if one.hours_to_full is None else one.hours_to_full / HOURS_PER_DAY


def _summary(found: Sequence[Leak]) -> str:
    if not found:
        return "No agent's memory grows without end."
    soon = sum((_days_left(one) or SOON_DAYS + 1) <= SOON_DAYS for one in found)
    told = f"; {amount(soon, 'is', 'are')} full within a week." if soon else "."
    return f"The memory of {amount(len(found), 'agent')} grows day by day{told}"


def _finding(one: Leak, agent: str) -> Finding:
    left = _days_left(one)
    return Finding(
        severity=Severity.CRITICAL if left is not None and left <= SOON_DAYS else Severity.WARNING,
        title=f"{one.name} leaks memory",
        evidence=f"{one.evidence.rstrip('.')}.",
        about=[agent],
        action="restart it" + (f" within {max(1, int(left))} days" if left is not None else "") + ", and look for what it keeps",
    )


def _table(found: Sequence[Leak]) -> Table:
    rows: list[list[Cell]] = [[one.name, one.value, one.per_day, one.low, one.high, _days_left(one), len(one.restarts)] for one in found]
    columns = [
        Column(label="Agent"),
        Column(label="Memory", unit=Unit.PERCENT),
        Column(label="More a day", unit=Unit.PERCENT),
        Column(label="At least", unit=Unit.PERCENT),
        Column(label="At most", unit=Unit.PERCENT),
        Column(label="Full in", unit=Unit.DAYS),
        Column(label="Restarts", unit=Unit.COUNT),
    ]
    note = "“At least” and “at most” bound the daily growth with 95 % confidence."
    return Table(title="Leaks", columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), note=note, empty="None.")
