"""How far each run of hours of many series is from the usual, as a normal deviate: what `anomaly` picks from.

    values ─ scale ─▶ steady ─ usual (seasons) ─▶ residuals ─ spread ─▶ deviates ─ means of runs, tails ─▶ scores

Arrays are [series, hour]; nan is not known. Tails are those of Student's t, as heavy as the residuals show them to be: of a
metric that often has odd hours, odder ones are asked for.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.robust import as_normal, median, quantile, spread
from functions.domain.seasons import by_day, usual

RUNS: Final = (1, 3, 8, 24)
"""Hours that are looked at together."""
_MIN_RUNS: Final = 5
"""So many of them must fit into what is known."""
_TAKEN: Final = 1.35
"""Days whose spread the usual takes away, for it is made of the same values; by simulation, as is the next."""
_STRETCHED: Final = 0.8
"""Days by which tails seem heavier for the same reason."""
_OF_PEERS: Final = 0.25
"""A series that hardly moves is taken to move so much of what others do."""
_OF_LEVEL: Final = 0.005
_TINY: Final = 1e-9
_NOW_AND_THEN: Final = 0.2
"""Of busy hours, how many follow one without a task where tasks come now and then."""
_MIN_BEGINS: Final = 2
"""One busy run alone shows nothing about chance."""
_PEER_RUNS: Final = 10.0
"""How many runs of its own a series' peers count for, where it is about how much runs vary."""
_OWN_TAIL_HOURS: Final = 14 * 24
"""So long a past shows a series' own tails …"""
_OWN_DOUBT: Final = 1.2
"""… within this factor."""
_FREEDOMS: Final = (100.0, 20.0, 10.0, 6.0, 5.0, 4.0, 3.0, 2.2)
_TAILS: Final = {
    0.975: (1.967, 2.045, 2.157, 2.331, 2.432, 2.600, 2.936, 3.575),
    0.99: (2.269, 2.402, 2.595, 2.912, 3.099, 3.425, 4.106, 5.504),
}
"""By quantile: that of |t| over its third quartile, for these degrees of freedom."""


class Scale(StrEnum):
    """How a metric varies: which decides on what scale its ups and downs are alike."""

    AMOUNT = "amount"
    """Sums and counts of an hour, 0 among them: cost, tokens, tasks, errors."""
    SIZE = "size"
    """Means of what is above 0: latency, cost per task."""
    LEVEL = "level"
    """Gauges: memory, CPU, queue depth."""


class Scored(NamedTuple):
    """Series with what is usual for them."""

    usual: Floats
    """In the metric's unit."""
    rest: Floats
    """Beyond the usual, in standard deviations of single hours."""
    scores: Floats
    """Of the runs that end at an hour: [run, series, hour]; nan where less than half of a run is known."""


def score(values: Floats, first_hour: int, scale: Scale, counts: Floats | None = None, past: int = 0) -> Scored:
    """Score series that know some days. The first `past` hours show how heavy each series' own tails are, if they are many."""
    steady = _steady(values, scale)
    expected = usual(steady, first_hour)
    rest = steady - expected
    rest[(steady == 0) & (expected == 0)] = np.nan  # nothing where nothing is usual shows no spread
    if counts is not None and scale is not Scale.AMOUNT:
        rest = _evened(rest, counts)
    days = (~np.isnan(by_day(values, first_hour)[0])).any(axis=2).sum(axis=1)
    rest /= (_spreads(rest, values, scale, counts) / (1 - _TAKEN / np.maximum(days, 2)))[:, None]
    stretched = 1 + _STRETCHED / max(float(np.median(days)), 1.0) if len(days) else 1.0
    return Scored(_plain(expected, scale), rest, _runs(rest, past, stretched))


def _evened(rest: Floats, counts: Floats) -> Floats:
    """Residuals of means as if each hour had equally many tasks.

    Their variance is `wander + task / count`, which hours with more tasks and those with fewer tell together.
    """
    shares = np.where(np.isnan(rest) | ~(counts > 0), np.nan, 1 / np.maximum(counts, 1.0))
    middle = median(shares)[:, None]
    sides = [np.where(side, 1.0, np.nan) for side in (shares <= middle, shares > middle)]
    (near, far), (some, few) = ([median(part * side) for side in sides] for part in (np.abs(rest), shares))
    near, far = near**2, far**2
    task = np.maximum(np.divide(far - near, few - some, out=np.zeros(len(rest)), where=few > some), 0.0)
    wander = np.maximum(near - task * some, 0.05 * near)
    variance = wander[:, None] + task[:, None] * shares
    even = np.divide(rest, np.sqrt(variance), out=np.full(rest.shape, np.nan), where=variance > 0)
    kept: Floats = np.where(np.isnan(near)[:, None], rest, even * np.sqrt(near)[:, None])
    return kept


