"""Section: why tasks failed, by kind; what that may have cost."""

from __future__ import annotations

from collections.abc import Iterator

from functions.domain.failure_report import TIER, Kind
from functions.domain.failures import OTHER
from functions.domain.report import Cell, Column, Finding, Section, Severity, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_tally import Total, everything
from functions.domain.report_words import amount, count, listed, money, percent, sentence

MOST = 10
NOTABLE = 0.01
"""Of all tasks: a kind of failure that hits more of them is told as a finding; a new one always is."""


def errors(data: ReportData) -> Section:
    """The section."""
    now, past = (everything(one) for one in data.tally())
    # Clients may tell that a task failed, and not why.
    known = data.failures_kept and bool(data.failures or not now.failed)
    top = sorted(data.failures.items(), key=lambda item: (item[0] in ("", OTHER), -item[1].count, item[0]))
    return Section(
        id="errors",
        title="Errors",
        summary=_summary(data, now, top),
        stats=[
            Stat(label="Failed tasks", value=now.failed, unit=Unit.COUNT, before=past.failed if data.comparable else None, better="down"),
            Stat(label="Kinds", value=len(top) if known else None, unit=Unit.COUNT),
            Stat(label="New kinds", value=len(data.new_failures) if known else None, unit=Unit.COUNT, better="down"),
        ],
        findings=list(_findings(data, now, top)),
        tables=[_table(data, top, "None." if known else "Not known.")],
        notes=[
            "What failures cost is an estimate: as many tasks at the mean cost of a task of their tier.",
            *(["Why they failed was reported of none of them."] if now.failed and not top and data.failures_kept else []),
            *([] if data.failures_kept else ["Errors are kept for 35 days: which there were in this period is not known."]),
        ],
    )


def usd_of(data: ReportData, kind: Kind) -> float | None:
    """What the failed tasks of a kind cost at the mean of their tiers; None when no cost is known."""
    tally, total = data.tally(TIER)[0], everything(data.tally()[0])
    usd, left = 0.0, kind.count
    for tier, failed in kind.tiers.items():
        each = Total(tally, tally.place(((TIER, tier),))).usd_per_task
        usd, left = usd + failed * (each or 0.0), left - failed * (each is not None)
    return None if total.usd_per_task is None else usd + left * total.usd_per_task


def title_of(kind: Kind) -> str:
    """`TimeoutError: no answer after … s`."""
    if kind.type == OTHER:
        return "other kinds"
    return f"{kind.type}: {kind.message}" if kind.message else kind.type


def _summary(data: ReportData, now: Total, top: list[tuple[str, Kind]]) -> str:
    if not now.failed:
        return "No task failed."
    share = f" ({percent(now.failed / now.finished)})" if now.finished else ""
    most = f"most often {title_of(top[0][1])}, {count(top[0][1].count)} times." if top else ""
    before = f"not there in the {data.period} before" if data.selector.matchers else "never seen before"
    new = f"{amount(len(data.new_failures), 'kind was', 'kinds were')} {before}." if data.new_failures else ""
    return sentence(f"{count(now.failed)} tasks failed{share}.", most, new)


def _findings(data: ReportData, now: Total, top: list[tuple[str, Kind]]) -> Iterator[Finding]:
    for key, kind in top[:MOST]:
        new = key in data.new_failures
        if not new and kind.count < NOTABLE * now.finished:
            continue
        usd = usd_of(data, kind)
        yield Finding(
            severity=Severity.WARNING,
            title=f"{'New error' if new else 'Frequent error'}: {title_of(kind)}",
            evidence=f"{amount(kind.count, 'task')} of {amount(len(kind.agents), 'agent')} failed with it"
            + (f", which cost about {money(usd)}." if usd is not None else "."),
            about=[data.name(agent) for agent in list(kind.agents)[:MOST]],
            usd_per_month=None if usd is None else usd * data.per_month,
            action=f"look at samples: clawpulse errors show {key}",
        )


def _table(data: ReportData, top: list[tuple[str, Kind]], empty: str) -> Table:
    past = data.failures_before
    total = sum(kind.count for _, kind in top)
    rows: list[list[Cell]] = [
        [
            title_of(kind),
            kind.count,
            None if past is None or not data.comparable else (past[key].count if key in past else 0),
            kind.count / total if total else None,
            "new" if key in data.new_failures else "",
            len(kind.agents),
            listed(sorted(kind.tiers, key=kind.tiers.__getitem__, reverse=True)),
            usd_of(data, kind),
        ]
        for key, kind in top[:MOST]
    ]
    columns = [
        Column(label="Error"),
        Column(label="Tasks", unit=Unit.COUNT),
        Column(label="Before", unit=Unit.COUNT),
        Column(label="Share", unit=Unit.FRACTION),
        Column(label="New"),
        Column(label="Agents", unit=Unit.COUNT),
        Column(label="Tiers"),
        Column(label="About", unit=Unit.USD),
    ]
    return Table(title="Most frequent errors", columns=columns, rows=rows, more=max(0, len(top) - MOST), empty=empty)
