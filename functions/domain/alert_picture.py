"""The picture of a backtest: what a rule measured of each series over time, and what it was compared with.

A replay has thousands of moments and a picture a few hundred columns: each keeps the value that was nearest to firing, with its threshold,
so that what made an alert is always to be seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from functions.domain import alert_samples
from functions.domain.alert_axis import Axis, series_of
from functions.domain.alert_backtest import Episode, History
from functions.domain.alert_columns import Floats, Ints
from functions.domain.alert_rules import Absence, Rule
from functions.domain.alert_samples import Samples
from functions.domain.rollup import TagPairs
from functions.domain.times import HOUR_MS, MINUTE_MS

MAX_COLUMNS = 240
MAX_LINES = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One series. Points are (middle of a column in ms, value, threshold); None without data."""

    series: dict[str, str]
    points: list[tuple[int, float | None, float | None]]


class Painter:
    """Looks on while a rule is replayed: `backtest(…, watch=painter.see)`."""

    def __init__(self, rule: Rule, history: History, step_minutes: int = 1) -> None:
        self._rule, self._start = rule, history.start
        # Where there are only hours, a finer column would stay empty.
        unit = HOUR_MS if history.minutes_from > history.start else step_minutes * MINUTE_MS
        self.width = -(-(history.end - history.start) // (MAX_COLUMNS * unit)) * unit
        """Of a column, ms."""
        self._amount = max(1, -(-(history.end - history.start) // self.width))
        self._up = rule.when.bound.direction == "above" and not isinstance(rule.when.measure, Absence)
        self._rows: dict[TagPairs, int] = {}
        self._axis: Axis | None = None
        self._slots: Ints = np.zeros(0, dtype=np.int64)
        self._values = np.full((self._amount, 0), np.nan)
        self._thresholds = np.full((self._amount, 0), np.nan)

    def see(self, minute: int, samples: Samples) -> None:
        """Take in what was found when `minute` (since 1970) was the last whole one."""
        if samples.axis is not self._axis:
            self._follow(samples.axis)
        column = min(max(0, minute * MINUTE_MS - self._start) // self.width, self._amount - 1)
        fresh = np.where(samples.data == alert_samples.OK, samples.value, np.nan)
        values, thresholds = self._values[column], self._thresholds[column]
        before = values[self._slots]
        nearer = ~np.isnan(fresh) & (np.isnan(before) | ((fresh > before) if self._up else (fresh < before)))
        values[self._slots] = np.where(nearer, fresh, before)
        thresholds[self._slots] = np.where(nearer, samples.threshold, thresholds[self._slots])

    def lines(self, episodes: Iterable[Episode]) -> list[Line]:
        """The series that fired most often, then those that came nearest to it; at most `MAX_LINES`."""
        fired: dict[TagPairs, int] = {}
        for episode in episodes:
            series = series_of(episode.fired.series)
            fired[series] = fired.get(series, 0) + 1
        order = sorted(self._rows, key=lambda series: (-fired.get(series, 0), -self._nearness(self._rows[series]), series))
        return [Line(dict(series), self._points(self._rows[series])) for series in order[:MAX_LINES]]

    def _follow(self, axis: Axis) -> None:
        """Series may come up while the replay goes on; they keep their rows."""
        self._axis = axis
        self._slots = np.array([self._rows.setdefault(series, len(self._rows)) for series in axis.series], dtype=np.int64)
        more = len(self._rows) - self._values.shape[1]
        if more:
            none = np.full((self._amount, more), np.nan)
            self._values, self._thresholds = np.hstack([self._values, none]), np.hstack([self._thresholds, none])

    def _nearness(self, row: int) -> float:
        known = self._values[:, row]
        known = known[~np.isnan(known)]
        return -math.inf if not len(known) else float(known.max() if self._up else -known.min())

    def _points(self, row: int) -> list[tuple[int, float | None, float | None]]:
        middles = (self._start + column * self.width + self.width // 2 for column in range(self._amount))
        return list(zip(middles, _plain(self._values[:, row]), _plain(self._thresholds[:, row]), strict=True))


def _plain(found: Floats) -> list[float | None]:
    """To six digits: nobody sees more."""
    return [None if math.isnan(value) else float(f"{value:.6g}") for value in found.tolist()]
