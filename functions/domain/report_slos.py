"""Section: whether the fleet kept what it promises (`domain.slos`), and how much of what may go wrong has gone wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from functions.domain import tasks
from functions.domain.alert_columns import bin_values
from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_health import health_of
from functions.domain.report_tally import everything, tally
from functions.domain.report_words import amount, listed, percent
from functions.domain.slos import Slo, SloKind
from functions.domain.usage_frame import UsageFrame

_ACTIONS = {
    SloKind.SUCCESS: "see why tasks failed: clawpulse errors",
    SloKind.LATENCY: "see below which agents are slow",
    SloKind.HEALTH: "see below which agents are least healthy",
}


class Measured(NamedTuple):
    """An objective and what was."""

    slo: Slo
    now: float | None
    """A share; None when nothing was measured."""
    before: float | None

    @property
    def kept(self) -> bool | None:
        """None when nobody knows."""
        return None if self.now is None else self.now >= self.slo.target

    @property
    def used(self) -> float | None:
        """Of what may go wrong, the share that has; above 1 when the objective was missed."""
        return None if self.now is None else (1 - self.now) / (1 - self.slo.target)


def objectives(data: ReportData) -> Section:
    """The section."""
    found = list(_measured(data))
    missed = [one for one in found if one.kept is False]
    known = [one for one in found if one.kept is not None]
    return Section(
        id="slos",
        title="Objectives",
        summary=_summary(known, missed),
        stats=[
            Stat(label="Objectives", value=len(found), unit=Unit.COUNT),
            Stat(label="Missed", value=len(missed), unit=Unit.COUNT, better="down"),
        ],
        findings=list(_findings(missed)),
        tables=[_table(found)],
    )


def _measured(data: ReportData) -> Iterator[Measured]:
    """Every objective; a report on some agents says nothing of those that are about others."""
    for slo in data.slos:
        one = Measured(slo, _measure(data, data.usage, slo), _before(data, slo))
        if one.now is not None or one.before is not None or not (data.selector.matchers and slo.selector.matchers):
            yield one


def _before(data: ReportData, slo: Slo) -> float | None:
    return _measure(data, data.before, slo) if data.comparable else None


def _measure(data: ReportData, frame: UsageFrame, slo: Slo) -> float | None:
    selector = data.selector & slo.selector
    match slo.kind:
        case SloKind.SUCCESS:
            return everything(tally(frame, (), selector, data.overlay)).success
        case SloKind.HEALTH:
            bad = health_of(frame, selector, data.overlay).bad
            return None if bad is None else 1 - bad
        case SloKind.LATENCY:
            found = frame.ordered(tasks.LATENCY, frame.group((), selector, data.overlay))
            counts = np.diff(found.running, prepend=0.0)
            within = bin_values(found.ranks) <= (slo.ms or 0.0)
            return float(counts[within].sum() / counts.sum()) if len(counts) else None


def _summary(known: list[Measured], missed: list[Measured]) -> str:
    if not known:
        return "Nothing was measured that an objective speaks of."
    if not missed:
        return {1: "The objective was kept.", 2: "Both objectives were kept."}.get(len(known), f"All {len(known)} objectives were kept.")
    names = listed([f"“{one.slo.name}”" for one in missed])
    return f"{len(missed)} of {amount(len(known), 'objective')} {'was' if len(missed) == 1 else 'were'} missed: {names}."


def _findings(missed: list[Measured]) -> Iterator[Finding]:
    for one in missed:
        yield Finding(
            severity=Severity.CRITICAL if (one.used or 0) > 2 else Severity.WARNING,
            title=f"The objective “{one.slo.name}” was missed",
            evidence=f"It was {percent(one.now or 0)}, and should be at least {percent(one.slo.target)}:"
            f" {one.used or 0:.1f} times as much went wrong as is allowed.",
            about=[str(one.slo.selector)] if one.slo.selector.matchers else [],
            action=_ACTIONS[one.slo.kind],
        )


def _table(found: list[Measured]) -> Table:
    rows: list[list[Cell]] = [
        [
            one.slo.name,
            str(one.slo.selector) or "all",
            one.slo.target,
            one.now,
            one.before,
            one.used,
            "not known" if one.kept is None else "kept" if one.kept else "missed",
        ]
        for one in found
    ]
    columns = [
        Column(label="Objective"),
        Column(label="Agents"),
        Column(label="At least", unit=Unit.FRACTION),
        Column(label="Was", unit=Unit.FRACTION),
        Column(label="Before", unit=Unit.FRACTION),
        Column(label="Error budget used", unit=Unit.FRACTION),
        Column(label="State"),
    ]
    note = "The error budget is what may go wrong: an objective of 99 % leaves 1 %. Above 100 % it is missed."
    return Table(title="Objectives", columns=columns, rows=rows, note=note)
