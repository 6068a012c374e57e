"""What dead processes of the same agent left: found, read, and delivered under their identity, exactly as they would have.

Batches keep their bytes. Records that were in no batch yet are cut here, always in the same way: whoever does it again, after
another death, makes the same bytes under the same numbers. So nothing has to be written before they are sent.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter, deque
from collections.abc import Callable, Collection
from typing import NamedTuple

from clawpulse import wire
from clawpulse._batches import batches
from clawpulse._disk import read_body
from clawpulse._journal import done_frame, dropped_frame, opening_frame
from clawpulse._locks import Lock, take
from clawpulse._pending import Pending
from clawpulse._replay import Contents, Replay
from clawpulse._segments import Segments, streams
from clawpulse._spool import Batch, Entry, Lost

_LOCK = ".lock"
_ALL = 2**62
"""More records than there are."""


class Found(NamedTuple):
    """What there is in a folder beside what this process knows."""

    dead: list[tuple[str, Lock]]
    """Streams whose processes are gone, the oldest first, locked by us now."""
    alive: int
    """Processes that write here, beside this one."""


def look(folder: str, known: Collection[str], most: int) -> Found:
    """Look for other streams, and take over at most so many. Raises OSError."""
    found = streams(folder)
    dead: list[tuple[str, Lock]] = []
    alive = 0
    for epoch in sorted((found.keys() | _locks(folder)) - set(known), key=lambda epoch: _age(folder, epoch)):
        lock = take(lock_path(folder, epoch))
        if lock is None:
            alive += 1
        elif epoch not in found or len(dead) == most:
            lock.release(remove=epoch not in found)
        else:
            dead.append((epoch, lock))
    return Found(dead, alive)


def lock_path(folder: str, epoch: str) -> str:
    """The file whose lock says that the stream's process lives."""
    return os.path.join(folder, epoch + _LOCK)


class AdoptedLane:
    """The lane of a dead process. What it cannot write, on a full disk, costs at most that a batch is sent twice."""

    def __init__(self, segments: Segments, lock: Lock, epoch: str, *, segment_bytes: Callable[[], int], mine: bool = False) -> None:
        """Reads all of it. Raises OSError, `Unreadable`."""
        self.epoch, self.mine = epoch, mine
        self._segments, self._lock, self._segment_bytes = segments, lock, segment_bytes
        self.contents = _read(segments)
        self.entries: deque[Entry] = deque(Entry(self, batch, place, -1) for batch, place in self.contents.batches)
        self.entries.extend(Entry(self, batch, None, -1) for batch in recut(self.contents) if batch.seq not in self.contents.done)
        self._open = Counter(self._segment_of(entry) for entry in self.entries)
        self._collect()

    @property
    def size(self) -> int:
        """Of all segments."""
        return self._segments.total

    def read(self, entry: Entry) -> bytes | None:
        """The bytes of a batch; None if they are damaged or gone."""
        return entry.body if entry.place is None else read_body(self._segments, entry.place)

    def done(self, entry: Entry) -> None:
        """Forget a batch."""
        if entry not in self.entries:
            return
        self.entries.remove(entry)
        self._open[self._segment_of(entry)] -= 1
        self._write(done_frame(entry.seq, None))
        self._collect()

    def drop_oldest(self, lost: Lost) -> bool:
        """Give up the oldest segment that holds anything."""
        victim = next((number for number in self._segments.sizes if self._open[number]), None)
        if victim is None:
            return False
        entries = [entry for entry in self.entries if self._segment_of(entry) <= victim]
        lost(entries)
        for entry in entries:
            self.entries.remove(entry)
            self._open[self._segment_of(entry)] -= 1
        recut_too = any(entry.place is None for entry in entries)
        self._write(dropped_frame(victim, _ALL, {}) if recut_too else dropped_frame(victim, 0, None))
        self._collect()
        return True

    def close(self) -> None:
        """Leave what is not delivered to another process; nothing at all if all is."""
        self._segments.close(remove=not self.entries)
        self._lock.release(remove=not self.entries)

    def _segment_of(self, entry: Entry) -> int:
        """The segment that must stay for a batch."""
        return entry.place.segment if entry.place is not None else self.contents.left_segment

    def _write(self, data: bytes) -> None:
        if self.contents.opening is None:
            return
        with contextlib.suppress(OSError):
            writing = self._segments.writing
            if writing is None or self._segments.sizes[writing] + len(data) > self._segment_bytes():
                self._segments.begin(opening_frame(self.contents.opening._replace(counts=self.contents.counts, uncut=None)))
            self._segments.append(data)

    def _collect(self) -> None:
        """Remove the oldest segments that nobody needs any more."""
        for number in [number for number in self._segments.sizes if number != self._segments.writing]:
            if self._open[number]:
                break
            with contextlib.suppress(OSError):
                self._segments.sync()
                self._segments.remove(number)


def _read(segments: Segments) -> Contents:
    replay = Replay()
    for number in segments.sizes:
        replay.segment(number, segments.load(number))
    return replay.result()


def recut(contents: Contents) -> list[Batch]:
    """The batches of what a dead process had recorded and not cut yet, and of its counters."""
    opening = contents.opening
    if opening is None or not (contents.rows or contents.counts):
        return []
    pending = Pending(1.0, aggregate=opening.aggregate)
    for number, record in enumerate(contents.rows):
        pending.add(record, 0.0, number)
    header = wire.Header(opening.agent, opening.epoch, contents.seq, contents.at, opening.tags, opening.info)
    made: list[Batch] = []
    while len(pending):
        made += batches(header._replace(seq=contents.seq + len(made)), pending.cut(0.0, everything=True), {})
    if contents.counts:
        made += batches(header._replace(seq=contents.seq + len(made)), (), contents.counts)
    return made


def _locks(folder: str) -> set[str]:
    return {name[: -len(_LOCK)] for name in os.listdir(folder) if name.endswith(_LOCK)}


def _age(folder: str, epoch: str) -> float:
    try:
        return os.stat(lock_path(folder, epoch)).st_mtime
    except OSError:
        return 0.0
