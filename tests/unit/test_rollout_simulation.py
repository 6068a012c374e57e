"""Random fleets, policies, failures, commands, crashes, rivals: every rollout ends, each agent on the configuration that its end says."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.errors import Conflict
from functions.domain.rollout import (
    FINAL,
    UNMANAGED,
    Action,
    Hold,
    HoldCause,
    Member,
    MemberState,
    Outcome,
    Phase,
    Policy,
    Reversibility,
    Rollout,
    Step,
    Verdict,
    Wave,
)
from functions.domain.rollout_command import possible
from functions.domain.rollout_plan import share
from functions.domain.rollout_step import SETTLE_MS
from tests.rollouts.simulation import AFTER, BEFORE, OTHER, Agent, World

TIERS = ("fast", "smart", "batch")
STAGES = ("staging", "prod", "canary", "")
OPEN = (MemberState.SENT, MemberState.REVERTING)

POLICIES = st.builds(
    Policy,
    waves=st.sampled_from([("1", "5", "25%", "100%"), ("50%",), ("1", "2", "3"), ("10%", "5", "100%")]),
    wave_size=st.none() | st.integers(1, 4),
    order=st.sampled_from([(), ("staging", "prod")]),
    max_unavailable=st.sampled_from(["1", "2", "30%", "100%"]),
    apply_s=st.sampled_from([20, 60, 300]),
    asleep_s=st.sampled_from([60, 120]),
    max_failed=st.sampled_from([0, 0, 1, 3]),
    bake_s=st.sampled_from([0, 5, 60, 600]),
    extend_s=st.sampled_from([5, 60]),
    max_extensions=st.integers(0, 2),
    unreadable_s=st.sampled_from([0, 60, 300]),
    irreversible_bake=st.sampled_from([1.0, 3.0]),
    approve=st.sampled_from([(), ("start",), ("wave:1", "stage:prod")]),
    gates=st.sampled_from([True, True, True, False]),
)
AGENTS = st.builds(
    Agent,
    id=st.just(""),
    tags=st.fixed_dictionaries({"tier": st.sampled_from(TIERS), "env": st.sampled_from(STAGES)}),
    refuses=st.sampled_from([frozenset()] * 6 + [frozenset({AFTER}), frozenset({BEFORE}), frozenset({AFTER, BEFORE})]).map(set),
    hooks=st.sampled_from([True, True, True, False]),
    apply_ms=st.sampled_from([0, 2_000, 15_000, 45_000]),
    awake=st.sampled_from([True, True, True, False]),
)


@dataclass
class Chaos:
    """What happens around the engine, decided by one seed."""

    world: World
    chance: random.Random
    level: float
    """How much of it, from 0."""
    broken: list[str] = field(default_factory=list)
    drafted: int = 0

    def verdict(self, rollout: Rollout, waves: list[Wave], now: int) -> Verdict:
        outcome = self.chance.choices(list(Outcome), [6, 0.3 * self.level, 2 * self.level, 2 * self.level])[0]
        return Verdict(outcome=outcome, reason="as the dice fell")

    def life(self) -> None:
        """Something happens to the fleet, or to us."""
        world, agent = self.world, self.chance.choice(list(self.world.agents.values()))
        match self.chance.randrange(10):
            case 0 | 1:
                agent.awake = not agent.awake
            case 2:
                agent.there = not agent.there
            case 3:
                agent.retired = not agent.retired
            case 4:
                world.desired[agent.id] = OTHER
            case 5:
                agent.refuses ^= {self.chance.choice([AFTER, BEFORE])}
            case 6:
                world.frozen = None if world.frozen else Hold(cause=HoldCause.FREEZE, reason="frozen", until=world.now + 60_000)
            case 7:
                world.deaf = not world.deaf
            case 8:
                self.join()
            case 9:
                world.pass_time(self.chance.choice([5_000, 200_000]))

    def join(self) -> None:
        new = Agent(f"j-{len(self.world.agents)}", {"tier": "fast"}, refuses=self.chance.choice([set(), set(), {AFTER}]))
        self.world.agents[new.id] = new
        self.world.settle(new)
        self.world.joins.append(self.world.member(new))

    def command(self, actions: tuple[Action, ...]) -> None:
        """Somebody asks for something, possible or not."""
        weights = [0.1 if action in (Action.ABORT, Action.STOP, Action.PROMOTE) else 1 for action in actions]
        action, before = self.chance.choices(actions, weights)[0], self.world.rollout
        allowed = possible(before, self.world.waves)
        try:
            self.world.command(action)
        except Conflict:
            assert action not in allowed
        else:
            assert action in allowed

    def step(self) -> float | None:
        """One step, with a rival that read the same and with crashes: only who saves writes, and not always all, and not always at once."""
        world = self.world
        made, rival = world.decide(), world.decide() if self.chance.random() < 0.2 * self.level else None
        delay = self.chance.choice([0, 0, 0, SETTLE_MS]) if self.level else 0
        if made.rollout.version == world.rollout.version or self.chance.random() < 0.05 * self.level:
            return 1
        assert world.save(made)
        assert rival is None or not world.save(rival)
        done = len(made.writes) if self.chance.random() > 0.1 * self.level else self.chance.randint(0, len(made.writes))
        world.write(made.writes[:done], delay)
        return made.seconds

    def run(self, looks: int) -> None:
        """So many steps, or until it is over."""
        world = self.world
        for _ in range(looks):
            if world.rollout.phase in FINAL:
                return
            if self.chance.random() < 0.1 * self.level:
                self.life()
            if self.chance.random() < 0.03 * self.level:
                self.command(tuple(Action))
            seconds = self.step()
            if seconds is None or (world.rollout.phase is Phase.HELD and self.chance.random() < 0.2):
                self.human()
            world.pass_time(int((seconds or 30) * 1000) or 1)

    def human(self) -> None:
        """Nothing goes on by itself, or not for long: somebody decides."""
        world = self.world
        if world.rollout.phase not in FINAL:
            self.command(possible(world.rollout, world.waves))


class Laws:
    """What no version of a rollout may break."""

    def __init__(self, world: World) -> None:
        self.world = world

    def check(self, before: Rollout, waves: list[Wave], made: Step) -> None:
        after = made.rollout
        assert after.version == before.version + 1
        assert len(made.waves) + len(made.entries) <= 90
        assert {member.agent for wave in self.world.waves for member in wave.members} == {
            member.agent for wave in [*waves, *made.waves] for member in wave.members
        }
        assert sum(after.counts.values()) == after.members
        old = {member.agent: member for wave in waves for member in wave.members}
        self._one_after_the_other(after)
        self._places(old, after)
        if not before.passed and (after.wave > before.wave or after.passed):
            self._passed(before, waves, after)
        if before.phase is Phase.WAITING and after.phase is Phase.APPLYING:
            assert self.world.frozen is None
        for write in made.writes:
            member = self.world.members()[write.agent]
            assert write.wanted in (member.before, member.after)
            assert write.seen in (member.before, member.after, None)
            assert member.told_at
            assert member.state is not MemberState.OVERRIDDEN
        self._reversibility(before, made)

    def _one_after_the_other(self, after: Rollout) -> None:
        """Nobody is told before his wave's turn, and the stages follow each other."""
        for wave in self.world.waves:
            assert wave.members
            if wave.number > after.wave:
                assert not any(member.told_at for member in wave.members)
        stages = [stage for stage, _ in groupby(wave.stage for wave in self.world.waves[: after.waves - after.joined])]
        assert len(set(stages)) == len(stages)

    def _places(self, old: dict[str, Member], after: Rollout) -> None:
        """Who is told anew fits into what may be unavailable."""
        wave = self.world.waves[after.wave]
        told = [m for m in wave.members if m.state is MemberState.SENT and m.agent in old and old[m.agent].state is MemberState.WAITING]
        if told:
            limit = max(1, share(after.policy.max_unavailable, len(wave.members), up=False))
            assert sum(member.state in OPEN for member in wave.members) <= limit

    def _passed(self, before: Rollout, waves: list[Wave], after: Rollout) -> None:
        """A wave passes by its gate, by somebody's word, or because there is nobody to look at."""
        wave = next(each for each in self.world.waves if each.number == before.wave)
        states = [member.state for member in wave.members]
        assert MemberState.WAITING not in states or before.phase in (Phase.BAKING, Phase.HELD, Phase.PAUSED)
        joined = before.wave >= before.waves - before.joined
        asked = before.skipping or after.gateless or self.world.audit[-1].action in (Action.SKIP, Action.PROMOTE)
        if asked or joined:
            return
        assert states.count(MemberState.FAILED) <= before.policy.max_failed
        if MemberState.APPLIED in states and before.policy.gates:
            verdict = next(each for each in after.verdicts if each.wave == before.wave)
            assert verdict.outcome is Outcome.PASS
            assert before.phase in (Phase.BAKING, Phase.HELD)
            assert before.bake_until is not None
            assert self.world.now >= before.bake_until

    def _reversibility(self, before: Rollout, made: Step) -> None:
        """What cannot be undone is approved before, and never goes back unless somebody says so."""
        after, asked = made.rollout, {entry.action for entry in made.entries}
        if after.reversibility is Reversibility.REVERSIBLE:
            return
        if after.phase is Phase.REVERTING and before.phase is not Phase.REVERTING:
            assert asked & {Action.ABORT, Action.RETRY, Action.RESUME, Action.SKIP}
        assert after.approvals or not any(member.told_at for member in self.world.members().values())


