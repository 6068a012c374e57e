"""A workspace in memory for seal's tests: agents post, time passes, ticks run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.domain import rollup_codec
from functions.domain.failure_groups import FailureGroup, decode_groups
from functions.domain.failures import Failure, encode_failures
from functions.domain.fleet import AgentState, Snapshot, decode_snapshot
from functions.domain.items import AgentInfo, StoredItem, bucket_of
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, sorted_pairs
from functions.domain.times import LATE_AFTER_MS, MINUTE_MS, SECOND_MS, minute_end, minute_of
from functions.ports import LateMark, Resolution, RuleReader
from functions.seal.service import Limits, SealService, TickReport
from tests.fakes.fleet import MemoryFleet
from tests.fakes.lease import MemoryLease
from tests.fakes.rollups import MemoryRollups

WS = "acme"
HOUR = 497_000
START = HOUR * 3_600_000
"""A whole hour, ms."""
BUCKETS = 4


class MemoryBatches:
    """Seal's side of the batch store, and a way to put items in as ingest does."""

    def __init__(self) -> None:
        self.items: dict[int, dict[tuple[str, str], StoredItem]] = {}
        self.marks: dict[tuple[int, int], str] = {}
        self._stamp = 0

    def put(self, item: StoredItem) -> None:
        self.items.setdefault(item.minute, {}).setdefault((item.agent, item.batch), item)
        if item.received > minute_end(item.minute) + LATE_AFTER_MS:
            self._stamp += 1
            self.marks[item.minute, bucket_of(item.agent, BUCKETS)] = str(self._stamp)

    def read_minute(self, workspace: str, minute: int) -> list[StoredItem]:
        return list(self.items.get(minute, {}).values())

    def late_marks(self, workspace: str, limit: int) -> list[LateMark]:
        return [LateMark(minute, bucket, stamp) for (minute, bucket), stamp in sorted(self.marks.items(), reverse=True)][:limit]

    def clear_late(self, workspace: str, mark: LateMark) -> bool:
        if self.marks.get((mark.minute, mark.bucket)) != mark.stamp:
            return False
        del self.marks[mark.minute, mark.bucket]
        return True


def points(*series: tuple[str, float] | tuple[str, float, dict[str, str]], time: int) -> Rollup:
    """A rollup of single points: (name, value) or (name, value, tags), all of one time."""
    rollup: Rollup = {}
    for name, value, *rest in series:
        tags: dict[str, str] = rest[0] if rest else {}  # type: ignore[assignment]
        rollup.setdefault(SeriesKey(name, sorted_pairs(tags)), Aggregate()).add(value, time)
    return rollup


def a_task(latency: float = 500.0, cost: float | None = 0.01, **tags: str) -> list[tuple[str, float, dict[str, str]]]:
    """The points of a task that went well."""
    series = [("task.started", 1.0, tags), ("task.latency_ms", latency, tags), ("task.tokens_in", 100.0, tags)]
    series += [("task.tokens_out", 20.0, tags), ("task.completed", 1.0, tags)]
    return series + ([("task.cost_usd", cost, tags)] if cost is not None else [])


def a_failure(**tags: str) -> list[tuple[str, float, dict[str, str]]]:
    """The points of a task that failed."""
    return [("task.started", 1.0, tags), ("task.errors", 1.0, {**tags, "error": "Boom"}), ("task.failed", 1.0, tags)]


@dataclass
class World:
    """Everything that a test touches; `now` moves by hand."""

    now: int = START
    batches: MemoryBatches = field(default_factory=MemoryBatches)
    rollups: MemoryRollups = field(default_factory=MemoryRollups)
    fleet: MemoryFleet = field(default_factory=MemoryFleet)
    lease: MemoryLease = field(default_factory=MemoryLease)
    limits: Limits = field(default_factory=Limits)
    rules: RuleReader | None = None
    sequence: int = 0

    def post(
        self, agent: str, *series: Any, at: int | None = None, epoch: str = "e1", failures: Iterable[Failure] = (), **info: Any
    ) -> StoredItem:
        """An agent posts points of the time `at`, and tells of failures, received now."""
        time = self.now if at is None else at
        self.sequence += 1
        item = StoredItem(
            agent=agent,
            batch=f"{epoch}.{self.sequence}",
            minute=minute_of(time),
            received=self.now,
            info=AgentInfo(**info),
            data=rollup_codec.encode(points(*series, time=time)),
            failures=encode_failures(failures) if failures else b"",
        )
        self.batches.put(item)
        return item

    def service(self) -> SealService:
        return SealService(self.batches, self.rollups, self.fleet, self.lease, rules=self.rules, limits=self.limits)

    def tick(self) -> TickReport:
        return self.service().tick(WS, self.now, self.now, "run")

    def tick_later(self) -> TickReport:
        """The next tick."""
        self.now += 15 * SECOND_MS
        return self.tick()

    def run(self, seconds: int, *posts: tuple[str, list[Any]], **info: Any) -> list[TickReport]:
        """Let time pass in steps of 15 s: first the posts, then a tick."""
        reports = []
        for _ in range(seconds // 15):
            self.now += 15 * SECOND_MS
            for agent, series in posts:
                self.post(agent, *series, **info)
            reports.append(self.tick())
        return reports

    def snapshot(self) -> Snapshot:
        data = self.fleet.snapshot(WS)
        assert data is not None
        return decode_snapshot(data)

    def agent(self, agent: str) -> AgentState:
        return self.snapshot().agents[agent]

    def group(self, time: int, resolution: Resolution = Resolution.MINUTE) -> Rollup:
        found = self.rollups.read_group(WS, resolution, time, time + 1)
        return rollup_codec.decode(found[time]) if found else {}

    def of_agent(self, agent: str, time: int, resolution: Resolution = Resolution.MINUTE) -> Rollup:
        found = self.rollups.read_agent(WS, agent, resolution, time, time + 1)
        return rollup_codec.decode(found[time]) if found else {}

    def failures(self, time: int, resolution: Resolution = Resolution.MINUTE) -> dict[str, FailureGroup]:
        """Groups of failures by type."""
        found = self.rollups.read_failures(WS, resolution, time, time + 1)
        return {group.type: group for group in decode_groups(found[time]).values()} if found else {}


def count_of(rollup: Mapping[SeriesKey, Aggregate], name: str, **tags: str) -> int:
    """Points of a metric over the cells that have all these tags."""
    wanted = set(tags.items())
    return sum(aggregate.sketch.count for key, aggregate in rollup.items() if key.name == name and wanted <= set(key.tags))


MINUTE = START // MINUTE_MS
"""The number of the first minute."""
