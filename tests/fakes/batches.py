"""Batch store in memory."""

from __future__ import annotations

from functions.domain.items import BatchItem, StoredItem, bucket_of
from functions.domain.rollup_codec import encode
from functions.ports import LateMark, PutOutcome


def stored(item: BatchItem) -> StoredItem:
    """A batch item as a reader gets it."""
    return StoredItem(
        agent=item.agent,
        batch=item.batch,
        minute=item.minute,
        received=item.received,
        info=item.info,
        data=encode(item.rollup),
        failures=item.failures,
    )


class MemoryBatches:
    """`BatchReader` and `BatchWriter`."""

    def __init__(self, buckets: int = 4) -> None:
        self.buckets = buckets
        self.items: dict[tuple[str, int, str, str], tuple[StoredItem, str]] = {}
        self.marks: dict[tuple[str, int, int], str] = {}

    def put(self, workspace: str, item: BatchItem) -> PutOutcome:
        key = (workspace, item.minute, item.agent, item.batch)
        if key in self.items:
            return PutOutcome.DUPLICATE if self.items[key][1] == item.digest else PutOutcome.CONFLICT
        self.items[key] = (stored(item), item.digest)
        return PutOutcome.WRITTEN

    def mark_late(self, workspace: str, agent: str, minute: int, stamp: str) -> None:
        self.marks[workspace, minute, bucket_of(agent, self.buckets)] = stamp

    def read_minute(self, workspace: str, minute: int) -> list[StoredItem]:
        return [stored for (ws, m, _, _), (stored, _) in self.items.items() if (ws, m) == (workspace, minute)]

    def late_marks(self, workspace: str, limit: int) -> list[LateMark]:
        marks = [LateMark(minute, bucket, stamp) for (ws, minute, bucket), stamp in self.marks.items() if ws == workspace]
        return sorted(marks, key=lambda mark: (-mark.minute, mark.bucket))[:limit]

    def clear_late(self, workspace: str, mark: LateMark) -> bool:
        key = (workspace, mark.minute, mark.bucket)
        if self.marks.get(key) != mark.stamp:
            return False
        del self.marks[key]
        return True
