"""Statistics that a few odd values do not move, for many series at once: arrays [..., n] in which nan is not known."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from functions.domain.alert_columns import Floats

type Mask = npt.NDArray[np.bool_]

NORMAL: Final = NormalDist()
MAD_TO_SD: Final = 1.4826
"""A normal distribution's standard deviation in median absolute deviations."""


def median(values: Floats) -> Floats:
    """Median of the last axis; nan where nothing is known."""
    return quantile(values, 0.5)


def quantile(values: Floats, q: float) -> Floats:
    """Quantile of the last axis, between two values in proportion; nan where nothing is known. Faster than `np.nanquantile`."""
    ordered = np.sort(values, axis=-1)  # nan goes last
    known = values.shape[-1] - np.isnan(ordered).sum(axis=-1)
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    place = np.maximum(known - 1, 0) * q
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(known - 1, 0))
    one = np.take_along_axis(ordered, low[..., None], axis=-1)[..., 0]
    two = np.take_along_axis(ordered, high[..., None], axis=-1)[..., 0]
    found: Floats = one + (two - one) * (place - low)
    return found


def spread(values: Floats) -> Floats:
    """Standard deviation by the median absolute deviation from the median."""
    return MAD_TO_SD * median(np.abs(values - median(values)[..., None]))


def upper_tail(z: float) -> float:
    """Chance that a normal value is above `z`; exact far out, too."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def as_normal(t: Floats | np.float64, freedom: Floats | float) -> Floats:
    """The normal deviates that are as far out as some of Student's t (Wallace 1959; within 2 % from 3 degrees of freedom on)."""
    found: Floats = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(t * t / freedom)) * np.sign(t)
    return found


def as_students(z: float, freedom: float) -> float:
    """The way back: Student's t that is as far out as a normal deviate."""
    even = z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.copysign(math.sqrt(freedom * math.expm1(min(even * even / freedom, 700.0))), z)


class Kendall(NamedTuple):
    """Mann and Kendall's statistic of one or more stretches; what stretches have adds up."""

    sum: float
    """Pairs that rise less those that fall."""
    variance: float
    """Of it, if there is no trend; with ties, and with how much values are like those before them."""
    pairs: int

    @property
    def z(self) -> float:
        """Standard deviations above no trend, with the correction for continuity."""
        return math.copysign(max(abs(self.sum) - 1, 0.0), self.sum) / math.sqrt(self.variance) if self.variance > 0 else 0.0

    def __add__(self, other: object) -> Kendall:
        if not isinstance(other, Kendall):
            return NotImplemented
        return Kendall(self.sum + other.sum, self.variance + other.variance, self.pairs + other.pairs)


def kendall(values: Floats) -> Kendall:
    """Mann and Kendall's trend test of one stretch in order of time, nan left out; variance by Hamed and Rao (1998)."""
    known = values[~np.isnan(values)]
    n = len(known)
    if n < 4:
        return Kendall(0.0, 0.0, 0)
    above = np.sign(known[None, :] - known[:, None])
    total = float(np.triu(above, 1).sum())
    ties = np.unique(known, return_counts=True)[1].astype(np.float64)
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    return Kendall(total, variance * _likeness(known, n), n * (n - 1) // 2)


def _likeness(known: Floats, n: int) -> float:
    """By how much the variance is larger because values are like those before them: from ranks of what is left without the trend."""
    half = n // 2
    slope = float(np.median(known[half:] - known[: n - half])) / half
    ranks = np.argsort(np.argsort(known - slope * np.arange(n), kind="stable"), kind="stable").astype(np.float64)
    ranks -= ranks.mean()
    size = 1 << (2 * n - 1).bit_length()
    power = np.abs(np.fft.rfft(ranks, size)) ** 2
    like = np.fft.irfft(power, size)[:n]
    if like[0] <= 0:
        return 1.0
    like /= like[0]
    lags = np.arange(1, n)
    sure = np.abs(like[1:]) > 1.96 / math.sqrt(n)
    sure[np.argmin(sure) if not sure.all() else n - 1 :] = False  # only up to the first lag that says nothing: later ones are noise
    weights = (n - lags) * (n - lags - 1) * (n - lags - 2)
    return max(1.0, 1 + 2 / (n * (n - 1) * (n - 2)) * float((weights * like[1:] * sure).sum()))


def theil_sen(times: Floats, values: Floats) -> float:
    """Median slope over all pairs of one series; nan without a pair."""
    one, two = np.triu_indices(len(times), 1)
    return float(median((values[two] - values[one]) / (times[two] - times[one])))


def chance_above_zero(values: Floats) -> float:
    """One-sided chance that independent values have so large a mean if theirs is 0, by Student's t; 1 for less than two."""
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return 1.0
    error = float(known.std(ddof=1)) / math.sqrt(len(known))
    if error == 0:
        return 0.0 if known[0] > 0 else 1.0
    return upper_tail(float(as_normal(np.float64(known.mean() / error), len(known) - 1)))


def found_by(chances: Floats, alpha: float) -> Mask:
    """Benjamini and Hochberg's bound: which of many tests find something, if at most `alpha` of what is found may be chance."""
    order = np.argsort(chances)
    below = np.flatnonzero(chances[order] <= alpha * np.arange(1, len(chances) + 1) / max(len(chances), 1))
    found = np.zeros(len(chances), dtype=bool)
    found[order[: below[-1] + 1 if len(below) else 0]] = True
    return found
