"""Batches that wait to be delivered: the protocol, and the one that keeps them in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Batch(NamedTuple):
    """A batch whose bytes are made: every try sends these."""

    seq: int
    body: bytes
    points: int
    """Points and events of the caller's."""
    counts: Mapping[str, int] = {}
    """The SDK's own counters in it, which must not be lost with it."""


class Spool(Protocol):
    """Holds batches in order until they are delivered. Used by one thread."""

    def put(self, batch: Batch) -> list[Batch]:
        """Keep a batch; returns what was dropped to make room, the oldest first."""
        ...

    def first(self) -> Batch | None:
        """The oldest batch, which stays until `done`."""
        ...

    def done(self, batch: Batch) -> None:
        """Forget a batch: it was delivered or will never be."""
        ...

    def __len__(self) -> int:
        """Batches held."""
        ...


class MemorySpool:
    """At most `max_bytes` of batches, lost with the process."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._batches: deque[Batch] = deque()

    def put(self, batch: Batch) -> list[Batch]:
        self._batches.append(batch)
        self._bytes += len(batch.body)
        dropped = []
        while self._bytes > self._max_bytes and len(self._batches) > 1:
            dropped.append(self._drop())
        return dropped

    def first(self) -> Batch | None:
        return self._batches[0] if self._batches else None

    def done(self, batch: Batch) -> None:
        if self._batches and self._batches[0] is batch:
            self._drop()

    def __len__(self) -> int:
        return len(self._batches)

    def _drop(self) -> Batch:
        batch = self._batches.popleft()
        self._bytes -= len(batch.body)
        return batch
