"""Bars from left to right, one row a label: for names, which are longer than times."""

from __future__ import annotations

from html import escape

from functions.domain.notification_text import fit, line
from functions.domain.report import Chart, ChartKind, Line
from functions.domain.report_axis import Axis, value_axis
from functions.domain.report_shapes import WIDTH, Frame, rule, series, text, width_of
from functions.domain.report_text import UNKNOWN, shown

_THICK, _GAP = 16, 8
_LONGEST = 34
_FOOT = 34


def bars(chart: Chart, top: float) -> tuple[str, int]:
    """The rows below `top`, and the height that the drawing has then."""
    stacked = chart.kind is ChartKind.STACKED
    labels = [fit(label, _LONGEST) for label in chart.labels]
    left = max(map(width_of, labels)) + 10
    values = _values(chart, stacked)
    room = max(width_of(shown(value, chart.unit)) for value in values) + 10
    high = (1 if stacked else len(chart.lines)) * _THICK + _GAP
    frame = Frame(left, top + 4, WIDTH - left - room, high * len(labels))
    axis = value_axis([value for value in values if value is not None], chart.unit)
    shapes = [rule(frame.x(axis.share(value)), frame.top, frame.x(axis.share(value)), frame.bottom, "grid") for value, _ in axis.ticks]
    for row, label in enumerate(labels):
        y = frame.top + row * high + _GAP / 2
        shapes.append(text(left - 8, y + (high - _GAP) / 2 + 4, label, "end", "ink"))
        shapes.append((_stack if stacked else _group)(chart, row, y, frame, axis))
    shapes.append(rule(frame.x(axis.share(0)), frame.top, frame.x(axis.share(0)), frame.bottom, "zero"))
    shapes += [text(frame.x(axis.share(value)), frame.bottom + 15, tick, "middle") for value, tick in axis.ticks]
    if axis.label:
        shapes.append(text(frame.right, frame.bottom + 30, axis.label, "end"))
    return "".join(shapes), round(frame.bottom + _FOOT)


def _values(chart: Chart, stacked: bool) -> list[float | None]:
    """What stands at the end of each bar, and the axis has to reach."""
    if not stacked:
        return [point for one in chart.lines for point in one.points]
    return [_total(chart, row) for row in range(len(chart.labels))]


def _total(chart: Chart, row: int) -> float | None:
    known = [point for one in chart.lines if (point := one.points[row]) is not None]
    return sum(max(point, 0) for point in known) if known else None


def _group(chart: Chart, row: int, y: float, frame: Frame, axis: Axis) -> str:
    """The bars of a label beside each other, each with its value."""
    shapes = []
    for number, one in enumerate(chart.lines):
        point, top = one.points[row], y + number * _THICK
        end = frame.x(axis.share(max(point or 0, 0)))
        if point is not None:
            shapes.append(_bar(chart, one, row, number, (frame.x(axis.share(min(point, 0))), end, top)))
        shapes.append(text(end + 6, top + _THICK - 4, UNKNOWN if point is None else shown(point, chart.unit), kind="" if number else "ink"))
    return "".join(shapes)


def _stack(chart: Chart, row: int, y: float, frame: Frame, axis: Axis) -> str:
    """The bars of a label behind each other, and their sum."""
    shapes, reached = [], 0.0
    for number, one in enumerate(chart.lines):
        point = one.points[row]
        if point is None or point <= 0:
            continue
        ends = frame.x(axis.share(reached)), frame.x(axis.share(reached + point))
        shapes.append(_bar(chart, one, row, number, (*ends, y)))
        reached += point
    words = shown(_total(chart, row), chart.unit)
    return "".join(shapes) + text(frame.x(axis.share(reached)) + 6, y + _THICK - 4, words, kind="ink")


def _bar(chart: Chart, one: Line, row: int, number: int, place: tuple[float, float, float]) -> str:
    left, right, top = place
    name = f"{line(one.name)}, {line(chart.labels[row])}: {shown(one.points[row], chart.unit)}"
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0.5):.1f}" height="{_THICK - 2}" fill="{series(number, one.name)}">'
        f"<title>{escape(name)}</title></rect>"
    )
