"""Section: which agents there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from functions.domain.fleet import AgentState, Status
from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_words import amount, listed, sentence

MOST = 15


def fleet(data: ReportData) -> Section:
    """The section."""
    there = [state for state in data.agents if not state.retired]
    red = [state for state in there if state.health.status is Status.RED]
    return Section(
        id="fleet",
        title="The fleet",
        summary=_summary(data, red),
        stats=list(_stats(data)),
        findings=list(_findings(data, there)),
        tables=[_colours(there), _ill(there)],
    )


def _new(data: ReportData) -> int:
    return sum(data.start <= (state.first_seen or 0) < data.end for state in data.agents)


def _summary(data: ReportData, red: list[AgentState]) -> str:
    new = _new(data)
    return sentence(
        f"{amount(len(data.active), 'agent')} worked{f', {new} of them new' if new else ''}.",
        f"{amount(len(red), 'agent is', 'agents are')} in trouble now: {listed([state.name for state in red])}." if red else "",
    )


def _stats(data: ReportData) -> Iterator[Stat]:
    before = len(data.active_before) if data.comparable else None
    yield Stat(label="Agents", value=len(data.active), unit=Unit.COUNT, before=before, note="that reported anything")
    yield Stat(label="New", value=_new(data), unit=Unit.COUNT)
    yield Stat(label="Gone", value=len(data.active_before - data.active) if data.comparable else None, unit=Unit.COUNT)


def _findings(data: ReportData, there: list[AgentState]) -> Iterator[Finding]:
    # Idle agents are shadows, too; they are told of where waste is.
    unknown = [state for state in there if state.shadow and not state.shadow.startswith("no task")]
    if unknown:
        yield Finding(
            severity=Severity.WARNING,
            title=f"{amount(len(unknown), 'agent')} that nobody expects",
            evidence=f"{unknown[0].name}: {unknown[0].shadow}.",
            about=[state.name for state in unknown[:MOST]],
            action="say whether they are wanted: clawpulse agents",
        )


def _colours(there: list[AgentState]) -> Table:
    counts = Counter(state.health.status for state in there)
    words = {
        Status.GREEN: "green: well",
        Status.YELLOW: "yellow: late, or some errors",
        Status.RED: "red: dead, stuck, or many errors",
        Status.GREY: "grey: silent for long",
    }
    rows: list[list[Cell]] = [[word, counts[status], counts[status] / len(there) if there else None] for status, word in words.items()]
    columns = [Column(label="Health"), Column(label="Agents", unit=Unit.COUNT), Column(label="Share", unit=Unit.FRACTION)]
    return Table(title="Health when the report was made", columns=columns, rows=rows)


def _ill(there: list[AgentState]) -> Table:
    ill = [state for state in there if state.health.status in (Status.RED, Status.YELLOW)]
    ill.sort(key=lambda state: (state.health.status is not Status.RED, state.health.since, state.id))
    rows: list[list[Cell]] = [[state.name, str(state.health.status), state.health.reason, state.health.since or None] for state in ill]
    columns = [Column(label="Agent"), Column(label="Health"), Column(label="Why"), Column(label="Since", unit=Unit.TIME)]
    return Table(title="Agents in trouble", columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), empty="None.")
