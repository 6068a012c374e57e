"""The range of time of a question: `start` and `end`, or `range` back from the end."""

from __future__ import annotations

from pydantic import Field

from functions.api.models import Asked, Instant, milliseconds
from functions.domain.errors import InvalidInput
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

AHEAD_MS = 366 * DAY_MS
_UNITS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


class RangeAsked(Asked):
    """From when to when; without any of them, the last hour."""

    start: Instant | None = Field(None, description="RFC 3339.")
    end: Instant | None = Field(None, description="RFC 3339, not included; now unless given.")
    range: str | None = Field(None, pattern=r"^[1-9][0-9]{0,4}[mhd]$", description="Length up to the end, instead of `start`: 30m, 6h, 7d.")


def range_of(asked: RangeAsked, now: int, usual: str = "1h") -> tuple[int, int]:
    """Start and end in ms; `usual` is the range of a question that names neither start nor range. Raises `InvalidInput`."""
    end = now if asked.end is None else milliseconds(asked.end)
    if end > now + AHEAD_MS:
        raise InvalidInput("lies more than a year ahead", "end")
    if asked.start is not None and asked.range is not None:
        raise InvalidInput("start and range exclude each other", "range")
    start = end - duration_ms(asked.range or usual) if asked.start is None else milliseconds(asked.start)
    if end <= max(start, 0):
        raise InvalidInput("the end must be after the start, and after 1970", "end")
    return max(start, 0), end


def duration_ms(text: str) -> int:
    """`6h` in ms."""
    return int(text[:-1]) * _UNITS[text[-1]]
