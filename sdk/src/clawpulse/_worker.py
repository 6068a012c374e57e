"""The work behind a client: drain what callers recorded, cut batches, deliver them, say that the agent lives.

Time, chance, network and store are arguments, so tests turn the crank by hand. One thread calls it (`_background`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from clawpulse import wire
from clawpulse._aggregation import Piece
from clawpulse._answers import Answers
from clawpulse._batches import batches
from clawpulse._delivery import Action, Answer, judge
from clawpulse._intake import Intake
from clawpulse._pending import Pending, Record
from clawpulse._reports import Reports
from clawpulse._sender import Sender
from clawpulse._settings import Settings
from clawpulse._spool import Entry
from clawpulse._store import Store

FIELDS = 4
"""Entries of one record in the inbox: name, value, time, tags."""
POLL_SECONDS = 0.25
"""Between two looks into the inbox, at most: what was recorded longer ago than this and a turn of work is in the store."""
FLUSH_PAUSE_SECONDS = 1.0
"""Between two tries at a server that does not answer, however often somebody flushes."""
_CHUNK = 2_000
"""Records taken in at once."""


class Outside(NamedTuple):
    """What a worker needs from outside."""

    sender: Sender
    store: Store
    chance: Callable[[], float]
    """Uniform in [0, 1)."""
    clock: Callable[[], float] = time.time


class Worker:
    """`step` does what is due. Its `now` is seconds of a clock that does not jump."""

    def __init__(self, settings: Settings, inbox: list[Any], outside: Outside, reports: Reports, now: float) -> None:
        self._settings = settings
        self._inbox = inbox
        self._store, self._sender = outside.store, outside.sender
        self._chance, self._clock = outside.chance, outside.clock
        self._reports = reports
        self._answers = Answers(reports)
        self._intake = Intake(settings.attributes, reports.invalid)
        self._pending = Pending(settings.flush_seconds, aggregate=settings.aggregate)
        self._seqs: dict[str, int] = {}
        self._number = 0
        self._life = self._store.life
        self._last_batch = now
        self._next_try = now
        self._tried = float("-inf")
        self._told_to_wait = False
        self._failures = 0
        self._flying: Entry | None = None
        self._poll = min(POLL_SECONDS, settings.flush_seconds / 4, settings.heartbeat_seconds / 4)

    def step(self, now: float) -> float:
        """Do what is due; returns the seconds that may pass until the next step."""
        self._drain(now)
        while self._pending.due(now):
            self.beat(now)
        if now - self._last_batch >= self._settings.heartbeat_seconds and not self._store.waiting:
            self.beat(now)
        if self._store.in_exile(now):
            self._cut_all(now)
            self._store.come_back(now)
        self._store.tick(now)
        self._check_disk()
        self._deliver(now)
        if self._flying is not None or not self._store.waiting:
            return self._poll
        return max(0.0, min(self._poll, self._next_try - now))

    def beat(self, now: float) -> None:
        """Cut a batch of what may go, be it nothing."""
        self._cut(now, self._pending.cut(now))

    def flush(self, now: float) -> int:
        """Cut all that is recorded and try to deliver soon; `settled` of the returned mark tells when all of it is gone."""
        self._drain(now)
        self._cut_all(now)
        if self._reports.counts:
            self.beat(now)
        if not self._told_to_wait:
            self._next_try = min(self._next_try, max(now, self._tried + FLUSH_PAUSE_SECONDS))
        return self._store.mark

    def settled(self, mark: int) -> bool:
        """Whether no batch from before the mark waits any more."""
        return self._store.settled(mark)

    @property
    def owes(self) -> bool:
        """Whether there are counters in no batch yet: in a full spool, what a flush writes may cost older points."""
        return bool(self._reports.counts)

    def close(self, now: float) -> None:
        """Leave what is not delivered to a later process, if there is a spool on disk."""
        self._drain(now)
        self._store.close()
        self._sender.close()

    def _drain(self, now: float) -> None:
        """Take in what callers recorded, and write it down."""
        inbox = self._inbox
        size = len(inbox)
        # Callers only ever append, and whole records at once: what they add meanwhile stays.
        records = inbox[:size]
        del inbox[:size]
        for begin in range(0, max(size, 1), _CHUNK * FIELDS):
            fields = iter(records[begin : begin + _CHUNK * FIELDS])
            taken = [self._intake.take(*record) for record in zip(fields, fields, fields, fields)]
            self._keep([record for record in taken if record is not None], now)

    def _keep(self, records: Sequence[Record], now: float) -> None:
        self._store.note(self._number, records)
        self._check_disk()
        for number, record in enumerate(records, self._number):
            self._pending.add(record, now, number)
        self._number += len(records)

    def _check_disk(self) -> None:
        """When the disk failed, what was noted there is delivered from there."""
        if self._life != self._store.life:
            self._life = self._store.life
            self._pending.clear()

    def _cut_all(self, now: float) -> None:
        while len(self._pending):
            self._cut(now, self._pending.cut(now, everything=True))

    def _cut(self, now: float, pieces: Sequence[Piece]) -> None:
        """Make the bytes of a batch, or of several if they would be too many, and keep them until they are delivered."""
        at = int(self._clock() * 1000)
        epoch = self._store.epoch
        seq = self._seqs.get(epoch, 0)
        header = wire.Header(self._settings.agent, epoch, seq, at, self._settings.tags, self._settings.info)
        made = batches(header, pieces, self._reports.take_counts())
        self._seqs = {epoch: seq + len(made)}
        self._last_batch = now
        for batch in made:
            self._store.put(batch)
            if self._store.life != self._life:  # the records of the others were noted, too
                break
        self._check_disk()

    def _deliver(self, now: float) -> None:
        """Look after the post that is on its way; else try the next batch, if it is time."""
        if self._flying is None:
            self._post(now)
        entry, answer = self._flying, self._sender.answer() if self._flying else None
        if entry is not None and answer is not None:
            self._flying = None
            self._settle(entry, answer, now)

    def _post(self, now: float) -> None:
        if now < self._next_try:
            return
        found = self._store.next()
        self._check_disk()
        if found is not None:
            self._flying, body = found
            self._sender.begin(body, self._settings.timeout_seconds)

    def _settle(self, entry: Entry, answer: Answer, now: float) -> None:
        verdict = judge(answer, self._failures, self._chance())
        if verdict.action is Action.RETRY:
            self._failures += 1
            self._tried = now
            self._next_try = now + verdict.delay
            self._told_to_wait = verdict.told
            self._answers.failed(answer, self._settings.url, self._store.waiting, verdict.delay)
            self._store.retry(entry)
            return
        if self._failures:
            self._store.recovered()
        self._failures, self._told_to_wait = 0, False
        if verdict.action is Action.DROP:
            self._reports.restore(entry.counts)
            self._answers.refused(answer, entry.points)
        else:
            self._answers.delivered(answer, self._settings.url, self._clock())
        self._store.done(entry)
        self._check_disk()
