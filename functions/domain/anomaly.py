"""Anomalies: hours in which a series is far from what its own hours of the day and of the week lead to expect.

    values ── scale ──▶ steady spread ── profile by hour and day ──▶ residuals ── runs of 1, 3, 8, 24 h ──▶ one anomaly each

Nothing here is estimated by means: a fleet's past has anomalies itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.alert_text import figure
from functions.domain.anomaly_scores import RUNS, Scale, score
from functions.domain.robust import NORMAL, upper_tail
from functions.domain.seasons import by_day

__all__ = ["Anomaly", "AnomalyPolicy", "Direction", "Scale", "find_anomalies"]

_UNUSUAL: Final = 1.5
"""Hours so many standard deviations from the usual are part of an anomaly beside them."""
_GAP: Final = 2
"""Hours as usual that do not end one."""


class Direction(StrEnum):
    """Which way a series went."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyPolicy:
    """What counts as an anomaly."""

    alpha: float = 0.01
    """Which part of the series that are found are found by chance, on average, were all as regular as it takes them to be; what it is
    with others stands in docs/statistics.md."""
    min_change: float = 0.5
    """Nothing nearer to the usual than this, as a fraction of it; `DOWN` as far as `UP`: to 1 / 1.5."""
    least: float = 0.0
    """Nothing nearer to the usual than this, in the metric's unit."""
    min_days: int = 5
    """Series with fewer days of known hours are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """Adjacent hours that are unusual in the same way. Values are means of its known hours."""

    series: int
    """Row."""
    name: str
    first_hour: int
    last_hour: int
    """Half open: first_hour <= hour < last_hour."""
    direction: Direction
    value: float
    usual: float
    score: float
    """How far its clearest run of hours is from the usual, in standard deviations of a normal distribution."""
    chance: float
    """How many so clear ones the whole call finds by chance."""
    evidence: str
    """A sentence with its numbers."""

    @property
    def excess(self) -> float:
        """What all of its hours had beyond the usual, in the metric's unit; below 0 when it went down."""
        return (self.value - self.usual) * (self.last_hour - self.first_hour)


def find_anomalies(
    values: Floats,
    first_hour: int,
    *,
    names: Sequence[str],
    scale: Scale,
    unit: str = "",
    counts: Floats | None = None,
    watch_from: int | None = None,
    policy: AnomalyPolicy | None = None,
) -> list[Anomaly]:
    """Anomalies of the series of one metric, clearest first.

    `values` [series, hour] begin with the hour `first_hour`; nan is not known, which is not 0. `counts`, of the same shape, are the tasks
    that each value is of, if it is of tasks: few say little. `names` tell the series in the evidence, `unit` is one of
    `alert_text.figure`. Only hours from `watch_from` on are looked at, those before show what is usual: four weeks are good, one is
    enough (what happens once a week is then an anomaly).
    """
    policy = policy or AnomalyPolicy()
    days = (~np.isnan(by_day(values, first_hour)[0])).any(axis=2).sum(axis=1)
    rows = np.flatnonzero(days >= policy.min_days)
    past = min(max(0, (watch_from or first_hour) - first_hour), values.shape[1])
    watched = int(np.count_nonzero(~np.isnan(values[rows, past:]))) * len(RUNS)
    if not watched:
        return []
    scored = score(values[rows], first_hour, scale, None if counts is None else counts[rows], past)
    most = np.nan_to_num(np.abs(scored.scores[:, :, past:])).max(axis=(0, 2))
    enough = _enough(most, watched / len(rows), policy.alpha)
    sought = _Sought(first_hour, past, enough, watched, unit, policy)
    found = [
        anomaly
        for at in np.flatnonzero(most >= enough)
        for anomaly in sought.of_series(
            int(rows[at]), names[rows[at]], _Series(values[rows[at]], scored.usual[at], scored.rest[at], scored.scores[:, at])
        )
    ]
    return sorted(found, key=lambda anomaly: -abs(anomaly.score))


def _enough(most: Floats, tests: float, alpha: float) -> float:
    """The score that counts as an anomaly: Bonferroni's bound over the tests of a series, Benjamini and Hochberg's over the series."""
    chances = np.minimum([2 * upper_tail(float(score)) * tests for score in np.sort(most)[::-1]], 1.0)
    found = np.flatnonzero(chances <= alpha * np.arange(1, len(most) + 1) / len(most))
    return NORMAL.inv_cdf(1 - alpha * (found[-1] + 1 if len(found) else 1) / len(most) / tests / 2)


