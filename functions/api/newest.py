"""Lists of what goes on by itself and has an id that sorts by time (rollouts, rotations): newest first, by phase, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from functions.api import paging
from functions.domain.times import MINUTE_MS

OPEN, OVER = "open", "over"
"""Words for several phases."""
MOST_READ = 1_000
"""Things that one request looks at, whatever it is looking for; `next` goes on."""
_PAGE = 100
"""Things that are read at once."""
_CLOCKS_MS = 10 * MINUTE_MS
"""Further than that clocks are not apart: nothing is written of a thing so long after its end, and the log of a workspace is long."""


class _Known(Protocol):
    """What has an id."""

    @property
    def id(self) -> str: ...


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a page ended."""

    id: str


def states_pattern(kind: type[StrEnum]) -> str:
    """What `?state=` may say: phases and the words for several, separated by commas."""
    words = "|".join((OPEN, OVER, *kind))
    return rf"^({words})(,({words}))*$"


def phases_of[P: StrEnum](state: str | None, kind: type[P], final: frozenset[P]) -> frozenset[P]:
    """The phases that `?state=` means; all of them without."""
    phases = frozenset(kind)
    words = {OPEN: phases - final, OVER: final} | {phase.value: frozenset({phase}) for phase in phases}
    return frozenset().union(*(words[word] for word in state.split(","))) if state else phases


def page[T: _Known](
    cursor: str | None,
    question: str,
    read: Callable[[int, str | None], Sequence[T]],
    wanted: Callable[[T], bool],
    limit: int,
    most: int = MOST_READ,
) -> tuple[list[T], str | None]:
    """At most `limit` of what is wanted, and the cursor for more; `read` gives so many before an id, newest first."""
    place = paging.read(cursor, question, Place).id if cursor else None
    found: list[T] = []
    for number, one in enumerate(_all(read, place), start=1):
        if wanted(one):
            found.append(one)
        if len(found) == limit or number == most:
            return found, paging.write(question, Place(one.id))
    return found, None


def log_end(since: int, now: int, *, over: bool) -> int:
    """Until when the audit log has lines of a thing that is in its phase `since` then (ms)."""
    return since + _CLOCKS_MS if over else now + 1


def _all[T: _Known](read: Callable[[int, str | None], Sequence[T]], before: str | None) -> Iterator[T]:
    while some := read(_PAGE, before):
        yield from some
        before = some[-1].id
