"""Section: which agents there are, and how well they are (`report_health` says how the score is made)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from functions.domain.fleet import AgentState, Status
from functions.domain.report import Cell, Chart, ChartKind, Column, Finding, Line, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_health import Health, health
from functions.domain.report_time import points, step_name, step_times
from functions.domain.report_words import amount, listed, sentence

MOST = 15
GOOD = 99
SCORE = (
    "Health score: every 15 seconds each agent is green (100), yellow (50) or red (0); the score is the mean. "
    "Time in which an agent is retired or silent for more than a day is not judged."
)


def fleet(data: ReportData) -> Section:
    """The section."""
    there = [state for state in data.agents if not state.retired]
    red = [state for state in there if state.health.status is Status.RED]
    now, past = health(data)
    return Section(
        id="fleet",
        title="The fleet",
        summary=_summary(data, now, past, red),
        stats=list(_stats(data, now, past)),
        charts=list(_charts(data, now)),
        findings=list(_findings(data, there)),
        tables=[_colours(there), _ill(there), _least(data, now)],
        notes=[SCORE],
    )


def _new(data: ReportData) -> int:
    return sum(data.start <= (state.first_seen or 0) < data.end for state in data.agents)


def trend(data: ReportData, now: Health, past: Health) -> str:
    """`health 97 of 100, 2 more than the week before`; empty when it is not known."""
    if now.score is None:
        return ""
    known = f"health {now.score:.0f} of 100"
    if not data.comparable or past.score is None:
        return known
    more = round(now.score) - round(past.score)
    return f"{known}, {abs(more)} {'more' if more > 0 else 'less'} than the {data.period} before" if more else f"{known}, as before"


def _summary(data: ReportData, now: Health, past: Health, red: list[AgentState]) -> str:
    new, told = _new(data), trend(data, now, past)
    return sentence(
        f"{amount(len(data.active), 'agent')} worked{f', {new} of them new' if new else ''}.",
        f"{told}." if told else "",
        f"{amount(len(red), 'agent is', 'agents are')} in trouble now: {listed([state.name for state in red])}." if red else "",
    )


def _stats(data: ReportData, now: Health, past: Health) -> Iterator[Stat]:
    yield score_stat(data, now, past)
    before = len(data.active_before) if data.comparable else None
    yield Stat(label="Agents", value=len(data.active), unit=Unit.COUNT, before=before, note="that reported anything")
    yield Stat(label="New", value=_new(data), unit=Unit.COUNT)
    yield Stat(label="Gone", value=len(data.active_before - data.active) if data.comparable else None, unit=Unit.COUNT)


def score_stat(data: ReportData, now: Health, past: Health) -> Stat:
    """The score beside that of the period before."""
    before = past.score if data.comparable else None
    return Stat(label="Health score", value=now.score, unit=Unit.SCORE, before=before, better="up")


def _charts(data: ReportData, now: Health) -> Iterator[Chart]:
    if now.score is not None:
        lines = [Line("health score", points(now.by_step(data)))]
        title = f"Health score by {step_name(data.hours)}"
        yield Chart(title=title, kind=ChartKind.LINE, unit=Unit.SCORE, times=step_times(data), lines=lines)


def _least(data: ReportData, now: Health) -> Table:
    least = [one for one in now.by_agent if one[1] < GOOD]
    rows: list[list[Cell]] = [[data.name(agent), score, red] for agent, score, red in least]
    columns = [
        Column(label="Agent"),
        Column(label="Score", unit=Unit.SCORE),
        Column(label="Time in trouble", unit=Unit.FRACTION),
    ]
    title, note = "Least healthy agents", f"All agents with a score below {GOOD}; “in trouble” is red."
    return Table(title=title, columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), note=note, empty="None.")


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
