"""Levels of work per task over hours, and how well a step of some agents at some time explains what there is.

    y[agent, hour] = amount per task, of what the agent has on average;  weight = tasks
    y = agent + hour of the day, of workdays or weekends + step + noise

By least squares. What agents and hours have in common is taken away first; a step's gain is by how much less is then left unexplained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.regression_periods import Work
from functions.domain.robust import Mask
from functions.domain.seasons import WEEKEND, by_day, weekday
from functions.domain.times import HOURS_PER_DAY

_MOST: Final = 5.0
"""Times an agent's mean that an hour counts for, at most: a few dear tasks are no level."""
_ROUNDS: Final = 4
"""Of taking away what agents and what hours have in common, in turns."""
_EDGE: Final = 6
"""Hours at both ends in which no level begins."""


class Step(NamedTuple):
    """A change of level."""

    change: float
    """As a fraction of the mean."""
    gain: float
    """What it explains."""
    since: Floats
    """[hour], 0 to 1."""
    rows: Mask


class Scan(NamedTuple):
    """Steps at every hour."""

    gains: Floats
    """[hour] of the first hour with the new level; 0 at the edges."""
    best: Step

    def when(self, noise: float) -> tuple[int, int, int]:
        """The likeliest hour, by place, and between which it lies with 95 %."""
        chances = np.exp((self.gains - self.gains.max()) / (2 * noise)) * (self.gains > 0)
        sums = np.cumsum(chances) / chances.sum()
        low, high = (int(np.count_nonzero(sums < part)) for part in (0.025, 0.975))
        return int(np.argmax(self.gains)), low, high


