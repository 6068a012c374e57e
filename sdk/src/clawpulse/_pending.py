"""Points that wait for their batch, and which of them may go.

A batch is cut when its oldest point is `flush_seconds` old or when it is full. The points of a running task (started, neither
completed nor failed) wait for its end, so that they travel together, unless that takes half as long again.
Pure: time is an argument, in seconds of any clock that does not jump.
"""

from __future__ import annotations

from typing import Union

from clawpulse.wire import MAX_POINTS, Event, Point

TASK = "task_id"
STARTED = "task.started"
ENDED = ("task.completed", "task.failed")
MAX_OPEN = 10_000
"""Running tasks that are kept in mind."""

Record = Union[Point, Event]
_Group = list[Record]


class Pending:
    """Groups of points that must not be parted, oldest first."""

    def __init__(self, flush_seconds: float) -> None:
        self._flush = flush_seconds
        self._hold = flush_seconds * 1.5
        self._free: list[tuple[float, _Group]] = []
        self._held: dict[str, tuple[float, _Group]] = {}
        self._open: dict[str, None] = {}
        self._last_cut = float("-inf")
        self._free_points = 0

    def __len__(self) -> int:
        return self._free_points + sum(len(group) for _, group in self._held.values())

    def add(self, record: Record, now: float) -> None:
        """Take in a point or event that arrived now."""
        task = record.attributes.get(TASK)
        if task is None:
            self._release(now, [record])
            return
        if isinstance(record, Event) and record.name == STARTED:
            self._remember(task)
        if task not in self._open:
            self._release(now, [record])
            return
        group = self._held.setdefault(task, (now, []))[1]
        group.append(record)
        if isinstance(record, Event) and record.name in ENDED:
            del self._open[task]
            self._let_go(task)
        elif len(group) >= MAX_POINTS:
            self._let_go(task)

    def due(self, now: float) -> bool:
        """Whether a batch is to be cut."""
        self._let_go_old(now)
        if self._free_points >= MAX_POINTS:
            return True
        oldest = min((since for since, _ in self._free), default=now)
        return bool(self._free) and now - oldest >= self._flush and now - self._last_cut >= self._flush / 2

    def cut(self, now: float, *, everything: bool = False) -> list[Record]:
        """Take out the points of the next batch, at most `MAX_POINTS`; `everything` asks running tasks too."""
        if everything:
            for task in list(self._held):
                self._let_go(task)
        batch: list[Record] = []
        taken = 0
        for _, group in self._free:
            if batch and len(batch) + len(group) > MAX_POINTS:
                break
            batch += group
            taken += 1
        del self._free[:taken]
        if len(batch) > MAX_POINTS:
            self._free.insert(0, (now, batch[MAX_POINTS:]))
            del batch[MAX_POINTS:]
        self._free_points -= len(batch)
        self._last_cut = now
        return batch

    def _release(self, since: float, group: _Group) -> None:
        self._free.append((since, group))
        self._free_points += len(group)

    def _let_go(self, task: str) -> None:
        self._release(*self._held.pop(task))

    def _let_go_old(self, now: float) -> None:
        for task in [task for task, (since, _) in self._held.items() if now - since >= self._hold]:
            self._let_go(task)

    def _remember(self, task: str) -> None:
        self._open[task] = None
        if len(self._open) > MAX_OPEN:
            forgotten = next(iter(self._open))
            del self._open[forgotten]
            if forgotten in self._held:
                self._let_go(forgotten)
