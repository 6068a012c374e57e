"""Creeps: a task that costs or takes more day by day, slowly enough that no two weeks differ much. By a trend test over weeks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.alert_text import figure
from functions.domain.regression_periods import Days, RegressionPolicy, Work
from functions.domain.robust import found_by, kendall, median, quantile, upper_tail
from functions.domain.seasons import WEEKEND

_DAYS_PER_WEEK: Final = 7
MIN_DAYS: Final = 14
"""With tasks."""
_MIN_TASKS: Final = 5
"""A day with fewer says nothing."""
_PART: Final = 0.25
"""Of the whole rise, what each half must have: a step has all of it in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creep:
    """A stratum whose figure per task rises day by day."""

    series: int
    """Row."""
    name: str
    per_week: float
    """Median rise, as a fraction of the level at the beginning."""
    low: float
    high: float
    """95 % interval of it."""
    before: float
    after: float
    """Level per task at both ends."""
    chance: float
    """How many so clear ones the whole call finds by chance."""
    evidence: str


def find_creeps(work: Work, *, names: Sequence[str], unit: str = "", policy: RegressionPolicy | None = None) -> list[Creep]:
    """Strata that got worse slowly, by a trend test over two weeks or more; those that rose most first.

    `policy.ratio` is how many times the beginning's level the end's must be.
    """
    policy = policy or RegressionPolicy()
    days = Days.of(work)
    means = np.divide(days.sums, days.counts, out=np.full(days.sums.shape, np.nan), where=(days.counts >= _MIN_TASKS) & (days.sums > 0))
    rows = np.flatnonzero((np.count_nonzero(~np.isnan(means), axis=1) >= MIN_DAYS) & (days.tasks >= policy.min_tasks))
    trends = [_trend(np.log(means[row]), days.first_weekday) for row in rows]
    sure = found_by(np.array([trend.chance for trend in trends]), policy.alpha)
    found = [
        _creep(int(row), names[int(row)], trend, len(rows), unit)
        for row, trend, found in zip(rows, trends, sure, strict=True)
        if found and trend.steady and trend.rise >= math.log(policy.ratio)
    ]
    return sorted(found, key=lambda creep: -creep.per_week)


class _Trend(NamedTuple):
    """Of the logarithms of a series by day."""

    slope: float
    """A day."""
    low: float
    high: float
    level: float
    """At the first day."""
    days: int
    chance: float
    steady: bool

    @property
    def rise(self) -> float:
        """From the first to the last day."""
        return self.slope * (self.days - 1)


def _trend(logs: Floats, first_weekday: int) -> _Trend:
    """For the slope only the same days of the week are compared; for the test, what weekends have beyond it is taken away."""
    slopes = np.concatenate([(logs[lag:] - logs[:-lag]) / lag for lag in range(_DAYS_PER_WEEK, len(logs), _DAYS_PER_WEEK)])
    slope = float(median(slopes))
    line = slope * np.arange(len(logs))
    weekend = (np.arange(len(logs)) + first_weekday) % _DAYS_PER_WEEK >= WEEKEND
    level = np.where(weekend, median((logs - line)[weekend]), median((logs - line)[~weekend]))
    even = logs - np.nan_to_num(level)
    test = kendall(even)
    doubt = 0.98 * math.sqrt(test.variance) / max(test.pairs, 1)
    low, high = (float(quantile(slopes, min(max(0.5 + side * doubt, 0.0), 1.0))) for side in (-1, 1))
    first, middle, last = (float(median(part)) for part in np.array_split(even, 3))
    steady = min(middle - first, last - middle) >= _PART * (last - first) > 0
    return _Trend(slope, low, high, float(median(logs - line)), len(logs), upper_tail(test.z), steady)


def _creep(row: int, name: str, trend: _Trend, amount: int, unit: str) -> Creep:
    before, after = math.exp(trend.level), math.exp(trend.level + trend.rise)
    per_week, low, high = (math.expm1(_DAYS_PER_WEEK * slope) for slope in (trend.slope, trend.low, trend.high))
    return Creep(
        series=row,
        name=name,
        per_week=per_week,
        low=low,
        high=high,
        before=before,
        after=after,
        chance=trend.chance * amount,
        evidence=f"{name}: {figure(after, unit)} a task, {trend.days} days before {figure(before, unit)}: "
        f"{figure(per_week, '%')} more a week ({figure(low, '%')} to {figure(high, '%')})",
    )
