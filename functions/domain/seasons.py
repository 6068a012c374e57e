"""What is usual at an hour of the day and of the week, for many hourly series at once, by medians.

    value = level of late + profile of the day (workdays, weekends) + what comes back at that hour of each week + residual

Arrays are [series, hour]; nan is not known. Values should vary alike at all levels: take logarithms or roots before.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from functions.domain.alert_columns import Floats, Ints
from functions.domain.robust import median, spread
from functions.domain.times import HOURS_PER_DAY

HOURS_PER_WEEK: Final = 7 * HOURS_PER_DAY
WEEKEND: Final = 5
"""Number of the first day of the weekend; Monday is 0."""
_OWN_PROFILE_DAYS: Final = 5
"""Weekend days that give a profile of their own; fewer are told by that of the workdays, stretched and shifted."""
_APART: Final = (5, 7, 9, 11, 12)
"""Hours that two hours of a day are apart whose difference tells how far a profile is stretched."""
_SURE: Final = 2.0
"""What comes back weekly must be so many standard deviations."""


def weekday[Hours: (int, Ints)](hours: Hours) -> Hours:
    """Day of the week of hours' numbers, UTC: 0 is Monday. 1970 began on a Thursday."""
    return (hours // HOURS_PER_DAY + 3) % 7


def hour_of_week(hours: Ints) -> Ints:
    """0 is Monday's first hour."""
    return weekday(hours) * HOURS_PER_DAY + hours % HOURS_PER_DAY


def usual(values: Floats, first_hour: int) -> Floats:
    """What each hour should have had by the others; nan only where a series knows nothing of that hour of the day."""
    grid, before = by_day(values, first_hour)
    days = np.arange(grid.shape[1]) + first_hour // HOURS_PER_DAY
    profile = _profile(grid, weekday(days * HOURS_PER_DAY) >= WEEKEND)
    rest = grid - profile
    found = profile + _weekly(rest) + _level(rest)[..., None]
    return found.reshape(len(values), -1)[:, before : before + values.shape[1]]


def by_day(values: Floats, first_hour: int) -> tuple[Floats, int]:
    """Values as [series, day, hour of the day], filled up with nan; and how many of the first day are filling."""
    before = first_hour % HOURS_PER_DAY
    after = -(before + values.shape[1]) % HOURS_PER_DAY
    padded = np.pad(values, ((0, 0), (before, after)), constant_values=np.nan)
    return padded.reshape(len(values), padded.shape[1] // HOURS_PER_DAY, HOURS_PER_DAY), before


def _profile(grid: Floats, weekend: np.ndarray) -> Floats:
    """Usual value by series, day and hour of the day."""
    all_days = median(np.swapaxes(grid, 1, 2))
    work = _or(median(np.swapaxes(grid[:, ~weekend], 1, 2)), all_days) if (~weekend).any() else all_days
    found = np.repeat(work[:, None], grid.shape[1], axis=1)
    if weekend.sum() >= _OWN_PROFILE_DAYS:
        found[:, weekend] = _or(median(np.swapaxes(grid[:, weekend], 1, 2)), work)[:, None]
    elif weekend.any() and not weekend.all():
        found[:, weekend] = _told_by(work, grid[:, weekend])[:, None]
    return found


def _told_by(work: Floats, days: Floats) -> Floats:
    """The profile of a few days as a line through that of other days: Theil and Sen's slope, weighted by how much a pair tells."""
    slopes, weights = [], []
    for apart in _APART:
        across = work - np.roll(work, apart, axis=1)
        up = days - np.roll(days, apart, axis=2)
        told = np.broadcast_to(across[:, None], up.shape)
        slopes.append(np.divide(up, told, out=np.full(up.shape, np.nan), where=told != 0))
        weights.append(np.abs(told))
    stretch = np.clip(_weighted_median(*(np.concatenate(parts, axis=2).reshape(len(days), -1) for parts in (slopes, weights))), 0.0, 1.5)
    stretched = work * stretch[:, None]
    shift = median((days - stretched[:, None]).reshape(len(days), -1))
    return stretched + np.nan_to_num(shift)[:, None]


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """By row; 0 where nothing has a weight."""
    weights = np.where(np.isnan(values) | np.isnan(weights), 0.0, weights)
    order = np.argsort(values, axis=1)
    sums = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    place = np.argmax(sums >= sums[:, -1:] / 2, axis=1)
    found = np.take_along_axis(values, np.take_along_axis(order, place[:, None], axis=1), axis=1)[:, 0]
    return np.where(sums[:, -1] > 0, found, 0.0)


def _weekly(rest: Floats) -> Floats:
    """What every week has at the same hour beyond the profile: the median, but of two the smaller, so that one odd week says nothing."""
    weeks = -(-rest.shape[1] // 7)
    if rest.shape[1] < 14:
        return np.zeros(rest.shape)
    padded = np.pad(rest, ((0, 0), (0, weeks * 7 - rest.shape[1]), (0, 0)), constant_values=np.nan)
    ordered = np.sort(padded.reshape(len(rest), weeks, 7, HOURS_PER_DAY), axis=1)
    known = weeks - np.isnan(ordered).sum(axis=1, keepdims=True)
    low, high = (
        np.take_along_axis(ordered, np.maximum(place, 0), axis=1)[:, 0] for place in ((known - 1) // 2, np.minimum(known // 2, known - 1))
    )
    same = np.where(low > 0, low, np.where(high < 0, high, 0.0))
    sure = _SURE * spread(rest.reshape(len(rest), -1))[:, None, None]
    same = np.where((known[:, 0] >= 2) & (np.abs(same) > sure), same, 0.0)
    return np.tile(same, (1, weeks, 1))[:, : rest.shape[1]]


def _level(rest: Floats) -> Floats:
    """Level by series and day: median of the seven days before, so that growth is followed; of the first days, that of the first week."""
    days = rest.shape[1]
    flat = rest.reshape(len(rest), -1)
    if days <= 8:
        return np.broadcast_to(_or(median(flat), np.zeros(len(rest)))[:, None], (len(rest), days))
    levels = np.empty((len(rest), days))
    levels[:, :8] = median(flat[:, :HOURS_PER_WEEK])[:, None]
    for day in range(8, days):
        levels[:, day] = median(flat[:, (day - 7) * HOURS_PER_DAY : day * HOURS_PER_DAY])
    return _or(levels, np.zeros(1))


def _or(values: Floats, other: Floats) -> Floats:
    """Values, and others where they are not known."""
    return np.where(np.isnan(values), other, values)
