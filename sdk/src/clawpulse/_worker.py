"""The work behind a client: drain what callers recorded, cut batches, deliver them, say that the agent lives.

Time, chance, network and store are arguments, so tests turn the crank by hand. One thread calls it (`_background`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from clawpulse import wire
from clawpulse._answers import Answers
from clawpulse._delivery import Action, judge
from clawpulse._intake import Intake
from clawpulse._pending import Pending
from clawpulse._reports import Reports
from clawpulse._settings import Settings
from clawpulse._spool import Batch, Spool
from clawpulse._transport import Transport

FIELDS = 4
"""Entries of one record in the inbox: name, value, time, tags."""


class Outside(NamedTuple):
    """What a worker needs from outside."""

    transport: Transport
    spool: Spool
    epoch: str
    """A fresh random word a process."""
    chance: Callable[[], float]
    """Uniform in [0, 1)."""
    clock: Callable[[], float] = time.time


class Worker:
    """`step` does what is due. Its `now` is seconds of a clock that does not jump."""

    def __init__(self, settings: Settings, inbox: list[Any], outside: Outside, reports: Reports, now: float) -> None:
        self._settings = settings
        self._inbox = inbox
        self._outside = outside
        self._reports = reports
        self._answers = Answers(reports)
        self._intake = Intake(settings.attributes, reports.invalid)
        self._pending = Pending(settings.flush_seconds)
        self._seq = 0
        self._last_batch = now
        self._next_try = now
        self._told_to_wait = False
        self._failures = 0
        self._poll = min(1.0, settings.flush_seconds / 4, settings.heartbeat_seconds / 4)

    def step(self, now: float) -> float:
        """Do what is due; returns the seconds that may pass until the next step."""
        self._drain(now)
        while self._pending.due(now):
            self._cut(now, self._pending.cut(now))
        spool = self._outside.spool
        if now - self._last_batch >= self._settings.heartbeat_seconds and not len(spool):
            self.beat(now)
        self._deliver(now)
        if not len(spool):
            return self._poll
        return max(0.0, min(self._poll, self._next_try - now))

    def beat(self, now: float) -> None:
        """Cut a batch of what may go, be it nothing."""
        self._cut(now, self._pending.cut(now))

    def flush(self, now: float) -> int:
        """Cut all that is recorded and try to deliver at once; `settled` of the returned mark tells when all of it is gone."""
        self._drain(now)
        while len(self._pending):
            self._cut(now, self._pending.cut(now, everything=True))
        if self._reports.counts:
            self.beat(now)
        if not self._told_to_wait:
            self._next_try = now
        return self._seq

    def settled(self, mark: int) -> bool:
        """Whether no batch from before the mark waits any more."""
        first = self._outside.spool.first()
        return first is None or first.seq >= mark

    def close(self) -> None:
        """Close the connection."""
        self._outside.transport.close()

    def _drain(self, now: float) -> None:
        inbox = self._inbox
        size = len(inbox)
        records = inbox[:size]
        # Callers only ever append, and whole records at once: what they add meanwhile stays.
        del inbox[:size]
        fields = iter(records)
        for name, value, at, tags in zip(fields, fields, fields, fields):
            record = self._intake.take(name, value, at, tags)
            if record is not None:
                self._pending.add(record, now)

    def _cut(self, now: float, records: Sequence[wire.Item]) -> None:
        """Make the bytes of a batch, or of several if they would be too many, and keep them until they are delivered."""
        at = int(self._outside.clock() * 1000)
        self._last_batch = now
        counts = self._reports.take_counts() if len(records) + len(self._reports.counts) <= wire.MAX_POINTS else {}
        items = [*records, *(wire.Point(name, float(count), at) for name, count in counts.items())]
        header = wire.Header(self._settings.agent, self._outside.epoch, self._seq, at, self._settings.tags, self._settings.info)
        plain = wire.to_json(wire.document(header, items))
        if len(plain) > wire.MAX_BYTES and len(records) > 1:
            self._reports.restore(counts)
            half = len(records) // 2
            self._cut(now, records[:half])
            self._cut(now, records[half:])
            return
        self._seq += 1
        for dropped in self._outside.spool.put(Batch(header.seq, wire.compress(plain), len(records), counts)):
            self._reports.restore(dropped.counts)
            self._reports.dropped(dropped.points, "the buffer is full; the oldest batches are dropped")

    def _deliver(self, now: float) -> None:
        """Try the oldest batch, if it is time."""
        spool = self._outside.spool
        batch = spool.first()
        if batch is None or now < self._next_try:
            return
        started = time.monotonic()
        answer = self._outside.transport.post(batch.body, self._settings.timeout_seconds)
        verdict = judge(answer, self._failures, self._outside.chance())
        if verdict.action is Action.RETRY:
            self._failures += 1
            self._next_try = now + (time.monotonic() - started) + verdict.delay
            self._told_to_wait = verdict.told
            self._answers.failed(answer, self._settings.url, len(spool), verdict.delay)
            return
        self._failures, self._told_to_wait = 0, False
        spool.done(batch)
        if verdict.action is Action.DROP:
            self._reports.restore(batch.counts)
            self._answers.refused(answer, batch.points)
        else:
            self._answers.delivered(answer, self._settings.url, self._outside.clock())
