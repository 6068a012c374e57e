"""The backlog of seal: which minutes are past their grace and not sealed, and which hours have to be built.

After an outage the newest minutes come first, for they are looked at, and the rest follows tick by tick; none is forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from functions.domain.times import GRACE_MS, MINUTES_PER_HOUR, minute_of

type Ranges = list[tuple[int, int]]
"""Minutes, end not included; ascending, apart from each other."""

GROUP = ""
"""Stands for the group among the agents of a due hour; sorts before all of them."""


def due_until(now: int) -> int:
    """The first minute that is not past its grace."""
    return minute_of(now - GRACE_MS)


def extend(ranges: Ranges, start: int, end: int) -> Ranges:
    """Add the minutes from start to end, which come after all in `ranges`."""
    if end <= start:
        return ranges
    if ranges and ranges[-1][1] == start:
        return [*ranges[:-1], (ranges[-1][0], end)]
    return [*ranges, (start, end)]


def newest(ranges: Ranges, limit: int) -> list[int]:
    """At most `limit` minutes, newest first."""
    found: list[int] = []
    for start, end in reversed(ranges):
        found.extend(range(end - 1, max(start, end - limit + len(found)) - 1, -1))
        if len(found) >= limit:
            break
    return found


def without(ranges: Ranges, minutes: Iterable[int]) -> Ranges:
    """What is left when some minutes are done."""
    for minute in minutes:
        ranges = [piece for start, end in ranges for piece in _split(start, end, minute)]
    return ranges


def contains(ranges: Ranges, minute: int) -> bool:
    """Whether a minute is in the ranges."""
    return any(start <= minute < end for start, end in ranges)


def whole_hours(minutes: Collection[int], unsealed: Ranges, until: int) -> list[int]:
    """The hours of some minutes that are over and have all their minutes sealed, newest first."""
    hours = {minute // MINUTES_PER_HOUR for minute in minutes}
    return sorted((hour for hour in hours if is_whole(hour, unsealed, until)), reverse=True)


def is_whole(hour: int, unsealed: Ranges, until: int) -> bool:
    """Whether an hour is over and has all its minutes sealed."""
    first, last = hour * MINUTES_PER_HOUR, (hour + 1) * MINUTES_PER_HOUR
    return last <= until and not any(start < last and first < end for start, end in unsealed)


def hour_waits(hour: int, due: Collection[int], unsealed: Ranges, until: int) -> bool:
    """Whether an hour's rollups are still to be built (again): it is not over, not all sealed, or due.

    What is not stored of such an hour is unknown; of any other hour it is nothing.
    """
    return hour in due or not is_whole(hour, unsealed, until)


def next_in_hour(due: dict[int, list[str]], limit: int) -> list[tuple[int, list[str]]]:
    """What to build now: hours newest first, and of each the group and agents that fit into `limit`."""
    chosen: list[tuple[int, list[str]]] = []
    for hour in sorted(due, reverse=True):
        if limit <= 0:
            break
        chosen.append((hour, due[hour][:limit]))
        limit -= len(chosen[-1][1])
    return chosen


def add_due(due: dict[int, list[str]], hour: int, agents: Iterable[str]) -> None:
    """Have an hour built (again), of the group and of these agents."""
    due[hour] = sorted({GROUP, *due.get(hour, ()), *agents})


def remove_due(due: dict[int, list[str]], hour: int, done: Collection[str]) -> None:
    """Note what was built."""
    left = [agent for agent in due[hour] if agent not in done]
    if left:
        due[hour] = left
    else:
        del due[hour]


def _split(start: int, end: int, minute: int) -> Ranges:
    if not start <= minute < end:
        return [(start, end)]
    return [piece for piece in ((start, minute), (minute + 1, end)) if piece[0] < piece[1]]
