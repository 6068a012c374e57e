"""A simulated fleet, Vault, provider and cloud around rotations, for tests of the engine: time is a number, chance is an argument.

    world = World([Agent("a-1"), Agent("a-2")])
    world.start()
    world.run(7_200)
    assert world.rotation.phase is RotationPhase.SUCCEEDED

Rollouts are stepped by the engine of rollouts itself. Agents behave as real ones do: they fetch the key that they should use when it is
another one than theirs, try it, keep what they have when it is refused, and do not try again what they refused; what cannot be had now they
try again. What the engine sees of them is late by up to `World.lag_ms`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from functions.domain import rollout as rollouts
from functions.domain import rollout_command, rollout_plan, rollout_step
from functions.domain.errors import Conflict
from functions.domain.fleet import AgentState, Health, Status
from functions.domain.rollout import UNMANAGED, Action, Entry, Observed, Outcome, Rollout, Verdict, Wave
from functions.domain.rotation import FINAL_ROTATION, Alias, KeyAnswer, Rotation, RotationPhase, RotationPolicy, Usage, VaultState
from functions.domain.rotation_command import commanded
from functions.domain.rotation_fleet import strays
from functions.domain.rotation_queue import placed, position
from functions.domain.rotation_step import step, wants_test, wants_usage
from functions.domain.rotation_view import (
    Assign,
    CommandRollout,
    CopyAlias,
    DeleteAlias,
    DropIncoming,
    Effect,
    KeyAgent,
    LaunchRollout,
    Refusal,
    RevokeKey,
    RotationStep,
    RotationView,
    StageKey,
    VaultFault,
    agent_of,
    key_seen,
    serves,
)
from functions.domain.wire import KeyReport

PROVIDER = "anthropic"
OLD, NEW, THIRD, STALE = (f"3f9a01c2-{digit * 16}" for digit in "abcd")
START = 1_700_000_000_000
TICK_MS = 5_000
SWEEP_MS = 60_000
QUICK = RotationPolicy(wave_size=2, cooldown_s=10, apply_s=60, asleep_s=60, unused_s=60, drain_s=600)
GOOD = Verdict(outcome=Outcome.PASS, reason="as the others")
BAD = Verdict(outcome=Outcome.FAIL, reason="1 authentication error")


@dataclass
class Agent:
    """One agent. `refuses` are keys that fail its own trial, though the provider takes them."""

    id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    has: str | None = OLD
    """The key in force."""
    refuses: set[str] = field(default_factory=set)
    tells: bool = True
    """Whether it reports keys."""
    awake: bool = True
    there: bool = True
    retired: bool = False
    apply_ms: int = 2_000
    error: str | None = None
    tried: str | None = None
    """What it tried last, or is trying."""
    busy_until: int | None = None
    last_seen: int | None = None

    def tick(self, world: World) -> None:
        """A heartbeat: report, hear which key to use, go on with trying it."""
        if not (self.awake and self.there):
            return
        self.last_seen = world.now
        wanted = world.assigned.get(self.id)
        if self.busy_until is not None and world.now >= self.busy_until:
            self._try(world)
        if wanted == self.has or wanted is None:
            self.error, self.tried = None, None
        elif self.tells and self.busy_until is None and wanted != self.tried:
            self.tried, self.error, self.busy_until = wanted, None, world.now + self.apply_ms

    def _try(self, world: World) -> None:
        self.busy_until, key = None, self.tried
        if world.vault_fault or key not in world.found() or world.provider_down:
            self.tried, self.error = None, "cannot be had now (tried again in 5 s)"
        elif key in self.refuses or key not in world.valid:
            self.error = f"{key}: 401"
        else:
            self.has, self.error, self.tried = key, None, None

    def state(self, now: int) -> AgentState:
        """As the snapshot has it."""
        return AgentState(
            id=self.id,
            name=self.id,
            tags=dict(self.tags),
            first_seen=START,
            last_seen=self.last_seen,
            retired=self.retired,
            health=Health(Status.GREEN if self.last_seen and now - self.last_seen < 60_000 else Status.RED),
            keys={PROVIDER: KeyReport(self.has, self.error)} if self.tells else {},
        )


@dataclass
class Running:
    """A rollout as its store has it."""

    head: Rollout
    waves: list[Wave]
    due: int | None


class World:
    """Everything."""

    def __init__(self, agents: Iterable[Agent], *, current: str | None = OLD, lag_ms: int = 0) -> None:
        self.now, self.lag_ms = START, lag_ms
        self.agents = {agent.id: agent for agent in agents}
        self.assigned: dict[str, str] = {}
        self.aliases: dict[Alias, str] = {Alias.CURRENT: current} if current else {}
        self.versions = {Alias.CURRENT: 1 if current else 0, Alias.NEXT: 0, Alias.OLD: 0}
        self.incoming: dict[str, str] = {}
        self.valid = {OLD, NEW, THIRD, STALE}
        self.revoked: list[str] = []
        self.vault_fault: VaultFault | None = None
        self.provider_down = False
        self.revokes = True
        """Whether the provider can revoke."""
        self.usage: Callable[[str], Usage] = lambda key: Usage(known=False)
        self.gate: Callable[[Rollout, list[Wave], int], Verdict] = lambda rollout, waves, now: GOOD
        self.deaf = False
        self.rotations: dict[str, Rotation] = {}
        self.queue: tuple[str, ...] = ()
        self.due: dict[str, int | None] = {}
        self.refusals: dict[str, Refusal] = {}
        self.rollouts: dict[str, Running] = {}
        self.audit: list[Entry] = []
        self.on_step: Callable[[Rotation, RotationStep], None] = lambda before, made: None
        self.on_effect: Callable[[Effect], None] = lambda effect: None
        self._late: list[tuple[int, str, Effect]] = []
        self._snapshots: list[tuple[int, dict[str, AgentState]]] = []
        for agent in self.agents.values():
            agent.last_seen = self.now if agent.awake else self.now - 3_600_000
            if current and agent.has == current:
                self.assigned[agent.id] = current
        self._snapshot()

    @property
    def rotation(self) -> Rotation:
        """The one that was started last."""
        return list(self.rotations.values())[-1]

    @property
    def rollout(self) -> Rollout:
        """The present one of that."""
        assert self.rotation.rollout
        return self.rollouts[self.rotation.rollout].head

    def start(self, new: str = NEW, *, id: str = "k1", policy: RotationPolicy = QUICK, **fields: object) -> None:
        """What the API does: the key waits in Vault, the rotation in the queue."""
        self.incoming[id] = new
        made = Rotation(id=id, provider=PROVIDER, created=self.now, by="t-1", policy=policy, new=new, **fields)  # type: ignore[arg-type]
        urgent = [each for each in self.queue if self.rotations[each].emergency]
        self.rotations[id], self.due[id] = made, self.now
        self.queue = placed(self.queue, urgent, id, emergency=made.emergency)

    def found(self) -> set[str]:
        """Keys that agents find in Vault."""
        return set(self.aliases.values())

    def runs(self) -> dict[str, str | None]:
        """What agents use in truth."""
        return {id: agent.has for id, agent in self.agents.items()}

    def view(self, id: str) -> RotationView:
        """What a step sees now."""
        rotation = self.rotations[id]
        running = self.rollouts.get(rotation.rollout or "")
        return RotationView(
            agents=self._agents(),
            vault=self.vault_fault or self.vault(),
            incoming=id in self.incoming and self.vault_fault is None,
            position=position(self.queue, id),
            rollout=running.head if running else None,
            test=self._test(rotation),
            usage=self._usage(rotation),
            refusal=self.refusals.pop(id, None),
        )

    def vault(self) -> VaultState:
        """The aliases."""
        current, next_, old = (self.aliases.get(alias) for alias in Alias)
        return VaultState(current, next_, old, tuple(self.versions[alias] if alias in self.aliases else 0 for alias in Alias))  # type: ignore[arg-type]

    def decide(self, id: str) -> RotationStep:
        """What a step would do now."""
        return step(self.rotations[id], self.view(id), self.now)

    def save(self, made: RotationStep) -> bool:
        """Store it, unless somebody was faster."""
        id, before = made.rotation.id, self.rotations[made.rotation.id]
        if made.rotation.version != before.version + 1:
            return False
        # What is stored is bytes: nobody shares anything with the store.
        self.rotations[id] = msgspec.json.decode(msgspec.json.encode(made.rotation), type=Rotation)
        self.rotations[id].notices = []
        self.audit += made.entries
        if made.rotation.phase in FINAL_ROTATION:
            self.queue = tuple(each for each in self.queue if each != id)
        self.due[id] = None if made.seconds is None else self.now + int(made.seconds * 1000)
        self.on_step(before, made)
        return True

    def carry_out(self, id: str, effects: Sequence[Effect], after_ms: int = 0) -> None:
        """Do what a step asked for, now or later."""
        for effect in effects:
            if after_ms:
                self._late.append((self.now + after_ms, id, effect))
            else:
                self.apply(id, effect)

    def step(self, id: str = "") -> RotationStep:
        """One whole step."""
        made = self.decide(id or self.rotation.id)
        if made.rotation.version > self.rotations[made.rotation.id].version and self.save(made):
            self.carry_out(made.rotation.id, made.effects)
        return made

    def command(self, action: Action, id: str = "") -> None:
        """Somebody asks for something; raises `Conflict`."""
        assert self.save(commanded(self.rotations[id or self.rotation.id], action, by="t-2", now=self.now))

    def ask_rollout(self, id: str, action: Action) -> None:
        """Somebody asks something of a rollout itself; what is not possible is not done."""
        if id in self.rollouts:
            self._command_rollout(CommandRollout(id, action, self.rollouts[id].head.version))

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass: agents, rollouts and rotations go on, until nothing is left to do."""
        end = self.now + int(seconds * 1000)
        while self.now < end and not until():
            for id in [id for id, due in self.due.items() if due is not None and due <= self.now]:
                self.step(id)
            if not any(due is not None for due in self.due.values()):
                return
            soonest = min((due for due in self.due.values() if due is not None), default=end)
            self.pass_time(min(TICK_MS, max(1_000, soonest - self.now)))

    def pass_time(self, ms: int) -> None:
        """Let the fleet and the rollouts live for a while."""
        end = self.now + ms
        while self.now < end:
            self.now = min(end, self.now // TICK_MS * TICK_MS + TICK_MS)
            self._make_late()
            for agent in self.agents.values():
                agent.tick(self)
            if not self.deaf:
                self._snapshot()
            if self.now // SWEEP_MS != (self.now - 1) // SWEEP_MS:
                self._sweep()
            for running in self.rollouts.values():
                if running.due is not None and running.due <= self.now:
                    self._step_rollout(running)

    def apply(self, id: str, effect: Effect) -> None:
        """Carry one effect out, as the service does."""
        self.on_effect(effect)
        match effect:
            case Assign(agent, wanted, seen):
                self._assign(agent, wanted, seen)
            case LaunchRollout():
                self._launch(effect)
            case CommandRollout():
                self._command_rollout(effect)
            case RevokeKey():
                self._revoke(id, effect)
            case _ if self.vault_fault is not None:
                if not self.vault_fault.retry:
                    self.refusals[id] = Refusal(effect, self.vault_fault.text)
            case _:
                self._write(id, effect)

    def _write(self, id: str, effect: Effect) -> None:
        match effect:
            case StageKey(print_, seen) if self.incoming.get(id) == print_:
                self._put(Alias.NEXT, print_, seen)
            case CopyAlias(source, target, print_, seen) if self.aliases.get(source) == print_:
                self._put(target, print_, seen)
            case DeleteAlias(alias, _, seen) if seen == self.versions[alias]:
                self.aliases.pop(alias, None)
            case DropIncoming():
                self.incoming.pop(id, None)

    def _put(self, alias: Alias, print_: str, seen: int) -> None:
        if seen == (self.versions[alias] if alias in self.aliases else 0):
            self.aliases[alias] = print_
            self.versions[alias] += 1

    def _revoke(self, id: str, effect: RevokeKey) -> None:
        if self.provider_down or self.vault_fault or self.aliases.get(effect.alias) != effect.fingerprint:
            return
        if not self.revokes:
            self.refusals[id] = Refusal(effect, "no admin key")
            return
        self.valid.discard(effect.fingerprint)
        self.revoked.append(effect.fingerprint)

    def _assign(self, agent: str, wanted: str | None, seen: str | None) -> None:
        if self.assigned.get(agent) != seen:
            return
        self.assigned.pop(agent, None)
        if wanted is not None:
            self.assigned[agent] = wanted

    def _launch(self, effect: LaunchRollout) -> None:
        if effect.id in self.rollouts or any(self.assigned.get(id, UNMANAGED) != before for id, (before, _) in effect.members.items()):
            return
        members = [
            rollouts.Member(agent=id, before=before, after=after, tags=dict(effect.tags[id]))
            for id, (before, after) in effect.members.items()
        ]
        head, waves, _ = rollout_plan.begin(
            id=effect.id, title=effect.title, by=effect.by, now=self.now, members=members, policy=effect.policy, change=effect.change
        )
        self.rollouts[effect.id] = Running(head, waves, self.now)

    def _command_rollout(self, effect: CommandRollout) -> None:
        running = self.rollouts[effect.rollout]
        if running.head.version != effect.seen:
            return
        try:
            made = rollout_command.commanded(running.head, running.waves, effect.action, by="k1", now=self.now)
        except Conflict:
            return
        self._save_rollout(running, made)

    def _step_rollout(self, running: Running) -> None:
        head = running.head
        seen = {id: key_seen(state, PROVIDER, self.assigned.get(id)) for id, state in self._seen().items()}
        verdict = self.gate(head, running.waves, self.now) if rollout_step.wants_verdict(head) else None
        made = rollout_step.step(head, running.waves, Observed(seen, dict(self.assigned), verdict), self.now)
        if made.rollout.version > head.version:
            self._save_rollout(running, made)
        running.due = None if made.seconds is None else self.now + int(made.seconds * 1000)

    def _save_rollout(self, running: Running, made: rollouts.Step) -> None:
        stored = {wave.number: wave for wave in running.waves}
        stored |= {wave.number: msgspec.json.decode(msgspec.json.encode(wave), type=Wave) for wave in made.waves}
        running.head = msgspec.json.decode(msgspec.json.encode(made.rollout), type=Rollout)
        running.head.notices = []
        running.waves, running.due = [stored[number] for number in sorted(stored)], self.now
        for write in made.writes:
            self._assign(write.agent, None if write.wanted == UNMANAGED else write.wanted, write.seen)

    def _make_late(self) -> None:
        due = [(id, effect) for at, id, effect in self._late if at <= self.now]
        self._late = [each for each in self._late if each[0] > self.now]
        for id, effect in due:
            self.apply(id, effect)

    def _sweep(self) -> None:
        """Agents that came later, or came back, get the current key."""
        if self.vault_fault is None:
            for id, agent in strays(self._agents(), self.vault()):
                self._assign(id, self.aliases.get(Alias.CURRENT), agent.assigned)

    def _agents(self) -> dict[str, KeyAgent]:
        seen = self._seen().values()
        return {state.id: agent_of(state, PROVIDER, self.assigned.get(state.id)) for state in seen if serves(state)}

    def _test(self, rotation: Rotation) -> KeyAnswer | None:
        key = wants_test(rotation)
        if key is None or self.vault_fault or key not in self.found() | set(self.incoming.values()):
            return None
        if self.provider_down:
            return KeyAnswer(accepted=False, detail="503", retry=True)
        return KeyAnswer(accepted=key in self.valid, detail="200" if key in self.valid else "401")

    def _usage(self, rotation: Rotation) -> Usage | None:
        if not wants_usage(rotation) or self.provider_down:
            return None
        return self.usage(rotation.old or "")

    def _seen(self) -> dict[str, AgentState]:
        return next(seen for at, seen in reversed(self._snapshots) if at <= self.now - self.lag_ms or at == self._snapshots[0][0])

    def _snapshot(self) -> None:
        seen = {agent.id: agent.state(self.now) for agent in self.agents.values() if agent.there}
        self._snapshots = [*self._snapshots[-20:], (self.now, seen)]


__all__ = ["BAD", "GOOD", "NEW", "OLD", "PROVIDER", "QUICK", "STALE", "START", "THIRD", "Agent", "RotationPhase", "World"]
