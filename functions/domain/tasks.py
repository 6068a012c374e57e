"""Tasks as rollups show them: how many finished, failed, what they cost.

Clients report the same failure as an event, as a metric, or both, and a finished task by its event or only by its latency; the figures
here take the larger account, so that neither way of reporting is needed for a right count. Missing is not zero: no task has no error
rate, no price has no cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from functions.domain.rollup import Rollup

LATENCY = "task.latency_ms"
TOKENS_IN = "task.tokens_in"
TOKENS_OUT = "task.tokens_out"
COST = "task.cost_usd"
ERRORS = "task.errors"
STARTED = "task.started"
COMPLETED = "task.completed"
FAILED = "task.failed"

FINISHING = frozenset((LATENCY, ERRORS, COMPLETED, FAILED))
"""What tells that a task has come to an end."""
_COUNTED = {STARTED: "started", COMPLETED: "completed", FAILED: "failed_events", LATENCY: "measured", COST: "priced"}
"""Whose points are counted, in which field."""
_SUMMED = {ERRORS: "error_sum", TOKENS_IN: "tokens_in", TOKENS_OUT: "tokens_out", COST: "cost_sum"}
"""Whose values are summed."""
NAMES = _COUNTED.keys() | _SUMMED.keys()
"""All metrics and events that speak of tasks."""


@dataclass(slots=True)
class TaskCounts:
    """Raw counts of some minutes of some agents; they add up, the figures are made from the totals."""

    started: int = 0
    completed: int = 0
    failed_events: int = 0
    error_sum: float = 0.0
    measured: int = 0
    """Points of latency."""
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    cost_sum: float = 0.0
    priced: int = 0
    """Tasks that reported a price; compare it with `finished`."""

    @property
    def failed(self) -> int:
        """Tasks that failed."""
        return max(self.failed_events, round(self.error_sum))

    @property
    def finished(self) -> int:
        """Tasks that came to an end, well or not."""
        return max(self.completed + self.failed, self.measured)

    @property
    def error_rate(self) -> float | None:
        """Failed over finished tasks; None without tasks."""
        return self.failed / self.finished if self.finished else None

    @property
    def cost_usd(self) -> float | None:
        """Cost of the priced tasks; None when no task reported a price."""
        return self.cost_sum if self.priced else None

    def take(self, name: str, count: int, total: float) -> None:
        """Take in one series: the number of points and their sum. Names that say nothing of tasks are ignored."""
        if counted := _COUNTED.get(name):
            setattr(self, counted, getattr(self, counted) + count)
        if summed := _SUMMED.get(name):
            setattr(self, summed, getattr(self, summed) + total)

    def __add__(self, other: TaskCounts) -> TaskCounts:
        return TaskCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def count_tasks(rows: Iterable[tuple[str, int, float]]) -> TaskCounts:
    """Counts of (name, number of points, their sum)."""
    counts = TaskCounts()
    for name, count, total in rows:
        counts.take(name, count, total)
    return counts


def tasks_of(rollup: Rollup) -> TaskCounts:
    """Counts of all series of a rollup."""
    return count_tasks((key.name, aggregate.sketch.count, aggregate.sketch.sum) for key, aggregate in rollup.items())