def _steady(values: Floats, scale: Scale) -> Floats:
    """Values on a scale where they vary alike at all levels."""
    if scale is Scale.AMOUNT:
        return np.sqrt(np.maximum(values, 0.0))
    if scale is Scale.SIZE:
        return np.log(values, out=np.full(values.shape, np.nan), where=values > 0)
    return values


def _plain(steady: Floats, scale: Scale) -> Floats:
    """The way back."""
    if scale is Scale.AMOUNT:
        return np.maximum(steady, 0.0) ** 2
    return np.exp(steady) if scale is Scale.SIZE else steady


def _spreads(rest: Floats, values: Floats, scale: Scale, counts: Floats | None) -> Floats:
    """Standard deviation of each series' residuals, by the median; not less than what peers and single tasks have."""
    found = spread(rest)
    peers = median(found[found > 0]) if (found > 0).any() else np.float64(0.0)
    least = np.maximum(_OF_PEERS * peers, _OF_LEVEL * np.nan_to_num(median(np.abs(_steady(values, scale)))))
    if scale is Scale.AMOUNT:
        least = np.maximum(least, _of_tasks(values, counts))
    return np.maximum(np.maximum(found, least), _TINY)


def _of_tasks(values: Floats, counts: Floats | None) -> Floats:
    """Spread of series with a task now and then: by chance they have two at once.

    The number of tasks is Poisson's, so the root of the amount varies by half the root of what one task has. If nobody says what that is,
    the share of hours with any does.
    """
    busy = values > 0
    hours = np.count_nonzero(busy, axis=1)
    begins = np.count_nonzero(np.diff(busy.astype(np.int8), axis=1) > 0, axis=1)
    if counts is not None:
        one = median(np.divide(values, counts, out=np.full(values.shape, np.nan), where=busy & (counts > 0)))
    else:
        share = np.minimum(hours / np.maximum(np.count_nonzero(~np.isnan(values), axis=1), 1), 0.98)
        one = median(np.where(busy, values, np.nan)) * share / np.maximum(-np.log1p(-share), _TINY)
        begins = np.where(begins >= _MIN_BEGINS, begins, 0)
    now_and_then = (begins > 0) & (begins >= _NOW_AND_THEN * hours)
    return np.where(now_and_then, 0.5 * np.sqrt(np.nan_to_num(one)), 0.0)


def _runs(rest: Floats, past: int, stretched: float) -> Floats:
    known = ~np.isnan(rest)
    sums, counts = (np.cumsum(np.pad(part, ((0, 0), (1, 0))), axis=1) for part in (np.where(known, rest, 0.0), known.astype(np.float64)))
    found = np.full((len(RUNS), *rest.shape), np.nan)
    for place, hours in enumerate(RUNS):
        if rest.shape[1] < _MIN_RUNS * hours:
            continue
        count = counts[:, hours:] - counts[:, :-hours]
        mean = np.divide(sums[:, hours:] - sums[:, :-hours], count, out=np.full(count.shape, np.nan), where=count > hours / 2)
        own, amount = np.maximum(spread(mean), 1 / math.sqrt(hours)), rest.shape[1] / hours
        shrunk = np.exp((amount * np.log(own) + _PEER_RUNS * median(np.log(own))) / (amount + _PEER_RUNS))
        deviates = mean / shrunk[:, None]
        freedom = np.minimum(_freedom(deviates, past, stretched), amount + _PEER_RUNS)
        found[place, :, hours - 1 :] = as_normal(deviates, freedom[:, None])
    return found


def _freedom(deviates: Floats, past: int, stretched: float) -> Floats:
    """Degrees of freedom of Student's t that has tails as heavy as those of all series together, and of each in its past."""
    every = _of_tail(np.abs(deviates).reshape(1, -1), 0.975, stretched)
    if past < _OWN_TAIL_HOURS:
        return np.broadcast_to(every, len(deviates))
    return np.minimum(every, _of_tail(np.abs(deviates[:, :past]), 0.99, _OWN_DOUBT))


def _of_tail(sizes: Floats, q: float, doubt: float) -> Floats:
    """By how much farther out a quantile is than the third quartile."""
    third = quantile(sizes, 0.75)
    ratio = np.divide(quantile(sizes, q), third, out=np.full(third.shape, np.inf), where=third > 0)
    found: Floats = np.interp(ratio / doubt, _TAILS[q], _FREEDOMS)
    return found
