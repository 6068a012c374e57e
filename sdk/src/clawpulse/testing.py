"""The official way to test code that records metrics: nothing is sent, everything can be looked at.

    with clawpulse.testing.capture() as sent:
        run_agent_task("t1", "fast", "acme")
    assert sent.values("task.latency_ms", tier="fast") == [812.0]

Everything recorded in the process while the block runs is captured, by `cp_metric`, `cp_event` and any `Client`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from clawpulse import _lifecycle
from clawpulse._intake import Intake
from clawpulse._reports import shown
from clawpulse._settings import ATTRIBUTES
from clawpulse.wire import Event, Point

__all__ = ["CapturedEvent", "CapturedMetric", "Sent", "capture"]


class CapturedMetric(NamedTuple):
    """A metric as it would be sent; `tags` holds all tags, attributes too. `time` is in ms."""

    name: str
    value: float
    tags: dict[str, str]
    time: int


class CapturedEvent(NamedTuple):
    """An event as it would be sent."""

    name: str
    tags: dict[str, str]
    payload: dict[str, Any] | None
    time: int


class Sent:
    """What was recorded, in order, and what was wrong with it."""

    def __init__(self) -> None:
        self.metrics: list[CapturedMetric] = []
        self.events: list[CapturedEvent] = []
        self.invalid: list[str] = []
        """What the log would say of bad arguments."""
        self._intake = Intake(ATTRIBUTES, lambda _, text: self.invalid.append(text))

    def record(self, name: Any, value: Any, time: Any, tags: Any) -> None:
        """Take in one record."""
        try:
            plain = dict(tags or {})
        except Exception:
            self.invalid.append(f"{shown(name)}: tags left out, they are a {type(tags).__name__} and not a mapping")
            plain = {}
        taken = self._intake.take(name, value, time, plain)
        if isinstance(taken, Point):
            self.metrics.append(CapturedMetric(taken.name, taken.value, {**dict(taken.tags), **taken.attributes}, taken.time))
        elif isinstance(taken, Event):
            payload = None if taken.payload is None else dict(taken.payload)
            self.events.append(CapturedEvent(taken.name, {**dict(taken.tags), **taken.attributes}, payload, taken.time))

    def values(self, name: str, **tags: str) -> list[float]:
        """The values of a metric, in order, of those points that have all these tags."""
        return [m.value for m in self.metrics if m.name == name and tags.items() <= m.tags.items()]

    def event_names(self) -> list[str]:
        """The names of the events, in order."""
        return [event.name for event in self.events]


@contextmanager
def capture() -> Iterator[Sent]:
    """Record into the returned `Sent` for as long as the block runs, and send nothing of it."""
    sent = Sent()
    before = _lifecycle.intercept(sent)
    try:
        yield sent
    finally:
        _lifecycle.intercept(before)
