"""A workspace in memory in which rollouts run as when deployed: agents report, executions wait and step, the sweep runs each minute.

Step Functions is played by `Workshop.run`: it steps what is due, waits as long as an answer says, and tries again what fails. The stores
can be told to fail at any write (`Chance`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from functions.domain.desired import Desired, canonical, hash_of
from functions.domain.errors import StoreUnavailable
from functions.domain.fleet import AgentState, Snapshot, encode_snapshot
from functions.domain.rollout import UNMANAGED, UNMANAGED_TEXT, Action, Outcome, Policy, Rollout, Verdict, Wave
from functions.domain.times import MINUTE_MS, SECOND_MS
from functions.rollout_launch import Launch, Parts, command, launch
from functions.rollouts.joining import Joining
from functions.rollouts.observer import Observer
from functions.rollouts.service import RolloutService
from functions.rollouts.sweep import Sweep
from functions.rollouts.targets import Targets
from functions.stepping import Answer, Next
from tests.fakes.desired import MemoryDesired
from tests.fakes.executions import MemoryExecutions
from tests.fakes.fleet import MemoryFleet
from tests.fakes.keys import MemoryKeys
from tests.fakes.revisions import MemoryRevisions
from tests.fakes.rollouts import MemoryRollouts
from tests.rollouts.simulation import Agent

WS = "acme"
START = 1_795_478_400_000
TICK_MS = 5 * SECOND_MS
OLD, NEW = {"model": {"primary": "x/a"}}, {"model": {"primary": "x/b"}}
OLD_TEXT, NEW_TEXT = canonical(OLD), canonical(NEW)
BEFORE, AFTER = hash_of(OLD_TEXT), hash_of(NEW_TEXT)
PASS = Verdict(outcome=Outcome.PASS, reason="as its references")
FAIL = Verdict(outcome=Outcome.FAIL, reason="errors 30 %, control 5 %")
WRITES = ("create", "save", "put_documents", "put", "assign", "start", "send")
"""Methods of the ports that change something."""
RETRIES_S = (2, 4, 8, 16, 32, 64, 120)


class Died(Exception):
    """The process that runs the code is gone: nobody catches this."""


@dataclass
class Chance:
    """When something fails: at the writes of these numbers, counted over all stores, before they are made or after."""

    at: frozenset[int] = frozenset()
    after: bool = False
    error: Callable[[], Exception] = lambda: StoreUnavailable("not now")
    writes: int = 0

    def __call__(self, write: Callable[[], Any]) -> Any:
        number, self.writes = self.writes, self.writes + 1
        if number in self.at and not self.after:
            raise self.error()
        done = write()
        if number in self.at:
            raise self.error()
        return done


class Mortal:
    """A port whose writes may fail."""

    def __init__(self, real: Any, chance: Chance, writes: Collection[str] = WRITES) -> None:
        self._real = real
        self._chance = chance
        self._writes = writes

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if name not in self._writes:
            return method
        return lambda *given, **named: self._chance(lambda: method(*given, **named))


class Notices:
    """Remembers what people are told; keys are told once, as with real ones."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}

    def send(self, workspace: str, rollout: Rollout) -> None:
        for notice in rollout.notices:
            self.told[f"{rollout.id}|{notice.key}"] = notice.event


@dataclass
class Gate:
    """Says what it is told to."""

    say: Callable[[Rollout, Sequence[Wave], int], Verdict] = lambda rollout, waves, now: PASS

    def verdict(self, workspace: str, rollout: Rollout, waves: Sequence[Wave], now: int) -> Verdict:
        return self.say(rollout, waves, now)


@dataclass
class Execution:
    """One of the state machine."""

    workspace: str
    rollout: str
    drive: int
    wakes: int
    turn: int = 0
    failures: int = 0
    answer: Answer | None = None
    """Its last one, once it is over."""


