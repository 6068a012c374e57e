"""What concerns all clients of a process: its end, its forks, and testing."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from _thread import LockType, allocate_lock
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from clawpulse._client import Client

_EXIT_SECONDS = 3.0
_IMPORT_SECONDS = 5.0


class Tap(Protocol):
    """Takes the records instead of the clients, in tests."""

    def record(self, name: Any, value: Any, time: Any, tags: Any) -> None:
        """One record."""
        ...


class _Process:
    """The state of this process."""

    def __init__(self) -> None:
        self.clients: WeakSet[Client] = WeakSet()
        self.watched = False
        self.finalized = False
        self.tap: Tap | None = None
        self.handles: set[int] = set()


_process = _Process()


def new_lock() -> LockType:
    """A lock, without the cost of importing threading."""
    return allocate_lock()


def adopt(client: Client) -> None:
    """Look after a client."""
    _process.clients.add(client)


def tap() -> Tap | None:
    """Who takes the records instead, if anyone."""
    return _process.tap


def intercept(new: Tap | None) -> Tap | None:
    """Have someone else take all records, or nobody; returns who did before."""
    from clawpulse._client import _SOFT

    before, _process.tap = _process.tap, new
    for client in list(_process.clients):
        client._limit = _SOFT if new is None and client._background is not None else -1
    return before


def close_in_children(handle: int) -> None:
    """A file that a forked child must close: while it has it open, the lock on it would outlive us."""
    _process.handles.add(handle)


def closed(handle: int) -> None:
    """That file is about to be closed here."""
    _process.handles.discard(handle)


def watch_process() -> None:
    """Flush when the process ends, begin anew when it forks."""
    if not _process.watched:
        _process.watched = True
        atexit.register(at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
    if not _process.finalized:
        _process.finalized = True
        _watch_worker_process()


def at_exit() -> None:
    """Deliver what is left, in bounded time."""
    close(list(_process.clients), None)


def close(clients: Sequence[Client], timeout: float | None) -> bool:
    """Flush clients side by side, then end them; tells whether all was delivered."""
    running = [(client, client._background) for client in clients if client._background is not None]
    seconds = timeout if timeout is not None else max((_exit_seconds(client) for client, _ in running), default=0.0)
    deadline = time.monotonic() + seconds
    flushes = [background.ask_flush() for _, background in running]
    for client in clients:
        client._closed, client._limit = True, -1
    delivered = [done.wait(max(0.0, deadline - time.monotonic())) for done in flushes]
    for client, background in running:
        background.stop(deadline - time.monotonic() + 0.1)
        client._background = None
    return all(delivered)


def _exit_seconds(client: Client) -> float:
    if client._settings is not None:
        return client._settings.exit_seconds
    try:
        return float(os.environ.get("CLAWPULSE_EXIT_SECONDS") or _EXIT_SECONDS)
    except ValueError:
        return _EXIT_SECONDS


def _before_fork() -> None:
    for client in list(_process.clients):
        if client._background is not None:
            client._background.wait_ready(_IMPORT_SECONDS)


def _after_fork() -> None:
    """In the child: what was recorded before the fork is the parent's to deliver; threads, locks, files and connections are not ours."""
    for handle in _process.handles:
        with contextlib.suppress(OSError):
            os.close(handle)
    _process.handles.clear()
    for client in list(_process.clients):
        closed, off = client._closed, client._off
        client._refresh()
        client._closed, client._off = closed, off
    _process.finalized = False


def _watch_worker_process() -> None:
    """Processes of multiprocessing end without atexit; their own finalizers do run."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is None or multiprocessing.parent_process() is None:
        return
    from multiprocessing.util import Finalize

    Finalize(None, at_exit, exitpriority=100)
