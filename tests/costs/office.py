"""A workspace whose agents post batches as they do over the wire, whose hours seal builds, and whose costs the real API tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.intake import plan
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.seal.service import Limits, SealService
from tests.api.world import NOW, World
from tests.fakes.batches import stored
from tests.seal.world import MemoryBatches

WORKSPACE = "team"
HOUR = NOW // HOUR_MS - 3
"""The hour that agents post in at first."""

type Points = list[tuple[str, float, Mapping[str, str], str | None]]
"""Name, value, tags, task id."""


@dataclass
class Office:
    """`world.now` is the time."""

    world: World = field(default_factory=World)
    batches: MemoryBatches = field(default_factory=MemoryBatches)
    posted: int = 0

    def __post_init__(self) -> None:
        self.world.now = HOUR * HOUR_MS + MINUTE_MS

    def post(self, agent: str, points: Points, *, at: int | None = None, **more: Any) -> None:
        """One batch of single points of the time `at` (now unless given), through intake."""
        self.posted += 1
        series = [
            {"name": name, "tags": dict(tags), "times": [0], "values": [value], "attributes": {"task_id": [task]} if task else {}}
            for name, value, tags, task in points
        ]
        batch = {"v": 1, "agent": agent, "epoch": "e", "seq": self.posted, "time": at or self.world.now, "series": series, **more}
        dimensions = frozenset(DEFAULT_DIMENSIONS)
        made = plan(json.dumps(batch).encode(), workspace=WORKSPACE, dimensions=dimensions, scope=(), now=self.world.now, raw=False)
        assert not made.rejected.count, made.rejected.listed
        for item in made.items:
            self.batches.put(stored(item))

    def seal(self) -> None:
        """Time goes on to the next hour, and this one is built."""
        self.world.now = (self.world.now // HOUR_MS + 1) * HOUR_MS
        for _ in range(8):
            self.world.now += 15_000
            limits = Limits(catch_up_minutes=100)
            SealService(self.batches, self.world.rollups, self.world.fleet, self.world.lease, limits=limits).tick(
                WORKSPACE, self.world.now, self.world.now, "test"
            )

    def ledger(self, **query: Any) -> Any:
        return self.world.client("read").get("/api/cost", **query)


def a_task(task: str, model: str, tokens: tuple[float, float], cost: float | None = None, **tags: str) -> Points:
    """The points of a task that went well, as the SDK sends them."""
    own = {"model": model, **tags} if model else tags
    points: Points = [
        ("task.latency_ms", 500.0, own, task),
        ("task.tokens_in", tokens[0], own, task),
        ("task.tokens_out", tokens[1], own, task),
    ]
    return points + ([("task.cost_usd", cost, {**own, "cost_source": "reported"}, task)] if cost is not None else [])
