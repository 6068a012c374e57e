"""The task tracker: how many tasks came, how long they took, how busy agents were and how long tasks waited; by any tags, from usage.

What is counted are tasks that began; where agents do not tell of that, those that ended. A load that agents cannot keep up with
shows as their utilisation and as a queue, not as arrivals: those are what agents took on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from functions.domain import tasks, usage
from functions.domain.alert_columns import Floats, Ints
from functions.domain.queueing import Service, services
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.times import HOUR_MS, SECOND_MS
from functions.domain.usage_frame import Groups, UsageFrame

HOUR_S: Final = HOUR_MS // SECOND_MS
COUNTED: Final = (tasks.STARTED, tasks.COMPLETED, tasks.FAILED, tasks.ERRORS, tasks.LATENCY)
"""What arrivals are counted by."""
PRESENT: Final = (*COUNTED, usage.HEARTBEAT, usage.ACTIVE_WORKERS, usage.MAX_WORKERS, usage.QUEUE_DEPTH)
"""What tells that an agent was there in an hour."""
NAMES: Final = frozenset((*PRESENT, usage.QUEUE_WAIT, *usage.TOKENS))
SKETCHES: Final = frozenset((tasks.LATENCY, usage.QUEUE_WAIT))

type Overlay = Mapping[str, Mapping[str, str]]
type Source = Literal["workers", "tasks"]


@dataclass(frozen=True, slots=True)
class QueueWait:
    """How long tasks waited for an agent. Seconds."""

    mean: float
    p95: float | None
    """None where only the queue's length is known."""
    source: Literal["measured", "queue depth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What a group of agents did. Rates are means over the known hours."""

    tags: TagPairs
    agents: int
    """That were there in any hour."""
    tasks: int
    """That came to an end."""
    errors: int
    arrivals: int
    arrival_rate: float
    """Tasks a second."""
    service: Service | None
    """None without a measured task."""
    concurrency: float | None
    """Tasks under way at a time, of all agents together; likewise."""
    workers: float | None
    """Tasks that an agent can work on at a time; None where none told."""
    utilization: float | None
    """Share of their time that agents were busy, while they were there; more than 1 says that they work on several tasks at a time."""
    source: Source | None
    """What the utilisation is made of: reported workers, or the tasks' time."""
    queue_depth: float | None
    """Tasks that waited, on average, of all agents together."""
    wait: QueueWait | None


@dataclass(frozen=True, slots=True)
class Bands:
    """Percentiles of service times by group and hour, s; nan in hours without tasks. Arrays [group, hour]."""

    p50: Floats
    p95: Floats
    p99: Floats


def known_hours(frame: UsageFrame) -> int:
    """Hours that count: of the others nothing is known."""
    return len(frame.hours) - len(frame.missing)


def arrivals(frame: UsageFrame, groups: Groups) -> Floats:
    """Tasks that came, by group and bucket: those that began, or, where fewer began than ended, those that ended. nan where unknown."""
    begun = frame.hourly(tasks.STARTED, groups).count
    ended = finished(frame, groups)
    found: Floats = np.where((begun.sum(axis=1) >= ended.sum(axis=1))[:, None], begun, ended)
    found[:, [bucket - frame.first_hour for bucket in frame.missing]] = np.nan
    return found


def finished(frame: UsageFrame, groups: Groups) -> Floats:
    """Tasks that came to an end, by group and bucket; as `tasks.TaskCounts` counts them."""
    completed, measured = frame.hourly(tasks.COMPLETED, groups).count, frame.hourly(tasks.LATENCY, groups).count
    return np.asarray(np.maximum(completed + failed(frame, groups), measured))


def failed(frame: UsageFrame, groups: Groups) -> Floats:
    """Tasks that failed, by group and bucket."""
    return np.asarray(np.maximum(frame.hourly(tasks.FAILED, groups).count, np.rint(frame.hourly(tasks.ERRORS, groups).sum)))


def track(frame: UsageFrame, by: Collection[str], selector: Selector, overlay: Overlay) -> list[Track]:
    """What every group did that has any task, the busiest first."""
    groups = frame.group(by, selector, overlay)
    members = _Members(frame, groups, frame.group(tuple(dict.fromkeys((*by, AGENT))), selector, overlay), by)
    figures = _Figures(frame, groups, members)
    return sorted((figures.of(slot) for slot in figures.busy_slots), key=lambda one: (-one.tasks, one.tags))


def bands(frame: UsageFrame, groups: Groups) -> Bands:
    """Percentiles of service times hour by hour."""
    ordered = frame.ordered(tasks.LATENCY, groups, hourly=True)
    shape = (groups.amount, len(frame.hours))
    return Bands(*(ordered.quantile(q).reshape(shape) / SECOND_MS for q in (0.5, 0.95, 0.99)))


def _kept(frame: UsageFrame) -> Ints:
    """Places of the known hours."""
    return np.array([hour - frame.first_hour for hour in frame.hours if hour not in frame.missing], dtype=np.int64)


class _Figures:
    """Arrays by group, from which a group's figures are taken."""

    def __init__(self, frame: UsageFrame, groups: Groups, members: _Members) -> None:
        known = _kept(frame)
        self._keys, self._members, self._waits = groups.keys, members, _Waits(frame, groups, members)
        self._seconds = max(1, len(known)) * HOUR_S
        self._began, self._ended, self._bad = (found(frame, groups)[:, known].sum(axis=1) for found in (arrivals, finished, failed))
        self._times = services(frame.ordered(tasks.LATENCY, groups), frame.figures(tasks.LATENCY, groups))
        self._busy = frame.hourly(tasks.LATENCY, groups).sum[:, known].sum(axis=1) / SECOND_MS
        self._workers, self._active = (frame.figures(name, groups).mean for name in (usage.MAX_WORKERS, usage.ACTIVE_WORKERS))

    @property
    def busy_slots(self) -> list[int]:
        """Groups that have any task."""
        return [int(slot) for slot in np.flatnonzero(self._ended + self._began)]

    def of(self, slot: int) -> Track:
        """One group."""
        rate = float(self._began[slot]) / self._seconds
        busy = float(self._busy[slot]) if self._times[slot] else None
        workers = _told(self._workers[slot])
        utilization, source = _utilization(_told(self._active[slot]), workers, busy, float(self._members.hours[slot]) * HOUR_S)
        return Track(
            tags=self._keys[slot],
            agents=int(self._members.agents[slot]),
            tasks=int(self._ended[slot]),
            errors=int(self._bad[slot]),
            arrivals=int(self._began[slot]),
            arrival_rate=rate,
            service=self._times[slot],
            concurrency=None if busy is None else busy / self._seconds,
            workers=workers,
            utilization=utilization,
            source=source,
            queue_depth=_told(self._waits.depth[slot]),
            wait=self._waits.of(slot, rate),
        )


class _Members:
    """The agents of each group, and how long they were there."""

    def __init__(self, frame: UsageFrame, groups: Groups, single: Groups, by: Collection[str]) -> None:
        self.single = single
        place = {key: slot for slot, key in enumerate(groups.keys)}
        self.group_of = np.array([place[tuple(pair for pair in key if pair[0] in by)] for key in single.keys], dtype=np.int64)
        there = np.zeros((single.amount, len(frame.hours)), dtype=bool)
        for name in PRESENT:
            there |= frame.hourly(name, single).count > 0
        there = there[:, _kept(frame)]
        self.agents = np.bincount(self.group_of, weights=there.any(axis=1), minlength=groups.amount)
        self.hours = np.bincount(self.group_of, weights=there.sum(axis=1), minlength=groups.amount)


class _Waits:
    """What waited, by group."""

    def __init__(self, frame: UsageFrame, groups: Groups, members: _Members) -> None:
        depth = frame.figures(usage.QUEUE_DEPTH, members.single).mean
        told = ~np.isnan(depth)
        together = np.bincount(members.group_of[told], weights=depth[told], minlength=groups.amount)
        self.depth = np.where(np.bincount(members.group_of[told], minlength=groups.amount) > 0, together, np.nan)
        self._mean = frame.figures(usage.QUEUE_WAIT, groups).mean / SECOND_MS
        self._p95 = frame.quantile(usage.QUEUE_WAIT, groups, 0.95) / SECOND_MS

    def of(self, slot: int, rate: float) -> QueueWait | None:
        """As it was measured, else by Little's law: length over rate."""
        if not np.isnan(self._mean[slot]):
            return QueueWait(float(self._mean[slot]), float(self._p95[slot]), "measured")
        if np.isnan(self.depth[slot]) or not rate:
            return None
        return QueueWait(float(self.depth[slot]) / rate, None, "queue depth")


def _utilization(active: float | None, most: float | None, busy: float | None, there: float) -> tuple[float | None, Source | None]:
    if active is not None and most:
        return active / most, "workers"
    return (None, None) if busy is None or not there else (busy / there / (most or 1), "tasks")


def _told(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
