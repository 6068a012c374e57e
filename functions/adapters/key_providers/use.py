"""When a key was last used, from a provider's report of use in buckets of time: few requests, exact to the minute.

Reports in minutes are long, so they are asked for in the width that fits the time in question, and the last bucket with use in it again
in the next finer one. A bucket counts as used until its end: the report does not say more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from functions.domain.rotation import Usage
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS


class Width(NamedTuple):
    """Of the buckets of a report."""

    name: str
    ms: int
    most: int
    """Buckets of a report, so that it is not longer than what we read of an answer."""


class Bucket(NamedTuple):
    """Times in ms."""

    start: int
    end: int


WIDTHS = (Width("1m", MINUTE_MS, 61), Width("1h", HOUR_MS, 61), Width("1d", DAY_MS, 31))
LONGEST_MS = 30 * DAY_MS
"""Earlier use is not looked for."""

type Buckets = Callable[[Width, int], Iterable[Bucket]]
"""Those with use of the key among the `Width.most` buckets from a time (ms) on, the one with this time in it included."""


def last_use(used: Buckets, since: int, now: int) -> Usage:
    """The last use since a time."""
    begin = start = max(since, now - LONGEST_MS)
    fitting = next(place for place, width in enumerate(WIDTHS) if now - start < (width.most - 1) * width.ms or width is WIDTHS[-1])
    last: Bucket | None = None
    for width in reversed(WIDTHS[: fitting + 1]):
        found = max(used(width, start), default=None)
        if found is None:
            # In a bucket that began before the time in question, the use did, too.
            return Usage(True, min(last.end, now) if last and last.start >= begin else None)
        last, start = found, max(start, found.start)
    return Usage(True, min(last.end, now) if last else None)
