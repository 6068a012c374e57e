"""Burn-down: what a group has used of a budget hour by hour, and what it will have used at the period's end.

usage of the weeks before and of the period ─▶ running total so far ─┬─ limit ─▶ when it is reached, how likely it is passed
                                              forecast with interval ─┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.domain import tasks, usage
from functions.domain.alert_columns import Floats
from functions.domain.forecast import Forecast, TooLittle, forecast
from functions.domain.selector import Selector
from functions.domain.usage_frame import UsageFrame

HISTORY_HOURS: Final = 28 * 24
"""Before the period: four weeks show how days of the week differ."""
BURNING: Final[Mapping[str, Sequence[str]]] = {
    "usd": (tasks.COST, usage.PRICED),
    "tokens": (tasks.TOKENS_IN, tasks.TOKENS_OUT),
}
"""Metrics that a budget of dollars or tokens is used by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnDown:
    """Of one group and period. Hours are numbers."""

    start: int
    now: int
    """First hour that is not counted."""
    end: int
    used: Floats
    """[hour from start to now]: total at each hour's end. Hours that are missing add nothing."""
    limit: float | None
    reported: float
    """Of what is used: reported with the tasks (all of it, for tokens)."""
    forecast: Forecast | None
    reason: str
    """Why there is no forecast; empty when there is one."""

    @property
    def total(self) -> float:
        """Used so far."""
        return float(self.used[-1]) if len(self.used) else 0.0

    @property
    def passed(self) -> int | None:
        """The hour in which the limit was passed, or is expected to be; None if not in this period, or without a limit."""
        if self.limit is None:
            return None
        above = np.flatnonzero(self.used > self.limit)
        if len(above):
            return self.start + int(above[0])
        return self.forecast.reaches(self.limit) if self.forecast else None


def burn_down(
    frame: UsageFrame,
    what: str,
    period: tuple[int, int],
    limit: float | None,
    selector: Selector,
    overlay: Mapping[str, Mapping[str, str]],
) -> BurnDown:
    """The burn-down of a period (first hour, hour after the last); `what` is a key of `BURNING`, whose metrics the frame has.

    The frame begins before the period, for the forecast, and ends where hours are not counted yet.
    """
    groups = frame.group((), selector, overlay)
    parts = [frame.hourly(name, groups).sum.sum(axis=0) for name in BURNING[what]]
    hours = np.sum(parts, axis=0)
    start, end = period
    inside = slice(start - frame.first_hour, len(hours))
    predicted, reason = _forecast(frame, hours, period)
    return BurnDown(
        start=start,
        now=frame.last_hour,
        end=end,
        used=np.cumsum(hours[inside]),
        limit=limit,
        reported=float(sum(part[inside].sum() for part in (parts[:1] if what == "usd" else parts))),
        forecast=predicted,
        reason=reason,
    )


def _forecast(frame: UsageFrame, hours: Floats, period: tuple[int, int]) -> tuple[Forecast | None, str]:
    """From the first hour on in which anything was used: before it there was nobody."""
    values = hours.copy()
    values[sorted(hour - frame.first_hour for hour in frame.missing)] = np.nan
    used = np.flatnonzero(np.nan_to_num(values) > 0)
    if not len(used):
        return None, "nothing was used yet"
    first = int(used[0])
    try:
        found = forecast(values[first:], frame.first_hour + first, period_start=period[0], now_hour=frame.last_hour, period_end=period[1])
    except TooLittle as error:
        return None, str(error)
    return found, ""
