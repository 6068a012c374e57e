"""A simulation as a picture: agents, queue, latency and cost above each other, over the same time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

from functions.domain.report import Chart, ChartKind, Line, Mark, Unit
from functions.domain.report_shapes import WIDTH
from functions.domain.report_style import CHART, COLOURS
from functions.domain.report_svg import drawn
from functions.domain.scaling import Action
from functions.domain.scaling_simulate import Point, Simulation, Wanted

MAX_POINTS = 480
"""Longer simulations are drawn by the greatest value of several minutes."""
_TITLE, _GAP = 26, 14
_BOX = re.compile(r'viewBox="0 0 [0-9.]+ ([0-9.]+)"')


def picture(wanted: Wanted, simulation: Simulation) -> str:
    """An SVG file, light and dark."""
    parts, top = [], 0.0
    for number, chart in enumerate(charts(wanted, simulation)):
        body = drawn(chart, f"c{number}")
        found = _BOX.search(body)
        height = float(found[1]) if found else 0.0
        parts.append(f'<text class="title" x="0" y="{top + 16:.0f}">{escape(chart.title)}</text>')
        parts.append(f'<svg x="0" y="{top + _TITLE:.0f}" width="{WIDTH}" height="{height:.0f}">{body}</svg>')
        top += _TITLE + height + _GAP
    title = escape(f"Scaling of {wanted.policy.name}, simulated")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="{title}" viewBox="0 0 {WIDTH} {top:.0f}">'
        f'<style>{COLOURS}{CHART}</style><rect width="{WIDTH}" height="{top:.0f}" fill="var(--page)"/>{"".join(parts)}</svg>'
    )


def charts(wanted: Wanted, simulation: Simulation) -> list[Chart]:
    """The curves."""
    points = simulation.points
    made = [
        _chart("Agents", Unit.COUNT, points, {"desired": lambda one: one.decision.desired, "working or booting": lambda one: one.agents}),
        _chart("Tasks a minute", Unit.COUNT, points, {"came": lambda one: one.arrived, "were done": lambda one: one.seen.done}),
        _chart("Tasks that wait", Unit.COUNT, points, {"queue": lambda one: one.seen.waiting}, _turns(simulation)),
        _chart("p95 latency", Unit.SECONDS, points, {"with waiting": lambda one: one.p95_s}),
    ]
    rates: dict[str, Callable[[Point], float]] = {}
    if wanted.usd_per_agent_hour is not None:
        per_agent = wanted.usd_per_agent_hour
        rates["agents"] = lambda one: one.agents * per_agent
    if wanted.usd_per_task is not None:
        per_task = wanted.usd_per_task
        rates["tasks"] = lambda one: one.seen.done * 60 * per_task
    if rates:
        made.append(_chart("Cost an hour", Unit.USD, points, rates))
    return made


def _chart(
    title: str, unit: Unit, points: Sequence[Point], lines: dict[str, Callable[[Point], float]], marks: Sequence[Mark] = ()
) -> Chart:
    width = -(-len(points) // MAX_POINTS)
    groups = [points[first : first + width] for first in range(0, len(points), width)]
    return Chart(
        title=title,
        kind=ChartKind.LINE,
        unit=unit,
        times=[group[0].time for group in groups],
        lines=[Line(name, [max(map(value, group)) for group in groups]) for name, value in lines.items()],
        marks=marks,
    )


def _turns(simulation: Simulation) -> list[Mark]:
    """Where the count turned from growing to shrinking or back."""
    marks, last = [], None
    for change in simulation.changes:
        if last is not None and change.action is not last:
            word = "grows" if change.action is Action.GROW else "shrinks"
            marks.append(Mark(change.time, f"{word} from {change.before} to {change.desired}"))
        last = change.action
    return marks
