"""Section: what the fleet's models cost, by tier, shard, tenant, model, against the period before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from functions.domain.report import Cell, Chart, ChartKind, Column, Finding, Line, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_tally import Tally, Total, everything
from functions.domain.report_time import in_steps, points, step_name, step_times
from functions.domain.report_words import change, count, money, percent, sentence
from functions.domain.rollup import TagPairs

BY = ("tier", "shard", "tenant", "team", "model")
"""Tags with a table of their own, if there is more than one value."""
MOST = 12
"""Rows of a table."""
LINES = 6
"""Areas of a chart; the rest is one more."""
NOTABLE = 0.10
"""Of all cost: a group whose change is more than that is told of."""
_COLUMNS = (
    Column(label="Cost", unit=Unit.USD),
    Column(label="Before", unit=Unit.USD),
    Column(label="Change", unit=Unit.FRACTION, change=True),
    Column(label="Share", unit=Unit.FRACTION),
    Column(label="Tasks", unit=Unit.COUNT),
    Column(label="Tokens", unit=Unit.TOKENS),
    Column(label="Per task", unit=Unit.USD),
    Column(label="Per task, change", unit=Unit.FRACTION, change=True),
)


def cost(data: ReportData) -> Section:
    """The section."""
    now, before = (everything(one) for one in data.tally())
    past = before if data.comparable else None
    return Section(
        id="cost",
        title="Cost and tokens",
        summary=_summary(data, now, past),
        stats=list(_stats(data, now, past)),
        charts=list(_charts(data)),
        findings=list(_findings(data, now)),
        tables=[table for tag in BY if (table := _table(data, tag))],
        notes=list(_notes(now)),
    )


def driver(data: ReportData) -> tuple[str, str, float] | None:
    """The group whose cost changed most: tag, value, USD more; None when none did by much, or nothing is known."""
    if not data.comparable:
        return None
    for tag in BY:
        moves = _moves(data, tag)
        total = everything(data.tally()[0]).usd
        if len(moves) > 1 and total:
            value, more = max(moves.items(), key=lambda item: abs(item[1]))
            return (tag, value, more) if abs(more) > NOTABLE * total else None
    return None


def name_of(key: TagPairs) -> str:
    """A group for people."""
    return ", ".join(value for _, value in key) or "(none)"


def _moves(data: ReportData, tag: str) -> dict[str, float]:
    now, before = data.tally(tag)
    after, past = _by_name(now), _by_name(before)
    return {name: (after.get(name) or 0.0) - (past.get(name) or 0.0) for name in after.keys() | past.keys()}


def _by_name(tally: Tally) -> dict[str, float | None]:
    return {name_of(key): Total(tally, place).usd for place, key in enumerate(tally.keys)}


def _summary(data: ReportData, now: Total, past: Total | None) -> str:
    if now.usd is None:
        return "No cost is known: no task reported one, and none could be priced from its tokens."
    compared = change(now.usd, past.usd if past else None, data.period)
    moved = driver(data)
    why = f"most of the difference is {moved[0]} {moved[1]} ({'+' if moved[2] > 0 else '-'}{money(abs(moved[2]))})." if moved else ""
    monthly = f"at this rate a month costs {money(now.usd * data.per_month)}."
    return sentence(f"the models cost {money(now.usd)}{', ' if compared else ''}{compared}.", why, monthly)


def _stats(data: ReportData, now: Total, past: Total | None) -> Iterator[Stat]:
    yield Stat(label="Cost", value=now.usd, unit=Unit.USD, before=past.usd if past else None, better="down")
    monthly = None if now.usd is None else now.usd * data.per_month
    yield Stat(label="A month at this rate", value=monthly, unit=Unit.USD_PER_MONTH, note="30 days")
    yield Stat(label="Cost per task", value=now.usd_per_task, unit=Unit.USD, before=past.usd_per_task if past else None, better="down")
    yield Stat(label="Tokens", value=now.all_tokens, unit=Unit.TOKENS, before=past.all_tokens if past else None, note="in and out")
    read = now.tokens[2] / now.tokens[0] if now.tokens[0] and now.tokens[2] else None
    yield Stat(label="Input read from a cache", value=read, unit=Unit.FRACTION, better="up")


def _charts(data: ReportData) -> Iterator[Chart]:
    tag = next((tag for tag in BY if len(data.tally(tag)[0].keys) > 1), "")
    now = data.tally(tag)[0] if tag else data.tally()[0]
    if not now.costed.any():
        return
    usd = in_steps(data, now.usd)
    order = np.argsort(-now.usd.sum(axis=1), kind="stable")
    lines = [Line(name_of(now.keys[place]) if tag else "cost", points(usd[place])) for place in order[:LINES]]
    if len(order) > LINES:
        lines.append(Line(f"{len(order) - LINES} others", points(usd[order[LINES:]].sum(axis=0))))
    title = f"Cost by {step_name(data.hours)}{f' and {tag}' if tag else ''}"
    yield Chart(title=title, kind=ChartKind.STACKED, unit=Unit.USD, times=step_times(data), lines=lines)


def _findings(data: ReportData, now: Total) -> Iterator[Finding]:
    if now.unpriced:
        models = [value for _, value in _unpriced(data)]
        yield Finding(
            severity=Severity.WARNING,
            title="Some tasks have no price",
            evidence=f"{count(now.unpriced)} tasks used tokens of models whose price nobody knows: what they cost is in no figure here.",
            about=models[:MOST],
            action="give prices: clawpulse cost prices",
        )


def _unpriced(data: ReportData) -> Iterable[tuple[float, str]]:
    tally = data.tally("model")[0]
    found = [(float(tally.unpriced[place].sum()), name_of(key)) for place, key in enumerate(tally.keys)]
    return sorted((one for one in found if one[0]), reverse=True)


def _table(data: ReportData, tag: str) -> Table | None:
    now, before = data.tally(tag)
    names = {name_of(key): (place, before.place(key)) for place, key in enumerate(now.keys)}
    names |= {name_of(key): (-1, place) for place, key in enumerate(before.keys) if name_of(key) not in names}
    if len(names) < 2:
        return None
    total = everything(now).usd
    rows = [_row(data, name, Total(now, None if place < 0 else place), Total(before, past), total) for name, (place, past) in names.items()]
    rows.sort(key=lambda row: (-float(row[1] or 0), -float(row[5] or 0), str(row[0])))
    return Table(
        title=f"By {tag}",
        columns=[Column(label=tag.capitalize()), *_COLUMNS],
        rows=rows[:MOST],
        more=max(0, len(rows) - MOST),
    )


def _row(data: ReportData, name: str, now: Total, before: Total, total: float | None) -> list[Cell]:
    known = data.comparable
    return [
        name,
        now.usd if now.finished or now.costed else 0.0,
        before.usd if known else None,
        _change(now.usd, before.usd) if known else None,
        now.usd / total if total and now.usd is not None else None,
        now.finished,
        now.all_tokens,
        now.usd_per_task,
        _change(now.usd_per_task, before.usd_per_task) if known else None,
    ]


def _change(now: float | None, before: float | None) -> float | None:
    return now / before - 1 if now is not None and before else None


def _notes(now: Total) -> Iterator[str]:
    if now.usd and now.listed:
        yield (
            f"{percent(now.listed / now.usd)} of the cost was priced here, from tokens at list prices, for its tasks came without one; "
            "discounts of contracts are in no list."
        )
    lacking = now.finished - now.costed - now.unpriced
    if now.usd is not None and lacking > 0.01 * now.finished:
        yield f"{count(lacking)} of {count(now.finished)} tasks reported neither a cost nor tokens; they are not in the sums."
