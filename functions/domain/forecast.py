"""Forecasts of what adds up over a period: the cost of a month, from the hours so far and the weeks before.

    rate of an hour = what its weekday and hour had, later weeks for more ─ times ─ the level of late
    interval        = days around that, alike for a while, and a level that moves from week to week

Means, not medians: rare dear hours are part of a bill. But a day out of all proportion does not count as if more of it were to come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from functions.domain.alert_columns import Floats, Ints
from functions.domain.robust import NORMAL, Mask, as_normal, as_students, median
from functions.domain.seasons import HOURS_PER_WEEK, WEEKEND, by_day, hour_of_week, weekday
from functions.domain.times import HOURS_PER_DAY

MIN_DAYS = 3
"""Fewer known days are too little to say anything."""
STALE_DAYS: Final = 3
"""Nor is what was known longer ago."""
_HALF_LIFE_DAYS: Final = 14.0
"""A day so long ago counts for half in the week's profile …"""
_LEVEL_HALF_LIFE_DAYS: Final = 5.0
"""… and in the level of late."""
_OWN_WEEKS: Final = 1.0
"""Weeks that what workdays (weekends) have in common counts for, beside what a single day of the week had."""
_MOST: Final = 3.0
"""Times the usual that a day counts for, at most."""
_WALK: Final = 0.08
"""By how much levels move from week to week where nothing is known of it, as a fraction …"""
_WALK_WEEKS: Final = 4.0
"""… which counts for so many weeks."""
_STRANGE: Final = 0.85
"""By how much days of a kind that was never seen may differ from the others, as a fraction."""
_SEEN_HOURS: Final = 20
_ALIKE: Final = 0.3
"""Correlation of a day with the next where little is known …"""
_ALIKE_DAYS: Final = 14.0
"""… which counts for so many days."""


class TooLittle(ValueError):
    """Too little is known for a forecast; the text says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A period's total, as it will be."""

    used: float
    """In the known hours of the period up to `now_hour`."""
    expected: float
    """At the end of the period: median."""
    low: float
    high: float
    """Interval of it, with the chance `level`."""
    level: float
    hours: range
    """The coming hours, `now_hour` to the end of the period, and the arrays by hour:"""
    cumulative: Floats
    """Expected total at the end of each of them."""
    cumulative_low: Floats
    cumulative_high: Floats
    error: float
    """Standard error of the logarithm of `expected - used`; it is Student's t with `freedom`."""
    freedom: float
    notes: Sequence[str] = ()
    """What was guessed, and from how much."""

    def reaches(self, limit: float) -> int | None:
        """The hour in which the expected total gets above a limit, the first one if it is already; None if it does not in the period."""
        if self.used > limit:
            return self.hours.start
        above = np.flatnonzero(self.cumulative > limit)
        return self.hours[int(above[0])] if len(above) else None

    def chance_above(self, limit: float) -> float:
        """How likely the period's total is above a limit."""
        rest = self.expected - self.used
        if limit < self.used or rest <= 0 or self.error <= 0:
            return float(self.expected > limit)
        if limit == self.used:
            return 1.0
        return 1 - NORMAL.cdf(float(as_normal(np.float64(math.log((limit - self.used) / rest) / self.error), self.freedom)))


