"""Section: how long tasks take, and which agents' are the slowest and the most expensive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from functions.domain import tasks
from functions.domain.alert_columns import Floats
from functions.domain.report import Cell, Column, Section, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_tally import Tally, Total
from functions.domain.report_text import shown
from functions.domain.report_words import amount, sentence
from functions.domain.rollup import TagPairs
from functions.domain.series import AGENT
from functions.domain.usage_frame import UsageFrame

TIER = "tier"
MOST = 10
FEW = 20
"""Agents with fewer tasks are in no list of the slowest and the most expensive: one odd task makes their figures."""
QUANTILES = (0.5, 0.95, 0.99)


class Slow(NamedTuple):
    """Latencies of some groups."""

    keys: Sequence[TagPairs]
    counts: Floats
    """Measured tasks by group."""
    quantiles: Floats
    """ms, arrays [as in `QUANTILES`, group]; nan without tasks."""


def slowest(data: ReportData) -> Section:
    """The section."""
    total, before = latency(data, data.usage), latency(data, data.before)
    agents, tally = latency(data, data.usage, AGENT, TIER), data.tally(AGENT, TIER)[0]
    return Section(
        id="tasks",
        title="Slowest and most expensive tasks",
        summary=_summary(data, total, agents),
        stats=list(_stats(data, total, before)),
        tables=[*_by_tier(data), _slow_agents(data, agents), _dear_agents(data, tally), *_single(data)],
    )


def latency(data: ReportData, frame: UsageFrame, *by: str) -> Slow:
    """Of the groups by some tags."""
    groups = frame.group(by, data.selector, data.overlay)
    ordered = frame.ordered(tasks.LATENCY, groups)
    quantiles = np.array([ordered.quantile(q) for q in QUANTILES])
    return Slow(groups.keys, frame.figures(tasks.LATENCY, groups).count, quantiles)


def _summary(data: ReportData, total: Slow, agents: Slow) -> str:
    if not total.counts.any():
        return "No task told how long it took."
    half, most = (shown(float(total.quantiles[q, 0]), Unit.MS) for q in (0, 1))
    slow = [place for place in _order(agents.quantiles[1]) if agents.counts[place] >= FEW]
    worst = f"the slowest agent is {_name(data, agents.keys[slow[0]])}." if slow else ""
    return sentence(f"half of the tasks took at most {half}, 95 % at most {most}.", worst)


def _stats(data: ReportData, total: Slow, before: Slow) -> Iterator[Stat]:
    for place, label in enumerate(("Half of the tasks within", "95 % within", "99 % within")):
        past = _known(before.quantiles[place]) if data.comparable else None
        yield Stat(label=label, value=_known(total.quantiles[place]), unit=Unit.MS, before=past, better="down")


def _known(values: Floats) -> float | None:
    return float(values[0]) if len(values) and not np.isnan(values[0]) else None


def _order(values: Floats) -> list[int]:
    """Places from the greatest value on; what is not known is left out."""
    return [int(place) for place in np.argsort(-values, kind="stable") if not np.isnan(values[place])]


def _name(data: ReportData, key: TagPairs) -> str:
    return data.name(dict(key).get(AGENT, ""))


_LATENCY = (Column(label="p50", unit=Unit.MS), Column(label="p95", unit=Unit.MS), Column(label="p99", unit=Unit.MS))


def _by_tier(data: ReportData) -> Iterator[Table]:
    found, past = latency(data, data.usage, TIER), latency(data, data.before, TIER)
    if len(found.keys) < 2:
        return
    before = {key: float(past.quantiles[1, place]) for place, key in enumerate(past.keys)}
    rows: list[list[Cell]] = []
    for place in _order(found.quantiles[1]):
        now, old = float(found.quantiles[1, place]), before.get(found.keys[place], np.nan)
        change = now / old - 1 if data.comparable and old > 0 else None
        name = dict(found.keys[place]).get(TIER, "(none)")
        rows.append([name, float(found.counts[place]), *map(float, found.quantiles[:, place]), change])
    columns = [Column(label="Tier"), Column(label="Tasks", unit=Unit.COUNT), *_LATENCY]
    yield Table(
        title="Latency by tier",
        columns=[*columns, Column(label="p95, change", unit=Unit.FRACTION, change=True)],
        rows=rows[:MOST],
        more=max(0, len(rows) - MOST),
        note="p95: 95 % of the tasks take at most so long.",
    )


def _slow_agents(data: ReportData, found: Slow) -> Table:
    rows: list[list[Cell]] = [
        [
            _name(data, found.keys[place]),
            dict(found.keys[place]).get(TIER, ""),
            float(found.counts[place]),
            *map(float, found.quantiles[:, place]),
        ]
        for place in _order(found.quantiles[1])
        if found.counts[place] >= FEW
    ]
    columns = [Column(label="Agent"), Column(label="Tier"), Column(label="Tasks", unit=Unit.COUNT), *_LATENCY]
    note = f"Agents with at least {FEW} measured tasks, by p95."
    return Table(title="Slowest agents", columns=columns, rows=rows[:MOST], note=note, empty="No agent has enough measured tasks.")


def _dear_agents(data: ReportData, tally: Tally) -> Table:
    found = [(key, Total(tally, place)) for place, key in enumerate(tally.keys)]
    dear = [(key, one, one.usd_per_task) for key, one in found if one.costed >= FEW and one.usd_per_task]
    dear.sort(key=lambda entry: (-(entry[2] or 0.0), entry[0]))
    rows: list[list[Cell]] = [
        [_name(data, key), dict(key).get(TIER, ""), one.finished, one.usd, each, one.all_tokens and one.all_tokens / one.costed]
        for key, one, each in dear
    ]
    columns = [
        Column(label="Agent"),
        Column(label="Tier"),
        Column(label="Tasks", unit=Unit.COUNT),
        Column(label="Cost", unit=Unit.USD),
        Column(label="Per task", unit=Unit.USD),
        Column(label="Tokens a task", unit=Unit.TOKENS),
    ]
    note = f"Agents with at least {FEW} tasks whose cost is known, by cost per task."
    return Table(
        title="Most expensive agents", columns=columns, rows=rows[:MOST], note=note, empty="No agent has enough tasks with a cost."
    )


def _single(data: ReportData) -> Iterator[Table]:
    """Single tasks, where raw history is kept."""
    columns = [
        Column(label="Task"),
        Column(label="Agent"),
        Column(label="Began", unit=Unit.TIME),
        Column(label="Took", unit=Unit.MS),
        Column(label="Cost", unit=Unit.USD),
    ]
    for title, found in (("Slowest tasks", data.slow_tasks), ("Most expensive tasks", data.dear_tasks)):
        if found:
            rows: list[list[Cell]] = [[one.task, data.name(one.agent), one.time, one.latency_ms, one.usd] for one in found]
            yield Table(title=title, columns=columns, rows=rows, note=f"{amount(len(rows), 'task')} of the raw history.")
