"""Memory leaks: memory that rises for days, beyond the ups and downs of the day, and still does; restarts begin anew.

Not leaks: a daily cycle, a cache that fills and then stays, a step after a deployment, a level that wanders, a spike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.domain.alert_columns import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakPolicy:
    """What counts as a leak."""

    alpha: float = 0.05
    """How many leaks a whole call finds by chance, at most, on average."""
    min_hours: int = 48
    """Known hours that a stretch between two restarts needs."""
    least_per_day: float = 0.5
    """Nothing slower than this, in the unit of the values: half a percent point of memory a day."""


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
    raise NotImplementedError
