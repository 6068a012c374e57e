"""Section: what to do, by what it saves; made of what the other sections found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_words import amount, money

MOST = 10
_GRAVITY = list(Severity)
_PLAIN = frozenset(("Tasks", "Some", "The", "Messages", "New", "Frequent", "Cost", "Latency", "Failed"))
"""First words of titles that are no names."""


def advice(sections: Iterable[Section]) -> Section:
    """The section: findings that say what to do, the most dollars first, then the gravest."""
    found = ranked(one for section in sections for one in section.findings if one.action)
    usd = saved(found)
    return Section(
        id="recommendations",
        title="What to do",
        summary=_amount(found),
        stats=[Stat(label="At stake", value=usd, unit=Unit.USD_PER_MONTH, note="of those whose dollars are known")] if usd else [],
        tables=[_table(found)],
        notes=["Dollars are a month's, at the rate of the period; some may overlap: an idle agent's failed tasks are counted with both."]
        if usd
        else [],
    )


def _amount(found: Sequence[Finding]) -> str:
    grave = sum(one.severity is Severity.CRITICAL for one in found)
    urgent = f", {grave} of them urgent" if 0 < grave < len(found) else ", all of them urgent" if grave > 1 else ""
    return f"{amount(len(found), 'thing')} to do{urgent}." if found else "Nothing has to be done."


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """In the order in which they matter."""
    return sorted(findings, key=lambda one: (-(one.usd_per_month or 0.0), -_GRAVITY.index(one.severity), one.title))


def saved(findings: Sequence[Finding]) -> float | None:
    """Dollars a month of all that are known; None when none is."""
    known = [one.usd_per_month for one in findings if one.usd_per_month]
    return sum(known) if known else None


def foremost(sections: Iterable[Section]) -> str:
    """What matters most, and what it all comes to, in a sentence."""
    found = ranked(one for section in sections for one in section.findings if one.action)
    if not found:
        return "Nothing has to be done."
    usd, first = saved(found), found[0].title
    # Names of agents and errors stay as they are.
    told = first[:1].lower() + first[1:] if first.split(" ")[0] in _PLAIN else first
    more = f"; {amount(len(found) - 1, 'more thing')} to do" if len(found) > 1 else ""
    at_stake = f", about {money(usd)} a month is at stake" if usd else ""
    return f"First of all: {told}{more}{at_stake}."


def _table(found: Sequence[Finding]) -> Table:
    rows: list[list[Cell]] = [[one.title, one.action, one.usd_per_month, str(one.severity)] for one in found]
    columns = [
        Column(label="What"),
        Column(label="What to do"),
        Column(label="A month", unit=Unit.USD_PER_MONTH),
        Column(label="Severity"),
    ]
    note = "The sections below say why."
    return Table(title="Recommendations", columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), note=note, empty="None.")
