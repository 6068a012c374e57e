"""What a queue's arrivals and service times are like: how bursty, how heavy the tail; from counts a minute and from sketches.

`clawpulse._capacity` has the formulas that need no data: agents, Erlang C.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from functions.domain.alert_columns import Floats, Ordered, bin_values
from functions.domain.times import MINUTES_PER_HOUR, SECOND_MS
from functions.domain.usage_frame import Figures

TAIL_SHARE: Final = 0.1
"""The slowest tasks, which the tail index is made from."""
TAIL_LEAST: Final = 25
"""Of those; with fewer there is no telling."""
HEAVY: Final = 2.0
"""Below this tail index the variance has no bound: a mean of service times says little."""
BURSTY: Final = 1.5
"""Index of dispersion from which bursts count; 1 is that of Poisson arrivals."""
_SURE: Final = NormalDist().inv_cdf(0.99)
_BOTH_SIDES: Final = NormalDist().inv_cdf(0.975)
_HOUR_LEAST: Final = 30
"""Minutes that have to be known of an hour that counts."""
_ARRIVALS_LEAST: Final = 100


@dataclass(frozen=True, slots=True)
class Tail:
    """Hill's estimate of the tail index: the probability of more than x falls like x to the power of -index. inf: no tail at all."""

    index: float
    low: float
    high: float
    """With `low` the 95 % interval."""
    tasks: int
    """Slowest tasks that it is made from."""

    @property
    def heavy(self) -> bool:
        """Whether the whole interval lies below `HEAVY`."""
        return self.high < HEAVY


@dataclass(frozen=True, slots=True)
class Service:
    """How long tasks take. Seconds; the mean is exact, quantiles and spread within 1 %."""

    tasks: int
    mean: float
    spread: float
    """Squared coefficient of variation: 0 for tasks that are all alike, 1 for exponential times."""
    p50: float
    p95: float
    p99: float
    tail: Tail | None
    """None with too few tasks to tell."""
    values: Floats
    """The distribution: ascending values and, in `counts`, how many tasks took each."""
    counts: Floats

    def quantile(self, q: Floats) -> Floats:
        """Quantiles of the distribution."""
        running = np.cumsum(self.counts)
        return np.asarray(self.values[np.minimum(np.searchsorted(running, q * running[-1]), len(self.values) - 1)])


@dataclass(frozen=True, slots=True)
class Dispersion:
    """How much arrivals a minute vary beside what chance alone makes them: variance over mean, drifts within hours taken out."""

    index: float
    limit: float
    """What Poisson arrivals stay below in 99 of 100 cases."""
    minutes: int

    @property
    def bursty(self) -> bool:
        """Whether it is more than chance, and enough to matter."""
        return self.index > max(self.limit, BURSTY)


def services(ordered: Ordered, known: Figures) -> list[Service | None]:
    """Service times of every slot of latencies (ms), whose sums and ends are `known`; None for one without tasks."""
    edges = np.searchsorted(ordered.slots, np.arange(ordered.amount + 1)).tolist()
    counts = np.diff(ordered.running, prepend=0.0)
    least, most, mean = known.min / SECOND_MS, known.max / SECOND_MS, known.mean / SECOND_MS
    found: list[Service | None] = []
    for slot, (begin, end) in enumerate(pairwise(edges)):
        values = np.clip(bin_values(ordered.ranks[begin:end]) / SECOND_MS, least[slot], most[slot])
        found.append(service(values, counts[begin:end], float(mean[slot])) if end > begin else None)
    return found


def service(values: Floats, counts: Floats, mean: float) -> Service:
    """Service times of ascending values (s), how many tasks took each, and their exact mean."""
    running = np.cumsum(counts)
    total = float(running[-1])
    spread = float((values - mean) ** 2 @ counts / total / mean**2) if mean > 0 else 0.0
    ranks = np.floor(np.array([0.5, 0.95, 0.99]) * (total - 1))
    p50, p95, p99 = values[np.searchsorted(running, ranks, side="right")].tolist()
    return Service(round(total), mean, spread, p50, p95, p99, tail(values, counts), values, counts)


def tail(values: Floats, counts: Floats) -> Tail | None:
    """The tail index of the slowest tenth; None with too few tasks, or where they took no time."""
    running = np.cumsum(counts)
    most = int(running[-1] * TAIL_SHARE)
    if most < TAIL_LEAST:
        return None
    place = int(np.searchsorted(running, running[-1] - most))
    least = float(values[place])
    if least <= 0:
        return None
    # Tasks in the threshold's own bin add nothing: their logarithm is 0.
    mean = float(np.log(values[place:] / least) @ counts[place:] / most)
    if mean <= 0:
        return Tail(inf, inf, inf, most)
    share = _BOTH_SIDES / sqrt(most)
    return Tail(1 / mean, (1 - share) / mean if share < 1 else 0.0, (1 + share) / mean, most)


def dispersion(counts: Floats) -> Dispersion | None:
    """The index of dispersion of counts a minute, nan where unknown, which begin with an hour; None when they are too few to tell.

    Of each hour its mean and its slope are taken out, so that mornings are no bursts.
    """
    hours = counts[: len(counts) // MINUTES_PER_HOUR * MINUTES_PER_HOUR].reshape(-1, MINUTES_PER_HOUR)
    squares = expected = 0.0
    free = minutes = 0
    for hour in hours:
        known = np.flatnonzero(~np.isnan(hour))
        if len(known) < _HOUR_LEAST or not hour[known].any():
            continue
        squares += _around_line(known.astype(np.float64), hour[known])
        expected += float(hour[known].mean()) * (len(known) - 2)
        free, minutes = free + len(known) - 2, minutes + len(known)
    if not free or expected < _ARRIVALS_LEAST:
        return None
    return Dispersion(squares / expected, _chance(free, expected / free), minutes)


def _around_line(times: Floats, counts: Floats) -> float:
    """Sum of the squares that are left when mean and slope are taken out."""
    away, left = times - times.mean(), counts - counts.mean()
    slope = float(away @ left / (away @ away))
    return float(((left - slope * away) ** 2).sum())


def _chance(free: int, mean: float) -> float:
    """The 99 % limit of the index under Poisson arrivals of that mean a minute: Wilson and Hilferty's approximation of chi-squared."""
    # Counts of few arrivals vary more than a normal's: their fourth moment is that of Poisson.
    effective = free * 2 / (2 + 1 / mean)
    part = 2 / (9 * effective)
    return float((1 - part + _SURE * sqrt(part)) ** 3)
