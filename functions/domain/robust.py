"""Statistics that a few odd values do not move, for many series at once: arrays [..., n] in which nan is not known."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from functions.domain.alert_columns import Floats

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


def as_normal(t: Floats, freedom: Floats | float) -> Floats:
    """The normal deviates that are as far out as some of Student's t (Wallace 1959; within 0.2 % from 3 degrees of freedom on)."""
    found: Floats = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(t * t / freedom)) * np.sign(t)
    return found
