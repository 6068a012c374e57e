"""A workspace in memory in which keys are rotated as when deployed: agents fetch and try keys, executions wait and step, sweeps run.

Step Functions is played by `Shop.run`, for both state machines: it steps what is due, waits as long as an answer says, and tries again what
fails. Every write, to whichever store, to Vault and to the provider, can be told to fail (`Chance`). Tasks are done with the keys that
agents have: each key that is in use is looked up at the provider at every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from functions.domain.errors import StoreUnavailable
from functions.domain.fleet import AgentState, Health, Snapshot, Status, encode_snapshot
from functions.domain.key_fingerprint import fingerprint
from functions.domain.rollout import Action, Entry
from functions.domain.rotation import Alias, Rotation, RotationPhase, RotationPolicy, StoredKey
from functions.domain.times import MINUTE_MS, SECOND_MS
from functions.domain.wire import KeyReport
from functions.rollout_launch import Parts as RolloutParts
from functions.rollouts.joining import Joining
from functions.rollouts.observer import Observer as RolloutObserver
from functions.rollouts.service import RolloutService
from functions.rollouts.sweep import Sweep as RolloutSweep
from functions.rollouts.targets import Targets
from functions.rotation_launch import Parts, command, launch
from functions.rotations.effects import Effects
from functions.rotations.observer import Observer, Providers
from functions.rotations.schedule import Schedule
from functions.rotations.service import RotationService
from functions.rotations.sweep import Sweep
from functions.stepping import Answer, Next
from tests.fakes.desired import MemoryDesired
from tests.fakes.executions import MemoryExecutions
from tests.fakes.fleet import MemoryFleet
from tests.fakes.key_provider import MemoryKeyProvider
from tests.fakes.key_vault import MemoryVault
from tests.fakes.keys import MemoryKeys
from tests.fakes.revisions import MemoryRevisions
from tests.fakes.rollouts import MemoryRollouts
from tests.fakes.rotations import MemoryRotations
from tests.rollouts.workshop import RETRIES_S, START, TICK_MS, WS, Chance, Died, Gate, Mortal, Notices

PROVIDER = "anthropic"
OLD, NEW, THIRD = (f"sk-ant-{word}-0123456789abcdef" for word in ("former", "newest", "latest"))
QUICK = RotationPolicy(wave_size=2, cooldown_s=5, apply_s=30, asleep_s=60, unused_s=60, drain_s=600)
WRITES = {
    *("create", "save", "create_rotation", "save_rotation", "assign", "start", "send", "tell"),
    *("write", "delete", "put_incoming", "drop_incoming", "revoke"),
}
"""Methods of the ports that change something."""


@dataclass
class KeyedAgent:
    """One agent: it has a key, and takes another one if that works."""

    id: str
    key: str | None
    tags: dict[str, str] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    """Keys that do not work here, though the provider takes them."""
    awake: bool = True
    error: str | None = None
    last_seen: int = START


@dataclass
class Execution:
    """One of a state machine."""

    machine: str
    workspace: str
    id: str
    drive: int
    wakes: int
    turn: int = 0
    failures: int = 0
    answer: Answer | None = None


class Told(Notices):
    """Remembers also what people are told of keys."""

    def tell(self, workspace: str, subject: Any, notices: Any) -> None:
        for notice in notices:
            self.told[f"{subject.id}|{notice.key}"] = notice.text


@dataclass
class Shop:
    """Everything that a test touches."""

    agents: dict[str, KeyedAgent] = field(default_factory=dict)
    chance: Chance = field(default_factory=Chance)
    now: int = START
    gate: Gate = field(default_factory=Gate)
    told: Told = field(default_factory=Told)
    lose: Callable[[Execution], bool] = lambda execution: False
    """Whether an execution that fails dies of it."""
    failed_tasks: list[tuple[int, str]] = field(default_factory=list)
    """When which agent worked with a key that the provider did not take."""
    heard: list[str] = field(default_factory=list)
    """Texts of all answers, errors and the log: what might have a key."""

    def __post_init__(self) -> None:
        self.rollouts, self.keys, self.fleet = MemoryRollouts(), MemoryKeys(), MemoryFleet()
        self.rotations = MemoryRotations(self.rollouts.log)
        self.vault, self.provider = MemoryVault(), MemoryKeyProvider()
        self.machines = {"rollouts": MemoryExecutions(), "rotations": MemoryExecutions()}
        self.running: list[Execution] = []
        self.answers: list[Answer] = []
        self._known = dict.fromkeys(self.machines, 0)
        self._swept = self.now
        self.fleet.put_settings(WS, "key-settings", {PROVIDER: {"kind": "anthropic", "max_age_days": 90}})
        for key in (OLD, NEW, THIRD):
            self.provider.add(key)

    @classmethod
    def of(cls, amount: int, *, old: str | None = OLD, **more: Any) -> Shop:
        """A shop whose agents use a key that is the current one."""
        shop = cls(**more)
        if old:
            shop.put(Alias.CURRENT, old)
        for number in range(amount):
            shop.add(f"a-{number}", old)
        return shop

    def add(self, id: str, key: str | None, **tags: str) -> KeyedAgent:
        made = self.agents[id] = KeyedAgent(id, key, tags, last_seen=self.now)
        if key is not None:
            assert self.keys.assign(WS, id, PROVIDER, self.print(key), None)
        self.snapshot()
        return made

    def print(self, key: str) -> str:
        return fingerprint(key, self.vault._salts.setdefault(WS, "00000001"))

    def stored(self, key: str) -> StoredKey:
        return StoredKey(key, self.print(key), None, 0, self.now)

    def put(self, alias: Alias, key: str, shard: str = "") -> None:
        """What people, or an earlier rotation, put there."""
        assert self.vault.write(WS, PROVIDER, alias, self.stored(key), 0, shard)

    def lies(self, alias: Alias, shard: str = "") -> str | None:
        found = self.vault.read(WS, PROVIDER, alias, shard)
        return found.key if found else None

    def parts(self) -> Parts:
        """As the API has them."""
        vault, rotations, executions = (self.mortal(real) for real in (self.vault, self.rotations, self.machines["rotations"]))
        return Parts(vault=vault, rotations=rotations, executions=executions)

    def mortal(self, real: Any) -> Any:
        return Mortal(real, self.chance, WRITES)

    def service(self) -> RotationService:
        """As the step's function has it; a new one each time, as if its process had died."""
        parts = self.parts()
        providers = Providers(self.fleet, lambda settings: self.mortal(self.provider))
        rollouts, keys = self.mortal(self.rollouts), self.mortal(self.keys)
        return RotationService(
            parts=parts,
            observer=Observer(
                rotations=parts.rotations, rollouts=rollouts, fleet=self.fleet, keys=keys, vault=parts.vault, providers=providers
            ),
            effects=Effects(
                vault=parts.vault,
                keys=keys,
                rollouts=rollouts,
                executions=self.mortal(self.machines["rollouts"]),
                providers=providers,
                clock=lambda: self.now,
            ),
            notices=self.mortal(self.told),
            clock=lambda: self.now,
        )

    def rollout_service(self) -> RolloutService:
        rollouts, desired, revisions = self.mortal(self.rollouts), MemoryDesired(), MemoryRevisions()
        observer = RolloutObserver(
            fleet=self.fleet,
            desired=desired,
            gate=self.gate,
            joining=Joining(rollouts, desired, Targets(revisions)),
            keys=self.keys,
            key_gate=self.gate,
        )
        return RolloutService(
            rollouts=rollouts,
            desired=desired,
            keys=self.mortal(self.keys),
            executions=self.mortal(self.machines["rollouts"]),
            observer=observer,
            notices=self.mortal(self.told),
            clock=lambda: self.now,
        )

    def sweep(self) -> Sweep:
        schedule = Schedule(
            parts=self.parts(), settings=self.fleet, provider=lambda settings: self.provider, notices=self.mortal(self.told)
        )
        return Sweep(parts=self.parts(), fleet=self.fleet, keys=self.mortal(self.keys), schedule=schedule)

    def rollout_sweep(self) -> RolloutSweep:
        parts = RolloutParts(
            rollouts=self.mortal(self.rollouts), desired=MemoryDesired(), executions=self.mortal(self.machines["rollouts"])
        )
        return RolloutSweep(parts=parts, fleet=self.fleet, revisions=MemoryRevisions(), targets=Targets(MemoryRevisions()))

    def launch(self, key: str = NEW, id: str = "k1", policy: RotationPolicy = QUICK, **more: Any) -> Rotation:
        """Somebody starts a rotation; what fails is tried again, as people do."""
        rotation = Rotation(id=id, provider=PROVIDER, created=self.now, by="t-1", policy=policy, new="", **more)
        while self.rotations.rotation(WS, id) is None:
            self.attempt(lambda: launch(self.parts(), WS, rotation, self.stored(key), now=self.now))
        return self.head(id)

    def command(self, action: Action, id: str = "k1") -> None:
        version = self.head(id).version
        while self.head(id).version == version:
            self.attempt(lambda: command(self.parts(), WS, id, action, by="t-2", now=self.now))

    def head(self, id: str = "k1") -> Rotation:
        found = self.rotations.rotation(WS, id)
        assert found
        return found

    def audit(self) -> list[Entry]:
        return self.rollouts.audit(WS, 0, self.now + 1)

    def uses(self) -> dict[str, str | None]:
        """The keys that agents have."""
        return {id: agent.key for id, agent in self.agents.items()}

    def attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (StoreUnavailable, Died) as error:
            self.heard.append(str(error))

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass."""
        end = self.now + int(seconds * SECOND_MS)
        while self.now < end and not until():
            self._begin_executions()
            for execution in [each for each in self.running if each.wakes <= self.now]:
                self._step(execution)
            if self.now - self._swept >= MINUTE_MS:
                self._swept = self.now
                self.attempt(lambda: self.sweep().run(WS, self.now))
                self.attempt(lambda: self.rollout_sweep().run(WS, self.now))
            self._begin_executions()
            self._pass_time(end)

    def finish(self, id: str = "k1", seconds: float = 4 * 3600) -> RotationPhase:
        """Until a rotation is over and nothing runs."""
        self.run(seconds, until=lambda: not self.running and not self.rotations.rotation_queue(WS))
        return self.head(id).phase

    def snapshot(self) -> None:
        """What seal makes each tick."""
        states = {agent.id: self._state(agent) for agent in self.agents.values()}
        self.fleet.put_snapshot(WS, encode_snapshot(Snapshot(workspace=WS, time=self.now, agents=states)))

    def _state(self, agent: KeyedAgent) -> AgentState:
        return AgentState(
            id=agent.id,
            name=agent.id,
            tags=dict(agent.tags),
            first_seen=START,
            last_seen=agent.last_seen,
            health=Health(Status.GREEN),
            keys={PROVIDER: KeyReport(self.print(agent.key) if agent.key else None, agent.error)},
        )

    def _pass_time(self, end: int) -> None:
        due = min((execution.wakes for execution in self.running), default=end)
        self.now = min(end, max(self.now + SECOND_MS, min(due, self.now // TICK_MS * TICK_MS + TICK_MS)))
        for agent in self.agents.values():
            if agent.awake and agent.key is not None and agent.key not in self.provider.live:
                self.failed_tasks.append((self.now, agent.id))
        if self.now % TICK_MS == 0:
            for agent in self.agents.values():
                if agent.awake:
                    self._tick(agent)
            self.snapshot()

    def _tick(self, agent: KeyedAgent) -> None:
        """Report, hear which key to use, fetch and try it."""
        agent.last_seen = self.now
        wanted = self.keys.keys_of(WS, agent.id).get(PROVIDER)
        if wanted is None or (agent.key is not None and wanted == self.print(agent.key)):
            agent.error = None
            return
        found = [key for key in self._keys_in_vault(agent) if self.print(key) == wanted]
        if not found or self.provider.away:
            agent.error = f"{wanted}: cannot be had (tried again in 5 s)"
        elif found[0] in agent.refuses or found[0] not in self.provider.live:
            agent.error = f"{wanted}: 401"
        else:
            agent.key, agent.error = found[0], None

    def _keys_in_vault(self, agent: KeyedAgent) -> Iterable[str]:
        if self.vault.fault:
            return []
        return [key for shard in (agent.tags.get("shard", ""), "") for alias in Alias if (key := self.lies(alias, shard))]

    def _begin_executions(self) -> None:
        for name, machine in self.machines.items():
            for started in machine.started[self._known[name] :]:
                self.running.append(Execution(name, *started, wakes=self.now))
            self._known[name] = len(machine.started)

    def _step(self, execution: Execution) -> None:
        service: Any = self.service() if execution.machine == "rotations" else self.rollout_service()
        try:
            answer = service.step(execution.workspace, execution.id, execution.drive, execution.turn)
        except (StoreUnavailable, Died) as error:
            self.heard.append(repr(error))
            execution.wakes = self.now + RETRIES_S[min(execution.failures, len(RETRIES_S) - 1)] * SECOND_MS
            execution.failures += 1
            if self.lose(execution):
                self.running.remove(execution)
            return
        execution.failures, execution.turn = 0, execution.turn + 1
        self.answers.append(answer)
        self.heard.append(repr(answer))
        execution.wakes = self.now + answer.seconds * SECOND_MS
        if answer.next is not Next.WAIT:
            execution.answer = answer
            self.running.remove(execution)