def check_end(world: World) -> None:
    """Everybody is there and awake for an hour: each runs what the end says."""
    rollout, members = world.rollout, world.members()
    world.deaf = False
    for agent in world.agents.values():
        agent.awake = agent.there = True
    world.pass_time(3_600_000)
    for agent in world.agents.values():
        member = members.get(agent.id)
        if member is None or member.state is MemberState.OVERRIDDEN or world.desired.get(agent.id) == OTHER:
            continue
        has = world.desired.get(agent.id, UNMANAGED)
        told = {Phase.SUCCEEDED: True, Phase.REVERTED: False, Phase.STOPPED: bool(member.told_at)}[rollout.phase]
        wanted = member.after if told else member.before
        if member.state is not MemberState.GONE or rollout.phase is Phase.REVERTED:
            assert has == wanted, (agent.id, member)
            assert agent.written == wanted or (wanted == UNMANAGED and agent.written is None)
            assert agent.runs == wanted or agent.error or (wanted == UNMANAGED and agent.runs is None), (agent, member)
        assert has in (member.before, member.after)


def play(world: World, policy: Policy, irreversible: bool, level: float, seed: int) -> None:
    """Have a rollout go through so much chaos, then to its end."""
    chaos = Chaos(world, random.Random(seed), level)
    world.gate = chaos.verdict
    if irreversible:
        world.begin(policy, reversibility=Reversibility.IRREVERSIBLE, backup_by="t-2")
    else:
        world.begin(policy)
    world.on_save = Laws(world).check
    chaos.run(200)
    # The weather clears up, somebody at least is heard, and somebody sees to the rest.
    chaos.level, world.deaf, world.frozen = 0, False, None
    world.agents["bystander"] = Agent("bystander")
    chaos.run(5_000)
    assert world.rollout.phase in FINAL, (world.rollout.phase, world.rollout.reason)
    check_end(world)


@settings(max_examples=150)
@given(
    agents=st.lists(AGENTS, min_size=1, max_size=14),
    policy=POLICIES,
    unmanaged=st.booleans(),
    irreversible=st.sampled_from([False, False, False, True]),
    lag=st.sampled_from([0, 5_000, 30_000]),
    level=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    seed=st.integers(0, 2**32),
)
def test_every_rollout_ends_with_each_agent_on_the_configuration_that_its_end_says(
    agents: list[Agent], policy: Policy, unmanaged: bool, irreversible: bool, lag: int, level: float, seed: int
) -> None:
    named = [Agent(**{**vars(agent), "id": f"a-{place:02}", "refuses": set(agent.refuses)}) for place, agent in enumerate(agents)]
    play(World(named, before=UNMANAGED if unmanaged else BEFORE, lag_ms=lag), policy, irreversible, level, seed)
