"""Which kinds of failure are new: seal's memory of them, in the snapshot.

A kind is new in the minute of its first failure, however often that minute is merged again; so what is counted there stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from functions.domain.failures import NEW, OTHER, FailureGroup, fingerprint
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.times import DAY_MS, MINUTE_MS

KEPT_MS = 35 * DAY_MS
"""A kind that was not seen for so long is new when it comes back."""
MAX_KNOWN = 2_000
_OTHER = fingerprint(OTHER, "")


def note(known: dict[str, tuple[int, int]], groups: Mapping[str, FailureGroup], now: int) -> None:
    """Remember the kinds of a minute, in place, and forget what is long past."""
    for key, group in groups.items():
        first, last = known.get(key, (group.first, group.last))
        known[key] = (first, max(last, group.last))
    if len(known) > MAX_KNOWN or any(now - last > KEPT_MS for _, last in known.values()):
        newest = sorted(known.items(), key=lambda entry: entry[1][1], reverse=True)[:MAX_KNOWN]
        known.clear()
        known.update((key, seen) for key, seen in newest if now - seen[1] <= KEPT_MS)


def new_in(minute: int, known: Mapping[str, tuple[int, int]], groups: Mapping[str, FailureGroup]) -> list[FailureGroup]:
    """The groups whose first failure was in this minute."""
    return [group for key, group in sorted(groups.items()) if key != _OTHER and known.get(key, (group.first, 0))[0] // MINUTE_MS == minute]


def series_of_new(groups: Iterable[tuple[FailureGroup, TagPairs]]) -> Rollup:
    """The metric `task.new_errors`: one point a group, in the cell that it is given."""
    rollup: Rollup = {}
    for group, cell in groups:
        rollup.setdefault(SeriesKey(NEW, cell), Aggregate()).add(1.0, group.first)
    return rollup
