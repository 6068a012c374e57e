"""Simulated agents whose every task is a call signed with an API key: they fetch the key that is named to them, try it, and change over."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from functions.domain.key_fingerprint import fingerprint, salt_of
from tests.e2e.beating import Beating

BEAT_S = 12.0
WORKERS = 10
AWAY_BEATS = 5
PROVIDER = "anthropic"
MESSAGE = {"model": "claude-haiku-4-5", "max_tokens": 16, "messages": [{"role": "user", "content": "go on"}]}
VERSION = {"anthropic-version": "2023-06-01"}


@dataclass
class KeyedAgent:
    """One agent; `key` is what it signs its calls with."""

    id: str
    tags: Mapping[str, str]
    key: str
    tasks_a_beat: int = 3
    garbles: str | None = None
    """A key that this agent's calls cannot carry, although its test call can: a proxy that is in the way."""
    print: str | None = None
    error: str | None = None
    used: int | None = None
    done: Counter[str] = field(default_factory=Counter)
    """Calls by outcome: `completed`, or the status of a refusal."""
    sequence: int = 0
    away: int = 0
    """How often in a row the key could not be fetched."""

    def __post_init__(self) -> None:
        self._rng = random.Random(self.id)
        self._epoch = f"{time.time_ns():x}"[-8:]

    def beat(self, session: requests.Session, cloud: str, provider: str) -> None:
        """Work, report, and take the key that is named."""
        batch = self._batch([self._task(session, provider) for _ in range(self.tasks_a_beat)])
        while True:
            # The same bytes until they are taken, as every client does.
            answer = session.post(f"{cloud}/v1/batches", json=batch, timeout=60)
            if answer.status_code == 200:
                break
            time.sleep(1)
        self.sequence += 1
        named = dict(pair.split("=", 1) for pair in answer.json().get("desiredKeys", "").split())
        if PROVIDER in named and named[PROVIDER] != self.print:
            self._change(session, cloud, provider, named[PROVIDER])

    def _task(self, session: requests.Session, provider: str) -> str:
        key = self.key[:-1] if self.key == self.garbles else self.key
        answer = session.post(f"{provider}/v1/messages", json=MESSAGE, headers={"x-api-key": key, **VERSION}, timeout=60)
        outcome = "completed" if answer.status_code == 200 else str(answer.status_code)
        if outcome == "completed":
            self.used = time.time_ns() // 1_000_000
        self.done[outcome] += 1
        return outcome

    def _change(self, session: requests.Session, cloud: str, provider: str, wanted: str) -> None:
        if fingerprint(self.key, salt_of(wanted)) == wanted:
            self.print, self.error = wanted, None
            return
        answer = session.get(f"{cloud}/v1/keys/{PROVIDER}", params={"agent": self.id}, timeout=60)
        if answer.status_code != 200:
            # As the bash agent does: what may come with the next try is no reason to complain, unless it lasts.
            self.away += 1
            if self.away >= AWAY_BEATS:
                self.error = f"the key cannot be fetched (status {answer.status_code})"
            return
        self.away = 0
        key = answer.text
        tried = session.get(f"{provider}/v1/models", headers={"x-api-key": key, **VERSION}, timeout=60)
        if fingerprint(key, salt_of(wanted)) != wanted or tried.status_code != 200:
            self.error = f"the provider does not take the key (status {tried.status_code})"
            return
        self.key, self.print, self.error = key, wanted, None

    def _batch(self, outcomes: Sequence[str]) -> dict[str, Any]:
        ids = [f"{self.id}-{self.sequence}-{number}" for number in range(len(outcomes))]
        good = [id for id, outcome in zip(ids, outcomes, strict=True) if outcome == "completed"]
        bad = [id for id in ids if id not in good]
        report = {"fingerprint": self.print, "error": self.error, "used": self.used}
        failed = {"times": [0] * len(bad), "attributes": {"task_id": bad}}
        return {
            "v": 1,
            "agent": self.id,
            "epoch": self._epoch,
            "seq": self.sequence,
            "time": time.time_ns() // 1_000_000,
            "tags": dict(self.tags),
            "info": {"keys": {PROVIDER: {name: value for name, value in report.items() if value is not None}}},
            "series": [
                *([{"name": "task.errors", "values": [1.0] * len(bad), **_typed(failed, "AuthenticationError")}] if bad else []),
            ],
            "events": [
                *([{"name": "task.completed", "times": [0] * len(good), "attributes": {"task_id": good}}] if good else []),
                *(
                    [{"name": "task.failed", **failed, "payloads": [{"err": "Error code: 401 - invalid x-api-key"}] * len(bad)}]
                    if bad
                    else []
                ),
            ],
        }


def _typed(columns: Mapping[str, Any], kind: str) -> dict[str, Any]:
    ids = columns["attributes"]["task_id"]
    return {**columns, "attributes": {"task_id": ids, "error": [kind] * len(ids)}}


class KeyedFleet:
    """Agents that work and beat until they are stopped."""

    def __init__(self, cloud: str, token: str, provider: str, agents: Sequence[KeyedAgent]) -> None:
        self.agents = {agent.id: agent for agent in agents}
        self._beating = Beating[KeyedAgent](token, lambda agent, session: agent.beat(session, cloud, provider), BEAT_S)

    def start(self) -> None:
        """Begin."""
        self._beating.start(list(self.agents.values()), WORKERS)

    def stop(self) -> None:
        """End all threads."""
        self._beating.stop()

    def outcomes(self) -> Counter[str]:
        """Of all calls of all agents."""
        return sum((agent.done for agent in self.agents.values()), Counter())

    def holders(self, key: str) -> int:
        """How many sign with a key."""
        return sum(agent.key == key for agent in self.agents.values())
