"""What waits to be delivered: batches, the lanes they wait in, and the lane that keeps them in memory.

A lane holds the batches of one identity (agent and epoch) in order. A process has one of its own, on disk or in memory, and
the lanes of dead processes that it took over. Lanes are used by one thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from clawpulse._runs import Run


class Batch(NamedTuple):
    """A batch whose bytes are made: every try sends these."""

    seq: int
    body: bytes
    points: int
    """Points and events of the caller's."""
    counts: Mapping[str, int] = {}
    """The SDK's own counters in it, which must not be lost with it."""
    runs: Sequence[Run] = ()
    """Numbers of the records in it."""

    @property
    def light(self) -> bool:
        """Whether nothing would be lost with it: a heartbeat."""
        return not self.points and not self.counts


class Place(NamedTuple):
    """Where in a lane's files a record stands."""

    segment: int
    offset: int
    size: int


class Entry:
    """A batch that waits: its bytes in memory, or where they are on disk."""

    __slots__ = ("body", "counts", "lane", "order", "place", "points", "seq")

    def __init__(self, lane: Lane, batch: Batch, place: Place | None, order: int) -> None:
        self.lane, self.place, self.order = lane, place, order
        self.seq, self.points, self.counts = batch.seq, batch.points, batch.counts
        self.body = None if place else batch.body


Lost = Callable[[Sequence[Entry]], None]


class Lane(Protocol):
    """Batches of one identity, in order."""

    entries: deque[Entry]

    @property
    def size(self) -> int:
        """What it takes up."""
        ...

    def read(self, entry: Entry) -> bytes | None:
        """The bytes of a batch; None if they are damaged or gone."""
        ...

    def done(self, entry: Entry) -> None:
        """Forget a batch: it was delivered or will never be. Raises OSError."""
        ...

    def drop_oldest(self, lost: Lost) -> bool:
        """Make room, after telling `lost` which batches that costs; False when there is no room to be made. Raises OSError."""
        ...

    def close(self) -> None:
        """Leave what waits to a later process, if there is a way."""
        ...


class OwnLane(Lane, Protocol):
    """The lane of this process's own batches."""

    epoch: str

    def note(self, first: int, records: Sequence[object]) -> None:
        """Have records, numbered from `first`, outlive the process while they wait for their batch. Raises OSError."""
        ...

    def put(self, batch: Batch, order: int) -> None:
        """Keep a batch. Raises OSError."""
        ...

    def sync(self) -> None:
        """Have all of it outlive the machine. Raises OSError."""
        ...


class MemoryLane:
    """Lost with the process."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.entries: deque[Entry] = deque()
        self.size = 0

    def note(self, first: int, records: Sequence[object]) -> None:
        """Nothing outlives the process here."""

    def sync(self) -> None:
        """Nor the machine."""

    def put(self, batch: Batch, order: int) -> None:
        """Keep a batch."""
        self.entries.append(Entry(self, batch, None, order))
        self.size += len(batch.body)

    def read(self, entry: Entry) -> bytes | None:
        """The bytes of a batch."""
        return entry.body

    def done(self, entry: Entry) -> None:
        """Forget a batch."""
        if entry in self.entries:
            self.entries.remove(entry)
            self.size -= len(entry.body or b"")

    def drop_oldest(self, lost: Lost) -> bool:
        """Drop one batch, never the last."""
        if len(self.entries) < 2:
            return False
        lost([self.entries[0]])
        self.done(self.entries[0])
        return True

    def close(self) -> None:
        """There is no later process for this."""
