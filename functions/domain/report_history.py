"""Series of the period and the one before it as one, for statistics that need a past."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.report_data import ReportData
from functions.domain.rollup import TagPairs
from functions.domain.series import AGENT
from functions.domain.times import HOUR_MS
from functions.domain.usage_frame import UsageFrame


@dataclass(frozen=True, slots=True)
class History:
    """Sums and numbers of points of some series: arrays [series, hour], nan in hours that are not known, or before an agent was there."""

    keys: Sequence[TagPairs]
    sums: Floats
    counts: Floats

    @property
    def means(self) -> Floats:
        """Mean values; nan without points."""
        return np.divide(self.sums, self.counts, out=np.full_like(self.sums, np.nan), where=self.counts > 0)


def history(data: ReportData, names: Collection[str], *by: str) -> History:
    """Of some metrics added up, by tags."""
    parts = [_hourly(data, frame, names, by) for frame in (data.before, data.usage)]
    keys = list(dict.fromkeys(key for found, _, _ in parts for key in found))
    place = {key: row for row, key in enumerate(keys)}
    sums, counts = (np.zeros((len(keys), 2 * data.hours)) for _ in range(2))
    for number, (found, total, points) in enumerate(parts):
        rows, hours = [place[key] for key in found], slice(number * data.hours, (number + 1) * data.hours)
        sums[rows, hours], counts[rows, hours] = total, points
    unknown = _unknown(data, keys)
    return History(keys, np.where(unknown, np.nan, sums), np.where(unknown, np.nan, counts))


def _hourly(data: ReportData, frame: UsageFrame, names: Collection[str], by: tuple[str, ...]) -> tuple[list[TagPairs], Floats, Floats]:
    groups = frame.group(by, data.selector, data.overlay)
    figures = [frame.hourly(name, groups) for name in sorted(names)]
    keys = [tuple(sorted(key)) for key in groups.keys]
    return keys, np.sum([one.sum for one in figures], axis=0), np.sum([one.count for one in figures], axis=0)


def _unknown(data: ReportData, keys: Sequence[TagPairs]) -> np.ndarray[tuple[int, int], np.dtype[np.bool]]:
    first = data.before.first_hour
    missing = np.zeros(2 * data.hours, dtype=bool)
    missing[[hour - first for hour in (*data.before.missing, *data.usage.missing)]] = True
    if not data.before.agents():
        missing[: data.hours] = True
    since = np.array([_since(data, key) // HOUR_MS - first for key in keys], dtype=np.int64)
    return missing[None, :] | (np.arange(2 * data.hours)[None, :] < since[:, None])


def _since(data: ReportData, key: TagPairs) -> int:
    """Since when a series can be, ms: an agent's from when it was first seen."""
    state = data.states.get(dict(key).get(AGENT, ""))
    return (state.first_seen or 0) if state else 0
