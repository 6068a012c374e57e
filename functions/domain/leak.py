"""Memory leaks: memory that rises for days, beyond the ups and downs of the day, and still does; restarts begin anew.

Not leaks: a daily cycle, a cache that fills and then stays, a step after a deployment, a level that wanders, a spike.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.alert_text import figure, span
from functions.domain.robust import Mask, chance_above_zero, found_by, kendall, median, quantile, spread, theil_sen, upper_tail
from functions.domain.seasons import by_day
from functions.domain.times import HOUR_MS, HOURS_PER_DAY

_SHORT_HOURS: Final = 8
"""Known hours of a stretch that ends before a day is over."""
_MIN_RISES: Final = 3
"""Days, or short stretches."""
_FALLS: Final = 6.0
"""A restart takes so many standard deviations of what is usual from hour to hour …"""
_FALLS_OF_RANGE: Final = 0.25
"""… and so much of the range."""
_DAILY: Final = 3.0
_MOSTLY: Final = 0.75
"""Of the days, how many rise."""
_LASTS: Final = 0.4
"""What it rises in the last third of the days, of that in the first."""
_WANDERS: Final = 0.005
"""How often a level that wanders may look like a leak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakPolicy:
    """What counts as a leak."""

    alpha: float = 0.05
    """How many leaks a whole call finds by chance, at most, on average."""
    min_hours: int = 48
    """Known hours that a stretch between two restarts needs."""
    least_per_day: float = 0.5
    """Nothing slower than this, in the unit of the values: half a percentage point of memory a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One series that leaks."""

    series: int
    """Row."""
    name: str
    first_hour: int
    last_hour: int
    """The newest stretch without a restart, half open."""
    per_day: float
    """Median rise, in the unit of the values."""
    low: float
    high: float
    """95 % interval of `per_day`."""
    value: float
    """Level at the end of it."""
    hours_to_full: float | None
    """None without `full`."""
    restarts: tuple[int, ...]
    """Hours at which it began anew."""
    chance: float
    """How many so clear ones the whole call finds by chance."""
    evidence: str
    """A sentence with its numbers."""


def find_leaks(
    values: Floats,
    first_hour: int,
    *,
    names: Sequence[str],
    unit: str = "percent",
    full: float | None = 100.0,
    restarts: Mapping[int, Sequence[int]] | None = None,
    policy: LeakPolicy | None = None,
) -> list[Leak]:
    """Leaks among series of memory, fastest first.

    `values` [series, hour], hourly means or minima, begin with the hour `first_hour`; nan is not known. `full` is where memory ends, in
    `unit` (one of `alert_text.figure`). Restarts are seen in the values; those that are known can be told, as hours by row.
    """
    policy = policy or LeakPolicy()
    told = restarts or {}
    trials = [(row, _try(values[row], first_hour, told.get(row), policy)) for row in np.flatnonzero(_may_rise(values)).tolist()]
    tried = [(row, trial) for row, trial in trials if trial is not None]
    known = int(np.count_nonzero(np.count_nonzero(~np.isnan(values), axis=1) >= policy.min_hours))
    chances = np.ones(max(known, len(tried)))  # those that do not rise steadily were asked, too
    chances[: len(tried)] = [trial.chance for _, trial in tried]
    sure = found_by(chances, policy.alpha)
    leaks = [
        _leak(row, names[row], trial, len(chances), first_hour, unit, full)
        for (row, trial), found in zip(tried, sure, strict=False)
        if found
    ]
    return sorted(leaks, key=lambda leak: -leak.per_day)


class _Trial(NamedTuple):
    """What the values of one series say that rises steadily."""

    chance: float
    """That there is no trend."""
    rises: float
    """Median, a day."""
    low: float
    high: float
    stretch: slice
    """The newest."""
    value: float
    """At its end."""
    restarts: tuple[int, ...]
    """Hours."""


def _may_rise(values: Floats) -> Mask:
    """Whether a day later there is more, or it falls so often that it may be restarted: everything else is no leak for sure."""
    if values.shape[1] <= HOURS_PER_DAY:
        return np.zeros(len(values), dtype=bool)
    rises = median(values[:, HOURS_PER_DAY:] - values[:, :-HOURS_PER_DAY]) > 0
    steps = np.diff(values, axis=1)
    found: Mask = rises | (median(steps) > 0)
    return found


def _try(values: Floats, first_hour: int, told: Sequence[int] | None, policy: LeakPolicy) -> _Trial | None:
    begins = sorted({*_restarts(values, first_hour), *(hour - first_hour for hour in told or () if 0 < hour - first_hour < len(values))})
    stretches = [slice(start, stop) for start, stop in pairwise([0, *begins, len(values)])]
    long = [one for one in stretches if np.count_nonzero(~np.isnan(values[one])) >= policy.min_hours]
    used = long if long and long[-1] == stretches[-1] else stretches
    days = np.concatenate([_day_rises(values[one]) for one in used])
    if not long:
        # Restarted before a day is over: what it does within each stretch is all there is.
        used = [one for one in stretches if np.count_nonzero(~np.isnan(values[one])) >= _SHORT_HOURS]
        days = np.array([HOURS_PER_DAY * _slope(values[one]) for one in used])
    if len(days) < _MIN_RISES or not _is_steady(days, long=bool(long)):
        return None
    slopes = _slopes([values[one] for one in used], HOURS_PER_DAY if long else 1)
    rises = float(np.median(slopes))
    if rises < policy.least_per_day:
        return None
    even = _without_day(values, first_hour, rises, used) if long else values
    test = reduce(operator.add, (kendall(even[one]) for one in used))
    doubt = 0.98 * math.sqrt(test.variance) / max(test.pairs, 1)
    low, high = (float(quantile(slopes, min(max(0.5 + side * doubt, 0.0), 1.0))) for side in (-1, 1))
    last = values[used[-1]]
    return _Trial(
        chance=upper_tail(test.z),
        rises=rises,
        low=low,
        high=high,
        stretch=used[-1],
        value=float(median(last[~np.isnan(last)][-6:])),
        restarts=tuple(first_hour + at for at in begins),
    )


