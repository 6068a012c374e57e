"""The daemon threads that turn a worker's crank and post for it, and how others talk to them: wake, flush, stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from clawpulse._reports import log
from clawpulse._sender import ThreadSender

if TYPE_CHECKING:
    from clawpulse._worker import Worker

_PAUSE_AFTER_FAULT = 5.0


class _Flush:
    """One caller's wish that all recorded so far be delivered."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.mark: int | None = None
        self.given_up = self.repeated = False

    def wait(self, timeout: float) -> bool:
        """Wait at most so many seconds; tells whether it came true. Once only: then nobody looks after it any more."""
        try:
            return self.done.wait(timeout)
        finally:
            self.given_up = True


class Background:
    """Owns the threads. `make` builds the worker inside the first: callers do not wait for imports."""

    def __init__(self, make: Callable[[ThreadSender], Worker | None]) -> None:
        self._make = make
        self._sender = ThreadSender(self.wake)
        # A SimpleQueue may be put to from a signal handler that interrupted a put; an Event may not.
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._woken = False
        self._flushes: list[_Flush] = []
        self._stopping = False
        self._ended = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clawpulse", daemon=True)

    def start(self) -> None:
        """Start the threads. Raises RuntimeError when the interpreter is about to end."""
        self._sender.start()
        try:
            self._thread.start()
        except RuntimeError:
            self._sender.close()
            raise

    def wake(self) -> None:
        """Have the next turn at once."""
        if not self._woken:
            self._woken = True
            self._wakes.put(None)

    def ask_flush(self) -> _Flush:
        """Have everything delivered; the result can be waited for."""
        flush = _Flush()
        self._flushes.append(flush)
        self._wakes.put(None)
        if self._ended:
            self._settle_all()
        return flush

    def wait_ready(self, timeout: float) -> None:
        """Wait until the thread has done its imports: a fork in the middle of one would leave it half done in the child for good."""
        if self._thread is not threading.current_thread():
            self._ready.wait(timeout)

    def stop(self, timeout: float) -> None:
        """End the thread after its current turn; wait for that at most so long."""
        self._stopping = True
        self._wakes.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join(max(0.0, timeout))

    def _run(self) -> None:
        worker = self._make(self._sender)
        self._ready.set()
        if worker is None:
            self._ended = True
            self._sender.close()
            self._settle_all()
            return
        while not self._stopping:
            self._wait(self._turn(worker))
        worker.close(time.monotonic())

    def _turn(self, worker: Worker) -> float:
        self._woken = False
        try:
            for flush in [flush for flush in self._flushes if flush.mark is None]:
                flush.mark = worker.flush(time.monotonic())
            delay = worker.step(time.monotonic())
            for flush in [flush for flush in self._flushes if _is_over(flush, worker)]:
                if worker.owes and not (flush.repeated or flush.given_up):
                    flush.mark, flush.repeated = worker.flush(time.monotonic()), True
                    self.wake()
                    continue
                self._flushes.remove(flush)
                flush.done.set()
        except Exception as error:  # the thread must outlive any single fault: without it nothing is ever delivered
            log("error", f"fault inside the SDK, going on: {type(error).__name__}: {error}")
            return _PAUSE_AFTER_FAULT
        return delay

    def _wait(self, delay: float) -> None:
        if delay <= 0 or self._stopping:
            return
        try:
            self._wakes.get(timeout=delay)
        except Empty:
            return
        for _ in range(self._wakes.qsize()):
            self._wakes.get_nowait()

    def _settle_all(self) -> None:
        """There is nothing to deliver, and nobody to do it."""
        while self._flushes:
            self._flushes.pop().done.set()


def _is_over(flush: _Flush, worker: Worker) -> bool:
    return flush.mark is not None and (flush.given_up or worker.settled(flush.mark))
