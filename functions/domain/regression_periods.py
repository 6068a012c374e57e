"""Two periods of work put beside each other: figures per task, and how sure their ratios are.

The days are the sample: an hour is like the one before it, a day much less. A ratio of means is spread as its days are around it
(linearised), day by day of the week where both periods have the same; the spread of few days is shrunk to what peers have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.robust import NORMAL, Mask, as_normal, as_students, median, upper_tail
from functions.domain.seasons import by_day, weekday

_FEW_TASKS: Final = 20
_MOST_PEERS: Final = 10
"""Days of its own that a stratum's peers count for, at most; as many as there are."""


class Work(NamedTuple):
    """What some strata did in a period: arrays [stratum, hour] from `first_hour` on. Hours that are not known are nan in both."""

    sums: Floats
    """Of the metric: USD, ms."""
    counts: Floats
    """Tasks that have it."""
    first_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionPolicy:
    """What counts as a regression."""

    alpha: float = 0.05
    """Which part of the strata that are found are found by chance, at most, on average."""
    ratio: float = 1.2
    """Nothing less than so many times what a task had before."""
    min_tasks: int = 50
    """In each period."""
    min_days: int = 4
    """With tasks, in each period."""


class Figures(NamedTuple):
    """A stratum, or all, in two periods."""

    before: float | None
    after: float | None
    tasks_before: float
    tasks_after: float
    traffic: float
    mix: float
    per_task: float


class Interval(NamedTuple):
    """A ratio."""

    ratio: float
    low: float
    high: float


class Ratios(NamedTuple):
    """Ratios of some strata, as logarithms, with their standard errors; nan where nothing can be said."""

    log: Floats
    error: Floats
    freedom: float

    @property
    def chance(self) -> Floats:
        """That it is so far from 1, either way, by chance."""
        sure = np.where(self.log == 0, 0.0, np.copysign(np.inf, self.log))
        t = np.divide(self.log, self.error, out=sure, where=self.error > 0)
        return np.array([2 * upper_tail(abs(z)) if not math.isnan(z) else 1.0 for z in as_normal(t, self.freedom)])

    def at(self, row: int, alpha: float) -> Interval:
        """The interval that misses with this chance."""
        log, most = float(self.log[row]), as_students(NORMAL.inv_cdf(1 - alpha / 2), self.freedom) * float(self.error[row])
        return Interval(math.exp(log), math.exp(log - most), math.exp(min(log + most, 700.0)))


@dataclass(frozen=True, slots=True)
class Days:
    """A period by day: arrays [stratum, day]; what is not known is 0 in both."""

    sums: Floats
    counts: Floats
    first_weekday: int
    hours: int
    """That are known."""

    @classmethod
    def of(cls, work: Work) -> Self:
        """Whole days of UTC, but for the first and the last."""
        sums, counts = (np.nansum(by_day(part, work.first_hour)[0], axis=2) for part in (work.sums, work.counts))
        known = int((~np.isnan(work.counts)).any(axis=0).sum()) if len(work.counts) else 0
        return cls(sums, counts, weekday(work.first_hour), known)

    def merged(self, kept: Mask, together: Mask) -> Self:
        """Some strata, and others as one."""
        sums, counts = (np.concatenate([part[kept], part[together].sum(axis=0, keepdims=True)]) for part in (self.sums, self.counts))
        return replace(self, sums=sums, counts=counts)

    @property
    def total(self) -> Floats:
        """By stratum."""
        found: Floats = self.sums.sum(axis=1)
        return found

    @property
    def tasks(self) -> Floats:
        """By stratum."""
        found: Floats = self.counts.sum(axis=1)
        return found

    @property
    def mean(self) -> Floats:
        """Per task; nan without."""
        found: Floats = np.divide(self.total, self.tasks, out=np.full(len(self.sums), np.nan), where=self.tasks > 0)
        return found

    @property
    def apart(self) -> Floats:
        """What each day has beyond its tasks times the mean."""
        found: Floats = np.nan_to_num(self.sums - self.counts * self.mean[:, None])
        return found


