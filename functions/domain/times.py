"""Time buckets: integer milliseconds since 1970 on the inside, bucket numbers as keys."""

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24

LATE_AFTER_MS = 25 * SECOND_MS
"""A batch item received longer than this past its minute's end gets a late mark."""
GRACE_MS = 35 * SECOND_MS
"""Seal finishes a minute only this long past its end: `LATE_AFTER_MS` and the 10 s that ingest may take at most."""


def minute_of(time_ms: int) -> int:
    """The number of the minute that holds a moment."""
    return time_ms // MINUTE_MS


def minute_end(minute: int) -> int:
    """The first millisecond after a minute."""
    return (minute + 1) * MINUTE_MS