@dataclass
class Workshop:
    """Everything that a test touches."""

    agents: dict[str, Agent] = field(default_factory=dict)
    chance: Chance = field(default_factory=Chance)
    now: int = START
    gate: Gate = field(default_factory=Gate)
    notices: Notices = field(default_factory=Notices)
    lose: Callable[[Execution], bool] = lambda execution: False
    """Whether an execution that fails dies of it."""

    def __post_init__(self) -> None:
        self.rollouts, self.desired, self.fleet = MemoryRollouts(), MemoryDesired(), MemoryFleet()
        self.keys = MemoryKeys()
        self.revisions, self.executions = MemoryRevisions(), MemoryExecutions()
        self.running: list[Execution] = []
        self.over: list[Execution] = []
        self.answers: list[Answer] = []
        self._known = 0
        self._swept = self.now

    @classmethod
    def of(cls, amount: int, **more: Any) -> Workshop:
        """A workshop with agents that run what they had before."""
        shop = cls(**more)
        for number in range(amount):
            shop.add(f"a-{number}", OLD_TEXT)
        return shop

    def add(self, agent: str, text: str | None = None, **tags: str) -> Agent:
        """An agent that is heard of, and runs a document if it has one."""
        made = self.agents[agent] = Agent(agent, tags=tags, last_seen=self.now)
        if text is not None:
            self.set(agent, text)
            made.written = made.applied = hash_of(text)
        self.snapshot()
        return made

    def set(self, agent: str, text: str) -> None:
        """Somebody sets a configuration by hand."""
        document = Desired(text=text, hash=hash_of(text), time=self.now, by="t-9")
        assert self.desired.put(WS, agent, document, self.desired.hash_of(WS, agent))

    @property
    def parts(self) -> Parts:
        """As the API has them."""
        rollouts, desired, executions = (Mortal(real, self.chance) for real in (self.rollouts, self.desired, self.executions))
        return Parts(rollouts=rollouts, desired=desired, executions=executions)  # type: ignore[arg-type]

    def service(self) -> RolloutService:
        """As the step's function has it."""
        parts = self.parts
        joining = Joining(parts.rollouts, parts.desired, Targets(self.revisions))
        return RolloutService(
            rollouts=parts.rollouts,
            desired=parts.desired,
            keys=Mortal(self.keys, self.chance),  # type: ignore[arg-type]
            executions=parts.executions,
            observer=Observer(fleet=self.fleet, desired=parts.desired, gate=self.gate, joining=joining, keys=self.keys, key_gate=self.gate),
            notices=Mortal(self.notices, self.chance),  # type: ignore[arg-type]
            clock=lambda: self.now,
        )

    def sweep(self) -> Sweep:
        """As the sweep's function has it."""
        return Sweep(parts=self.parts, fleet=self.fleet, revisions=self.revisions, targets=Targets(self.revisions))

    def wanted(self, agents: Iterable[str] | None = None, text: str = NEW_TEXT, **more: Any) -> Launch:
        """A change of the model of all agents, or of some."""
        chosen = list(self.agents) if agents is None else list(agents)
        given = {"policy": Policy(bake_s=60, apply_s=60), "change": {"patch": NEW}, "title": "model: a → b", "by": "t-1", **more}
        return Launch(targets=dict.fromkeys(chosen, text), tags={agent: self.agents[agent].tags for agent in chosen}, **given)

    def launch(self, id: str = "r1", **more: Any) -> Rollout | None:
        """Start a rollout."""
        return launch(self.parts, WS, self.wanted(**more), id=id, now=self.now)

    def command(self, action: Action, id: str = "r1") -> Rollout:
        """Somebody asks for something."""
        return command(self.parts, WS, id, action, by="t-2", now=self.now)

    def head(self, id: str = "r1") -> Rollout:
        """The stored rollout."""
        found = self.rollouts.head(WS, id)
        assert found
        return found

    def hashes(self) -> Mapping[str, str]:
        """What is desired, by agent."""
        return self.desired.hashes(WS)

    def runs(self) -> dict[str, str]:
        """What agents run, by id."""
        return {id: agent.runs or UNMANAGED for id, agent in self.agents.items() if agent.there}

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass: agents report, executions step, the sweep runs."""
        end = self.now + int(seconds * SECOND_MS)
        while self.now < end and not until():
            self._begin_executions()
            for execution in [each for each in self.running if each.wakes <= self.now]:
                self._step(execution)
            if self.now - self._swept >= MINUTE_MS:
                self._swept = self.now
                self._try(lambda: self.sweep().run(WS, self.now))
            self._begin_executions()
            self._pass_time(end)

    def snapshot(self) -> None:
        """What seal makes each tick."""
        states = {
            agent.id: AgentState(
                id=agent.id,
                name=agent.id,
                tags=dict(agent.tags),
                first_seen=START,
                last_seen=agent.last_seen,
                retired=agent.retired,
                config_written=agent.written,
                config_applied=agent.applied,
                config_error=agent.error,
            )
            for agent in self.agents.values()
            if agent.there
        }
        self.fleet.put_snapshot(WS, encode_snapshot(Snapshot(workspace=WS, time=self.now, agents=states)))

    def _pass_time(self, end: int) -> None:
        due = min((execution.wakes for execution in self.running), default=end)
        self.now = min(end, max(self.now + SECOND_MS, min(due, self.now // TICK_MS * TICK_MS + TICK_MS)))
        if self.now % TICK_MS == 0:
            for agent in self.agents.values():
                agent.tick(self.desired.hash_of(WS, agent.id), self.now)
            self.snapshot()

    def _begin_executions(self) -> None:
        for started in self.executions.started[self._known :]:
            self.running.append(Execution(*started, wakes=self.now))
        self._known = len(self.executions.started)

    def _step(self, execution: Execution) -> None:
        try:
            answer = self.service().step(execution.workspace, execution.rollout, execution.drive, execution.turn)
        except (StoreUnavailable, Died):
            execution.wakes = self.now + RETRIES_S[min(execution.failures, len(RETRIES_S) - 1)] * SECOND_MS
            execution.failures += 1
            if self.lose(execution):
                self.running.remove(execution)
            return
        execution.failures, execution.turn = 0, execution.turn + 1
        self.answers.append(answer)
        execution.wakes = self.now + answer.seconds * SECOND_MS
        if answer.next is not Next.WAIT:
            execution.answer = answer
            self.running.remove(execution)
            self.over.append(execution)

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (StoreUnavailable, Died):
            return


__all__ = ["AFTER", "BEFORE", "FAIL", "NEW", "NEW_TEXT", "OLD", "OLD_TEXT", "PASS", "UNMANAGED", "UNMANAGED_TEXT", "WS", "Workshop"]