@dataclass(frozen=True, slots=True)
class _Series:
    """One series: arrays [hour], `scores` [run, hour]."""

    values: Floats
    usual: Floats
    rest: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class _Sought:
    """What is looked for in each series."""

    first_hour: int
    watched: int
    enough: float
    tests: int
    unit: str
    policy: AnomalyPolicy

    def of_series(self, row: int, name: str, series: _Series) -> Iterator[Anomaly]:
        """Anomalies of one series: the clearest run, with the hours around that go the same way, then what is left of the others."""
        scores = np.nan_to_num(series.scores)
        scores[:, : self.watched] = 0.0
        while np.abs(scores).max() >= self.enough:
            run, end = divmod(int(np.abs(scores).argmax()), scores.shape[1])
            score = float(scores[run, end])
            start, stop = _extent(series.rest * np.sign(score), max(self.watched, end - RUNS[run] + 1), end + 1, self.watched)
            for place, hours in enumerate(RUNS):
                scores[place, start : stop + hours - 1] = 0.0
            scores[:, end] = 0.0
            anomaly = self._judged(row, name, series, slice(start, stop), score)
            if anomaly is not None:
                yield anomaly

    def _judged(self, row: int, name: str, series: _Series, hours: slice, score: float) -> Anomaly | None:
        """None for what is clear, but small."""
        known = ~np.isnan(series.values[hours])
        value, expected = float(series.values[hours][known].mean()), float(series.usual[hours][known].mean())
        most, less = max(value, expected), min(value, expected)
        if most < less * (1 + self.policy.min_change) or most - less < self.policy.least:
            return None
        direction = Direction.UP if value > expected else Direction.DOWN
        chance = 2 * upper_tail(abs(score)) * self.tests
        first, last = self.first_hour + hours.start, self.first_hour + hours.stop
        evidence = (
            f"{name}: {figure(value, self.unit)} {_when(first, last)}, usually {figure(expected, self.unit)} at that time"
            f"{_times(value, expected)}; {abs(score):.1f} standard deviations"
        )
        return Anomaly(
            series=row,
            name=name,
            first_hour=first,
            last_hour=last,
            direction=direction,
            value=value,
            usual=expected,
            score=score,
            chance=chance,
            evidence=evidence,
        )


def _extent(rest: Floats, start: int, stop: int, watched: int) -> tuple[int, int]:
    """A run without the ends that are as usual, with the hours next to it that are not; `rest` is positive where it goes the same way."""
    inside = np.flatnonzero(np.nan_to_num(rest[start:stop]) >= _UNUSUAL)
    if not len(inside):
        return start, stop
    start, stop = start + int(inside[0]), start + int(inside[-1]) + 1
    unusual = np.flatnonzero(np.nan_to_num(rest) >= _UNUSUAL)
    for at in unusual[(unusual >= stop)].tolist():
        if not _belongs(rest[at], at - stop):
            break
        stop = at + 1
    for at in unusual[(unusual < start) & (unusual >= watched)][::-1].tolist():
        if not _belongs(rest[at], start - 1 - at):
            break
        start = at
    return start, stop


def _belongs(rest: float, gap: int) -> bool:
    """The more hours as usual lie between, the more unusual an hour has to be."""
    return gap <= _GAP and rest >= _UNUSUAL * (1 + gap)


def _when(first: int, last: int) -> str:
    """`at Tue 2026-11-24 14:00 UTC`, or from there to where."""
    begin, end = (datetime.fromtimestamp(hour * 3600, UTC) for hour in (first, last))
    if last - first == 1:
        return f"at {begin:%a %Y-%m-%d %H:%M} UTC"
    return f"an hour from {begin:%a %Y-%m-%d %H:%M} to {end:{'%H:%M' if begin.date() == end.date() else '%a %H:%M'}} UTC"


def _times(value: float, expected: float) -> str:
    if min(expected, value) <= 0.001 * max(expected, value):
        return ""  # next to nothing is no measure
    return f" ({value / expected:.1f} times)" if value > expected else f" ({value / expected:.0%} of it)".replace("%", " %")
