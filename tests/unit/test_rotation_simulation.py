"""Random fleets, outages, commands, crashes, rivals: every rotation ends done or back, and nobody is ever without a key that he needs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.errors import Conflict
from functions.domain.rollout import FINAL, Action, HoldCause, Outcome, Phase, Rollout, Verdict, Wave
from functions.domain.rotation import FINAL_ROTATION, Alias, Rotation, RotationPhase, RotationPolicy, Usage
from functions.domain.rotation_command import possible
from functions.domain.rotation_view import SETTLE_MS, Effect, RevokeKey, RotationStep, VaultFault
from tests.rotations.simulation import NEW, OLD, STALE, THIRD, Agent, World

STAGES = ("staging", "prod", "")
PRESENT_MS = 150_000
"""Who changed his mind about being there for less long may not have been noticed."""
POLICIES = st.builds(
    RotationPolicy,
    wave_size=st.integers(1, 4),
    cooldown_s=st.sampled_from([0, 5, 30]),
    apply_s=st.sampled_from([20, 60]),
    asleep_s=st.sampled_from([60, 120]),
    min_healthy=st.sampled_from([0.0, 0.0, 0.8]),
    unused_s=st.sampled_from([60, 300]),
    retire=st.sampled_from([True, True, True, False]),
    drain_s=st.sampled_from([60, 600]),
)
AGENTS = st.builds(
    Agent,
    id=st.just(""),
    tags=st.fixed_dictionaries({"env": st.sampled_from(STAGES)}),
    has=st.sampled_from([OLD] * 6 + [None, STALE]),
    refuses=st.sampled_from([frozenset()] * 8 + [frozenset({NEW}), frozenset({OLD})]).map(set),
    apply_ms=st.sampled_from([0, 2_000, 15_000]),
    awake=st.sampled_from([True, True, True, True, False]),
    tells=st.sampled_from([True] * 15 + [False]),
)


@dataclass
class Chaos:
    """What happens around the engine, decided by one seed."""

    world: World
    chance: random.Random
    level: float
    """How much of it, from 0."""
    changed: dict[str, int] = field(default_factory=dict)
    """When it was last decided whether an agent is there and awake; under the empty id: whether Vault can be read, and agents be heard."""
    emergency: bool = False

    def verdict(self, rollout: Rollout, waves: list[Wave], now: int) -> Verdict:
        outcomes = [Outcome.PASS, Outcome.FAIL, Outcome.UNREADABLE]
        return Verdict(outcome=self.chance.choices(outcomes, [9, 0.3 * self.level, self.level])[0], reason="as the dice fell")

    def life(self) -> None:
        """Something happens to the fleet, to Vault, to the provider, or to us."""
        world, agent = self.world, self.chance.choice(list(self.world.agents.values()))
        match self.chance.randrange(11):
            case 0 | 1:
                agent.awake, self.changed[agent.id] = not agent.awake, world.now
            case 2:
                agent.there, self.changed[agent.id] = not agent.there, world.now
            case 3:
                agent.retired, self.changed[agent.id] = not agent.retired, world.now
            case 4:
                agent.refuses ^= {self.chance.choice([NEW, NEW, OLD])}
            case 5 | 6:
                faults = [VaultFault("sealed", True), VaultFault("403 permission denied", False)]
                world.vault_fault, self.changed[""] = None if world.vault_fault else self.chance.choice(faults), world.now
            case 7:
                world.provider_down = not world.provider_down
            case 8:
                world.deaf, self.changed[""] = not world.deaf, world.now
            case 9:
                new = Agent(f"j-{len(world.agents)}", {"env": "prod"}, has=self.chance.choice([None, None, STALE]))
                world.agents[new.id], self.changed[new.id] = new, world.now
            case 10:
                world.pass_time(self.chance.choice([5_000, 400_000]))

    def command(self, rotation: Rotation) -> None:
        """Somebody asks for something, possible or not."""
        action, allowed = self.chance.choice([Action.PAUSE, Action.RESUME, Action.RESUME, Action.ABORT]), possible(rotation)
        try:
            self.world.command(action, rotation.id)
        except Conflict:
            assert action not in allowed
        else:
            assert action in allowed

    def command_rollout(self, rotation: Rotation) -> None:
        running = self.world.rollouts.get(rotation.rollout or "")
        if running is not None and running.head.phase not in FINAL:
            self.world.ask_rollout(running.head.id, self.chance.choice(list(Action)))

    def step(self, id: str) -> None:
        """One step, with a rival that read the same and with crashes: only who saves acts, not always wholly, and not always at once."""
        world = self.world
        made, rival = world.decide(id), world.decide(id) if self.chance.random() < 0.2 * self.level else None
        if self.chance.random() < 0.05 * self.level:
            world.due[id] = world.now + 1_000
            return
        assert world.save(made)
        assert rival is None or not world.save(rival)
        done = len(made.effects) if self.chance.random() > 0.1 * self.level else self.chance.randint(0, len(made.effects))
        world.carry_out(id, made.effects[:done], self.chance.choice([0, 0, 0, SETTLE_MS - 1]) if self.level else 0)

    def run(self, looks: int) -> None:
        """So many looks, or until all are over."""
        world = self.world
        for _ in range(looks):
            open_ = [rotation for rotation in world.rotations.values() if rotation.phase not in FINAL_ROTATION]
            if not open_:
                return
            if self.chance.random() < 0.1 * self.level:
                self.life()
            if self.chance.random() < 0.02 * self.level:
                self.command(self.chance.choice(open_))
            if self.chance.random() < 0.01 * self.level:
                self.command_rollout(open_[0])
            for rotation in open_:
                due = world.due[rotation.id]
                if due is not None and due <= world.now:
                    self.step(rotation.id)
                self.human(world.rotations[rotation.id])
            waits = [due - world.now for due in world.due.values() if due is not None]
            world.pass_time(min(60_000, max(1_000, min(waits, default=30_000))))

    def human(self, rotation: Rotation) -> None:
        """What goes on by nobody, or not for long, somebody sees to."""
        running = self.world.rollouts.get(rotation.rollout or "")
        if running is not None and running.head.phase is Phase.PAUSED and self.chance.random() < 0.3:
            self.world.ask_rollout(running.head.id, Action.RESUME)
        if rotation.phase not in (RotationPhase.HELD, RotationPhase.PAUSED) or self.chance.random() < 0.7:
            return
        cause = rotation.hold.cause if rotation.hold else None
        if cause in (HoldCause.ROLLOUT, HoldCause.IN_USE):
            for agent in self.world.agents.values():
                agent.refuses.clear()
                # Whoever is stuck with what he refused starts anew.
                agent.tried = None
        if cause is HoldCause.ROLLOUT and self.chance.random() < 0.7:
            self.world.ask_rollout(rotation.rollout or "", self.chance.choice([Action.RETRY, Action.SKIP, Action.RESUME, Action.ABORT]))
        elif Action.RESUME in possible(rotation):
            self.world.command(Action.RESUME, rotation.id)

    def present(self, agent: Agent) -> bool:
        """Whether an agent is there, and has been for long enough to be known to be."""
        return agent.there and not agent.retired and self.world.now - self.changed.get(agent.id, 0) > PRESENT_MS


def changes_something(rotation: Rotation) -> bool:
    """Whether a rotation has begun and is not over; one that was aborted before has nothing to take back."""
    if rotation.phase in FINAL_ROTATION or rotation.dry_run:
        return False
    if RotationPhase.ABORTING in (rotation.phase, rotation.resume_to):
        return rotation.staged
    return RotationPhase.QUEUED not in (rotation.phase, rotation.resume_to)


@dataclass
class Laws:
    """What holds at every moment."""

    chaos: Chaos

    def on_step(self, before: Rotation, made: RotationStep) -> None:
        running = [rotation.id for rotation in self.chaos.world.rotations.values() if changes_something(rotation)]
        assert len(running) <= 1, running
        if before.phase is not RotationPhase.HELD and before.revoke_asked is not None and not before.emergency:
            never_came = made.rotation.revoke_asked is None and before.old in self.chaos.world.valid
            on = (RotationPhase.RETIRING, RotationPhase.SUCCEEDED, RotationPhase.HELD)
            assert made.rotation.phase in on or (made.rotation.phase is RotationPhase.DRAINING and never_came)

    def on_effect(self, effect: Effect) -> None:
        self.keys_can_be_had()
        if isinstance(effect, RevokeKey) and not self.chaos.emergency:
            world = self.chaos.world
            users = [
                agent.id for agent in world.agents.values() if agent.has == effect.fingerprint and agent.awake and self.chaos.present(agent)
            ]
            assert not users, (users, effect)

    def keys_can_be_had(self) -> None:
        """Of each agent: the key that it is to use lies in Vault, and what it uses is valid."""
        world = self.chaos.world
        if world.vault_fault or world.deaf or world.now - self.chaos.changed.get("", 0) < PRESENT_MS:
            # Nobody who comes back can be told.
            return
        for agent in world.agents.values():
            if self.chaos.present(agent):
                wanted = world.assigned.get(agent.id)
                assert wanted is None or wanted in world.found(), (agent, world.aliases)
                if not self.chaos.emergency and agent.awake:
                    assert agent.has is None or agent.has in world.valid, agent


def check_end(world: World, chaos: Chaos, ends: dict[str, Rotation], first: str | None) -> None:
    """Everybody is awake for an hour: each uses the key that is current, unless it refuses it."""
    for agent in world.agents.values():
        agent.awake = True
    world.pass_time(3_600_000)
    current = first
    for rotation in ends.values():
        if rotation.phase is RotationPhase.SUCCEEDED and not rotation.dry_run:
            current = rotation.new
    assert world.aliases.get(Alias.CURRENT) == current
    assert not world.incoming
    for agent in world.agents.values():
        wanted = world.assigned.get(agent.id)
        if not agent.there or agent.retired or wanted is None:
            continue
        # A former key that is kept for others; a new one that people let be kept, for an agent that was away then.
        assert wanted == current or world.aliases.get(Alias.OLD) == wanted or world.aliases.get(Alias.NEXT) == wanted, (agent, wanted)
        assert agent.has == wanted or wanted in (agent.error or "") or not agent.tells, (agent, wanted)


def play(world: World, chaos: Chaos, first: str | None) -> None:
    """Have rotations go through so much chaos, then to their end."""
    laws = Laws(chaos)
    world.gate, world.on_step, world.on_effect = chaos.verdict, laws.on_step, laws.on_effect
    chaos.run(250)
    # The weather clears up, somebody at least is heard, and somebody sees to the rest.
    chaos.level, world.deaf, world.vault_fault, world.provider_down = 0, False, None, False
    chaos.changed[""] = world.now
    bystander = Agent("bystander", {"env": "staging"}, has=None)
    world.agents["bystander"] = bystander
    chaos.run(4_000)
    ends = dict(world.rotations)
    assert all(rotation.phase in FINAL_ROTATION for rotation in ends.values()), [(each.phase, each.reason) for each in ends.values()]
    check_end(world, chaos, ends, first)


@settings(max_examples=150)
@given(
    agents=st.lists(AGENTS, min_size=1, max_size=10),
    policy=POLICIES,
    first=st.sampled_from([OLD, OLD, OLD, None]),
    emergency=st.sampled_from([False, False, False, True]),
    second=st.booleans(),
    usage=st.booleans(),
    lag=st.sampled_from([0, 5_000, 30_000]),
    level=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    seed=st.integers(0, 2**32),
)
def test_every_rotation_ends_done_or_back_and_nobody_is_ever_without_a_key(
    agents: list[Agent],
    policy: RotationPolicy,
    first: str | None,
    emergency: bool,
    second: bool,
    usage: bool,
    lag: int,
    level: float,
    seed: int,
) -> None:
    named = [Agent(**{**vars(agent), "id": f"a-{place:02}", "refuses": set(agent.refuses)}) for place, agent in enumerate(agents)]
    world = World(named, current=first, lag_ms=lag)
    if usage:
        world.usage = lambda key: Usage(known=True)
    chaos = Chaos(world, random.Random(seed), level, emergency=emergency)
    world.start(policy=policy, emergency=emergency)
    if second:
        world.start(THIRD, id="k2", policy=policy)
    play(world, chaos, first)
