"""Simulation: a policy against a load, through the same `decide` that runs every day, with a queue that answers for what it decides.

    load ─▶ queue ─▶ observed ─▶ decide ─▶ count of agents, once they have booted ─┐
              ▲                                                                     │
              └─────────────────────────────────────────────────────────────────────┘

A decision is made each minute from what the minute before shows, as in life. What scatters (arrivals, latency) comes from a seed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np

from functions.domain.scaling import Action, Decision, GroupPolicy, Memory, Observed, Reading, Signal, Told, Work
from functions.domain.scaling_decide import bounded, decide
from functions.domain.scaling_load import Load
from functions.domain.scaling_observe import COST_MINUTES, LATENCY_MINUTES, MIN_TASKS, WORK_MINUTES
from functions.domain.scaling_queue import STEPS_PER_MINUTE, Agents, Fleet, Minute, minute, resized
from functions.domain.times import MINUTE_MS

SETTLES_MS = 40_000
"""How long after a minute's end its decision comes."""
USUAL_SATURATION = 0.6
"""How busy agents are at the beginning, where nobody says how many there are."""
LATENCY_SCATTER = 0.03
"""Standard deviation of the measured p95 and mean around the true ones, as a fraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to simulate."""

    policy: GroupPolicy
    load: Load
    agents: Agents
    initial: int | None = None
    """Agents at the beginning; unless given, as many as the first minute's tasks keep busy for three fifths."""
    usd_per_task: float | None = None
    usd_per_agent_hour: float | None = None
    start: int = 0
    """ms, a whole minute."""
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A minute of the simulation, and what was decided after it."""

    time: int
    """When it began, ms."""
    arrived: float
    seen: Minute
    p95_s: float
    """Of tasks that started: waiting and service."""
    agents: int
    """At its end, those that boot too."""
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What became of it."""

    points: Sequence[Point]

    @property
    def changes(self) -> list[Decision]:
        """The decisions that changed the count."""
        return [point.decision for point in self.points if point.decision.action is not Action.HOLD]

    @property
    def direction_changes(self) -> int:
        """How often the count turned from growing to shrinking or back."""
        return sum(one.action is not other.action for one, other in pairwise(self.changes))

    @property
    def told(self) -> list[Told]:
        """What people would have been told."""
        return [told for point in self.points for told in point.decision.told]

    @property
    def longest_wait_s(self) -> float:
        """Of any task, from the queue's length."""
        return max(point.seen.wait_s for point in self.points)

    @property
    def agent_hours(self) -> float:
        """Of all agents that there are, those that boot too."""
        return sum(point.agents for point in self.points) / 60

    def usd(self, wanted: Wanted) -> float | None:
        """Of agents and tasks, as far as their prices are known; None without any."""
        agents = None if wanted.usd_per_agent_hour is None else self.agent_hours * wanted.usd_per_agent_hour
        tasks = None if wanted.usd_per_task is None else sum(point.seen.done for point in self.points) * wanted.usd_per_task
        return None if agents is None and tasks is None else (agents or 0.0) + (tasks or 0.0)


def simulate(wanted: Wanted) -> Simulation:
    """Run it; a day takes about a tenth of a second."""
    random = np.random.default_rng(wanted.seed)
    arrived = _arrived(wanted.load, random)
    scatter = np.maximum(0.1, random.normal(1.0, LATENCY_SCATTER, len(arrived))).tolist()
    fleet, memory = Fleet(ready=_initial(wanted)), Memory()
    points: list[Point] = []
    for number, tasks in enumerate(arrived):
        end = wanted.start + (number + 1) * MINUTE_MS
        fleet, seen = minute(fleet, tasks, number * 60, wanted.load.service_s, wanted.agents)
        p95 = (wanted.load.service_p95_s + seen.wait_s) * scatter[number]
        observed = Observed(
            time=end,
            current=fleet.ready,
            readings=_readings(wanted, points, seen, p95),
            places=wanted.agents.concurrency,
            work=_work(points, seen, wanted.load.service_s * scatter[number]),
        )
        decision = decide(wanted.policy, observed, memory, end + SETTLES_MS)
        memory = decision.memory
        points.append(Point(time=end - MINUTE_MS, arrived=sum(tasks), seen=seen, p95_s=p95, agents=fleet.count, decision=decision))
        fleet = resized(fleet, decision.desired, (number + 1) * 60, wanted.agents.boot_s)
    return Simulation(points=points)


def constant(wanted: Wanted, wait_s: float) -> int | None:
    """The least count of agents that, never changed, lets no task wait longer; None when even the policy's greatest does not do."""
    arrived = _arrived(wanted.load, np.random.default_rng(wanted.seed))
    counts = range(1, wanted.policy.max + 1)
    found = bisect_left(counts, x=True, key=lambda count: _waits(wanted, arrived, count) <= wait_s)
    return counts[found] if found < len(counts) else None


def _waits(wanted: Wanted, arrived: Sequence[Sequence[float]], count: int) -> float:
    fleet, longest = Fleet(ready=count), 0.0
    for number, tasks in enumerate(arrived):
        fleet, seen = minute(fleet, tasks, number * 60, wanted.load.service_s, wanted.agents)
        longest = max(longest, seen.wait_s)
    return longest


def _initial(wanted: Wanted) -> int:
    if wanted.initial is not None:
        return wanted.initial
    busy = wanted.load.arrivals[0] / 60 * wanted.load.service_s
    return bounded(wanted.policy, ceil(busy / wanted.agents.concurrency / USUAL_SATURATION))


def _arrived(load: Load, random: np.random.Generator) -> list[list[float]]:
    """Tasks by minute and step."""
    means = np.repeat(np.asarray(load.arrivals, dtype=np.float64) / STEPS_PER_MINUTE, STEPS_PER_MINUTE)
    counts = random.poisson(means).astype(np.float64) if load.random else means
    found: list[list[float]] = counts.reshape(-1, STEPS_PER_MINUTE).tolist()
    return found


def _readings(wanted: Wanted, points: Sequence[Point], seen: Minute, p95_s: float) -> dict[Signal, Reading]:
    """What is observed after a minute; `points` are those before it."""
    # A minute's tasks are more than a twentieth of five minutes': the p95 of all is that of the slowest.
    slowest = max([p95_s, *(point.p95_s for point in points[1 - LATENCY_MINUTES :])])
    readings = {
        Signal.QUEUE: Reading(seen.waiting),
        Signal.LATENCY: Reading(slowest * 1000, wanted.load.service_p95_s * 1000),
        Signal.SATURATION: Reading(seen.saturation),
        Signal.RATE_LIMITED: Reading(seen.refused),
    }
    if wanted.usd_per_task is not None:
        done = [*(point.seen.done for point in points[1 - COST_MINUTES :]), seen.done]
        usual = float(np.mean(wanted.load.arrivals))
        readings[Signal.COST] = Reading(sum(done) / len(done) * 60 * wanted.usd_per_task, usual * 60 * wanted.usd_per_task)
    return readings


def _work(points: Sequence[Point], seen: Minute, service_s: float) -> Work | None:
    """What is known of the tasks after a minute, as `scaling_observe` makes it of rollups."""
    started = [*(point.seen.started for point in points[1 - WORK_MINUTES :]), seen.started]
    return Work(started=sum(started) / len(started) / 60, seconds=service_s) if sum(started) >= MIN_TASKS else None
