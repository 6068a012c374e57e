"""All that waits to be delivered: this process's own lane, on disk as long as that works, and those of dead processes.

It chooses what goes out next, keeps to its bound by dropping the oldest, and gets over a disk that fails: then what is there stays
there as a dead process's would, to be delivered from there, and a fresh identity goes on in memory. So nothing is sent twice.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from clawpulse._adopted import AdoptedLane, lock_path, look
from clawpulse._disk import DiskLane
from clawpulse._journal import Opening
from clawpulse._locks import Lock, take
from clawpulse._replay import Unreadable
from clawpulse._reports import Reports
from clawpulse._segments import Segments, streams
from clawpulse._spool import Batch, Entry, Lane, MemoryLane

SYNC_SECONDS = 0.5
"""Between two syncs, at most, while there is something to sync."""
MANY = 20
"""Batches that wait: from here on fresh ones need not wait for all of them."""
_ADOPT = 4
"""Streams taken over at one look."""
_MIN_SHARE = 2**16
_MIN_SEGMENT, _MAX_SEGMENT = 2**13, 2**22


class Disk(NamedTuple):
    """Where and how much may be written."""

    folder: str
    """Of one URL and agent."""
    opening: Opening
    max_bytes: int
    """For all living processes together."""
    look_seconds: float
    """Between two looks for dead processes, and between tries with a disk that failed."""
    segments: Callable[[str, str, dict[int, int]], Segments] = Segments
    """Opens a stream's files: folder, epoch, sizes."""


