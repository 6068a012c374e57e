"""Simulated agents on the real wire: they beat, finish tasks, fetch the configuration that is desired and report what they apply."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import requests

from tests.e2e.beating import Beating

BEAT_S = 8.0
WORKERS = 6


class Behaviour(NamedTuple):
    """What an agent does with a configuration."""

    error_rate: float = 0.1
    latency_ms: float = 500.0
    refuses: str | None = None
    """Why it does not apply the configuration."""


type Behave = Callable[[str, Mapping[str, Any]], Behaviour]
"""By agent id and document."""


@dataclass
class SimulatedAgent:
    """One agent."""

    id: str
    tags: Mapping[str, str]
    tasks_a_beat: int
    behave: Behave
    document: Mapping[str, Any] = field(default_factory=dict)
    """What it runs."""
    applied: str | None = None
    """Hash of what it runs; None before it was given anything."""
    written: str | None = None
    error: str | None = None
    history: list[str] = field(default_factory=list)
    """All hashes that it applied, in order."""
    silent: bool = False
    """Asleep: it neither works nor beats."""
    sequence: int = 0

    def __post_init__(self) -> None:
        self._rng = random.Random(self.id)
        self._epoch = f"{time.time_ns():x}"[-8:]

    def beat(self, session: requests.Session, url: str) -> None:
        """Report what was done since the last beat, and take the configuration that the answer names."""
        answer = session.post(f"{url}/v1/batches", json=self._batch(), timeout=30)
        if answer.status_code != 200:
            # Not written: as a client does, the same work is reported with the next beat's.
            return
        self.sequence += 1
        desired = answer.json().get("desired")
        if desired and desired not in (self.written, self.applied if self.error is None else None):
            self._fetch(session, url)

    def _batch(self) -> dict[str, Any]:
        behaviour = self.behave(self.id, self.document)
        tasks = [self._rng.random() < behaviour.error_rate for _ in range(self.tasks_a_beat)]
        latencies = [behaviour.latency_ms * self._rng.lognormvariate(0, 0.4) for _ in tasks]
        times = [-int(self._rng.random() * 1000 * BEAT_S) for _ in tasks]
        ids = [f"{self.id}-{self.sequence}-{number}" for number in range(len(tasks))]
        done = [number for number, failed in enumerate(tasks) if not failed]
        bad = [number for number, failed in enumerate(tasks) if failed]
        config = {name: value for name, value in (("written", self.written), ("applied", self.applied), ("error", self.error)) if value}
        return {
            "v": 1,
            "agent": self.id,
            "epoch": self._epoch,
            "seq": self.sequence,
            "time": time.time_ns() // 1_000_000,
            "tags": dict(self.tags),
            "info": {"config": config},
            "series": [
                *([{"name": "task.latency_ms", "times": times, "values": latencies, "attributes": {"task_id": ids}}] if tasks else []),
                *([{"name": "task.errors", **_of(bad, times, ids), "values": [1.0] * len(bad)}] if bad else []),
            ],
            "events": [
                *([{"name": "task.completed", **_of(done, times, ids)}] if done else []),
                *([{"name": "task.failed", **_of(bad, times, ids)}] if bad else []),
            ],
        }

    def _fetch(self, session: requests.Session, url: str) -> None:
        answer = session.get(f"{url}/v1/config", params={"agent": self.id}, timeout=30)
        if answer.status_code != 200:
            return
        document, hash = json.loads(answer.content), hashlib.sha256(answer.content).hexdigest()[:32]
        self.written, self.error = hash, self.behave(self.id, document).refuses
        if self.error is None:
            self.document, self.applied = document, hash
            self.history.append(hash)


def _of(numbers: Sequence[int], times: Sequence[int], ids: Sequence[str]) -> dict[str, Any]:
    return {"times": [times[number] for number in numbers], "attributes": {"task_id": [ids[number] for number in numbers]}}


class SimulatedFleet:
    """Agents that beat until the fleet is stopped."""

    def __init__(self, url: str, token: str, agents: Sequence[SimulatedAgent]) -> None:
        self.agents = {agent.id: agent for agent in agents}

        def beat(agent: SimulatedAgent, session: requests.Session) -> None:
            if not agent.silent:
                agent.beat(session, url)

        self._beating = Beating(token, beat, BEAT_S)

    def start(self) -> None:
        """Begin to beat."""
        self._beating.start(list(self.agents.values()), WORKERS)

    def stop(self) -> None:
        """End all threads."""
        self._beating.stop()

    def add(self, agent: SimulatedAgent) -> None:
        """Let another agent join."""
        self.agents[agent.id] = agent
        self._beating.start([agent])
