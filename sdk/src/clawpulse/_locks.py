"""Who lives: a process holds a lock on a file of its own for as long as it runs, and the system lets go of it when it dies."""

from __future__ import annotations

import contextlib
import os

from clawpulse import _lifecycle

with contextlib.suppress(ImportError):  # Windows has none, and then nobody comes here
    import fcntl


class Lock:
    """A lock that this process holds."""

    def __init__(self, path: str, handle: int) -> None:
        self.path = path
        self._handle = handle
        _lifecycle.close_in_children(handle)

    def release(self, *, remove: bool) -> None:
        """Let go, and remove the file if nothing is left that it stands for."""
        if remove:
            with contextlib.suppress(OSError):
                os.unlink(self.path)
        _lifecycle.closed(self._handle)
        os.close(self._handle)


def take(path: str) -> Lock | None:
    """The lock, unless another holds it. Raises OSError where no file or no lock is possible."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = os.fstat(handle)
        named = os.stat(path)
    except (BlockingIOError, FileNotFoundError):
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    if (held.st_dev, held.st_ino) != (named.st_dev, named.st_ino):
        # Its owner ended, and removed it, between our open and our lock.
        os.close(handle)
        return None
    return Lock(path, handle)
