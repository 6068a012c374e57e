"""Section: what was changed on agents, and what was taken back."""

from __future__ import annotations

from collections.abc import Iterator

from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_words import amount, sentence
from functions.domain.rollout import FINAL, Phase, Rollout

MOST = 15
_WORDS = {Phase.SUCCEEDED: "done", Phase.REVERTED: "taken back", Phase.STOPPED: "stopped"}


def rollouts(data: ReportData) -> Section:
    """The section."""
    by_phase = {phase: [one for one in data.rollouts if one.phase is phase] for phase in Phase}
    back = [*by_phase[Phase.REVERTED], *by_phase[Phase.REVERTING]]
    return Section(
        id="rollouts",
        title="Changes to the fleet",
        summary=_summary(data, len(back)),
        stats=[
            Stat(label="Rollouts", value=len(data.rollouts), unit=Unit.COUNT),
            Stat(label="Done", value=len(by_phase[Phase.SUCCEEDED]), unit=Unit.COUNT),
            Stat(label="Taken back", value=len(back), unit=Unit.COUNT, better="down"),
        ],
        findings=list(_findings(data)),
        tables=[_table(data)],
    )


def _summary(data: ReportData, back: int) -> str:
    if not data.rollouts:
        return "Nothing was rolled out."
    running = sum(one.phase not in FINAL for one in data.rollouts)
    return sentence(
        f"{amount(len(data.rollouts), 'change was', 'changes were')} brought to agents, {amount(back, 'was', 'were')} taken back"
        + (f", {amount(running, 'is', 'are')} under way." if running else ".")
    ).replace("no was", "none was")


def _findings(data: ReportData) -> Iterator[Finding]:
    for one in data.rollouts:
        if one.phase in (Phase.REVERTED, Phase.REVERTING):
            yield _finding(one, Severity.WARNING, "was taken back", "look at its verdicts")
        if one.phase is Phase.HELD:
            yield _finding(one, Severity.WARNING, "waits for a decision", "decide")


def _finding(one: Rollout, severity: Severity, what: str, action: str) -> Finding:
    reason = one.hold.reason if one.hold else one.reason
    return Finding(
        severity=severity,
        title=f"“{one.title}” {what}",
        evidence=reason or "No reason is stored.",
        about=[one.id],
        action=f"{action}: clawpulse rollout show {one.id}",
    )


def _table(data: ReportData) -> Table:
    rows: list[list[Cell]] = [
        [one.created, one.title, one.members, f"{min(one.wave + 1, one.waves)} of {one.waves}", _WORDS.get(one.phase, str(one.phase))]
        for one in data.rollouts
    ]
    columns = [
        Column(label="Began", unit=Unit.TIME),
        Column(label="What"),
        Column(label="Agents", unit=Unit.COUNT),
        Column(label="Wave"),
        Column(label="State"),
    ]
    return Table(title="Rollouts", columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), empty="No rollout.")
