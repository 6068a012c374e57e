"""Points that wait for their batch, and which of them may go.

A batch is cut when its oldest point is `flush_seconds` old or when it is full. The points of a running task (started, neither
completed nor failed) wait for its end, so that they travel together, unless that takes half as long again.
Pure: time is an argument, in seconds of any clock that does not jump.
"""

from __future__ import annotations

from collections import deque
from typing import Union

from clawpulse._aggregation import MINUTE_MS, Piece, SeriesMinute
from clawpulse.wire import MAX_POINTS, Aggregate, Event, Item, Pairs, Point

TASK = "task_id"
STARTED = "task.started"
ENDED = ("task.completed", "task.failed")
MAX_OPEN = 10_000
"""Running tasks that are kept in mind."""

Record = Union[Point, Event]


def same_task(one: Item, other: Item) -> bool:
    """Whether two things speak of one task: what it used and what it cost are only known to belong together within a batch."""
    tasks = [None if isinstance(item, Aggregate) else item.attributes.get(TASK) for item in (one, other)]
    return tasks[0] is not None and tasks[0] == tasks[1]


class _Group:
    """Records with their numbers; unless `loose`, they must not be parted."""

    __slots__ = ("loose", "numbers", "records", "since")

    def __init__(self, since: float, *, loose: bool = False) -> None:
        self.since, self.loose = since, loose
        self.records: list[Record] = []
        self.numbers: list[int] = []

    def __len__(self) -> int:
        return len(self.records)

    def append(self, record: Record, number: int) -> None:
        self.records.append(record)
        self.numbers.append(number)

    def take(self, most: int) -> list[Piece]:
        """Take out the first pieces: as many as there may be, fewer if that would part a task, unless it is all of them."""
        most = self._seam(most)
        rows = zip(self.records[:most], self.numbers[:most])
        pieces = [Piece(record, ((number, number + 1),), 1) for record, number in rows]
        del self.records[:most], self.numbers[:most]
        return pieces

    def _seam(self, most: int) -> int:
        place = most
        while 0 < place < len(self.records) and same_task(self.records[place - 1], self.records[place]):
            place -= 1
        return place or most


class Pending:
    """Groups of records that must not be parted, oldest first, and series that may become sketches."""

    def __init__(self, flush_seconds: float, *, aggregate: bool = True) -> None:
        self._flush = flush_seconds
        self._hold = flush_seconds * 1.5
        self._aggregate = aggregate
        self._last_cut = float("-inf")
        self._open: dict[str, None] = {}
        self._held: dict[str, _Group] = {}
        self._free: deque[_Group] = deque()
        self._series: dict[tuple[str, Pairs, int], SeriesMinute] = {}
        self._free_pieces = 0

    def __len__(self) -> int:
        """Pieces that batches will be made of."""
        return self._free_pieces + sum(map(len, self._held.values()))

    def add(self, record: Record, now: float, number: int = 0) -> None:
        """Take in a point or event that arrived now."""
        if self._aggregate and not record.attributes and isinstance(record, Point):
            self._add_value(record, now, number)
            return
        task = record.attributes.get(TASK)
        starts = isinstance(record, Event) and record.name == STARTED
        if task is not None and starts:
            self._remember(task)
        if task is None or task not in self._open:
            self._add_loose(record, now, number)
            return
        group = self._held.setdefault(task, _Group(now))
        group.append(record, number)
        if isinstance(record, Event) and record.name in ENDED:
            del self._open[task]
            self._let_go(task)
        elif len(group) >= MAX_POINTS:
            self._let_go(task)

    def due(self, now: float) -> bool:
        """Whether a batch is to be cut."""
        self._let_go_old(now)
        if self._free_pieces >= MAX_POINTS:
            return True
        return bool(self._free_pieces) and now - self._oldest() >= self._flush and now - self._last_cut >= self._flush / 2

    def cut(self, now: float, *, everything: bool = False) -> list[Piece]:
        """Take out the next batch, at most `MAX_POINTS` pieces; `everything` asks running tasks too."""
        for task in list(self._held) if everything else ():
            self._let_go(task)
        # Series that wait too long go before groups: under load these alone could fill every batch.
        batch = self._cut_series(MAX_POINTS, now - self._flush)
        while self._free and len(batch) < MAX_POINTS:
            group, room = self._free[0], MAX_POINTS - len(batch)
            if len(group) > room and batch and not group.loose:
                break
            pieces = group.take(room)
            batch += pieces
            self._free_pieces -= len(pieces)
            if group:
                break
            self._free.popleft()
        batch += self._cut_series(MAX_POINTS - len(batch), now)
        self._last_cut = now
        return batch

    def clear(self) -> None:
        """Forget all records; running tasks stay known."""
        self._held.clear()
        self._free.clear()
        self._series.clear()
        self._free_pieces = 0

    def _add_value(self, point: Point, now: float, number: int) -> None:
        key = (point.name, point.tags, point.time // MINUTE_MS)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = SeriesMinute(point.name, point.tags, now)
        before = series.weight
        series.add(point.time, point.value, number)
        self._free_pieces += series.weight - before

    def _cut_series(self, room: int, until: float) -> list[Piece]:
        """The pieces of the oldest series since then, as far as there is room."""
        pieces: list[Piece] = []
        for key, series in list(self._series.items()):
            if series.since > until or len(pieces) + series.weight > room:
                break
            self._free_pieces -= series.weight
            pieces += series.pieces()
            del self._series[key]
        return pieces

    def _add_loose(self, record: Record, now: float, number: int) -> None:
        last = self._free[-1] if self._free else None
        if last is None or not last.loose or last.since != now:
            last = _Group(now, loose=True)
            self._free.append(last)
        last.append(record, number)
        self._free_pieces += 1

    def _oldest(self) -> float:
        """Since when the oldest waits. Groups that were held come in late, so all are looked at."""
        groups = min((group.since for group in self._free), default=float("inf"))
        return min(groups, next((series.since for series in self._series.values()), groups))

    def _release(self, group: _Group) -> None:
        self._free.append(group)
        self._free_pieces += len(group)

    def _let_go(self, task: str) -> None:
        self._release(self._held.pop(task))

    def _let_go_old(self, now: float) -> None:
        for task in [task for task, group in self._held.items() if now - group.since >= self._hold]:
            self._let_go(task)

    def _remember(self, task: str) -> None:
        self._open[task] = None
        if len(self._open) > MAX_OPEN:
            forgotten = next(iter(self._open))
            del self._open[forgotten]
            if forgotten in self._held:
                self._let_go(forgotten)
