"""A queue before a group of agents, as a flow: what a simulated count of agents makes of the tasks that come in.

Tasks are amounts, not single ones: within a step as many start as there are free places, and those that run end at the rate of their mean
time. So a week takes a second, whatever the size of the fleet; waiting that comes from chance within some seconds is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEP_S = 5
STEPS_PER_MINUTE = 60 // STEP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """What agents of a group are like."""

    concurrency: int = 1
    """Tasks that one runs at once."""
    boot_s: int = 60
    """From the decision until a new agent takes work."""
    provider_per_minute: float | None = None
    """Tasks a minute that the models' provider lets all of them start together; None for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The group at a moment of the simulation."""

    ready: int
    booting: tuple[int, ...] = ()
    """Seconds of the simulation at which each agent that is not ready yet will be, ascending."""
    waiting: float = 0.0
    """Tasks."""
    running: float = 0.0

    @property
    def count(self) -> int:
        """Agents, ready or not."""
        return self.ready + len(self.booting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What could be observed in a minute."""

    waiting: float
    """Tasks at its end."""
    wait_s: float
    """The longest that a task which started waited."""
    saturation: float
    """Running tasks of the places that there are, on average; 1 without any place."""
    started: float
    done: float
    refused: float
    """Starts that the provider answered with 429."""


def resized(fleet: Fleet, count: int, at: int, boot_s: int) -> Fleet:
    """The group with another count, wanted at a second of the simulation. Who boots goes first; running tasks are brought to their end."""
    if count >= fleet.count:
        return Fleet(
            ready=fleet.ready,
            booting=(*fleet.booting, *[at + boot_s] * (count - fleet.count)),
            waiting=fleet.waiting,
            running=fleet.running,
        )
    kept = max(0, count - fleet.ready)
    return Fleet(ready=min(fleet.ready, count), booting=fleet.booting[:kept], waiting=fleet.waiting, running=fleet.running)


def minute(fleet: Fleet, arriving: Iterable[float], at: int, service_s: float, agents: Agents) -> tuple[Fleet, Minute]:
    """A minute from second `at` on; `arriving` has the tasks of each of its steps."""
    waiting, running, ready, booting = fleet.waiting, fleet.running, fleet.ready, fleet.booting
    started = done = refused = busy = longest = 0.0
    left = agents.provider_per_minute
    for number, tasks in enumerate(arriving):
        now = at + number * STEP_S
        up = sum(due <= now for due in booting)
        ready, booting = ready + up, booting[up:]
        places = ready * agents.concurrency
        waiting += tasks
        could = min(waiting, max(0.0, places - running + places * STEP_S / service_s))
        starts = could if left is None else min(could, left)
        refused += could - starts
        left = None if left is None else left - starts
        waiting -= starts
        started += starts
        longest = max(longest, _wait(waiting, starts))
        after = _running(running, starts, places, service_s)
        done += running + starts - after
        busy += min(1.0, (running + after) / 2 / places) if places else 1.0
        running = after
    found = Fleet(ready=ready, booting=booting, waiting=waiting, running=running)
    saturation = busy / STEPS_PER_MINUTE
    return found, Minute(waiting=waiting, wait_s=longest, saturation=saturation, started=started, done=done, refused=refused)


def _wait(waiting: float, starts: float) -> float:
    """How long the last of those that wait has to, at the rate at which tasks start now."""
    if waiting <= 0:
        return 0.0
    return min(3600.0, waiting / starts * STEP_S) if starts > 0 else 3600.0


def _running(running: float, starts: float, places: int, service_s: float) -> float:
    """Tasks that run after a step in which some started evenly, each of which takes an exponential time."""
    ended = math.exp(-STEP_S / service_s)
    steady = starts / STEP_S * service_s
    return min(steady + (running - steady) * ended, max(places, running * ended))
