"""What the SDK tells its user: log lines of the logger `clawpulse`, each kind once, and counters that travel as metrics."""

from __future__ import annotations

import contextlib
from _thread import RLock
from collections.abc import Mapping
from typing import Any


class Reports:
    """Logs each kind of trouble once and counts every case. A new kind is logged; at most 100 kinds are."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        # Callers of any thread count what they lose; an RLock, because a signal handler may come while its own thread counts.
        self._lock = RLock()
        self.counts: dict[str, int] = {}
        """What goes out with the next batch."""

    def once(self, kind: str, level: str, text: str) -> None:
        """Log `text` unless this kind was logged before."""
        if kind not in self._seen and len(self._seen) < 100:
            self._seen.add(kind)
            log(level, text)

    def count(self, metric: str, amount: int = 1) -> None:
        """Add to a counter that goes out with a later batch."""
        with self._lock:
            self.counts[metric] = self.counts.get(metric, 0) + amount

    def restore(self, counts: Mapping[str, int]) -> None:
        """Counters whose batch will never arrive go out with a later one."""
        for metric, amount in counts.items():
            self.count(metric, amount)

    def forget(self, counts: Mapping[str, int]) -> None:
        """Counters that somebody else sends do not go out from here."""
        with self._lock:
            for metric, amount in counts.items():
                left = self.counts.get(metric, 0) - amount
                self.counts[metric] = left
                if left <= 0:
                    del self.counts[metric]

    def dropped(self, points: int, reason: str, kind: str = "dropped") -> None:
        """Points that will never be delivered: counted in `clawpulse.dropped`, the first of their kind logged."""
        if points:
            self.count("clawpulse.dropped", points)
        self.once(kind, "error", f"{reason}: {points} points lost. Further ones are only counted, in clawpulse.dropped")

    def invalid(self, kind: str, text: str) -> None:
        """A bad argument: counted in `clawpulse.invalid`, the first of its kind logged."""
        self.count("clawpulse.invalid")
        self.once(f"invalid {kind}", "warning", f"{text}. Further cases of this kind are only counted, in clawpulse.invalid")

    def take_counts(self) -> Mapping[str, int]:
        """The counters since the last call."""
        with self._lock:
            counts, self.counts = self.counts, {}
        return counts


def shown(value: Any) -> str:
    """A caller's object for a log line, cut; never raises, whatever the object does."""
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:79] + "…"


def log(level: str, text: str) -> None:
    """One line of the logger `clawpulse`. A logger that fails never reaches the caller."""
    import logging

    logger: Any = logging.getLogger("clawpulse")
    with contextlib.suppress(Exception):  # there is nowhere left to tell
        getattr(logger, level)("%s", text)
