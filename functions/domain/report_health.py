"""The health score: 100 for an agent that was green all the time, 50 for yellow, 0 for red, by the ticks of seal (`health_hours`).

Time for which an agent is grey (never seen, silent for more than a day, retired) is not judged. The fleet's score is over the time of all
its agents together, so an agent that was there for an hour counts for an hour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.health_hours import COUNTED
from functions.domain.report_data import ReportData
from functions.domain.report_tally import Overlay
from functions.domain.report_time import in_steps
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.usage import HEALTH, STATUS
from functions.domain.usage_frame import UsageFrame

WEIGHTS = np.array([100.0, 50.0, 0.0])
"""What a tick counts, by `COUNTED`."""


@dataclass(frozen=True, slots=True)
class Health:
    """How well agents were in a period."""

    agents: list[str]
    ticks: Floats
    """Arrays [colour as in `COUNTED`, agent, hour]."""

    @property
    def score(self) -> float | None:
        """Of all of them; None when nothing was judged."""
        total = self.ticks.sum()
        return float(self._points.sum() / total) if total else None

    @property
    def bad(self) -> float | None:
        """Share of the time in which an agent was red."""
        total = self.ticks.sum()
        return float(self.ticks[2].sum() / total) if total else None

    @property
    def by_agent(self) -> list[tuple[str, float, float]]:
        """Agent, score, and share of red time, the least healthy first."""
        ticks, points = self.ticks.sum(axis=(0, 2)), self._points.sum(axis=1)
        red = self.ticks[2].sum(axis=1)
        found = [
            (agent, float(points[row] / ticks[row]), float(red[row] / ticks[row])) for row, agent in enumerate(self.agents) if ticks[row]
        ]
        return sorted(found, key=lambda one: (one[1], one[0]))

    def by_step(self, data: ReportData) -> Floats:
        """The score in each step of a chart; nan where nothing was judged."""
        points, ticks = in_steps(data, self._points.sum(axis=0)), in_steps(data, self.ticks.sum(axis=(0, 1)))
        return np.divide(points, ticks, out=np.full_like(points, np.nan), where=ticks > 0)

    @property
    def _points(self) -> Floats:
        found: Floats = np.tensordot(WEIGHTS, self.ticks, axes=1)
        return found


def health(data: ReportData) -> tuple[Health, Health]:
    """Of the period and of the one before."""
    return (
        health_of(data.usage, data.selector, data.overlay),
        health_of(data.before, data.selector, data.overlay),
    )


def health_of(frame: UsageFrame, selector: Selector, overlay: Overlay) -> Health:
    """Of the agents that a selector means."""
    groups = frame.group((AGENT, STATUS), selector, overlay)
    ticks = frame.hourly(HEALTH, groups).sum
    rows: dict[str, int] = {}
    places = [(dict(pairs).get(AGENT, ""), dict(pairs).get(STATUS)) for pairs in groups.keys]
    chosen = [(place, rows.setdefault(agent, len(rows)), status) for place, (agent, status) in enumerate(places) if status in COUNTED]
    found = np.zeros((len(COUNTED), len(rows), len(frame.hours)))
    for place, row, status in chosen:
        found[COUNTED.index(status), row] += ticks[place]
    return Health(list(rows), found)
