"""One step of one rollout, as an execution of the state machine asks for it.

    read ─▶ observe ─▶ step (pure) ─▶ save, on condition ─▶ writes of what is desired ─▶ notices ─▶ when to look again

Whatever dies in between: what was saved asks for what is not done yet, and the next step does it. Only the execution that the rollout names
(`drive`) steps it; all others end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from functions.domain.desired import Desired
from functions.domain.errors import StoreUnavailable
from functions.domain.rollout import FINAL, UNMANAGED, UNMANAGED_TEXT, Rollout, Step, Wave, Write
from functions.domain.rollout_step import step
from functions.domain.rotation_launch import provider_of
from functions.domain.stepped import handed_over, looked_at, told
from functions.ports import DesiredStore, Executions, KeyStore, RolloutStore
from functions.rollouts.observer import Observer
from functions.stepping import MAX_TURNS, UNTOLD_S, Answer, Next, step_on, whole, write_all

_LOG = logging.getLogger(__name__)


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
    keys: KeyStore
    executions: Executions
    observer: Observer
    notices: Teller
    clock: Callable[[], int]
    """ms."""

    def step(self, workspace: str, rollout: str, drive: int, turn: int = 0) -> Answer:
        """Step a rollout for the execution `drive`; `turn` counts its steps. Raises `StoreUnavailable`: to be repeated then."""

        def advance() -> Answer | None:
            found = self.rollouts.read(workspace, rollout)
            if found is None or found[0].drive != drive:
                return Answer(Next.SUPERSEDED, found[0].phase if found else None)
            return self._advance(workspace, *found, handover=turn >= MAX_TURNS)

        return step_on(advance, self.clock, f"the rollout {rollout}")

    def _advance(self, workspace: str, before: Rollout, waves: Sequence[Wave], *, handover: bool) -> Answer | None:
        """None when somebody else changed it meanwhile."""
        if before.phase in FINAL:
            return self._answer(workspace, before, Step(before, (), (), (), None), handover=False)
        now = self.clock()
        observed, joined = self.observer.look(workspace, before, waves, now)
        made = step(before, waves, observed, now)
        after = looked_at(before, made.rollout, None if made.seconds is None else whole(made.seconds), now)
        if handover:
            after = handed_over(after, now)
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
        """Set what agents shall have, each if it still is what was seen; False when time was up before all were tried.

        One that somebody else was faster with is for the next step to see.
        """
        provider = provider_of(rollout.channel)
        if provider:
            return write_all(writes, self._assign(workspace, provider), self.clock, now)
        return write_all(writes, self._configure(workspace, rollout, writes, now), self.clock, now)

    def _assign(self, workspace: str, provider: str) -> Callable[[Write], object]:
        def put(write: Write) -> object:
            wanted = None if write.wanted == UNMANAGED else write.wanted
            return self.keys.assign(workspace, write.agent, provider, wanted, write.seen)

        return put

    def _configure(self, workspace: str, rollout: Rollout, writes: Sequence[Write], now: int) -> Callable[[Write], object]:
        texts = self._texts(workspace, rollout, {write.wanted for write in writes}) if writes else {}

        def put(write: Write) -> object:
            wanted = Desired(text=texts[write.wanted], hash=write.wanted, time=now, by=rollout.id)
            return self.desired.put(workspace, write.agent, wanted, write.seen)

        return put

    def _texts(self, workspace: str, rollout: Rollout, hashes: set[str]) -> Mapping[str, str]:
        texts = {UNMANAGED: UNMANAGED_TEXT} | self.rollouts.documents(workspace, hashes - {UNMANAGED})
        if lacking := sorted(hashes - texts.keys()):
            raise StoreUnavailable(f"the rollout {rollout.id} lacks the documents {', '.join(lacking)}")
        return texts

    def _answer(self, workspace: str, after: Rollout, made: Step, *, handover: bool) -> Answer:
        has_told = self._tell(workspace, after)
        if handover:
            self.executions.start(workspace, after.id, after.drive)
            return Answer(Next.HANDOVER, after.phase, 0, made.entries)
        seconds = made.seconds if has_told else UNTOLD_S if made.seconds is None else min(made.seconds, UNTOLD_S)
        if seconds is not None:
            return Answer(Next.WAIT, after.phase, whole(seconds), made.entries)
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
        self.rollouts.save(workspace, told(rollout), [], [])
        return True
