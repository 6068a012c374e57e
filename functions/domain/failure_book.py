"""Which kinds of failure are new: seal's memory of them, in the snapshot.

A kind is counted as new in one minute, however often that is merged again: the minute of its first failure. Once that minute is sealed, a
failure from before that comes late does not move it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from functions.domain.failure_groups import OTHER_KINDS, FailureGroup
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.times import DAY_MS, MINUTE_MS

NEW = "task.new_errors"
"""A metric that nobody sends: seal counts a kind there in the minute where it is new."""
KEPT_MS = 35 * DAY_MS
"""A kind that was not seen for so long is new when it comes back."""
MAX_KNOWN = 2_000

type Known = dict[str, tuple[int, int]]
"""When each kind was first and last seen (ms), by fingerprint."""


def note(known: Known, groups: Mapping[str, FailureGroup], now: int, live: int) -> None:
    """Remember the kinds of a minute, in place, and forget what is long past; minutes from `live` on will be merged again."""
    for key, group in groups.items():
        if key == OTHER_KINDS:
            continue
        first, last = known.get(key, (group.first, group.last))
        known[key] = (min(first, group.first) if first // MINUTE_MS >= live else first, max(last, group.last))
    if len(known) > MAX_KNOWN or any(now - last > KEPT_MS for _, last in known.values()):
        newest = sorted(known.items(), key=lambda entry: (-entry[1][1], entry[0]))[:MAX_KNOWN]
        known.clear()
        known.update((key, seen) for key, seen in newest if now - seen[1] <= KEPT_MS)


def new_in(minute: int, known: Known, groups: Mapping[str, FailureGroup]) -> list[str]:
    """The kinds that are new in this minute. What was forgotten at once, for lack of room, is not."""
    return [key for key in sorted(groups) if key in known and known[key][0] // MINUTE_MS == minute]


def series_of_new(found: Iterable[tuple[int, TagPairs]]) -> Rollup:
    """The metric `task.new_errors`: a point for each kind, of the time and in the cell that are given."""
    rollup: Rollup = {}
    for time, cell in found:
        rollup.setdefault(SeriesKey(NEW, cell), Aggregate()).add(1.0, time)
    return rollup
