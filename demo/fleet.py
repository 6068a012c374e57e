"""The simulated fleet: one thread an agent, each with its own client of the real SDK."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from demo.ledger import Ledger, Recorder, Reporter
from demo.profiles import Member, Role, Work, draw, gaps
from demo.task import Result, run_agent_task, simulated_model

QUEUE = "queue.depth"
ZOMBIE_AFTER_TASKS = 1
STAGGER_S = 3.0
"""The agents start over this time: real fleets do not start at once either."""
ABORT_PATIENCE_S = 5.0


class SdkClient(Reporter, Protocol):
    """The SDK's client, as far as the fleet uses it."""

    def flush(self, timeout: float = ...) -> bool:
        """Wait until all is delivered; tells whether it was."""
        ...

    def close(self, timeout: float | None = ...) -> bool:
        """Deliver what is left, and end; tells whether all was delivered."""
        ...


type MakeClient = Callable[[Member], SdkClient]


class Agent:
    """One simulated agent: tasks arrive by chance, wait in a queue, and are worked off one after the other."""

    def __init__(self, member: Member, client: SdkClient, ledger: Ledger, seed: str) -> None:
        self.member, self.client = member, client
        self._report = Recorder(member.id, client, ledger)
        self._rng = random.Random(f"{seed}/{member.id}")
        self._closing, self._abort = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=member.id, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Take no new task; the one under way goes on."""
        self._closing.set()

    def abort(self) -> None:
        """End the task under way at once, and take no other."""
        self._closing.set()
        self._abort.set()

    def join(self, timeout_s: float) -> bool:
        """Wait until the work has ended; tells whether it has."""
        self._thread.join(max(0.0, timeout_s))
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._closing.wait(self._rng.random() * STAGGER_S)
        arrivals = itertools.accumulate(gaps(self.member.tier, self._rng), initial=time.monotonic())
        next(arrivals)
        waiting = deque([next(arrivals)])
        for number in itertools.count(1):
            if self._closing.wait(max(0.0, waiting[0] - time.monotonic())):
                break
            while waiting[-1] <= time.monotonic():
                waiting.append(next(arrivals))
            # Without the one that it takes now, and the one that is still to come.
            self._report.metric(QUEUE, len(waiting) - 2)
            self._task(number)
            waiting.popleft()
        self._report.metric(QUEUE, 0)

    def _task(self, number: int) -> None:
        work, tier, shard = draw(self.member, self._rng), self.member.tier.name, self.member.shard
        try:
            run_agent_task(self._report, lambda _: self._invoke(number, work), f"{self.member.id}-{number}", tier, shard)
        except RuntimeError:
            return  # The task has reported it; an agent goes on with its next one.

    def _invoke(self, number: int, work: Work) -> Result:
        if self.member.role is Role.ZOMBIE and number > ZOMBIE_AFTER_TASKS:
            self._abort.wait()
        return simulated_model(work, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self._abort.wait(seconds)


class Fleet:
    """All agents, and the ledger of what they sent."""

    def __init__(self, members: Sequence[Member], make_client: MakeClient, seed: str) -> None:
        self.members = tuple(members)
        self.ledger = Ledger()
        self.agents = [Agent(member, make_client(member), self.ledger, seed) for member in members]

    def start(self) -> None:
        """Let every agent begin."""
        for agent in self.agents:
            agent.start()

    def finish_tasks(self, timeout_s: float) -> list[str]:
        """Take no new tasks and wait for those under way; the zombie's never ends. Returns the ids of those that still work."""
        for agent in self.agents:
            agent.close()
        deadline = time.monotonic() + timeout_s
        working = [agent for agent in self.agents if agent.member.role is not Role.ZOMBIE]
        return [agent.member.id for agent in working if not agent.join(deadline - time.monotonic())]

    def flush(self, timeout_s: float) -> list[str]:
        """Deliver all that was reported; returns the ids of agents that could not."""
        deadline = time.monotonic() + timeout_s
        return [agent.member.id for agent in self.agents if not agent.client.flush(timeout=max(0.1, deadline - time.monotonic()))]

    def stop(self, timeout_s: float = 10.0) -> None:
        """End every task, deliver what is left within the time, and close the clients."""
        for agent in self.agents:
            agent.abort()
        deadline = time.monotonic() + timeout_s
        for agent in self.agents:
            agent.join(min(ABORT_PATIENCE_S, deadline - time.monotonic()))
        for agent in self.agents:
            agent.client.close(timeout=max(0.1, deadline - time.monotonic()))


def agent_tags(member: Member, env: str) -> Mapping[str, str]:
    """What an agent says of itself."""
    return {"env": env, "tier": member.tier.name, "shard": member.shard, "team": "demo", "region": "local"}
