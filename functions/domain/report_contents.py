"""A report's contents: its sections in the order in which they are read, and what it all comes to in three sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from functions.domain.report import Report, Section, Stat, Unit
from functions.domain.report_advice import advice, foremost
from functions.domain.report_alerts import alerts
from functions.domain.report_anomalies import anomalies
from functions.domain.report_budgets import budgets
from functions.domain.report_cost import cost, driver
from functions.domain.report_data import ReportData
from functions.domain.report_errors import errors
from functions.domain.report_fleet import fleet, score_stat, trend
from functions.domain.report_health import health
from functions.domain.report_keys import keys
from functions.domain.report_leaks import leaks
from functions.domain.report_regressions import regressions
from functions.domain.report_resources import resources
from functions.domain.report_rollouts import rollouts
from functions.domain.report_slos import objectives
from functions.domain.report_tally import everything
from functions.domain.report_tasks import slowest
from functions.domain.report_waste import waste
from functions.domain.report_words import amount, change, count, day, money, percent, sentence
from functions.domain.times import HOUR_MS

type Maker = Callable[[ReportData], Section | None]

SECTIONS: Sequence[Maker] = (
    *(fleet, objectives, cost, regressions, slowest, errors, anomalies, leaks),
    *(waste, resources, alerts, rollouts, keys, budgets),
)
"""In this order; one that has nothing to tell gives None."""


def contents(data: ReportData, id: str) -> Report:
    """The report under an id."""
    sections = [section for make in SECTIONS if (section := make(data)) is not None]
    todo = advice(sections)
    return Report(
        id=id,
        workspace=data.workspace,
        tags=str(data.selector),
        title=_title(data),
        start=data.start,
        end=data.end,
        made=data.now,
        summary=sentence(_work(data), _money(data), foremost(sections)) if data.active else _work(data),
        headline=[*_headline(data), *todo.stats],
        sections=[todo, *sections],
        notes=list(_notes(data)),
    )


def _title(data: ReportData) -> str:
    last = day(data.end - HOUR_MS)
    when = day(data.start) if day(data.start) == last else f"{day(data.start)} to {last}"
    return f"{'Agents with ' + str(data.selector) if data.selector.matchers else 'The fleet'}, {when}"


def _work(data: ReportData) -> str:
    total = everything(data.tally()[0])
    if not data.active:
        return f"No agent reported anything in this {data.period}."
    if total.success is None:
        return f"{amount(len(data.active), 'agent')} reported, but no task came to an end."
    well = "all" if total.success == 1 else percent(total.success)
    told = trend(data, *health(data))
    return f"{amount(len(data.active), 'agent')} finished {count(total.finished)} tasks, {well} of them well{'; ' if told else ''}{told}."


def _money(data: ReportData) -> str:
    now, before = (everything(one).usd for one in data.tally())
    if now is None:
        return "" if not data.active else "What that cost is not known."
    compared = change(now, before if data.comparable else None, data.period)
    moved = driver(data)
    why = f"; {moved[0]} {moved[1]} made most of the difference" if moved else ""
    return f"the models cost {money(now)}{', ' if compared else ''}{compared}{why}."


def _headline(data: ReportData) -> Iterator[Stat]:
    now, past = (everything(one) for one in data.tally())
    known = past if data.comparable else None
    yield Stat(label="Agents", value=len(data.active), unit=Unit.COUNT, before=len(data.active_before) if known else None)
    yield score_stat(data, *health(data))
    yield Stat(label="Tasks", value=now.finished, unit=Unit.COUNT, before=known.finished if known else None)
    yield Stat(label="Tasks that went well", value=now.success, unit=Unit.FRACTION, before=known.success if known else None, better="up")
    yield Stat(label="Cost", value=now.usd, unit=Unit.USD, before=known.usd if known else None, better="down")
    yield Stat(
        label="Incidents",
        value=sum(one.opened >= data.start for one in data.incidents),
        unit=Unit.COUNT,
        before=len(data.incidents_before) if known else None,
        better="down",
    )
    yield Stat(label="Cost per task", value=now.usd_per_task, unit=Unit.USD, before=known.usd_per_task if known else None, better="down")


def _notes(data: ReportData) -> Iterator[str]:
    missing = len(data.usage.missing)
    if missing:
        yield f"{missing} of {amount(data.hours, 'hour')} are not known (yet): what happened in them is in no figure."
    if not data.comparable:
        yield f"Nothing is compared with the {data.period} before: too little is known of it."
    elif data.before.missing:
        yield f"{len(data.before.missing)} hours of the {data.period} before are not known; changes are a little too large."
    yield from data.notes
