"""What the services that step rollouts and rotations have in common: they answer an execution of a state machine, step by step.

    advance ─▶ nothing to wait for? advance once more ─▶ Answer: wait so long, or end

Whatever dies in between, the next step does what is not done yet; only the execution that the thing stepped names (`drive`) steps it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import NamedTuple

from functions.domain.errors import StoreUnavailable
from functions.domain.rollout import Entry

MAX_TURNS = 2_000
"""Steps of one execution: an execution has at most 25,000 events, and a turn makes about nine."""
LONGEST_WAIT_S = 3_600
WRITING_MS = 15_000
"""So long after a step's time its writes may begin: those that began are over before `rollout_step.SETTLE_MS`."""
AT_ONCE_MS = 10_000
"""So long a step goes on by itself while there is nothing to wait for."""
UNTOLD_S = 30
"""When notices are tried again."""
ATTEMPTS = 5
"""Of a step that others were faster with."""
_WRITERS = 16


class Next(StrEnum):
    """What the execution does now."""

    WAIT = "wait"
    DONE = "done"
    HELD = "held"
    """Nothing, before somebody asks for something: a new execution goes on then."""
    SUPERSEDED = "superseded"
    """End: another one steps this, or there is no such thing."""
    HANDOVER = "handover"
    """End: a new one was started, for this one has had many turns."""


class Answer(NamedTuple):
    """Of a step."""

    next: Next
    phase: StrEnum | None
    """None: there is no such thing (any more)."""
    seconds: int = 0
    """To wait."""
    entries: Sequence[Entry] = ()
    """What it did, for the log."""


def step_on(advance: Callable[[], Answer | None], clock: Callable[[], int], what: str) -> Answer:
    """Advance until there is something to wait for; `advance` gives None when somebody else changed what is stepped meanwhile.

    Raises `StoreUnavailable`, also when that happens again and again.
    """
    until, entries, lost = clock() + AT_ONCE_MS, list[Entry](), 0
    while lost < ATTEMPTS:
        answer = advance()
        if answer is None:
            lost += 1
            continue
        entries += answer.entries
        if answer.next is Next.WAIT and answer.seconds == 0:
            if clock() < until:
                continue
            answer = answer._replace(seconds=1)
        return answer._replace(entries=tuple(entries))
    raise StoreUnavailable(f"{what} is being changed all the time")


def write_all[T](writes: Sequence[T], put: Callable[[T], object], clock: Callable[[], int], now: int) -> bool:
    """Make the writes of a step at `now`, several at a time; False when time was up before all were tried.

    One that fails keeps no other from being made; its `StoreUnavailable` is raised afterwards.
    """

    def write(one: T) -> bool | StoreUnavailable:
        if clock() - now > WRITING_MS:
            return False
        try:
            put(one)
        except StoreUnavailable as error:
            return error
        return True

    if not writes:
        return True
    with ThreadPoolExecutor(min(_WRITERS, len(writes))) as pool:
        done = list(pool.map(write, writes))
    for error in done:
        if isinstance(error, StoreUnavailable):
            raise error
    return all(done)


def whole(seconds: float) -> int:
    """Seconds as an execution waits them."""
    return min(LONGEST_WAIT_S, math.ceil(seconds))
