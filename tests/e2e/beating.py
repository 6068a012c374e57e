"""A few threads that let many simulated agents beat, each its share, until they are stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import requests

PAUSE_S = 0.5
"""At least so long between two rounds, however slow the cloud is."""


class Beating[A]:
    """Agents of a kind; `beat` lets one of them work, report and hear."""

    def __init__(self, token: str, beat: Callable[[A, requests.Session], None], seconds: float) -> None:
        """`seconds`: from beat to beat."""
        self._token, self._beat, self._seconds = token, beat, seconds
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, agents: Sequence[A], workers: int = 1) -> None:
        """Let agents begin to beat, with so many threads more."""
        for number in range(workers):
            if share := agents[number::workers]:
                thread = threading.Thread(target=self._work, args=(share,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        """End all threads."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(90)

    def _work(self, share: Sequence[A]) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self._token}"
            while not self._stopping.is_set():
                begun = time.monotonic()
                for agent in share:
                    if not self._stopping.is_set():
                        self._try(agent, session)
                self._stopping.wait(max(PAUSE_S, self._seconds - (time.monotonic() - begun)))

    def _try(self, agent: A, session: requests.Session) -> None:
        try:
            self._beat(agent, session)
        except requests.RequestException:
            # The cloud is busy; the next beat reports.
            return
