"""The fleet's own account of what it sent: every point, exactly as it was handed to the SDK."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Reporter(Protocol):
    """What a task needs of the SDK."""

    def metric(self, name: str, value: float, *, tags: Mapping[str, str] | None = None) -> None:
        """Report a value."""
        ...

    def event(self, name: str, *, tags: Mapping[str, str] | None = None, payload: Mapping[str, Any] | None = None) -> None:
        """Report that something happened."""
        ...


@dataclass(frozen=True, slots=True)
class Point:
    """One metric or event that was sent; an event has the value 1."""

    agent: str
    name: str
    value: float
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Totals:
    """What a set of points comes to."""

    tasks: int
    """Finished, well or not."""
    errors: int
    tokens_in: float
    tokens_out: float
    cost_usd: float
    latencies: tuple[float, ...] = field(repr=False)
    """Sorted, ms."""


class Ledger:
    """Points of the whole fleet; written by many threads."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._lock = threading.Lock()

    def note(self, point: Point) -> None:
        """Take in a point."""
        with self._lock:
            self._points.append(point)

    def points(self) -> list[Point]:
        """All of them so far."""
        with self._lock:
            return list(self._points)

    def agents(self) -> set[str]:
        """Ids of the agents that reported anything."""
        return {point.agent for point in self.points()}

    def totals(self, **tags: str) -> Totals:
        """Totals of the points that carry these tags."""
        return total(point for point in self.points() if tags.items() <= point.tags.items())


class Recorder:
    """A reporter that notes in the ledger what it hands on."""

    def __init__(self, agent: str, reporter: Reporter, ledger: Ledger) -> None:
        self._agent, self._reporter, self._ledger = agent, reporter, ledger

    def metric(self, name: str, value: float, *, tags: Mapping[str, str] | None = None) -> None:
        """Report a value."""
        self._ledger.note(Point(self._agent, name, float(value), dict(tags or {})))
        self._reporter.metric(name, value, tags=tags)

    def event(self, name: str, *, tags: Mapping[str, str] | None = None, payload: Mapping[str, Any] | None = None) -> None:
        """Report that something happened."""
        self._ledger.note(Point(self._agent, name, 1.0, dict(tags or {})))
        self._reporter.event(name, tags=tags, payload=payload)


def total(points: Iterable[Point]) -> Totals:
    """What points come to."""
    values: dict[str, list[float]] = {}
    for point in points:
        values.setdefault(point.name, []).append(point.value)
    failed = len(values.get("task.failed", ()))
    return Totals(
        tasks=len(values.get("task.completed", ())) + failed,
        errors=failed,
        tokens_in=math.fsum(values.get("task.tokens_in", ())),
        tokens_out=math.fsum(values.get("task.tokens_out", ())),
        cost_usd=math.fsum(values.get("task.cost_usd", ())),
        latencies=tuple(sorted(values.get("task.latency_ms", ()))),
    )


def quantile_bounds(ordered: tuple[float, ...], quantile: float) -> tuple[float, float]:
    """The two neighbouring values between which any definition of the quantile lies; raises `ValueError` without values."""
    if not ordered:
        raise ValueError("no values")
    place = quantile * (len(ordered) - 1)
    return ordered[math.floor(place)], ordered[math.ceil(place)]
