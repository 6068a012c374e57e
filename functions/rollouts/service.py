"""One step of one rollout, as an execution of the state machine asks for it.

    read ─▶ observe ─▶ step (pure) ─▶ save, on condition ─▶ writes of desired configurations ─▶ notices ─▶ when to look again

Whatever dies in between: what was saved asks for what is not done yet, and the next step does it. Only the execution that the rollout names
(`drive`) steps it; all others end.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from functions.domain.desired import Desired
from functions.domain.errors import StoreUnavailable
from functions.domain.rollout import FINAL, UNMANAGED, UNMANAGED_TEXT, Entry, Phase, Rollout, Step, Wave, Write
from functions.domain.rollout_step import step
from functions.domain.times import SECOND_MS
from functions.ports import DesiredStore, Executions, RolloutStore
from functions.rollouts.observer import Observer

_LOG = logging.getLogger(__name__)
MAX_TURNS = 2_000
"""Steps of one execution: an execution has at most 25,000 events, and a turn makes about nine."""
LONGEST_WAIT_S = 3_600
WRITING_MS = 15_000
"""So long after a step's time its writes may begin: those that began are over before `rollout_step.SETTLE_MS`."""
AT_ONCE_MS = 10_000
"""So long a step goes on by itself while there is nothing to wait for."""
_UNTOLD_S = 30
"""When notices are tried again."""
_ATTEMPTS = 5
_WRITERS = 16


class Next(StrEnum):
    """What the execution does now."""

    WAIT = "wait"
    DONE = "done"
    HELD = "held"
    """Nothing, before somebody asks for something: a new execution goes on then."""
    SUPERSEDED = "superseded"
    """End: another one steps this rollout, or there is none."""
    HANDOVER = "handover"
    """End: a new one was started, for this one has had many turns."""


class Answer(NamedTuple):
    """Of a step."""

    next: Next
    phase: Phase | None
    """None: there is no such rollout (any more)."""
    seconds: int = 0
    """To wait."""
    entries: Sequence[Entry] = ()
    """What it did, for the log."""


class Teller(Protocol):
    """Tells people through their channels."""

    def send(self, workspace: str, rollout: Rollout) -> None:
        """Queue the rollout's notices; a repeat tells nobody twice. Raises `StoreUnavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutService:
    """The use case."""

    rollouts: RolloutStore
    desired: DesiredStore
    executions: Executions
    observer: Observer
    notices: Teller
    clock: Callable[[], int]
    """ms."""

    def step(self, workspace: str, rollout: str, drive: int, turn: int = 0) -> Answer:
        """Step a rollout for the execution `drive`; `turn` counts its steps. Raises `StoreUnavailable`: to be repeated then."""
        until, entries, lost = self.clock() + AT_ONCE_MS, list[Entry](), 0
        while lost < _ATTEMPTS:
            found = self.rollouts.read(workspace, rollout)
            if found is None:
                return Answer(Next.SUPERSEDED, None)
            if found[0].drive != drive:
                return Answer(Next.SUPERSEDED, found[0].phase, 0, entries)
            answer = self._advance(workspace, *found, handover=turn >= MAX_TURNS)
            if answer is None:
                lost += 1
                continue
            entries += answer.entries
            if answer.next is Next.WAIT and answer.seconds == 0:
                if self.clock() < until:
                    continue
                answer = answer._replace(seconds=1)
            return answer._replace(entries=entries)
        raise StoreUnavailable(f"the rollout {rollout} is being changed all the time")

    def _advance(self, workspace: str, before: Rollout, waves: Sequence[Wave], *, handover: bool) -> Answer | None:
        """None when somebody else changed it meanwhile."""
        if before.phase in FINAL:
            return self._answer(workspace, before, Step(before, (), (), (), None), handover=False)
        now = self.clock()
        observed, joined = self.observer.look(workspace, before, waves, now)
        made = step(before, waves, observed, now)
        after = _stepped(before, made, now)
        if handover:
            after = replace(after, drive=before.drive + 1, look_at=now)
        if joined.members and after.waves > before.waves:
            self.rollouts.put_documents(workspace, joined.documents)
            saved = self.rollouts.save(workspace, after, made.waves, made.entries, joined.registry)
        else:
            saved = self.rollouts.save(workspace, after, made.waves, made.entries)
        if not saved:
            return None
        if not self._write(workspace, after, made.writes, now):
            made = made._replace(seconds=0)
        return self._answer(workspace, after, made, handover=handover)

    def _write(self, workspace: str, rollout: Rollout, writes: Sequence[Write], now: int) -> bool:
        """Set desired configurations, each if it still is what was seen; False when time was up before all were tried."""
        if not writes:
            return True
        texts = self._texts(workspace, rollout, {write.wanted for write in writes})

        def put(write: Write) -> bool | StoreUnavailable:
            if self.clock() - now > WRITING_MS:
                return False
            wanted = Desired(text=texts[write.wanted], hash=write.wanted, time=now, by=rollout.id)
            try:
                # One that somebody else was faster with is for the next step to see.
                self.desired.put(workspace, write.agent, wanted, write.seen)
            except StoreUnavailable as error:
                return error
            return True

        with ThreadPoolExecutor(min(_WRITERS, len(writes))) as pool:
            done = list(pool.map(put, writes))
        for error in done:
            if isinstance(error, StoreUnavailable):
                raise error
        return all(done)

    def _texts(self, workspace: str, rollout: Rollout, hashes: set[str]) -> Mapping[str, str]:
        texts = {UNMANAGED: UNMANAGED_TEXT} | self.rollouts.documents(workspace, hashes - {UNMANAGED})
        if lacking := sorted(hashes - texts.keys()):
            raise StoreUnavailable(f"the rollout {rollout.id} lacks the documents {', '.join(lacking)}")
        return texts

    def _answer(self, workspace: str, after: Rollout, made: Step, *, handover: bool) -> Answer:
        told = self._tell(workspace, after)
        if handover:
            self.executions.start(workspace, after.id, after.drive)
            return Answer(Next.HANDOVER, after.phase, 0, made.entries)
        seconds = made.seconds if told else _UNTOLD_S if made.seconds is None else min(made.seconds, _UNTOLD_S)
        if seconds is not None:
            return Answer(Next.WAIT, after.phase, _whole(seconds), made.entries)
        return Answer(Next.DONE if after.phase in FINAL else Next.HELD, after.phase, 0, made.entries)

    def _tell(self, workspace: str, rollout: Rollout) -> bool:
        """Queue what people are to be told; going back must not wait for a channel, so a failure is only noted, and tried again."""
        if not rollout.notices:
            return True
        try:
            self.notices.send(workspace, rollout)
        except StoreUnavailable as error:
            _LOG.warning("notices of the rollout %s wait: %s", rollout.id, error)
            return False
        # Whoever changed it meanwhile has started another execution, which tells once more: that changes nothing.
        self.rollouts.save(workspace, replace(rollout, notices=[], version=rollout.version + 1), [], [])
        return True


def _stepped(before: Rollout, made: Step, now: int) -> Rollout:
    look_at = None if made.seconds is None else now + _whole(made.seconds) * SECOND_MS
    return replace(made.rollout, drive=before.drive, stepped_at=now, look_at=look_at, version=before.version + 1)


def _whole(seconds: float) -> int:
    return min(LONGEST_WAIT_S, math.ceil(seconds))