def _restarts(values: Floats, first_hour: int) -> Iterator[int]:
    """Hours, by place, in which memory fell at once and stayed there; but not at the same hour each day: that is how the day goes."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) < HOURS_PER_DAY:
        return
    steps = np.diff(values[known])
    range_ = float(quantile(values, 0.95) - quantile(values, 0.05))
    least = max(_FALLS * float(spread(steps)), _FALLS_OF_RANGE * range_)
    places = [
        at + 1
        for at in np.flatnonzero(steps < -least).tolist()
        if median(values[known[at + 1 : at + 4]]) < median(values[known[max(at - 2, 0) : at + 1]]) - least / 2
    ]
    hours = [int(known[place]) for place in places]
    of_day = Counter((first_hour + hour) % HOURS_PER_DAY for hour in hours)
    daily = max(_DAILY, len(values) / HOURS_PER_DAY / 2)
    yield from (hour for hour in hours if sum(of_day[(first_hour + hour + by) % HOURS_PER_DAY] for by in (-1, 0, 1)) < daily)


def _day_rises(values: Floats) -> Floats:
    """By how much each day has more than the one before, hour by hour, from the end backwards; oldest first."""
    across = values[HOURS_PER_DAY:] - values[:-HOURS_PER_DAY]
    whole = len(across) // HOURS_PER_DAY
    rises = median(across[len(across) - whole * HOURS_PER_DAY :].reshape(whole, HOURS_PER_DAY)) if whole else np.zeros(0)
    return rises[~np.isnan(rises)]


def _is_steady(rises: Floats, *, long: bool) -> bool:
    """Whether it rises nearly always, more than a level that wanders does, and at the end still: a cache that has filled does not."""
    third = max(len(rises) // 3, 1)
    lasts = not long or rises[-third:].mean() >= _LASTS * rises[:third].mean()
    return bool(lasts and np.mean(rises > 0) >= _MOSTLY and chance_above_zero(rises) <= _WANDERS)


def _slope(values: Floats) -> float:
    known = np.flatnonzero(~np.isnan(values))
    return theil_sen(known.astype(np.float64), values[known])


def _slopes(stretches: Sequence[Floats], apart: int) -> Floats:
    """Rise a day between all pairs of hours of a stretch that are a multiple of `apart` from each other."""
    found = [np.zeros(0)]
    for values in stretches:
        for lag in range(apart, len(values), apart):
            across = (values[lag:] - values[:-lag]) * (HOURS_PER_DAY / lag)
            found.append(across[~np.isnan(across)])
    return np.concatenate(found)


def _without_day(values: Floats, first_hour: int, rises: float, used: Sequence[slice]) -> Floats:
    """Values without what each hour of the day has beyond the trend."""
    level = np.full(len(values), np.nan)
    trend = np.arange(len(values)) * (rises / HOURS_PER_DAY)
    for one in used:
        level[one] = median(values[one] - trend[one])
    grid, before = by_day((values - trend - level)[None], first_hour)
    day = np.nan_to_num(median(np.swapaxes(grid, 1, 2)))[0]
    found: Floats = values - day[(np.arange(len(values)) + before) % HOURS_PER_DAY]
    return found


def _leak(row: int, name: str, trial: _Trial, amount: int, first_hour: int, unit: str, full: float | None) -> Leak:
    left = None if full is None else max(0.0, (full - trial.value) / trial.rises * HOURS_PER_DAY)
    first, last = first_hour + trial.stretch.start, first_hour + trial.stretch.stop
    points = "percentage points" if unit == "percent" else unit
    evidence = (
        f"{name}: {figure(trial.rises, points)} more a day ({trial.low:.3g} to {trial.high:.3g}) for {span((last - first) * HOUR_MS)}"
    )
    evidence += f", now {figure(trial.value, unit)}"
    if left is not None:
        evidence += f", full in {span(round(left) * HOUR_MS)}" if left else ", full"
    if trial.restarts:
        evidence += f"; began anew {len(trial.restarts)} times" if len(trial.restarts) > 1 else "; began anew once"
    return Leak(
        series=row,
        name=name,
        first_hour=first,
        last_hour=last,
        per_day=trial.rises,
        low=trial.low,
        high=trial.high,
        value=trial.value,
        hours_to_full=left,
        restarts=trial.restarts,
        chance=trial.chance * amount,
        evidence=evidence,
    )
