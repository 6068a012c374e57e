"""A fleet whose tasks are known one by one: posted through intake, built by seal, and told by the real report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import Any

from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.intake import plan
from functions.domain.report import Report, Section, Table
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.report_making import Parts, make_report
from functions.runtime.rule_book import RuleBook
from functions.seal.service import Limits, SealService
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.batches import stored
from tests.fakes.deliveries import MemoryDeliveries
from tests.fakes.fleet import MemoryFleet
from tests.fakes.lease import MemoryLease
from tests.fakes.rollouts import MemoryRollouts
from tests.fakes.rollups import MemoryRollups
from tests.fakes.rotations import MemoryRotations
from tests.seal.world import MemoryBatches

WS = "team"
FIRST = 498_000
"""The first hour, of the first period."""
HOURS = 4
"""Of a period; there are two."""
PRICED_MODEL = "claude-sonnet-4-5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """How an agent is, and how it reports."""

    id: str
    tags: dict[str, str]
    model: str
    reports_errors: str
    """`event`, `metric` or `both`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task that came to an end."""

    agent: Agent
    hour: int
    latency_ms: float
    tokens_in: int
    tokens_out: int
    usd: float | None
    """As it reports; None: it does not."""
    error: str | None
    """Type of the failure."""


def random_fleet(source: Random) -> list[Agent]:
    return [
        Agent(
            id=f"a{number}",
            tags={"tier": source.choice(["fast", "smart"]), "tenant": source.choice(["acme", "globex", "initech"])},
            model=source.choice([PRICED_MODEL, "home-made"]),
            reports_errors=source.choice(["event", "metric", "both"]),
        )
        for number in range(6)
    ]


def random_tasks(source: Random, agents: Sequence[Agent]) -> list[Task]:
    return [
        Task(
            agent=agent,
            hour=hour,
            latency_ms=source.lognormvariate(7, 1.5),
            tokens_in=source.randrange(1, 5000),
            tokens_out=source.randrange(1, 2000),
            usd=source.choice([None, round(source.uniform(0.001, 0.2), 4)]),
            error=source.choice([None, None, None, "Timeout", "RateLimit"]),
        )
        for agent in agents
        for hour in range(FIRST, FIRST + 2 * HOURS)
        for _ in range(source.randrange(6))
    ]


@dataclass
class Company:
    """The stores, and the time in ms."""

    now: int = FIRST * HOUR_MS
    batches: MemoryBatches = field(default_factory=MemoryBatches)
    rollups: MemoryRollups = field(default_factory=lambda: MemoryRollups(lambda: -1.0))
    fleet: MemoryFleet = field(default_factory=MemoryFleet)
    lease: MemoryLease = field(default_factory=MemoryLease)
    alerts: MemoryAlerts = field(default_factory=lambda: MemoryAlerts(lambda: 0.0))
    deliveries: MemoryDeliveries = field(default_factory=MemoryDeliveries)
    rollouts: MemoryRollouts = field(default_factory=MemoryRollouts)
    rotations: MemoryRotations = field(default_factory=MemoryRotations)
    posted: int = 0

    def work(self, tasks: Iterable[Task]) -> None:
        """Let all these tasks happen, hour by hour, and build the hours."""
        for hour, some in groupby(sorted(tasks, key=lambda task: (task.hour, task.agent.id)), key=lambda task: task.hour):
            self.now = hour * HOUR_MS + 10 * MINUTE_MS
            for _, mine in groupby(some, key=lambda task: task.agent.id):
                self.post(list(mine))
            self.seal_until(hour + 1)

    def post(self, tasks: Sequence[Task]) -> None:
        """One batch with some tasks of one agent."""
        self.posted += 1
        agent = tasks[0].agent
        document = {
            "v": 1,
            "agent": agent.id,
            "tags": {**agent.tags, "model": agent.model},
            "epoch": "e",
            "seq": self.posted,
            "time": self.now,
            "series": [column for number, task in enumerate(tasks) for column in _series(task, f"{self.posted}-{number}")],
            "events": [column for number, task in enumerate(tasks) for column in _events(task, f"{self.posted}-{number}")],
        }
        dimensions = frozenset(DEFAULT_DIMENSIONS)
        made = plan(json.dumps(document).encode(), workspace=WS, dimensions=dimensions, scope=(), now=self.now, raw=False)
        assert not made.rejected.count, made.rejected.listed
        for item in made.items:
            self.batches.put(stored(item))

    def seal_until(self, hour: int) -> None:
        """Time goes on to some minutes after an hour's beginning, and what is due is built."""
        self.now = hour * HOUR_MS
        for _ in range(8):
            self.now += 15_000
            service = SealService(self.batches, self.rollups, self.fleet, self.lease, limits=Limits(catch_up_minutes=100))
            service.tick(WS, self.now, self.now, "test")

    @property
    def parts(self) -> Parts:
        return Parts(
            fleet=self.fleet,
            rollups=self.rollups,
            alerts=self.alerts,
            rules=RuleBook(self.fleet),
            deliveries=self.deliveries,
            rollouts=self.rollouts,
            rotations=self.rotations,
        )

    def report(self, selector: str = "", first: int = FIRST + HOURS, last: int = FIRST + 2 * HOURS) -> Report:
        return make_report(self.parts, WS, Selector.parse(selector), first * HOUR_MS, last * HOUR_MS, self.now, "r1")


def _series(task: Task, id: str) -> Iterable[dict[str, Any]]:
    points: list[tuple[str, float]] = [
        ("task.latency_ms", task.latency_ms),
        ("task.tokens_in", task.tokens_in),
        ("task.tokens_out", task.tokens_out),
    ]
    points += [("task.cost_usd", task.usd)] if task.usd is not None else []
    for name, value in points:
        yield {"name": name, "tags": {}, "times": [0], "values": [value], "attributes": {"task_id": [id]}}
    if task.error and task.agent.reports_errors != "event":
        yield {"name": "task.errors", "tags": {"error": task.error}, "times": [0], "values": [1.0], "attributes": {"task_id": [id]}}


def _events(task: Task, id: str) -> Iterable[dict[str, Any]]:
    if not task.error:
        yield {"name": "task.completed", "tags": {}, "times": [0], "attributes": {"task_id": [id]}}
    elif task.agent.reports_errors != "metric":
        attributes = {"task_id": [id], "error": [task.error]}
        yield {"name": "task.failed", "tags": {}, "times": [0], "attributes": attributes, "payloads": [{}]}


def section(report: Report, id: str) -> Section:
    return next(one for one in report.sections if one.id == id)


def table(report: Report, id: str, title: str) -> Table:
    return next(one for one in section(report, id).tables if one.title == title)


def stat(report: Report, id: str, label: str) -> Any:
    return next(one for one in section(report, id).stats if one.label == label)