def forecast(values: Floats, first_hour: int, *, period_start: int, now_hour: int, period_end: int, level: float = 0.8) -> Forecast:
    """Forecast the total of the hours period_start <= hour < period_end. Raises `TooLittle`.

    `values` [hour], nothing below 0, begin with `first_hour` and are used up to `now_hour`, the first hour that is not whole yet; nan is
    not known. Hours before the period help: four weeks of them show the week. Hours of the period that are not known count as expected.
    """
    known = values[: max(now_hour - first_hour, 0)]
    _check(known, now_hour)
    notes: list[str] = []
    capped = _capped(known, first_hour, notes)
    hours = np.arange(period_start, max(period_end, period_start), dtype=np.int64)
    past, rates = _rates(capped, first_hour, hours)
    spread = _Spread.of(capped, past, first_hour)
    got = np.full(len(hours), np.nan)
    inside = (hours >= first_hour) & (hours < first_hour + len(known))
    got[inside] = known[hours[inside] - first_hour]
    used = float(np.nansum(got))
    open_ = np.isnan(got)
    guessed = int(np.count_nonzero(open_ & (hours < now_hour)))
    coming = hours >= now_hour
    rest, length = np.cumsum(np.where(open_, rates, 0.0)), np.cumsum(open_)
    if guessed:
        amount = float(rates[open_ & ~coming].sum())
        notes.append(f"{guessed} hours of the period are not known and count as usual: {amount:.4g}")
    notes.append(f"from {np.count_nonzero(~np.isnan(known)) / HOURS_PER_DAY:.3g} days")
    strange = open_ & ~_seen(known, first_hour, hours)
    if strange.any():
        notes.append("of the coming weekends or workdays none is known yet: taken to be like the other days")
    part = np.divide(np.cumsum(np.where(strange, rates, 0.0)), rest, out=np.zeros(len(rest)), where=rest > 0)
    error = np.hypot(spread.error(np.maximum(length, 1) / HOURS_PER_DAY), _STRANGE * part)
    most = as_students(NORMAL.inv_cdf((1 + level) / 2), spread.freedom)
    low, high = (np.maximum.accumulate(used + rest * np.exp(side * most * error)) for side in (-1, 1))
    end = {"expected": used + rest, "low": low, "high": high}
    last = {name: float(line[-1]) if len(line) else used for name, line in end.items()}
    return Forecast(
        used=used,
        **last,
        level=level,
        hours=range(max(now_hour, period_start), max(period_end, now_hour, period_start)),
        cumulative=(used + rest)[coming],
        cumulative_low=low[coming],
        cumulative_high=high[coming],
        error=float(error[-1]) if len(error) else 0.0,
        freedom=spread.freedom,
        notes=notes,
    )


def _check(known: Floats, now_hour: int) -> None:
    places = np.flatnonzero(~np.isnan(known))
    if len(places) < MIN_DAYS * HOURS_PER_DAY:
        raise TooLittle(f"{len(places)} hours are known; a forecast needs {MIN_DAYS * HOURS_PER_DAY}")
    age = len(known) - 1 - int(places[-1])
    if age >= STALE_DAYS * HOURS_PER_DAY:
        raise TooLittle(f"nothing is known of the last {age} hours; a forecast needs some of the last {STALE_DAYS * HOURS_PER_DAY}")


