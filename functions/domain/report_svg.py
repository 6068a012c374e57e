"""Charts as SVG: with axes, units and titles, readable by screen readers, in colours of the page that they stand on.

    drawn(chart, "cost-1")    for a page with the style sheet of `report_style`
    picture(chart)            a file that stands for itself, light and dark

A gap in a line is a gap in what is known. Colours are never alone: lines have dashes of their own too, and bars their name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from html import escape

from functions.domain.notification_text import fit, line
from functions.domain.report import Chart, ChartKind, Line
from functions.domain.report_axis import Axis, extent, time_span, time_ticks, value_axis, width
from functions.domain.report_bars import bars
from functions.domain.report_shapes import HEIGHT, LEFT, RIGHT, WIDTH, Frame, dash, legend, rule, series, text
from functions.domain.report_style import CHART, COLOURS
from functions.domain.report_text import moment, shown
from functions.domain.times import DAY_MS

type Place = Callable[[int], float]
"""Where the point of a number stands from left to right."""

_TOP, _BOTTOM = 20, 36
_MARKS, _MARK_LINE = 12, 18
_NAMED_DAYS = 9
_NAMED_COLUMNS = 62
"""With more columns than these, none has a name of its own to point at."""


def drawn(chart: Chart, id: str) -> str:
    """The chart as an element; `id` is unique on its page. One without any known number says so."""
    return _svg(chart, id, "")


def picture(chart: Chart) -> str:
    """The chart as a file, with its title on it."""
    style = f"<style>{COLOURS}{CHART}</style>"
    return _svg(chart, "chart", style)


def described(chart: Chart) -> str:
    """What a chart shows, in words: for those who do not see it."""
    parts = [f"{chart.kind.value.capitalize()} chart"]
    if chart.times:
        start, end = time_span(chart.times)
        parts.append(f"from {moment(start)} to {moment(end)}")
    for one in chart.lines[:12]:
        known = [point for point in one.points if point is not None]
        if not known:
            parts.append(f"{line(one.name)}: nothing is known")
            continue
        low, high, last = (shown(value, chart.unit) for value in (min(known), max(known), known[-1]))
        parts.append(f"{line(one.name)}: lowest {low}, highest {high}, last {last}")
    return "; ".join(parts) + "."


def _svg(chart: Chart, id: str, style: str) -> str:
    alone = bool(style)
    body, height = _body(chart, 26 if alone else 0)
    attributes = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    title = f'<text class="title" x="0" y="16">{fit(chart.title, 100, escape)}</text>' if alone else ""
    ground = f'<rect width="{WIDTH}" height="{height}" fill="var(--page)"/>' if alone else ""
    return (
        f'<svg{attributes} class="chart" role="img" aria-labelledby="{id}-t {id}-d" viewBox="0 0 {WIDTH} {height}">'
        f'<title id="{id}-t">{escape(line(chart.title))}</title><desc id="{id}-d">{escape(described(chart))}</desc>'
        f"{style}{ground}{title}{body}</svg>"
    )


def _body(chart: Chart, top: int) -> tuple[str, int]:
    """What is drawn below `top`, and the height of all."""
    if not extent(chart) or not (chart.times or chart.labels):
        return text(0, top + 20, "Nothing is known."), top + 32
    names = _names(chart)
    key, used = legend(names, top) if len(names) > 1 or chart.kind is ChartKind.BAND else ("", 0)
    if not chart.times and chart.kind in (ChartKind.BARS, ChartKind.STACKED):
        drawing, height = bars(chart, top + used)
        return key + drawing, height
    frame = Frame(LEFT, top + used + _TOP, WIDTH - LEFT - RIGHT, HEIGHT)
    marks, below = _marks(chart, frame)
    return key + "".join(_plot(chart, frame)) + marks, round(frame.bottom + _BOTTOM + below)


def _names(chart: Chart) -> list[tuple[str, str]]:
    """Name and kind of each entry of the legend."""
    if chart.kind is ChartKind.BAND and len(chart.lines) == 3:
        low, middle, high = (one.name for one in chart.lines)
        return [(middle, "line"), (f"{low} to {high}", "band")]
    return [(one.name, "line" if chart.kind in (ChartKind.LINE, ChartKind.BAND) else "area") for one in chart.lines]


def _plot(chart: Chart, frame: Frame) -> Iterator[str]:
    axis = value_axis(_tops(chart), chart.unit)
    for value, label in axis.ticks:
        y = frame.y(axis.share(value))
        yield rule(frame.left, y, frame.right, y, "zero" if value == 0 else "grid")
        yield text(frame.left - 6, y + 4, label, "end")
    if axis.label:
        yield text(0, frame.top - 8, axis.label)
    yield from _ground(chart, frame)
    draw = {ChartKind.LINE: _lines, ChartKind.BAND: _band}.get(chart.kind, _columns)
    yield from draw(chart, frame, axis)


def _ground(chart: Chart, frame: Frame) -> Iterator[str]:
    if not chart.times:
        for place, label in enumerate(chart.labels):
            yield text(frame.x((place + 0.5) / len(chart.labels)), frame.bottom + 16, fit(label, 14), "middle")
        return
    start, end = time_span(chart.times)
    # A day's name stands below the whole day.
    days = width(chart.times) == DAY_MS and len(chart.times) <= _NAMED_DAYS
    for time, label in time_ticks(start, end - days):
        x = frame.x((time - start) / (end - start))
        yield rule(x, frame.bottom, x, frame.bottom + 4, "zero")
        yield text(x + days * frame.width / len(chart.times) / 2, frame.bottom + 17, label, "middle")
    yield text(frame.right, frame.bottom + 31, "UTC", "end")


def _tops(chart: Chart) -> list[float]:
    """The numbers that the axis has to reach."""
    if chart.kind is not ChartKind.STACKED:
        return extent(chart)
    columns = [[point for point in column if point is not None] for column in zip(*(one.points for one in chart.lines), strict=True)]
    return [sum(point for point in column if point * side > 0) for column in columns for side in (1, -1)]


def _place(chart: Chart, frame: Frame, index: int) -> float:
    """Where a point stands from left to right."""
    if not chart.times:
        return frame.x((index + 0.5) / len(chart.labels))
    start, end = time_span(chart.times)
    return frame.x((chart.times[index] + width(chart.times) / 2 - start) / (end - start))


def _lines(chart: Chart, frame: Frame, axis: Axis) -> Iterator[str]:
    for number, one in enumerate(chart.lines):
        yield _stroke(one, number, partial(_place, chart, frame), frame, axis)


def _stroke(one: Line, number: int, place: Place, frame: Frame, axis: Axis) -> str:
    path, dots = [], []
    for run in _runs(one.points):
        points = [f"{place(index):.1f} {frame.y(axis.share(one.points[index] or 0)):.1f}" for index in run]
        if len(points) == 1:
            x, y = points[0].split()
            dots.append(f'<circle cx="{x}" cy="{y}" r="2.5" fill="{series(number, one.name)}"/>')
        else:
            path.append("M" + "L".join(points))
    stroke = f'<path class="line" stroke="{series(number, one.name)}"{dash(number)} d="{"".join(path)}"/>' if path else ""
    return f"<g><title>{escape(line(one.name))}</title>{stroke}{''.join(dots)}</g>"


def _band(chart: Chart, frame: Frame, axis: Axis) -> Iterator[str]:
    if len(chart.lines) != 3:
        yield from _lines(chart, frame, axis)
        return
    low, middle, high = chart.lines
    both = [None if a is None or b is None else b for a, b in zip(low.points, high.points, strict=True)]
    for run in _runs(both):
        there = [(index, high.points[index]) for index in run] + [(index, low.points[index]) for index in reversed(run)]
        points = " ".join(f"{_place(chart, frame, index):.1f},{frame.y(axis.share(value or 0)):.1f}" for index, value in there)
        yield f'<polygon class="band" fill="{series(0, middle.name)}" points="{points}"/>'
    yield _stroke(middle, 0, partial(_place, chart, frame), frame, axis)


def _columns(chart: Chart, frame: Frame, axis: Axis) -> Iterator[str]:
    """Bars over times, beside each other or stacked."""
    count = len(chart.times) or len(chart.labels)
    room = frame.width / count
    stacked = chart.kind is ChartKind.STACKED
    thick = room * 0.82 / (1 if stacked else len(chart.lines))
    reached = {(index, side): 0.0 for index in range(count) for side in (1, -1)}
    for number, one in enumerate(chart.lines):
        found = []
        for index, point in enumerate(one.points):
            if point is None:
                continue
            side = 1 if point >= 0 else -1
            base = reached[index, side] if stacked else 0.0
            reached[index, side] = base + point
            left = _place(chart, frame, index) - room * 0.41 + (0 if stacked else number * thick)
            ends = frame.y(axis.share(base)), frame.y(axis.share(base + point))
            found.append((index, left, min(ends), max(ends)))
        yield _bars_of(chart, one, number, found, thick)


def _bars_of(chart: Chart, one: Line, number: int, found: Sequence[tuple[int, float, float, float]], thick: float) -> str:
    if len(one.points) > _NAMED_COLUMNS:
        path = "".join(f"M{left:.1f} {top:.1f}h{thick:.1f}V{bottom:.1f}h-{thick:.1f}z" for _, left, top, bottom in found)
        return f'<path fill="{series(number, one.name)}" d="{path}"><title>{escape(line(one.name))}</title></path>'
    return "".join(
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{thick:.1f}" height="{bottom - top:.1f}" fill="{series(number, one.name)}">'
        f"<title>{escape(f'{line(one.name)}, {_when(chart, index)}: {shown(one.points[index], chart.unit)}')}</title></rect>"
        for index, left, top, bottom in found
    )


def _when(chart: Chart, index: int) -> str:
    return moment(chart.times[index]) if chart.times else line(chart.labels[index])


def _marks(chart: Chart, frame: Frame) -> tuple[str, int]:
    """Numbered rules, and below the chart what they stand for; with the height that takes."""
    if not chart.times or not chart.marks:
        return "", 0
    start, end = time_span(chart.times)
    inside = [mark for mark in sorted(chart.marks, key=lambda mark: mark.time) if start <= mark.time <= end]
    shapes = []
    for number, mark in enumerate(inside[:_MARKS], 1):
        x, y = frame.x((mark.time - start) / (end - start)), frame.bottom + _BOTTOM + number * _MARK_LINE - 4
        shapes.append(rule(x, frame.top, x, frame.bottom, "mark"))
        shapes += [_dot(x, frame.top - 2, number), _dot(LEFT + 8, y - 4, number)]
        shapes.append(text(LEFT + 22, y, fit(f"{moment(mark.time)}: {mark.label}", 100), kind="ink"))
    left = len(inside) - _MARKS
    if left > 0:
        shapes.append(text(LEFT + 22, frame.bottom + _BOTTOM + (_MARKS + 1) * _MARK_LINE - 4, f"and {left} more"))
    return "".join(shapes), _MARK_LINE * (min(len(inside), _MARKS) + (left > 0)) + (6 if inside else 0)


def _dot(x: float, y: float, number: int) -> str:
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="8"/>' + text(x, y + 4, str(number), "middle", "dotted")


def _runs(points: Sequence[float | None]) -> list[list[int]]:
    """Stretches of points that are known."""
    found: list[list[int]] = [[]]
    for index, point in enumerate(points):
        if point is not None:
            found[-1].append(index)
        elif found[-1]:
            found.append([])
    return [run for run in found if run]