@dataclass(frozen=True, slots=True)
class Levels:
    """Work by agent and hour."""

    work: Work
    rest: Floats
    """Beyond what agents and hours have in common: [agent, hour], 0 where nothing is known."""
    weights: Floats
    groups: Floats
    """[group, hour]: 1 where an hour is of a group."""

    @classmethod
    def of(cls, work: Work) -> Self:
        """Take away what is in common."""
        counts, sums = np.nan_to_num(work.counts), np.nan_to_num(work.sums)
        tasks, total = counts.sum(axis=1), sums.sum(axis=1)
        usable = (tasks > 0) & (total > 0)
        weights = np.where(usable[:, None], counts, 0.0)
        mean = np.divide(total, tasks, out=np.ones(len(tasks)), where=usable)
        rest = np.minimum(np.divide(sums, counts * mean[:, None], out=np.zeros(sums.shape), where=weights > 0), _MOST)
        hours = work.first_hour + np.arange(sums.shape[1])
        number = hours % HOURS_PER_DAY + HOURS_PER_DAY * (weekday(hours) >= WEEKEND)
        groups = (np.arange(2 * HOURS_PER_DAY)[:, None] == number).astype(np.float64)
        for _ in range(_ROUNDS):
            rest = rest - _mean((rest * weights).sum(axis=1), weights.sum(axis=1))[:, None]
            rest = rest - _mean(groups @ (rest * weights).sum(axis=0), groups @ weights.sum(axis=0)) @ groups
        return cls(work, np.where(weights > 0, rest, 0.0), weights, groups)

    @property
    def hours(self) -> int:
        """How many."""
        return int(self.rest.shape[1])

    def since(self, begin: float, end: float) -> Floats:
        """[hour]: which part of a change that took place from `begin` to `end` (hours) was done in the middle of each."""
        middle = self.work.first_hour + np.arange(self.hours) + 0.5
        found: Floats = np.clip((middle - begin) / max(end - begin, 1.0) + (0.5 if end - begin < 1 else 0.0), 0.0, 1.0)
        return found

    def step(self, rows: Mask, since: Floats) -> Step:
        """The step of some agents."""
        weights, rest = self.weights[rows], self.rest[rows]
        told = float(((weights * rest) @ since).sum())
        size = self._size(weights, (weights * since), (weights * since**2).sum())
        return Step(told / size if size > 0 else 0.0, told * told / size if size > 0 else 0.0, since, rows)

    def scan(self, rows: Mask) -> Scan:
        """Steps of some agents at every hour."""
        weights = self.weights[rows]
        told = np.cumsum((weights * self.rest[rows]).sum(axis=0)[::-1])[::-1]
        gains = np.zeros(self.hours)
        own = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]
        shared = np.cumsum((self.groups * weights.sum(axis=0))[:, ::-1], axis=1)[:, ::-1]
        sizes = (
            _left(own, weights.sum(axis=1)[:, None]),
            _left(shared, shared[:, :1]),
            _left(own.sum(axis=0)[None], np.array([[weights.sum()]])),
        )
        size = np.divide(sizes[0] * sizes[1], sizes[2], out=np.zeros(self.hours), where=sizes[2] > 0)
        inner = slice(_EDGE, max(self.hours - _EDGE, _EDGE))
        gains[inner] = np.divide(told**2, size, out=np.zeros(self.hours), where=size > 1e-9)[inner]
        return Scan(gains, self.step(rows, (np.arange(self.hours) >= gains.argmax()).astype(np.float64)))

    def noise(self, step: Step) -> float:
        """Variance of what a step leaves, with how much hours of a day and agents at the same time are alike."""
        left = self.rest * self.weights
        left[step.rows] -= self.weights[step.rows] * step.change * (step.since - _mean_since(self.weights[step.rows], step.since))
        single = float((left**2).sum())
        days = by_day(left, self.work.first_hour)[0]
        of_days, of_all = np.nansum(days, axis=2), np.nansum(days, axis=(0, 2))
        alike = max(1.0, *(float((part**2).sum()) / single for part in (of_days, of_all))) if single > 0 else 1.0
        return single / float(self.weights.sum()) * alike if self.weights.sum() > 0 else 0.0

    def per_task(self, rows: Mask, place: int) -> tuple[float | None, float | None]:
        """Amount per task of some agents before an hour (by place) and from it on, at the later mix of those that have both."""
        counts, sums = np.nan_to_num(self.work.counts[rows]), np.nan_to_num(self.work.sums[rows])
        tasks = counts[:, :place].sum(axis=1), counts[:, place:].sum(axis=1)
        total = sums[:, :place].sum(axis=1), sums[:, place:].sum(axis=1)
        both = (tasks[0] > 0) & (tasks[1] > 0)
        if not both.any():
            before, after = (float(part.sum() / number.sum()) if number.any() else None for part, number in zip(total, tasks, strict=True))
            return before, after
        later = tasks[1][both]
        return float((total[0][both] / tasks[0][both] * later).sum() / later.sum()), float(total[1][both].sum() / later.sum())

    def _size(self, weights: Floats, step: Floats, squares: float) -> float:
        """Squares of a step without what agents and hours have in common, were both independent of each other."""
        own = squares - float((step.sum(axis=1) ** 2 / np.maximum(weights.sum(axis=1), 1e-9)).sum())
        shared = self.groups @ np.stack([step.sum(axis=0), weights.sum(axis=0)], axis=1)
        common = squares - float((shared[:, 0] ** 2 / np.maximum(shared[:, 1], 1e-9)).sum())
        simple = squares - float(step.sum() ** 2 / max(weights.sum(), 1e-9))
        return own * common / simple if simple > 1e-9 else 0.0


def _mean(sums: Floats, weights: Floats) -> Floats:
    found: Floats = np.divide(sums, weights, out=np.zeros(sums.shape), where=weights > 0)
    return found


def _mean_since(weights: Floats, since: Floats) -> Floats:
    return _mean(weights @ since, weights.sum(axis=1))[:, None]


def _left(part: Floats, whole: Floats) -> Floats:
    """Squares of a step of 0 and 1 around its mean, by hour: `part` is the weight with 1."""
    found: Floats = (part - np.divide(part**2, whole, out=np.zeros(part.shape), where=whole > 0)).sum(axis=0)
    return found
