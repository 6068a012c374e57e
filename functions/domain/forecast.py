"""Forecasts of what adds up over a period: the cost of a month, from the hours so far and the weeks before.

The coming hours are taken to be like those of the same weekday and hour, at the level of late; how wrong that is shows in how wrong it
would have been in the past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functions.domain.alert_columns import Floats

MIN_DAYS = 3
"""Fewer known days are too little to say anything."""


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
    notes: Sequence[str] = ()
    """What was guessed, and from how much."""

    def reaches(self, limit: float) -> int | None:
        """The first hour at whose end the expected total is above a limit; None when it is not before the period ends."""
        raise NotImplementedError

    def chance_above(self, limit: float) -> float:
        """How likely the period's total is above a limit."""
        raise NotImplementedError


def forecast(values: Floats, first_hour: int, *, period_start: int, now_hour: int, period_end: int, level: float = 0.8) -> Forecast:
    """Forecast the total of the hours period_start <= hour < period_end. Raises `TooLittle`.

    `values` [hour], nothing below 0, begin with `first_hour` and are used up to `now_hour`, the first hour that is not whole yet; nan is
    not known. Hours before the period help: four weeks of them show the week. Hours of the period that are not known count as expected.
    """
    raise NotImplementedError
