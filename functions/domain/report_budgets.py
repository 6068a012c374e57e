"""Section: how groups stand to their budgets, now: budgets are of days and months, whatever period the report is of."""

from __future__ import annotations

from collections.abc import Iterator

from functions.domain.budget_state import BudgetState, Level
from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_words import amount

MOST = 20
_GRAVE = {Level.ALERT, Level.ACT}


def budgets(data: ReportData) -> Section | None:
    """The section; None where nothing has a budget."""
    if not data.budgets:
        return None
    states = sorted(data.budgets, key=lambda state: state.worst, reverse=True)
    over = [one for one in states if one.level in _GRAVE]
    return Section(
        id="budgets",
        title="Budgets",
        summary=_summary(states, over),
        stats=[
            Stat(label="Budgets", value=len(states), unit=Unit.COUNT),
            Stat(label="Used up", value=len(over), unit=Unit.COUNT, better="down"),
        ],
        findings=list(_findings(states)),
        tables=[_table(states)],
        notes=["As of when the report was made."] if data.budgets_at else ["Nothing is counted yet."],
    )


def will_exceed(state: BudgetState) -> bool:
    """Whether a budget that is not used up will be, at the rate so far."""
    return state.level not in _GRAVE and state.forecast is not None and state.forecast > state.limit


def _summary(states: list[BudgetState], over: list[BudgetState]) -> str:
    coming = sum(map(will_exceed, states))
    if not over and not coming:
        return f"Of {amount(len(states), 'budget')} none is used up, and none will be at the rate so far."
    return (
        f"Of {amount(len(states), 'budget')} {len(over) or 'none'} {'is' if len(over) < 2 else 'are'} used up,"
        f" and {coming or 'none'} more will be at the rate so far."
    )


def _findings(states: list[BudgetState]) -> Iterator[Finding]:
    for one in states:
        coming = will_exceed(one)
        if one.level in _GRAVE or coming:
            over = max(0.0, (one.forecast or one.used or 0.0) - one.limit) if one.budget.startswith("usd") else None
            yield Finding(
                severity=Severity.WARNING if coming else Severity.CRITICAL,
                title=f"{name_of(one)} {'will be used up' if coming else 'is used up'}",
                evidence=f"{one.reason}." if over is None else f"{one.reason}; that is ${over:,.2f} above it.",
                about=[one.group or "workspace"],
                action="clawpulse budgets show",
            )


def name_of(state: BudgetState) -> str:
    """`tier=smart: usd per month`."""
    return f"{state.group or 'the workspace'}: {state.budget.replace('_', ' ')}"


def _table(states: list[BudgetState]) -> Table:
    rows: list[list[Cell]] = [
        [one.group or "workspace", one.budget.replace("_", " "), one.used, one.limit, one.share, _share(one), str(one.level or "not known")]
        for one in states
    ]
    columns = [
        Column(label="Group"),
        Column(label="Budget"),
        Column(label="Used", unit=Unit.COUNT),
        Column(label="Limit", unit=Unit.COUNT),
        Column(label="Share", unit=Unit.FRACTION),
        Column(label="At its end", unit=Unit.FRACTION),
        Column(label="State"),
    ]
    note = "Used and limit are in what the budget's name says; “at its end” is the share at the rate so far."
    return Table(title="Budgets", columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), note=note)


def _share(one: BudgetState) -> float | None:
    return None if one.forecast is None else one.forecast / one.limit
