"""Two weeks of usage of a fleet with known troubles, put where seal puts it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from functions.domain.fleet import AgentState, Health, Snapshot, Status, encode_snapshot
from functions.domain.report import Report
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.times import DAY_MS, HOUR_MS, MINUTES_PER_HOUR
from functions.domain.usage import HEALTH, bucket_of
from tests.reports.fleet import WS, Company

WEEK = 168
LAST = 498_000 // WEEK * WEEK
FIRST = LAST - 2 * WEEK
HALF = LAST - WEEK
"""The first hour of the week that the report is of."""
TASKS = 6
"""Of an agent in an hour, at noon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """An agent, and how its hours differ from the usual."""

    id: str
    tier: str = "fast"
    tenant: str = "acme"
    tasks: Callable[[int], int] = lambda hour: TASKS + hour % 24 // 6
    usd: Callable[[int], float] = lambda hour: 0.01
    """Of a task."""
    failing: Callable[[int], int] = lambda hour: 0
    """Of its tasks."""
    memory: Callable[[int], float] = lambda hour: 40.0
    red: Callable[[int], float] = lambda hour: 0.0
    """Share of the hour."""
    first_seen: int = 1

    @property
    def state(self) -> AgentState:
        return AgentState(
            id=self.id,
            name=self.id,
            tags={"tier": self.tier, "tenant": self.tenant, "function": self.id},
            model="m",
            host=f"host-{self.id}",
            first_seen=self.first_seen,
            last_seen=LAST * HOUR_MS,
            health=Health(Status.GREEN, "", LAST * HOUR_MS - DAY_MS),
        )


@dataclass
class Weeks:
    """Writes usage, and makes the report of the second week."""

    workers: Sequence[Worker]
    company: Company = field(default_factory=Company)
    source: Random = field(default_factory=lambda: Random(4))
    snapshot: Mapping[str, object] = field(default_factory=dict)
    """More of the snapshot."""

    def report(self, selector: str = "", hours: Iterable[int] = range(FIRST, LAST)) -> Report:
        for hour in hours:
            self._hour(hour)
        states = {worker.id: worker.state for worker in self.workers}
        given = {"due_until": LAST * MINUTES_PER_HOUR, **self.snapshot}
        snapshot = Snapshot(workspace=WS, time=LAST * HOUR_MS, agents=states, **given)  # type: ignore[arg-type]
        self.company.fleet.put_snapshot(WS, encode_snapshot(snapshot))
        self.company.now = LAST * HOUR_MS + 5_000
        return self.company.report(selector, HALF, LAST)

    def _hour(self, hour: int) -> None:
        pieces: dict[int, Rollup] = {}
        for worker in self.workers:
            piece = pieces.setdefault(bucket_of(worker.id), {})
            for (name, *tags), values in self._points(worker, hour).items():
                if values:
                    key = SeriesKey(name, tuple(sorted([("agent", worker.id), *(pair for pair in tags if isinstance(pair, tuple))])))
                    piece.setdefault(key, Aggregate()).extend(values, [hour * HOUR_MS] * len(values))
        for bucket, rollup in pieces.items():
            self.company.rollups.put_usage(WS, hour, bucket, rollup, 0)

    def _points(self, worker: Worker, hour: int) -> dict[tuple[object, ...], list[float]]:
        amount, failed = worker.tasks(hour), worker.failing(hour)
        jitter = [self.source.uniform(0.9, 1.1) for _ in range(amount)]
        red = round(240 * worker.red(hour))
        return {
            ("task.completed",): [1.0] * (amount - failed),
            ("task.failed",): [1.0] * failed,
            ("task.latency_ms",): [800 * factor for factor in jitter],
            ("task.tokens_in",): [1000 * factor for factor in jitter],
            ("task.tokens_out",): [200 * factor for factor in jitter],
            ("task.cost_usd",): [worker.usd(hour) * factor for factor in jitter],
            ("agent.memory",): [worker.memory(hour) + self.source.uniform(-0.5, 0.5) for _ in range(4)],
            (HEALTH, ("status", "green")): [240.0 - red] if red < 240 else [],
            (HEALTH, ("status", "red")): [float(red)] if red else [],
        }
