"""Series of the period and the one before it as one, for statistics that need a past; with the weeks before those where that is kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.report_data import ReportData
from functions.domain.report_past import Past, hourly, joined
from functions.domain.rollup import TagPairs
from functions.domain.series import AGENT
from functions.domain.times import HOUR_MS


@dataclass(frozen=True, slots=True)
class History:
    """Sums and numbers of points of some series: arrays [series, hour], nan in hours that are not known, or before an agent was there."""

    first_hour: int
    keys: Sequence[TagPairs]
    sums: Floats
    counts: Floats

    @property
    def means(self) -> Floats:
        """Mean values; nan without points."""
        return np.divide(self.sums, self.counts, out=np.full_like(self.sums, np.nan), where=self.counts > 0)


def history(data: ReportData, names: Collection[str], *by: str, past: Past | None = None) -> History:
    """Of some metrics added up, by tags. `past` is to have them, if it is given."""
    parts = [(frame.first_hour, hourly(frame, names, by, data.selector, data.overlay)) for frame in (data.before, data.usage)]
    if past is not None:
        parts.insert(0, (past.first_hour, past.hourly(names, by)))
    first, last = parts[0][0], data.usage.last_hour
    keys, sums, counts = joined(first, last, parts)
    unknown = _unknown(data, keys, first, past)
    return History(first, keys, np.where(unknown, np.nan, sums), np.where(unknown, np.nan, counts))


def _unknown(data: ReportData, keys: Sequence[TagPairs], first: int, past: Past | None) -> np.ndarray[tuple[int, int], np.dtype[np.bool]]:
    hours = data.usage.last_hour - first
    missing = np.zeros(hours, dtype=bool)
    missing[[hour - first for hour in (*(past.missing if past else ()), *data.before.missing, *data.usage.missing)]] = True
    if not data.before.agents():
        missing[data.before.first_hour - first : data.usage.first_hour - first] = True
    since = np.array([_since(data, key) // HOUR_MS - first for key in keys], dtype=np.int64)
    return missing[None, :] | (np.arange(hours)[None, :] < since[:, None])


def _since(data: ReportData, key: TagPairs) -> int:
    """Since when a series can be, ms: an agent's from when it was first seen."""
    state = data.states.get(dict(key).get(AGENT, ""))
    return (state.first_seen or 0) if state else 0
