"""Time is an argument: every part gets a clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

Clock = Callable[[], int]
"""Nanoseconds since 1970."""

HOUR_NS = 3_600 * 1_000_000_000
DAY_NS = 24 * HOUR_NS
MINUTE_NS = 60 * 1_000_000_000


def iso(nanoseconds: int) -> str:
    """As AWS writes times in its messages: milliseconds and a Z."""
    moment = dt.datetime.fromtimestamp(nanoseconds // 1_000_000 / 1000, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{nanoseconds // 1_000_000 % 1000:03d}Z"
