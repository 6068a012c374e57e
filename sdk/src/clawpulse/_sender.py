"""One post at a time, in a thread of its own: however long the network takes, the worker goes on writing down what is recorded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from clawpulse._delivery import Answer
    from clawpulse._transport import Transport


class Sender(Protocol):
    """Posts in the background of the worker."""

    def begin(self, body: bytes, timeout: float) -> None:
        """Post; the one before has been answered."""
        ...

    def answer(self) -> Answer | None:
        """What came of it, once; None as long as nothing did."""
        ...

    def close(self) -> None:
        """No more posts."""
        ...


class DirectSender:
    """Has the answer before `begin` returns."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._answer: Answer | None = None

    def begin(self, body: bytes, timeout: float) -> None:
        """Post, and wait."""
        self._answer = self._transport.post(body, timeout)

    def answer(self) -> Answer | None:
        """What came of it."""
        answer, self._answer = self._answer, None
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


class ThreadSender:
    """Posts in a daemon thread; `wake` is called when there is an answer."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._transport: Transport | None = None
        self._wanted: SimpleQueue[tuple[bytes, float] | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="clawpulse-sender", daemon=True)

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when the interpreter is about to end."""
        self._thread.start()

    def use(self, transport: Transport) -> ThreadSender:
        """Post by this one from now on; returns itself."""
        self._transport = transport
        return self

    def begin(self, body: bytes, timeout: float) -> None:
        """Hand the body to the thread."""
        self._wanted.put((body, timeout))

    def answer(self) -> Answer | None:
        """What came of it."""
        return None if self._answers.empty() else self._answers.get()

    def close(self) -> None:
        """End the thread after the post it is at."""
        self._wanted.put(None)

    def _run(self) -> None:
        while True:
            wanted = self._wanted.get()
            if wanted is None or self._transport is None:
                break
            self._answers.put(self._transport.post(*wanted))
            self._wake()
        if self._transport is not None:
            self._transport.close()
