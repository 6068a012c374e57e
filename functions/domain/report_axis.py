"""Axes of charts: where their ticks are, and what stands at them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from functions.domain.report import Chart, Unit
from functions.domain.report_text import number, scaled
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS = (
    *(MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS),
    *(DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 14 * DAY_MS, 28 * DAY_MS, 56 * DAY_MS, 182 * DAY_MS),
)
_MONDAY = 4 * DAY_MS
"""1970 began on a Thursday."""
_MOST_TIMES = 9
_LEAST = 1e-12
"""What lies closer together is one value."""


class Axis(NamedTuple):
    """The numbers of a chart."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    label: str
    """What the numbers are; empty for plain ones."""

    def share(self, value: float) -> float:
        """Where a value lies, 0 (low) to 1 (high)."""
        return (value - self.low) / (self.high - self.low)


def value_axis(values: Iterable[float], unit: Unit, count: int = 5) -> Axis:
    """From 0, or the lowest if that is less, to a round number at or above the highest."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min([0.0, *known]), max([0.0, *known])
    if high - low < _LEAST:
        high = low + 1
    scale = scaled(unit, max(high, -low))
    step = _step((high - low) / scale.by / count, whole=unit in (Unit.COUNT, Unit.TOKENS) and scale.by == 1)
    first, last = math.floor(low / scale.by / step + 1e-9), math.ceil(high / scale.by / step - 1e-9)
    ticks = [(place * step * scale.by, number(round(place * step, 9))) for place in range(first, last + 1)]
    return Axis(ticks[0][0], ticks[-1][0], ticks, scale.label)


def time_span(times: Sequence[int]) -> tuple[int, int]:
    """From the first time to the end of what begins at the last one."""
    return times[0], times[-1] + width(times)


def width(times: Sequence[int]) -> int:
    """How long (ms) what begins at each of the times lasts."""
    return min((after - before for before, after in pairwise(times)), default=HOUR_MS) or HOUR_MS


def time_ticks(start: int, end: int) -> list[tuple[int, str]]:
    """At most nine, at round times, in UTC."""
    step = next((step for step in _TIME_STEPS if (end - start) / step <= _MOST_TIMES), _TIME_STEPS[-1])
    offset = _MONDAY if step >= 7 * DAY_MS else 0
    first = -(-(start - offset) // step) * step + offset
    return [(time, _time_label(time, step)) for time in range(first, end + 1, step)][: _MOST_TIMES + 1]


def extent(chart: Chart) -> list[float]:
    """All known numbers of a chart."""
    return [point for line in chart.lines for point in line.points if point is not None and math.isfinite(point)]


def _step(rough: float, *, whole: bool) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
    return max(math.ceil(step), 1.0) if whole else step


def _time_label(time: int, step: int) -> str:
    at = datetime.fromtimestamp(time / SECOND_MS, UTC)
    if step >= 56 * DAY_MS:
        return f"{at:%b %Y}"
    if step >= DAY_MS:
        return f"{at:%a} {at.day} {at:%b}"
    return f"{at.day} {at:%b}" if time % DAY_MS == 0 else f"{at:%H:%M}"
