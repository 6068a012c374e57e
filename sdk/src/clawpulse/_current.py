"""Which task runs here: one a context, so that threads and asyncio tasks each have their own."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clawpulse._task import Task

_current: ContextVar[Task | None] = ContextVar("clawpulse_task", default=None)


def current_task() -> Task | None:
    """The innermost task that runs here. asyncio tasks and `asyncio.to_thread` have the one they were made in; a new thread has none."""
    return _current.get()


def enter(running: Task) -> Token[Task | None]:
    """Make a task the current one."""
    return _current.set(running)


def leave(token: Token[Task | None]) -> None:
    """Go back to the task before."""
    try:
        _current.reset(token)
    except ValueError:
        # Closed from elsewhere, as the event loop does with forgotten generators: that place keeps its own.
        return
