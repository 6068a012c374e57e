"""The files of one stream: `<epoch>.<number>.log`, appended to, read, removed. Nothing here knows what is in them."""

from __future__ import annotations

import contextlib
import os
import re

from clawpulse import _lifecycle
from clawpulse._spool import Place

_datasync = getattr(os, "fdatasync", os.fsync)
_NAME = re.compile(r"([0-9a-f]{1,32})\.(\d{1,9})\.log")


def streams(folder: str) -> dict[str, dict[int, int]]:
    """The streams in a folder: epoch, and size by number of its segments, ascending. Raises OSError."""
    found: dict[str, dict[int, int]] = {}
    with os.scandir(folder) as listing:
        for item in listing:
            named = _NAME.fullmatch(item.name)
            if named and item.is_file(follow_symlinks=False):
                found.setdefault(named[1], {})[int(named[2])] = item.stat(follow_symlinks=False).st_size
    return {epoch: dict(sorted(sizes.items())) for epoch, sizes in found.items()}


class Segments:
    """Segments of one stream; all are closed but the last, once it was begun here."""

    def __init__(self, folder: str, epoch: str, sizes: dict[int, int] | None = None) -> None:
        self._folder, self._epoch = folder, epoch
        self.sizes: dict[int, int] = dict(sizes or {})
        """Bytes by number, the oldest first."""
        self._handle = -1
        self._dirty = self._named = False

    @property
    def total(self) -> int:
        """Bytes of all."""
        return sum(self.sizes.values())

    @property
    def writing(self) -> int | None:
        """The number of the segment that is appended to."""
        return next(reversed(self.sizes)) if self._handle >= 0 else None

    def begin(self, head: bytes) -> None:
        """Begin the next segment. Raises OSError; then nothing has changed."""
        if self._handle >= 0:
            self.sync()
        number = max(self.sizes, default=-1) + 1
        path = self._path(number)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _write_all(handle, head)
        except OSError:
            os.close(handle)
            os.unlink(path)
            raise
        self._shut()
        _lifecycle.close_in_children(handle)
        self._handle, self._dirty, self._named = handle, True, True
        self.sizes[number] = len(head)

    def append(self, data: bytes) -> Place:
        """Write behind what is there. Raises OSError; what was written of it by then is taken back or, at worst, torn."""
        number = next(reversed(self.sizes))
        size = self.sizes[number]
        self._dirty = True
        try:
            _write_all(self._handle, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, size)
            raise
        self.sizes[number] = size + len(data)
        return Place(number, size, len(data))

    def sync(self) -> None:
        """Have what was written outlive the machine. Raises OSError."""
        if not self._dirty or self._handle < 0:
            return
        _datasync(self._handle)
        self._dirty = False
        if self._named:
            _sync_folder(self._folder)
            self._named = False

    def read(self, place: Place) -> bytes:
        """Some bytes of a segment. Raises OSError."""
        handle = os.open(self._path(place.segment), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(handle, place.size, place.offset)
        finally:
            os.close(handle)

    def load(self, number: int) -> bytes:
        """All bytes of a segment. Raises OSError."""
        with open(self._path(number), "rb") as file:
            return file.read()

    def intact(self) -> bool:
        """Whether the segment that is appended to has its name still."""
        return self._handle < 0 or os.fstat(self._handle).st_nlink > 0

    def remove(self, number: int) -> None:
        """Remove a segment. Raises OSError."""
        if number == self.writing:
            self._shut()
        del self.sizes[number]
        os.unlink(self._path(number))

    def close(self, *, remove: bool = False) -> None:
        """Close what is open; `remove`: and all files, as far as they can be."""
        if not remove:
            with contextlib.suppress(OSError):
                self.sync()
        self._shut()
        for number in list(self.sizes) if remove else ():
            with contextlib.suppress(OSError):
                self.remove(number)

    def _shut(self) -> None:
        if self._handle >= 0:
            _lifecycle.closed(self._handle)
            os.close(self._handle)
        self._handle = -1

    def _path(self, number: int) -> str:
        return os.path.join(self._folder, f"{self._epoch}.{number}.log")


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
