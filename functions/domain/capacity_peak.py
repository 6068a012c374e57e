"""The arrival rate to plan for: the 95th percentile of a day's windows, of the busiest day where there are several.

Windows are as short as the load allows: in a window of few tasks chance alone makes peaks, and one shorter than a task sees loads that its
agents never feel. So they have at least `WINDOW_TASKS` tasks on average, and are no shorter than a task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.times import HOURS_PER_DAY
from functions.domain.tracker import HOUR_S

QUANTILE: Final = 0.95
WIDTHS_S: Final = (60, 300, 900, 3600)
WINDOW_TASKS: Final = 25


@dataclass(frozen=True, slots=True)
class Peak:
    """The rate to plan for."""

    rate: float
    """Tasks a second."""
    width_s: int
    """Length of a window."""
    windows: int
    """Known windows of that day."""
    days: int
    """That it is the busiest of."""
    hours: Floats
    """Rates of that day's windows: array [hour, window]; nan where unknown."""

    def draws(self, amount: int, dice: np.random.Generator) -> Floats:
        """The same rate from days that are put together by chance of that day's hours: array [draw]."""
        known = self.hours[~np.isnan(self.hours).all(axis=1)]
        chosen = known[dice.integers(0, len(known), (amount, len(known)))].reshape(amount, -1)
        return np.asarray(np.nanquantile(chosen, QUANTILE, axis=1))


def peak(counts: Floats, bucket_s: int, service_s: float) -> Peak | None:
    """The rate to plan for; None when less than an hour is known.

    `counts` are tasks by bucket of `bucket_s` seconds (60 or 3,600), nan where unknown, whole hours of them;
    `service_s` is how long a task takes.
    """
    if np.isnan(counts).all():
        return None
    width = _width(float(np.nanmean(counts)) / bucket_s, bucket_s, service_s)
    hours = _rates(counts.reshape(-1, width // bucket_s), bucket_s).reshape(-1, HOUR_S // width)
    days = _days(hours)
    if (~np.isnan(days[0])).sum() * width < HOUR_S:
        return None
    tops = [float(np.nanquantile(day, QUANTILE)) for day in days]
    best = int(np.argmax(tops))
    return Peak(tops[best], width, int((~np.isnan(days[best])).sum()), len(days), days[best])


def _rates(windows: Floats, bucket_s: int) -> Floats:
    """Tasks a second by window; nan for those that are not known by half."""
    known = (~np.isnan(windows)).sum(axis=1)
    rates = np.nansum(windows, axis=1) / np.maximum(known, 1) / bucket_s
    return np.where(known * 2 >= windows.shape[1], rates, np.nan)


def _width(rate: float, bucket_s: int, service_s: float) -> int:
    fit = (width for width in WIDTHS_S if width >= bucket_s and width >= service_s and rate * width >= WINDOW_TASKS)
    return next(fit, WIDTHS_S[-1])


def _days(hours: Floats) -> list[Floats]:
    """Days back from the end that are known at least by half; of what is less than that, all together."""
    cuts = range(len(hours), 0, -HOURS_PER_DAY)
    days = [hours[max(0, end - HOURS_PER_DAY) : end] for end in cuts]
    known = [day for day in days if (~np.isnan(day)).sum() * 2 >= HOURS_PER_DAY * hours.shape[1]]
    return known or [hours]