@dataclass(frozen=True, slots=True)
class Periods:
    """Two periods with the same strata."""

    before: Days
    after: Days

    @classmethod
    def of(cls, before: Work, after: Work) -> Self:
        """Put them beside each other."""
        return cls(Days.of(before), Days.of(after))

    @property
    def length(self) -> float:
        """How many times as long the later one is, in hours that are known."""
        return self.after.hours / self.before.hours if self.before.hours else 0.0

    @property
    def both(self) -> Mask:
        """Strata with tasks in each."""
        return (self.before.tasks > 0) & (self.after.tasks > 0)

    def enough(self, tasks: int, days: int) -> Mask:
        """Strata of which something can be said."""
        found = self.both & (self.before.total > 0) & (self.after.total > 0)
        for period in (self.before, self.after):
            found &= (period.tasks >= tasks) & ((period.counts > 0).sum(axis=1) >= days)
        return found

    @property
    def whole(self) -> Periods:
        """What strata of both periods did, those with few tasks as one: the mean of a few is no level to compare with."""
        large = (np.minimum(self.before.tasks, self.after.tasks) >= _FEW_TASKS) & (self.before.total > 0)
        small = self.both & ~large
        return Periods(*(side.merged(self.both & large, small) for side in (self.before, self.after)))

    def figures(self, row: int) -> Figures:
        """Those of one stratum; what is more tasks of it is traffic, none of it mix."""
        tasks = float(self.before.tasks[row]), float(self.after.tasks[row])
        old, new = (None if math.isnan(mean) else float(mean) for mean in (self.before.mean[row], self.after.mean[row]))
        traffic = (tasks[1] - tasks[0] * self.length) * (old if old is not None else new or 0.0)
        per_task = tasks[1] * (new - old) if old is not None and new is not None else 0.0
        return Figures(old, new, *tasks, traffic, 0.0, per_task)

    def figures_of_all(self) -> Figures:
        """Those of all strata that both periods have; traffic is what more tasks of the old mix would have done."""
        both = self.both
        tasks = float(self.before.tasks[both].sum()), float(self.after.tasks[both].sum())
        if not both.any():
            return Figures(None, None, *tasks, 0.0, 0.0, 0.0)
        spent, spends = float(self.before.total[both].sum()), float(self.after.total[both].sum())
        at_old = float((self.after.tasks * np.nan_to_num(self.before.mean))[both].sum())
        at_old_mix = spent / tasks[0] * tasks[1]
        return Figures(spent / tasks[0], spends / tasks[1], *tasks, at_old_mix - spent * self.length, at_old - at_old_mix, spends - at_old)

    def ratios(self, rows: Mask) -> Ratios:
        """Of each of some strata; nan for the others."""
        log = np.full(len(rows), np.nan)
        error = np.full(len(rows), np.nan)
        if not rows.any():
            return Ratios(log, error, 1.0)
        log[rows] = np.log(self.after.mean[rows] / self.before.mean[rows])
        later, earlier = self.after.apart[rows] / self.after.total[rows, None], self.before.apart[rows] / self.before.total[rows, None]
        variance, freedom = self._variance(later, earlier)
        chance = 1 / self.after.tasks[rows] + 1 / self.before.tasks[rows]
        peers = min(_MOST_PEERS, int(np.count_nonzero(rows)) - 1)
        usual = float(median(variance / chance)) * chance
        error[rows] = np.sqrt((freedom * variance + peers * usual) / (freedom + peers))
        return Ratios(log, error, freedom + peers)

    def ratio_of_all(self, tasks: int, days: int) -> Ratios | None:
        """Of all strata together, at the later mix; None with too little."""
        rows = self.both & (self.before.total > 0)
        sides = [side.counts[rows].sum(axis=0) for side in (self.before, self.after)]
        few = any(side.sum() < tasks or np.count_nonzero(side) < days for side in sides)
        if few or self.after.total[rows].sum() <= 0:
            return None
        weights = self.after.tasks[rows] / self.before.tasks[rows]
        spends, at_old = float(self.after.total[rows].sum()), float((weights * self.before.total[rows]).sum())
        later = self.after.apart[rows].sum(axis=0, keepdims=True) / spends
        earlier = (weights[:, None] * self.before.apart[rows]).sum(axis=0, keepdims=True) / at_old
        variance, freedom = self._variance(later, earlier)
        return Ratios(np.log([spends / at_old]), np.sqrt(variance), freedom)

    def _variance(self, later: Floats, earlier: Floats) -> tuple[Floats, float]:
        """Variance of logarithms of ratios, from what each day adds to them."""
        if later.shape == earlier.shape and self.before.first_weekday == self.after.first_weekday:
            days = later.shape[1]
            return ((later - earlier) ** 2).sum(axis=1) * days / (days - 1), days - 1.0
        sides = [(part**2).sum(axis=1) * part.shape[1] / max(part.shape[1] - 1, 1) for part in (later, earlier)]
        return sides[0] + sides[1], min(later.shape[1], earlier.shape[1]) - 1.0
