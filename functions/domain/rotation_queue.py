"""The order in which a workspace's rotations run: one at a time, over all providers, the first of the queue.

Who is first runs until it is over, also while it is held or paused: two rotations at once could not be told apart by what agents report,
and a fleet half on one key and half on another is nothing to start from. So an emergency goes before all that wait, and not before the
one that runs: people may abort that one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence


def placed(queue: Sequence[str], emergencies: Collection[str], id: str, *, emergency: bool) -> tuple[str, ...]:
    """The queue of ids with a new one; `emergencies` are those of the queue that are some."""
    if not emergency or not queue:
        return (*queue, id)
    place = next((place for place in range(1, len(queue)) if queue[place] not in emergencies), len(queue))
    return (*queue[:place], id, *queue[place:])


def position(queue: Sequence[str], id: str) -> int:
    """How many run before it; 0: its turn, also of one that is not in the queue."""
    return queue.index(id) if id in queue else 0
