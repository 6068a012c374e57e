"""Section: tasks that cost or take more than before, told apart from more tasks and from another mix of them (`domain.regression`).

A tier's figure is made of its agents', each against itself: another mix of agents is no regression. What changed at that time is sought
among the changes that are known (`domain.change_bisect`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from functions.domain import tasks, usage
from functions.domain.change_bisect import Bisect, bisect
from functions.domain.regression import Comparison, RegressionPolicy, Verdict, Work, compare
from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_history import History, history
from functions.domain.report_words import amount, listed, percent
from functions.domain.series import AGENT

TIER = "tier"
MOST = 15
ALPHA = 0.05
_WORDS = {
    Verdict.REGRESSION: "worse",
    Verdict.IMPROVEMENT: "better",
    Verdict.SAME: "no clear change",
    Verdict.TOO_LITTLE: "too little is known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What is compared per task."""

    label: str
    names: tuple[str, ...]
    unit: Unit
    text: str
    """The unit as `alert_text.figure` has it."""
    worse: str
    """With a place for how much."""


FIGURES = (
    Figure(label="Cost per task", names=(tasks.COST, usage.PRICED), unit=Unit.USD, text="$", worse="cost {} more"),
    Figure(label="Latency", names=(tasks.LATENCY,), unit=Unit.MS, text="ms", worse="take {} longer"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of a tier in both periods."""

    figure: Figure
    tier: str
    found: Comparison
    cause: Bisect | None
    """Of a regression."""


def regressions(data: ReportData) -> Section | None:
    """The section; None when there is nothing to compare with."""
    if not data.comparable:
        return None
    found = compared(data)
    worse = [one for one in found if one.found.verdict is Verdict.REGRESSION]
    return Section(
        id="regressions",
        title="Tasks that got dearer or slower",
        summary=_summary(data, worse),
        stats=[Stat(label="Regressions", value=len(worse), unit=Unit.COUNT, better="down")],
        findings=[_finding(data, one) for one in worse],
        tables=[_table(figure, found) for figure in FIGURES],
        notes=[
            "What counts is a task that costs or takes at least 20 % more, if chance cannot explain it; more tasks or another mix do not."
        ],
    )


def compared(data: ReportData) -> list[Compared]:
    """Every figure of every tier."""
    found = []
    for figure in FIGURES:
        known = history(data, figure.names, AGENT, TIER)
        tiers = sorted({dict(key).get(TIER, "") for key in known.keys})
        for tier in tiers:
            rows = [place for place, key in enumerate(known.keys) if dict(key).get(TIER, "") == tier]
            one = _compare(data, figure, tier, known, rows, ALPHA / (len(tiers) * len(FIGURES)))
            found.append(one)
    return found


def _compare(data: ReportData, figure: Figure, tier: str, known: History, rows: Sequence[int], alpha: float) -> Compared:
    names = [data.name(dict(known.keys[row])[AGENT]) for row in rows]
    work = Work(known.sums[rows], known.counts[rows], data.before.first_hour)
    half = data.hours
    before = Work(work.sums[:, :half], work.counts[:, :half], data.before.first_hour)
    after = Work(work.sums[:, half:], work.counts[:, half:], data.usage.first_hour)
    total = compare(before, after, names=names, unit=figure.text, policy=RegressionPolicy(alpha=alpha)).total
    cause = None
    if total.verdict is Verdict.REGRESSION:
        agents = [dict(known.keys[row])[AGENT] for row in rows]
        cause = bisect(work, agents, data.changes, unit=figure.text)
    return Compared(figure, tier, total, cause)


def _who(one: Compared) -> str:
    return f"tier {one.tier}" if one.tier else "agents without a tier"


def _title(one: Compared) -> str:
    return f"Tasks of {_who(one)} {one.figure.worse.format(percent(max(0.0, (one.found.ratio or 1) - 1)))}"


def _summary(data: ReportData, worse: Sequence[Compared]) -> str:
    if not worse:
        return f"No tier's tasks cost or take clearly more than in the {data.period} before."
    return f"{amount(len(worse), 'regression')}. {listed([_title(one) for one in worse])}."


def _finding(data: ReportData, one: Compared) -> Finding:
    found = one.found
    why = one.cause.reason if one.cause else ""
    usd = found.per_task * data.per_month if one.figure.unit is Unit.USD else None
    return Finding(
        severity=Severity.CRITICAL if usd else Severity.WARNING,
        title=_title(one),
        evidence=" ".join(_sentences(found.reason.removeprefix("all: "), why)),
        about=[one.tier] if one.tier else [],
        usd_per_month=usd,
        action=_action(one.cause),
    )


def _sentences(*parts: str) -> Iterator[str]:
    for part in parts:
        if part:
            yield f"{part[:1].upper()}{part[1:].rstrip('.')}."


def _action(cause: Bisect | None) -> str:
    culprit = cause.culprit if cause else None
    if culprit is None:
        return "look at what changed: clawpulse cost regressions"
    shown_as = f" (clawpulse rollout show {culprit.id})" if culprit.id else ""
    return f"look at “{culprit.text}”{shown_as}, and take it back if it is not worth it"


def _table(figure: Figure, found: Sequence[Compared]) -> Table:
    usd = figure.unit is Unit.USD
    rows: list[list[Cell]] = [
        [
            one.tier or "(none)",
            one.found.before,
            one.found.after,
            None if one.found.ratio is None else one.found.ratio - 1,
            *((one.found.traffic, one.found.mix, one.found.per_task) if usd else ()),
            _WORDS[one.found.verdict],
        ]
        for one in found
        if one.figure is figure
    ]
    parts = [Column(label=label, unit=Unit.USD) for label in ("By more tasks", "By another mix", "By dearer tasks")]
    columns = [
        Column(label="Tier"),
        Column(label="Before", unit=figure.unit),
        Column(label="Now", unit=figure.unit),
        Column(label="Per task", unit=Unit.FRACTION, change=True),
        *(parts if usd else []),
        Column(label="Verdict"),
    ]
    note = "The dollars add up to the change of the tier's cost, as far as its agents were there in both periods." if usd else ""
    return Table(title=figure.label, columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), note=note)
