"""What goes on step by step (rollouts, rotations): who may step it, when it is looked at next, and when it was left alone. Times are ms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from functions.domain.rollout import Notice
from functions.domain.times import MINUTE_MS

OVERDUE_MS = 2 * MINUTE_MS
"""A step this late does not come any more: a step takes seconds, and a Lambda that fails is tried again within them at first."""


class Stepped(Protocol):
    """A struct with these members."""

    id: str
    drive: int
    """Which execution may step it."""
    look_at: int | None
    """When it is stepped next; None: not before somebody asks for something."""
    stepped_at: int
    version: int

    @property
    def notices(self) -> Sequence[Notice]:
        """What people are not told yet."""
        ...


def driven[S: Stepped](it: S, now: int) -> S:
    """The next version, for a new execution to look at right away."""
    return _replace(it, drive=it.drive + 1, look_at=now, version=it.version + 1)


def looked_at[S: Stepped](before: S, made: S, wait_s: int | None, now: int) -> S:
    """The next version, as a step made it at `now`; it waits so long, or for somebody."""
    look_at = None if wait_s is None else now + wait_s * 1000
    return _replace(made, drive=before.drive, stepped_at=now, look_at=look_at, version=before.version + 1)


def handed_over[S: Stepped](it: S, now: int) -> S:
    """The same version, for the next execution to step."""
    return _replace(it, drive=it.drive + 1, look_at=now)


def told[S: Stepped](it: S) -> S:
    """The next version, when its notices are queued."""
    return _replace(it, notices=[], version=it.version + 1)


def overdue(it: Stepped, now: int) -> bool:
    """Whether something that is not over, or has not told it, was left alone."""
    due = it.stepped_at if it.look_at is None else it.look_at
    return (it.look_at is not None or bool(it.notices)) and now > due + OVERDUE_MS


def _replace[S: Stepped](it: S, **changes: object) -> S:
    changed: S = msgspec.structs.replace(it, **changes)  # type: ignore[type-var]
    return changed