def _capped(known: Floats, first_hour: int, notes: list[str]) -> Floats:
    """Values, those of days out of all proportion scaled down."""
    grid, before = by_day(known[None], first_hour)
    totals = np.where(np.isnan(grid[0]).all(axis=1), np.nan, np.nansum(grid[0], axis=1))
    days = weekday((first_hour // HOURS_PER_DAY + np.arange(len(totals))) * HOURS_PER_DAY)
    usual = np.empty(len(totals))
    for side in (days >= WEEKEND, days < WEEKEND):
        some = np.count_nonzero(~np.isnan(totals[side])) >= MIN_DAYS
        usual[side] = median(totals[side] if some else totals)
    over = np.divide(totals, usual, out=np.ones(len(totals)), where=(usual > 0) & ~np.isnan(totals)) / _MOST
    if (over > 1).any():
        notes.append(f"{int(np.count_nonzero(over > 1))} days with more than {_MOST:g} times the usual count for that much in what comes")
    scaled: Floats = (grid[0] / np.maximum(over, 1.0)[:, None]).reshape(-1)[before : before + len(known)]
    return scaled


def _rates(known: Floats, first_hour: int, hours: Ints) -> tuple[Floats, Floats]:
    """What past hours should have had, and what others will: the profile of the week, at the level of late."""
    past = first_hour + np.arange(len(known))
    age = (first_hour + len(known) - past) / HOURS_PER_DAY
    there = ~np.isnan(known)
    values, weights = np.where(there, known, 0.0), there * 0.5 ** (age / _HALF_LIFE_DAYS)
    week = np.arange(HOURS_PER_WEEK)
    of_day, is_weekend = week % HOURS_PER_DAY, week // HOURS_PER_DAY >= WEEKEND
    sums, counts = (np.bincount(hour_of_week(past), part, HOURS_PER_WEEK) for part in (values * weights, weights))
    profile = np.zeros(HOURS_PER_WEEK)
    # From what all days have in common, to what workdays or weekends have, to what this day of the week has.
    for group in (np.zeros(HOURS_PER_WEEK, np.int64), of_day, of_day + HOURS_PER_DAY * is_weekend, week):
        total, amount = (np.bincount(group, part, HOURS_PER_WEEK)[group] for part in (sums, counts))
        profile = (total + _OWN_WEEKS * profile) / (amount + _OWN_WEEKS)
    recent = there * 0.5 ** (age / _LEVEL_HALF_LIFE_DAYS)
    usual = float((profile[hour_of_week(past)] * recent).sum())
    level = float((values * recent).sum()) / usual if usual > 0 else 0.0
    return profile[hour_of_week(past)], level * profile[hour_of_week(hours)]


def _seen(known: Floats, first_hour: int, hours: Ints) -> Mask:
    """Whether hours are of a kind, workday or weekend, of which a day is known."""
    weekend = weekday(first_hour + np.flatnonzero(~np.isnan(known))) >= WEEKEND
    seen = np.array([np.count_nonzero(~weekend), np.count_nonzero(weekend)]) >= _SEEN_HOURS
    found: Mask = seen[(weekday(hours) >= WEEKEND).astype(np.int64)]
    return found


class _Spread(NamedTuple):
    """By how much days and weeks differ from what was expected of them, as fractions."""

    day: float
    """Variance of a day, times how much days that follow each other are alike."""
    days: float
    """That the level of late is made of."""
    week: float
    """Variance of the change from week to week."""
    freedom: float

    @classmethod
    def of(cls, known: Floats, usual: Floats, first_hour: int) -> _Spread:
        """From the past."""
        there = ~np.isnan(known)
        got, should = (np.nansum(by_day(np.where(there, part, np.nan)[None], first_hour)[0][0], axis=1) for part in (known, usual))
        full = should > 0.5 * np.median(should[should > 0]) if (should > 0).any() else should > 0
        rest = np.divide(got, should, out=np.ones(len(got)), where=full)[full] - 1
        amount = max(len(rest), 2)
        rest = rest - rest.mean() if len(rest) else np.zeros(2)
        variance = float((rest**2).sum()) / (amount - 1)
        like = float((rest[1:] * rest[:-1]).sum() / max((rest**2).sum(), 1e-12))
        alike = min(max((like * amount + _ALIKE * _ALIKE_DAYS) / (amount + _ALIKE_DAYS), 0.0), 0.8)
        weeks = [float(week.mean()) for week in np.array_split(rest + 1, max(len(rest) // 7, 1))]
        moves = np.diff(np.log(np.maximum(weeks, 0.01)))
        # Weeks differ by chance, too.
        moved = max(float((moves**2).sum()) - len(moves) * 2 * variance / 7, 0.0)
        walk = (moved + _WALK_WEEKS * _WALK**2) / (len(moves) + _WALK_WEEKS)
        return cls(variance * (1 + alike) / (1 - alike), min(amount, 2 * _LEVEL_HALF_LIFE_DAYS), walk, amount - 1.0)

    def error(self, days: Floats) -> Floats:
        """Standard error of the logarithm of a total of the coming days."""
        weeks = days / 7
        found: Floats = np.minimum(np.sqrt(np.log1p(self.day / days + self.day / self.days + self.week * (weeks / 3 + 0.5))), 1.5)
        return found
