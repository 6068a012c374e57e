"""The steps of a report's charts: hours of a day, days of a week, weeks of a year."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.report_data import ReportData
from functions.domain.times import HOUR_MS, HOURS_PER_DAY

_STEPS = ((48, 1), (92 * HOURS_PER_DAY, HOURS_PER_DAY))
"""Up to so many hours, steps of so many."""


def step_of(hours: int) -> int:
    """Hours of a step."""
    return next((step for most, step in _STEPS if hours <= most), 7 * HOURS_PER_DAY)


def step_name(hours: int) -> str:
    """What a step is called in a title."""
    return {1: "hour", HOURS_PER_DAY: "day"}.get(step_of(hours), "week")


def step_times(data: ReportData) -> list[int]:
    """When each step begins, ms."""
    return list(range(data.start, data.end, step_of(data.hours) * HOUR_MS))


def in_steps(data: ReportData, values: Floats) -> Floats:
    """Sums of arrays [..., hour] by step, which are nan where no hour is known; what is not known of others is left out."""
    known = np.ones(data.hours, dtype=bool)
    known[[hour - data.usage.first_hour for hour in data.usage.missing]] = False
    starts = np.arange(0, data.hours, step_of(data.hours))
    summed: Floats = np.add.reduceat(np.where(known, values, 0.0), starts, axis=-1)
    return np.where(np.add.reduceat(known, starts) > 0, summed, np.nan)


def points(values: Floats) -> Sequence[float | None]:
    """As a chart has them: nan is not known."""
    return [None if np.isnan(value) else float(value) for value in values]
