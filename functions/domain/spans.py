"""Which stored rollups cover a range of time: hours where they are whole and sealed, minutes at the edges.

Minutes are kept 3 days, hours 35. The current hour, and one that ended a moment ago, are read as minutes: its rollup may not be
written yet.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

type Unit = Literal["m", "h"]

MINUTES_KEPT_MS = 3 * DAY_MS
HOURS_KEPT_MS = 35 * DAY_MS
HOUR_SETTLES_MS = 5 * MINUTE_MS
"""How long after its end an hour is taken to be sealed."""

_WIDTH: dict[Unit, int] = {"m": MINUTE_MS, "h": HOUR_MS}


class Span(NamedTuple):
    """Buckets `first` to `last` (not included) of one resolution, as bucket numbers."""

    unit: Unit
    first: int
    last: int

    @property
    def start_ms(self) -> int:
        """Where the span begins."""
        return self.first * _WIDTH[self.unit]

    @property
    def end_ms(self) -> int:
        """Where the span ends."""
        return self.last * _WIDTH[self.unit]

    def __len__(self) -> int:
        """Number of buckets."""
        return self.last - self.first


def bucket_ms(unit: Unit, bucket: int) -> int:
    """When a bucket begins, ms."""
    return bucket * _WIDTH[unit]


def minutes_kept(start: int, now: int) -> bool:
    """Whether minutes from `start` on are still there."""
    return start >= now - MINUTES_KEPT_MS


def minutes(start: int, end: int) -> tuple[Span, ...]:
    """The range in minutes only, `end` rounded up."""
    return _filled(Span("m", start // MINUTE_MS, -(-end // MINUTE_MS)))


def cover(start: int, end: int, now: int) -> tuple[Span, ...]:
    """The fewest buckets that cover [start, end), oldest first; without overlap.

    A start that no minutes reach any more is rounded down to its hour.
    """
    settled = (now - HOUR_SETTLES_MS) // HOUR_MS
    first = -(-start // HOUR_MS) if minutes_kept(start, now) else start // HOUR_MS
    last = min(end // HOUR_MS, settled)
    if last <= first:
        return minutes(start, end)
    return _filled(*minutes(start, first * HOUR_MS), Span("h", first, last), *minutes(last * HOUR_MS, end))


def _filled(*spans: Span) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.last > span.first)
