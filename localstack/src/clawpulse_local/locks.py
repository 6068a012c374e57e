"""One command at a time, over processes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clawpulse_local.errors import LocalCloudError


@contextmanager
def exclusive(path: Path, *, patience: float, busy: str) -> Iterator[None]:
    """Hold the lock file; raises `LocalCloudError(busy)` when another process holds it longer than `patience` seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(handle, time.monotonic() + patience, busy)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, deadline: float, busy: str) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LocalCloudError(busy) from None
            time.sleep(0.1)
        else:
            return
