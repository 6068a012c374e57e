"""Anomalies: hours in which a series is far from what its own hours of the day and of the week lead to expect.

    values ── scale ──▶ steady spread ── profile by hour and day ──▶ residuals ── runs of 1, 3, 8, 24 h ──▶ one anomaly each

Nothing here is estimated by means: a fleet's past has anomalies itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from functions.domain.alert_columns import Floats


class Direction(StrEnum):
    """Which way a series went."""

    UP = "up"
    DOWN = "down"


class Scale(StrEnum):
    """How a metric varies: which decides on what scale its ups and downs are alike."""

    AMOUNT = "amount"
    """Sums and counts of an hour, 0 among them: cost, tokens, tasks, errors."""
    SIZE = "size"
    """Means of what is above 0: latency, cost per task."""
    LEVEL = "level"
    """Gauges: memory, CPU, queue depth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyPolicy:
    """What counts as an anomaly."""

    alpha: float = 0.05
    """How many anomalies a whole call finds by chance, at most, on average."""
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
    watch_from: int | None = None,
    policy: AnomalyPolicy | None = None,
) -> list[Anomaly]:
    """Anomalies of the series of one metric, clearest first.

    `values` [series, hour] begin with the hour `first_hour`; nan is not known, which is not 0. `names` tell the series in the
    evidence, `unit` is one of `alert_text.figure`. Only hours from `watch_from` on are looked at, those before show what is usual: four
    weeks are good, one is enough (a weekly job is then an anomaly).
    """
    raise NotImplementedError
