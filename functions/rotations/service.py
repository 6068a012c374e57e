"""One step of one rotation, as an execution of its state machine asks for it.

    read ─▶ observe ─▶ step (pure) ─▶ save, on condition ─▶ effects ─▶ notices ─▶ when to look again

Whatever dies in between: what was saved asks for what is not done yet, and the next step does it. The execution, its input, its answers and
the log know a key by its fingerprint.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from functions.domain.errors import StoreUnavailable
from functions.domain.rotation import FINAL_ROTATION, Rotation, RotationPhase
from functions.domain.rotation_step import step
from functions.domain.rotation_view import Refusal, RotationStep
from functions.domain.stepped import handed_over, looked_at, told
from functions.rotation_launch import Parts, restart
from functions.rotations.effects import Effects
from functions.rotations.observer import Observer
from functions.stepping import MAX_TURNS, UNTOLD_S, Answer, Next, step_on, whole

_LOG = logging.getLogger(__name__)


class Teller(Protocol):
    """Tells people through their channels."""

    def send(self, workspace: str, rotation: Rotation) -> None:
        """Queue the rotation's notices; a repeat tells nobody twice. Raises `StoreUnavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationService:
    """The use case."""

    parts: Parts
    observer: Observer
    effects: Effects
    notices: Teller
    clock: Callable[[], int]
    """ms."""

    def step(self, workspace: str, rotation: str, drive: int, turn: int = 0) -> Answer:
        """Step a rotation for the execution `drive`; `turn` counts its steps. Raises `StoreUnavailable`: to be repeated then."""
        refusal: Refusal | None = None

        def advance() -> Answer | None:
            nonlocal refusal
            before = self.parts.rotations.rotation(workspace, rotation)
            if before is None or before.drive != drive:
                return Answer(Next.SUPERSEDED, before.phase if before else None)
            if before.phase in FINAL_ROTATION:
                return self._answer(workspace, before, RotationStep(before, (), (), None), left=False, handover=False)
            view, now = self.observer.look(workspace, before, refusal, self.clock)
            made = step(before, view, now)
            handover = turn >= MAX_TURNS
            after = looked_at(before, made.rotation, None if made.seconds is None else whole(made.seconds), now)
            if handover:
                after = handed_over(after, now)
            if not self.parts.rotations.save_rotation(workspace, after, made.entries):
                return None
            outcome = self.effects.carry_out(workspace, after, made.effects, now)
            if outcome.refusal and refusal is None:
                # The next step is told at once; one that is refused again waits as long as it says.
                made = made._replace(seconds=0)
            refusal = outcome.refusal
            return self._answer(workspace, after, made, left=outcome.left, handover=handover)

        return step_on(advance, self.clock, f"the rotation {rotation}")

    def _answer(self, workspace: str, after: Rotation, made: RotationStep, *, left: bool, handover: bool) -> Answer:
        has_told = self._tell(workspace, after)
        if handover:
            self.parts.executions.start(workspace, after.id, after.drive)
            return Answer(Next.HANDOVER, after.phase, 0, made.entries)
        if after.phase in FINAL_ROTATION and has_told:
            self._start_next(workspace)
            return Answer(Next.DONE, after.phase, 0, made.entries)
        seconds = UNTOLD_S if made.seconds is None and (left or not has_told) else made.seconds
        if seconds is None:
            return Answer(Next.HELD, after.phase, 0, made.entries)
        return Answer(Next.WAIT, after.phase, whole(seconds), made.entries)

    def _tell(self, workspace: str, rotation: Rotation) -> bool:
        """Queue what people are to be told; a rotation must not wait for a channel, so a failure is only noted, and tried again."""
        if not rotation.notices:
            return True
        try:
            self.notices.send(workspace, rotation)
        except StoreUnavailable as error:
            _LOG.warning("notices of the rotation %s wait: %s", rotation.id, error)
            return False
        # Whoever changed it meanwhile has started another execution, which tells once more: that changes nothing.
        self.parts.rotations.save_rotation(workspace, told(rotation), [])
        return True

    def _start_next(self, workspace: str) -> None:
        """Have the next one of the queue look right away that it is its turn: it would within half a minute."""
        with suppress(StoreUnavailable):
            first = next(iter(self.parts.rotations.rotation_queue(workspace)), None)
            waiting = self.parts.rotations.rotation(workspace, first) if first else None
            if waiting is not None and waiting.phase is RotationPhase.QUEUED:
                restart(self.parts, workspace, waiting, self.clock())
