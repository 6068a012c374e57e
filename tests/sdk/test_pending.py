"""Which points go into the next batch, and when."""

from __future__ import annotations

from clawpulse._aggregation import Piece
from clawpulse._pending import MAX_OPEN, Pending
from clawpulse.wire import MAX_POINTS, Event, Point


def point(name: str = "a", task: str | None = None) -> Point:
    return Point(name, 1.0, 0, (), {"task_id": task} if task else {})


def event(name: str, task: str) -> Event:
    return Event(name, 0, (), {"task_id": task})


def names(pieces: list[Piece]) -> list[str]:
    return [piece.item.name for piece in pieces]


def test_a_batch_is_due_when_its_oldest_point_has_the_age() -> None:
    pending = Pending(10, aggregate=False)
    pending.add(point(), 100)
    pending.add(point(), 109)
    assert not pending.due(109.9)
    assert pending.due(110)
    assert len(pending.cut(110)) == 2
    assert not pending.due(200)


def test_a_batch_is_due_when_it_is_full() -> None:
    pending = Pending(10, aggregate=False)
    for _ in range(MAX_POINTS + 5):
        pending.add(point(), 0)
    assert pending.due(0)
    assert len(pending.cut(0)) == MAX_POINTS
    assert not pending.due(0)
    assert len(pending) == 5


def test_a_running_task_waits_for_its_end() -> None:
    pending = Pending(10, aggregate=False)
    pending.add(event("task.started", "t1"), 0)
    pending.add(point("other"), 0)
    pending.add(point("x", "t1"), 9)
    assert names(pending.cut(10)) == ["other"]
    pending.add(event("task.completed", "t1"), 11)
    assert names(pending.cut(12)) == ["task.started", "x", "task.completed"]


def test_but_not_for_ever() -> None:
    pending = Pending(10, aggregate=False)
    pending.add(event("task.started", "t1"), 0)
    assert not pending.due(14.9)
    assert pending.due(15)
    assert names(pending.cut(15)) == ["task.started"]
    pending.add(point("x", "t1"), 40)
    pending.add(event("task.failed", "t1"), 41)
    assert names(pending.cut(50)) == ["x", "task.failed"]


def test_tasks_that_end_often_do_not_make_a_batch_each() -> None:
    pending, cuts = Pending(10, aggregate=False), 0
    for second in range(120):
        pending.add(event("task.started", str(second)), second)
        if second >= 12:
            pending.add(event("task.completed", str(second - 12)), second)
        if pending.due(second):
            pending.cut(second)
            cuts += 1
    assert cuts <= 120 / 5


def test_the_points_of_a_task_are_not_parted_by_a_full_batch() -> None:
    pending = Pending(10, aggregate=False)
    for _ in range(MAX_POINTS - 1):
        pending.add(point(), 0)
    pending.add(event("task.started", "t1"), 0)
    pending.add(point("x", "t1"), 0)
    pending.add(event("task.completed", "t1"), 0)
    assert "x" not in names(pending.cut(0))
    assert names(pending.cut(0)) == ["task.started", "x", "task.completed"]


def test_a_task_larger_than_a_batch_goes_in_several() -> None:
    pending = Pending(10, aggregate=False)
    pending.add(event("task.started", "t1"), 0)
    for _ in range(2 * MAX_POINTS):
        pending.add(point("x", "t1"), 0)
    pending.add(event("task.completed", "t1"), 0)
    sizes = []
    while len(pending):
        sizes.append(len(pending.cut(0)))
    assert sum(sizes) == 2 * MAX_POINTS + 2
    assert max(sizes) <= MAX_POINTS


def test_a_flush_takes_running_tasks_too() -> None:
    pending = Pending(10, aggregate=False)
    pending.add(event("task.started", "t1"), 0)
    assert names(pending.cut(1, everything=True)) == ["task.started"]
    assert len(pending) == 0


def test_tasks_without_an_end_are_forgotten() -> None:
    pending = Pending(10, aggregate=False)
    for number in range(MAX_OPEN + 10):
        pending.add(event("task.started", str(number)), 0)
    assert len(pending) == MAX_OPEN + 10
    assert len(pending._open) == MAX_OPEN
    assert pending.due(10)


def test_a_full_batch_parts_no_task_that_was_sent_by_hand() -> None:
    pending = Pending(10)
    tasks = [f"t{number}" for number in range(MAX_POINTS)]
    for task in tasks:
        for name in ("task.tokens_in", "task.tokens_out", "task.cost_usd"):
            pending.add(Point(name, 1.0, 0, (), {"task_id": task}), 0.0)
    seen: list[set[str]] = []
    while len(pending):
        seen.append({piece.item.attributes["task_id"] for piece in pending.cut(20.0)})  # type: ignore[union-attr]
    assert set.union(*seen) == set(tasks)
    assert sum(map(len, seen)) == len(tasks), "no task is in two batches"
