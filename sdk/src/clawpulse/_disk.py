"""The lane of a process's own batches on disk: what was written here survives the process, and after a sync the machine.

The first record opens the first file. Files go away, oldest first, once every batch in them is done with and every record in them
is in a batch; that they are done with is durable before.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

from clawpulse._journal import Opening, batch_frame, body_of, cut_frame, done_frame, dropped_frame, opening_frame, rows_frame
from clawpulse._locks import Lock
from clawpulse._runs import Runs
from clawpulse._segments import Segments
from clawpulse._spool import Batch, Entry, Lost, Place


class DiskLane:
    """Appends to segments. `room(n)` is asked before n bytes are written; `counts` tells the counters that wait to be sent."""

    def __init__(
        self,
        segments: Segments,
        lock: Lock,
        opening: Opening,
        *,
        segment_bytes: Callable[[], int],
        room: Callable[[int], None],
        counts: Callable[[], Mapping[str, int]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.epoch = opening.epoch
        self.entries: deque[Entry] = deque()
        self._segments, self._lock, self._opening = segments, lock, opening
        self._segment_bytes, self._room, self._counts, self._clock = segment_bytes, room, counts, clock
        self._seq, self._number = opening.seq, opening.number
        self._told: Mapping[str, int] = opening.counts
        self._uncut = Runs()
        self._highest: dict[int, int] = {}
        self._open: Counter[int] = Counter()

    @property
    def size(self) -> int:
        """Of all segments."""
        return self._segments.total

    def note(self, first: int, records: Sequence[object]) -> None:
        """Write records, numbered from `first`, and the counters if they changed. Raises OSError."""
        self._number = max(self._number, first)
        if not records and self._counts() == self._told:
            return
        at = self._now()
        place = self._write(lambda counts: rows_frame(first, records, at, counts))
        self._number = first + len(records)
        self._uncut.append(first, self._number)
        self._highest[place.segment] = self._number

    def put(self, batch: Batch, order: int) -> None:
        """Write a batch, and that its records are in it. Raises OSError."""
        self._seq = batch.seq + 1
        if batch.light:
            self.entries.append(Entry(self, batch, None, order))
            return
        made = batch_frame(batch, self._number)
        place = self._write(lambda counts: cut_frame(batch, len(made), self._told if counts is None else counts) + made)
        place = Place(place.segment, place.offset + place.size - len(made), len(made))
        self._uncut.remove(batch.runs)
        self.entries.append(Entry(self, batch, place, order))
        self._open[place.segment] += 1
        self._collect()

    def sync(self) -> None:
        """Have all of it outlive the machine. Raises OSError."""
        self._segments.sync()

    def read(self, entry: Entry) -> bytes | None:
        """The bytes of a batch; None if they are damaged or gone."""
        return entry.body if entry.place is None else read_body(self._segments, entry.place)

    def done(self, entry: Entry) -> None:
        """Forget a batch, durably before its file goes. Raises OSError."""
        if entry not in self.entries:
            return
        self.entries.remove(entry)
        if entry.place is not None:
            self._open[entry.place.segment] -= 1
            self._write(lambda counts: done_frame(entry.seq, counts))
            self._collect()

    def drop_oldest(self, lost: Lost) -> bool:
        """Give up the oldest segment. Raises OSError."""
        victim = self._victim()
        if victim is None:
            return False
        entries = [entry for entry in self.entries if entry.place is not None and entry.place.segment <= victim]
        lost(entries)
        for entry in entries:
            self.entries.remove(entry)
        with contextlib.suppress(OSError):  # a full disk: removing makes the room that this has not
            if self._segments.writing == victim:
                self._begin()
            self._segments.append(dropped_frame(victim, 0, dict(self._counts())))
            self._told = dict(self._counts())
            self._segments.sync()
        self._remove(victim)
        return True

    def close(self) -> None:
        """Leave what is not delivered to a later process; nothing at all if all is."""
        empty = not self._uncut and not self._counts() and not any(entry.place for entry in self.entries)
        self._segments.close(remove=empty)
        self._lock.release(remove=empty)

    def held(self) -> int:
        """Points that are here, in batches and before."""
        return sum(entry.points for entry in self.entries) + len(self._uncut)

    def intact(self) -> bool:
        """Whether what is written now will be found again: somebody may have removed the file."""
        return self._segments.intact()

    def written(self) -> Mapping[str, int]:
        """The counters that are on disk to be sent."""
        return self._told

    def abandon(self) -> Lock:
        """Stop writing; the files stay as those of a dead process. Returns the lock, still held."""
        self.entries.clear()
        self._segments.close()
        return self._lock

    def _write(self, make: Callable[[Mapping[str, int] | None], bytes]) -> Place:
        """Write what `make` makes of the counters, which are None if the file has them as they are."""
        while True:
            counts = dict(self._counts())
            data = make(None if counts == self._told else counts)
            self._room(len(data))
            if counts == self._counts():  # to make room may have cost something
                break
        writing = self._segments.writing
        if writing is None or self._segments.sizes[writing] + len(data) > self._segment_bytes():
            self._begin()
        place = self._segments.append(data)
        self._told = counts
        return place

    def _begin(self) -> None:
        opening = self._opening._replace(seq=self._seq, number=self._number, at=self._now(), counts=self._told, uncut=self._uncut.runs())
        self._segments.begin(opening_frame(opening))

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _victim(self) -> int | None:
        """The segment to give up next; not one in which there is nothing but its head."""
        sizes = self._segments.sizes
        oldest = next(iter(sizes), None)
        worth = len(sizes) > 1 or any(entry.place for entry in self.entries)
        return oldest if worth else None

    def _collect(self) -> None:
        """Remove the oldest segments that nobody needs any more."""
        uncut = self._uncut.lowest()
        for number in list(self._segments.sizes)[:-1]:
            if self._open[number] or (uncut is not None and self._highest.get(number, -1) > uncut):
                break
            with contextlib.suppress(OSError):  # it stays, and can do no harm but take up room
                self._segments.sync()
                self._remove(number)

    def _remove(self, number: int) -> None:
        self._segments.remove(number)
        self._open.pop(number, None)
        self._highest.pop(number, None)


def read_body(segments: Segments, place: Place) -> bytes | None:
    """The batch that stands at a place; None if it is damaged or gone."""
    try:
        return body_of(segments.read(place))
    except OSError:
        return None
