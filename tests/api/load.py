"""Loads of a fleet, task by task, as seal would have stored them: minutes of the group, hours of usage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from functions.domain import usage
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, sorted_pairs
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.ports import Resolution
from tests.api.world import NOW, World, agent

LAST_HOUR = NOW // HOUR_MS
"""The hour under way, which is none."""
DAY = range(LAST_HOUR - 24, LAST_HOUR)


@dataclass(frozen=True)
class Task:
    """One task."""

    agent: str
    at: int
    """When it began, ms."""
    seconds: float
    tags: dict[str, str] = field(default_factory=dict)
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    failed: bool = False

    def points(self) -> Iterable[tuple[str, float]]:
        yield "task.started", 1.0
        yield "task.latency_ms", self.seconds * 1000
        yield "task.failed" if self.failed else "task.completed", 1.0
        if self.tokens_in:
            yield "task.tokens_in", self.tokens_in
        if self.tokens_out:
            yield "task.tokens_out", self.tokens_out


def store(world: World, tasks: Iterable[Task], gauges: Iterable[tuple[str, int, str, float]] = ()) -> None:
    """Store tasks, and gauges (agent, hour, name, value), in rollups."""
    minutes: dict[int, Rollup] = defaultdict(dict)
    hours: dict[tuple[int, str], Rollup] = defaultdict(dict)
    for task in tasks:
        for name, value in task.points():
            key = SeriesKey(name, sorted_pairs(task.tags))
            for rollup in (minutes[task.at // MINUTE_MS], hours[task.at // HOUR_MS, task.agent]):
                rollup.setdefault(key, Aggregate()).add(value, task.at)
    for who, hour, name, value in gauges:
        hours[hour, who].setdefault(SeriesKey(name, ()), Aggregate()).add(value, hour * HOUR_MS)
    for minute, rollup in minutes.items():
        world.rollups.put_group("team", Resolution.MINUTE, minute, rollup, 0)
    pieces: dict[tuple[int, int], dict[str, Rollup]] = defaultdict(dict)
    for (hour, who), rollup in hours.items():
        pieces[hour, usage.bucket_of(who)][who] = rollup
    for (hour, bucket), agents in pieces.items():
        world.rollups.put_usage("team", hour, bucket, usage.usage_of(agents), 0)


def sealed(world: World, tags: dict[str, str], hours: int = LAST_HOUR) -> None:
    """A snapshot of agents with their tags, of which all hours before one are sealed."""
    world.seal(*(agent(name, text) for name, text in tags.items()), due_until=hours * 60)