class Store:
    """What waits. `life` grows when the disk fails: what was noted until then is no longer the caller's to send."""

    def __init__(self, disk: Disk | None, memory_bytes: int, reports: Reports, new_epoch: Callable[[], str], now: float) -> None:
        self._disk, self._memory_bytes, self._reports, self._new_epoch = disk, memory_bytes, reports, new_epoch
        self._adopted: list[AdoptedLane | MemoryLane] = []
        self._skipped: set[str] = set()
        self._flying: Entry | None = None
        self._adrift: Entry | None = None
        self._alive = 0
        self._orders = self._fresh_from = 0
        self._fresh_turn = True
        self._next_sync = now
        self._next_look = self._next_try = now
        self.life = 0
        self._own: DiskLane | MemoryLane = MemoryLane(new_epoch())
        if disk is not None:
            self.come_back(now)

    @property
    def epoch(self) -> str:
        """The identity of what is put in next."""
        return self._own.epoch

    @property
    def waiting(self) -> int:
        """Batches that wait."""
        return len(self._own.entries) + sum(len(lane.entries) for lane in self._adopted)

    @property
    def mark(self) -> int:
        """Stands for all batches put in so far."""
        return self._orders

    def settled(self, mark: int) -> bool:
        """Whether no batch of this process from before the mark waits any more."""
        first = self._own.entries[0].order if self._own.entries else mark
        return first >= mark and not any(lane.entries for lane in self._adopted if isinstance(lane, MemoryLane) or lane.mine)

    def note(self, first: int, records: Sequence[object]) -> None:
        """Have records, numbered from `first`, outlive the process while they wait for their batch."""
        try:
            self._own.note(first, records)
        except OSError as error:
            self._exile(error)

    def put(self, batch: Batch) -> None:
        """Keep a batch until it is done."""
        try:
            self._own.put(batch, self._orders)
            self._orders += 1
        except OSError as error:
            self._reports.restore(batch.counts)
            self._exile(error)
        if isinstance(self._own, MemoryLane):
            self._bound_memory()

    def next(self) -> tuple[Entry, bytes] | None:
        """What to send next: the oldest, but every other time a fresh one if many wait. It stays until `done`."""
        while True:
            entry = self._choose()
            if entry is None:
                return None
            if entry.lane is self._own and not self._sync():
                continue
            body = entry.lane.read(entry)
            if body is not None:
                self._flying = entry
                return entry, body
            self._damaged(entry)

    def _damaged(self, entry: Entry) -> None:
        """A batch whose bytes are gone. If it is this process's, so may be what it writes now: it begins anew."""
        self._reports.restore(entry.counts)
        self._gone(entry.points)
        self.done(entry)
        if entry.lane is self._own:
            self._exile(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._folder))

    def _gone(self, points: int) -> None:
        self._reports.dropped(points, f"the spool below {self._folder} is damaged", kind="damaged")

    def done(self, entry: Entry) -> None:
        """Forget a batch: delivered, or refused for good and counted."""
        self._flying = None
        if entry is self._adrift:
            self._adrift = None
            return
        try:
            entry.lane.done(entry)
        except OSError as error:
            self._exile(error)
        self._tidy()

    def retry(self, entry: Entry) -> None:
        """A try failed; the batch will be sent again, unless it had to make room meanwhile."""
        self._flying = None
        if entry is self._adrift:
            self._adrift = None
            self._lost([entry])

    def recovered(self) -> None:
        """The server answers again: what waits now is the backlog."""
        self._fresh_from = self._orders

    def tick(self, now: float) -> None:
        """Sync and look for dead processes, when it is time."""
        if now >= self._next_sync:
            self._next_sync = now + SYNC_SECONDS
            self._sync()
        if now >= self._next_look and self._disk is not None:
            self._next_look = now + self._disk.look_seconds
            self._look(self._disk)
            self._make_room()

    def in_exile(self, now: float) -> bool:
        """Whether it is time to try again with a disk that failed."""
        return self._disk is not None and isinstance(self._own, MemoryLane) and now >= self._next_try

    def come_back(self, now: float) -> None:
        """Go on on disk, if that is possible; what the caller holds must be in batches already."""
        disk = self._disk
        if disk is None:
            return
        self._next_try = now + disk.look_seconds
        try:
            lane = self._begin(disk)
        except OSError as error:
            self._told(error)
            return
        if isinstance(self._own, MemoryLane) and self._own.entries:
            self._adopted.append(self._own)
        if self.life:
            self._reports.once("spool back", "info", f"writing to {disk.folder} again")
        self._own = lane

    def close(self) -> None:
        """Leave what is not delivered to a later process."""
        for lane in (*self._adopted, self._own):
            lane.close()

    def _make_room(self) -> None:
        """Keep to the bound, after taking over what others left."""
        try:
            self._bound(0)
        except OSError as error:
            self._exile(error)
        self._tidy()

    def _tidy(self) -> None:
        for lane in [lane for lane in self._adopted if not lane.entries]:
            self._adopted.remove(lane)
            lane.close()

    @property
    def _folder(self) -> str:
        return self._disk.folder if self._disk else ""

    def _begin(self, disk: Disk) -> DiskLane:
        """A lane on disk under a fresh identity. Raises OSError."""
        _make_folder(disk.folder)
        lock = None
        while lock is None:
            epoch = self._new_epoch()
            lock = take(lock_path(disk.folder, epoch))
        return DiskLane(
            disk.segments(disk.folder, epoch, {}),
            lock,
            disk.opening._replace(epoch=epoch),
            segment_bytes=self._segment_bytes,
            room=self._bound,
            counts=lambda: self._reports.counts,
        )

    @property
    def _share(self) -> int:
        """Bytes on disk that this process may have."""
        return max(_MIN_SHARE, self._disk.max_bytes // (1 + self._alive)) if self._disk else 0

    def _segment_bytes(self) -> int:
        return max(_MIN_SEGMENT, min(_MAX_SEGMENT, self._share // 16))

    def _choose(self) -> Entry | None:
        old = next((lane.entries[0] for lane in self._adopted if lane.entries), None)
        own = self._own.entries
        if old is None and own and own[0].order < self._fresh_from:
            old = own[0]
        fresh = next((entry for entry in own if entry.order >= self._fresh_from), None)
        if old is None or fresh is None:
            return old or fresh
        if self.waiting < MANY:
            return old
        self._fresh_turn = not self._fresh_turn
        return fresh if self._fresh_turn else old

    def _sync(self) -> bool:
        """Whether what was written is durable."""
        try:
            self._own.sync()
        except OSError as error:
            self._exile(error)
            return False
        return True

    def _bound(self, size: int) -> None:
        """Make room on disk for so many bytes more, within this process's share. Raises OSError."""
        if self._disk is None:
            return
        lanes: list[Lane] = [lane for lane in (*self._adopted, self._own) if not isinstance(lane, MemoryLane)]
        while sum(lane.size for lane in lanes) + size > self._share:
            if not any(lane.drop_oldest(self._lost) for lane in lanes):
                return

    def _bound_memory(self) -> None:
        while self._own.size > self._memory_bytes and self._own.drop_oldest(self._lost):
            pass

    def _lost(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry is self._flying:
                # Its answer will tell.
                self._adrift = entry
                continue
            self._reports.restore(entry.counts)
            self._reports.dropped(entry.points, "the buffer is full; the oldest batches are dropped")

    def _exile(self, error: OSError) -> None:
        """The disk failed: leave to it what it has, go on in memory."""
        disk, lane = self._disk, self._own
        if disk is None or isinstance(lane, MemoryLane):
            return
        self._told(error)
        self.life += 1
        self._own = MemoryLane(self._new_epoch())
        self._next_try = self._next_look + disk.look_seconds
        self._reports.forget(lane.written())
        expected = lane.held()
        found = self._take_over(disk, lane.epoch, lane.abandon(), mine=True)
        if found < expected:
            self._gone(expected - found)

    def _told(self, error: OSError) -> None:
        where = f"{error.filename or self._folder} ({error.strerror})"
        self._reports.once("spool", "warning", f"cannot write to {where}: what is recorded waits in memory, and is lost with the process")

    def _look(self, disk: Disk) -> None:
        if isinstance(self._own, DiskLane) and not self._own.intact():
            self._exile(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), disk.folder))
        known = {self._own.epoch, *self._skipped, *(lane.epoch for lane in self._adopted)}
        try:
            found = look(disk.folder, known, _ADOPT)
        except OSError:
            return
        self._alive = found.alive
        for epoch, lock in found.dead:
            self._take_over(disk, epoch, lock)

    def _take_over(self, disk: Disk, epoch: str, lock: Lock, *, mine: bool = False) -> int:
        """Deliver a stream from now on; tells how many points are accounted for by that."""
        try:
            segments = disk.segments(disk.folder, epoch, streams(disk.folder).get(epoch, {}))
            lane = AdoptedLane(segments, lock, epoch, segment_bytes=self._segment_bytes, mine=mine)
            if lane.contents.opening is not None and not _same(lane.contents.opening, disk.opening):
                raise Unreadable("it belongs to another address or agent")
        except (OSError, Unreadable) as error:
            self._skipped.add(epoch)
            self._reports.once("unreadable", "error", f"{disk.folder}/{epoch}.* stays, it cannot be read: {error}")
            lock.release(remove=False)
            return 0
        if lane.contents.damaged:
            text = f"{disk.folder}/{epoch}.* is damaged at {lane.contents.damaged} places; the rest of it is delivered"
            self._reports.once(f"damaged {epoch}", "error", text)
        if lane.contents.lost:
            self._gone(lane.contents.lost)
        found = lane.contents.lost + sum(entry.points for entry in lane.entries)
        self._adopted.append(lane)
        self._tidy()
        return found


def _same(one: Opening, other: Opening) -> bool:
    return (one.url, one.agent) == (other.url, other.agent)


def _make_folder(folder: str) -> None:
    """The folder, for nobody else. Raises OSError, also if somebody else's stands there."""
    above = os.path.dirname(folder)
    os.makedirs(above, mode=0o700, exist_ok=True)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        found = os.lstat(folder)
        if found.st_uid != os.geteuid():
            raise PermissionError(1, "it belongs to another user", folder) from None
