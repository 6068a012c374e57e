"""The usual work of a gateway while something is done to it: one short turn after another, and what each of them was."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.acceptance.fake_model import FakeModel
from tests.acceptance.openclaw import TURN_SECONDS, OpenClaw

MARKER = "[work]"
PAUSE_S = 0.5
"""Between turns, so that the machine has time for the rest."""


@dataclass(frozen=True, slots=True)
class Done:
    """A turn that has ended."""

    began: float
    """Both in seconds since 1970."""
    ended: float
    status: int
    model: str
    """That was asked; empty if none was."""
    prompt: str
    """What stood before the conversation."""


class Work:
    """A context manager: takes turns in sessions of their own, in the background, until it is left."""

    def __init__(self, gateway: OpenClaw, model: FakeModel) -> None:
        self._gateway = gateway
        self._model = model
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True, name="work")
        self.fault: BaseException | None = None
        """What ended it early."""
        self.done: list[Done] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(TURN_SECONDS)

    def since(self, moment: float) -> list[Done]:
        """Turns that began after a moment and have ended."""
        return [turn for turn in list(self.done) if turn.began > moment]

    def next(self) -> Done:
        """The first turn that begins from now on; raises what ended the work, or `TimeoutError`."""
        now = time.time()
        while not (found := self.since(now)):
            if self.fault:
                raise self.fault
            if time.time() > now + 2 * TURN_SECONDS:
                raise TimeoutError("no turn has ended")
            time.sleep(0.2)
        return found[0]

    def _go_on(self) -> None:
        try:
            while not self._over.wait(PAUSE_S):
                self._take()
        except BaseException as fault:
            self.fault = fault

    def _take(self) -> None:
        known, began = len(self._model.requests), time.time()
        turn = self._gateway.turn(MARKER)
        asked = next((request for request in self._model.requests[known:] if request.marker == MARKER), None)
        self.done.append(Done(began, time.time(), turn.status, asked.model if asked else "", asked.prompt if asked else ""))
