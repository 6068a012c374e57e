"""Section: processor, memory, queues, workers and rate limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from functions.domain import usage
from functions.domain.alert_columns import Floats
from functions.domain.report import Cell, Chart, ChartKind, Column, Line, Section, Stat, Table, Unit
from functions.domain.report_data import ReportData
from functions.domain.report_time import in_steps, points, step_name, step_times
from functions.domain.report_words import percent, sentence
from functions.domain.series import AGENT
from functions.domain.usage_frame import UsageFrame

MOST = 10
FULL = 85.0
"""Percent of memory or processor, as an agent's mean, from which on it is listed."""


class Level(NamedTuple):
    """Of a gauge: mean over all that was measured, and the greatest value; None when nobody measured it."""

    mean: float | None
    most: float | None


def resources(data: ReportData) -> Section | None:
    """The section; None when no agent measures any of it."""
    levels = {name: level(data, data.usage, name) for name in usage.GAUGES}
    if all(one.mean is None for one in levels.values()):
        return None
    used = saturation(data, data.usage)
    return Section(
        id="resources",
        title="Resources",
        summary=_summary(levels, used),
        stats=list(_stats(data, levels, used)),
        charts=list(_charts(data)),
        tables=[_table(data)],
    )


def level(data: ReportData, frame: UsageFrame, name: str) -> Level:
    """Of a gauge over all agents."""
    found = frame.figures(name, frame.group((), data.selector, data.overlay))
    points = float(found.count.sum())
    return Level(float(found.sum.sum()) / points, float(found.max.max())) if points else Level(None, None)


def saturation(data: ReportData, frame: UsageFrame) -> float | None:
    """Active workers over workers, in the mean of agents and hours that told both."""
    groups = frame.group((AGENT,), data.selector, data.overlay)
    active, most = (frame.hourly(name, groups).mean for name in (usage.ACTIVE_WORKERS, usage.MAX_WORKERS))
    both = ~np.isnan(active) & ~np.isnan(most)
    workers = float(most[both].sum())
    return float(active[both].sum()) / workers if workers else None


def _summary(levels: dict[str, Level], used: float | None) -> str:
    cpu, memory = levels[usage.CPU].mean, levels[usage.MEMORY].mean
    told = [f"{word} {value:.0f} %" for word, value in (("processors", cpu), ("memory", memory)) if value is not None]
    return sentence(
        f"on average {' and '.join(told)} in use." if told else "",
        f"{percent(used)} of the workers were busy." if used is not None else "",
    )


def _stats(data: ReportData, levels: dict[str, Level], used: float | None) -> Iterator[Stat]:
    words = ((usage.CPU, "Processor", Unit.PERCENT), (usage.MEMORY, "Memory", Unit.PERCENT), (usage.QUEUE_DEPTH, "Queue", Unit.COUNT))
    for name, label, unit in words:
        before = level(data, data.before, name).mean if data.comparable else None
        most = levels[name].most
        note = "mean" if most is None else f"mean; at most {most:,.0f}{' %' if unit is Unit.PERCENT else ''}"
        yield Stat(label=label, value=levels[name].mean, unit=unit, before=before, better="down", note=note)
    before = saturation(data, data.before) if data.comparable else None
    yield Stat(label="Workers busy", value=used, unit=Unit.FRACTION, before=before)
    limited, past = (_limited(data, frame) for frame in (data.usage, data.before))
    yield Stat(
        label="Rate limited",
        value=limited,
        unit=Unit.COUNT,
        before=past if data.comparable else None,
        better="down",
        note="requests that a provider refused",
    )


def _limited(data: ReportData, frame: UsageFrame) -> float | None:
    found = frame.figures(usage.RATE_LIMITED, frame.group((), data.selector, data.overlay))
    return float(found.sum.sum()) if found.count.any() else None


def _charts(data: ReportData) -> Iterator[Chart]:
    lines = [
        Line(label, points(values))
        for name, label in ((usage.CPU, "processor"), (usage.MEMORY, "memory"))
        if not np.isnan(values := _mean_by_step(data, name)).all()
    ]
    if lines:
        title = f"Processor and memory in use by {step_name(data.hours)}"
        yield Chart(title=title, kind=ChartKind.LINE, unit=Unit.PERCENT, times=step_times(data), lines=lines, note="Means of all agents.")


def _mean_by_step(data: ReportData, name: str) -> Floats:
    found = data.usage.hourly(name, data.usage.group((), data.selector, data.overlay))
    total, amount = in_steps(data, found.sum.sum(axis=0)), in_steps(data, found.count.sum(axis=0))
    return np.divide(total, amount, out=np.full_like(total, np.nan), where=amount > 0)


def _table(data: ReportData) -> Table:
    groups = data.usage.group((AGENT,), data.selector, data.overlay)
    cpu, memory = (data.usage.figures(name, groups) for name in (usage.CPU, usage.MEMORY))
    rows: list[list[Cell]] = []
    for place, key in enumerate(groups.keys):
        means = [float(found.mean[place]) for found in (cpu, memory)]
        if max(means, default=0.0) >= FULL:
            most = [float(found.max[place]) for found in (cpu, memory)]
            cells = [value if np.isfinite(value) else None for value in (means[0], most[0], means[1], most[1])]
            rows.append([data.name(dict(key).get(AGENT, "")), *cells])
    rows.sort(key=lambda row: -max(float(row[1] or 0), float(row[3] or 0)))
    columns = [
        Column(label="Agent"),
        Column(label="Processor, mean", unit=Unit.PERCENT),
        Column(label="Most", unit=Unit.PERCENT),
        Column(label="Memory, mean", unit=Unit.PERCENT),
        Column(label="Most", unit=Unit.PERCENT),
    ]
    title = f"Agents above {FULL:.0f} %"
    return Table(title=title, columns=columns, rows=rows[:MOST], more=max(0, len(rows) - MOST), empty="None.")
