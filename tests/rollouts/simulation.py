"""A simulated fleet and the cloud around a rollout, for tests of the engine: time is a number, chance is an argument.

    world = World([Agent("a-1"), Agent("a-2", refuses={AFTER})])
    world.begin(Policy(bake_s=60))
    world.run(600)
    assert world.rollout.phase is Phase.SUCCEEDED

Agents behave as the bash agent does: they fetch what is desired when it is not what they wrote, take a while to apply it, keep what they
run when they refuse, and do not try again what they refused. What the engine sees of them is late by up to `World.lag_ms`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from functions.domain.rollout import (
    FINAL,
    UNMANAGED,
    Action,
    Entry,
    Hold,
    Member,
    Observed,
    Outcome,
    Policy,
    Reversibility,
    Rollout,
    Seen,
    Step,
    Verdict,
    Wave,
    Write,
)
from functions.domain.rollout_command import commanded
from functions.domain.rollout_plan import begin
from functions.domain.rollout_step import step, wants_joined, wants_verdict

BEFORE, AFTER, OTHER = "before", "after", "other"
START = 1_700_000_000_000
TICK_MS = 5_000
GOOD = Verdict(outcome=Outcome.PASS, reason="as its references")
BAD = Verdict(outcome=Outcome.FAIL, reason="errors 30 %, control 5 %")


@dataclass
class Agent:
    """One agent. `ms` fields are times; `refuses` are hashes that its hooks do not take."""

    id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    hooks: bool = True
    apply_ms: int = 2_000
    awake: bool = True
    there: bool = True
    retired: bool = False
    written: str | None = None
    applied: str | None = None
    error: str | None = None
    last_seen: int | None = None
    busy_until: int | None = None

    def tick(self, desired: str | None, now: int) -> None:
        """A heartbeat: report, hear what is desired, go on with applying."""
        if not (self.awake and self.there):
            return
        self.last_seen = now
        if self.busy_until is not None and now >= self.busy_until:
            self._applied()
        if self.busy_until is None and desired is not None and desired != self.written:
            self.written, self.error, self.busy_until = desired, None, now + self.apply_ms

    def _applied(self) -> None:
        self.busy_until = None
        if self.written in self.refuses:
            self.error = f"hook 10-openclaw: does not take {self.written}"
        elif self.hooks:
            self.applied = self.written

    def seen(self) -> Seen:
        """What the inventory knows of it."""
        return Seen(self.last_seen, self.applied, self.written, self.error, self.retired, self.tags)

    @property
    def runs(self) -> str | None:
        """What it runs in truth."""
        return self.applied if self.hooks else self.written


class World:
    """The fleet, the stores and one rollout."""

    def __init__(self, agents: Iterable[Agent], *, before: str = BEFORE, lag_ms: int = 0) -> None:
        self.now = START
        self.lag_ms = lag_ms
        self.agents = {agent.id: agent for agent in agents}
        self.before = before
        self.desired: dict[str, str] = {}
        self.audit: list[Entry] = []
        self.gate: Callable[[Rollout, list[Wave], int], Verdict] = lambda rollout, waves, now: GOOD
        self.frozen: Hold | None = None
        self.joins: list[Member] = []
        self.deaf = False
        """Our intake is down: the engine sees nothing new."""
        self.saved: list[tuple[Rollout, list[Wave], Step]] = []
        self.on_save: Callable[[Rollout, list[Wave], Step], None] = lambda before, waves, step: None
        self._snapshots: list[tuple[int, dict[str, Seen]]] = []
        self._late: list[tuple[int, Write]] = []
        for agent in self.agents.values():
            self.settle(agent)
        self._snapshot()

    def settle(self, agent: Agent) -> None:
        """Have an agent run what it has before."""
        if self.before != UNMANAGED:
            self.desired[agent.id] = agent.written = self.before
            agent.applied = self.before if agent.hooks else None
        agent.last_seen = self.now if agent.awake and agent.last_seen is None else agent.last_seen

    def begin(self, policy: Policy = Policy(), **fields: object) -> None:  # noqa: B008  it is frozen
        """Start a rollout over all agents."""
        members = [self.member(agent) for agent in self.agents.values()]
        made = begin(id="r1", title="model: a → b", by="t-1", now=self.now, members=members, policy=policy, **fields)  # type: ignore[arg-type]
        self.rollout, self.waves, entries = made
        self.audit += entries

    def begin_irreversible(self, policy: Policy = Policy()) -> None:  # noqa: B008  it is frozen
        """Start one that cannot be undone, and approve it."""
        self.begin(policy, reversibility=Reversibility.IRREVERSIBLE, backup_by="t-2")
        self.command(Action.APPROVE)

    def member(self, agent: Agent) -> Member:
        """An agent as a member that is not told yet."""
        return Member(agent=agent.id, before=self.before, after=AFTER, tags=dict(agent.tags))

    def members(self) -> dict[str, Member]:
        """All members of the stored rollout."""
        return {member.agent: member for wave in self.waves for member in wave.members}

    def observed(self) -> Observed:
        """What a step sees now."""
        seen = next(seen for at, seen in reversed(self._snapshots) if at <= self.now - self.lag_ms or at == self._snapshots[0][0])
        verdict = self.gate(self.rollout, self.waves, self.now) if wants_verdict(self.rollout) else None
        joined = self.joins if wants_joined(self.rollout) else ()
        return Observed(seen, dict(self.desired), verdict, self.frozen, joined)

    def decide(self) -> Step:
        """What a step would do now."""
        return step(self.rollout, self.waves, self.observed(), self.now)

    def save(self, made: Step) -> bool:
        """Store it, unless somebody was faster."""
        if made.rollout.version != self.rollout.version + 1:
            return False
        before = (self.rollout, list(self.waves))
        # What is stored is bytes: nobody shares a member with the store.
        head = msgspec.json.decode(msgspec.json.encode(made.rollout), type=Rollout)
        stored = {wave.number: wave for wave in self.waves}
        stored |= {wave.number: msgspec.json.decode(msgspec.json.encode(wave), type=Wave) for wave in made.waves}
        self.rollout, self.waves = head, [stored[number] for number in sorted(stored)]
        self.rollout.notices = []
        self.audit += made.entries
        self.saved.append((*before, made))
        self.on_save(*before, made)
        return True

    def write(self, writes: Sequence[Write], after_ms: int = 0) -> None:
        """Make writes, or have them made later."""
        self._late += [(self.now + after_ms, write) for write in writes]
        self._make_writes()

    def step(self) -> Step:
        """One whole step."""
        made = self.decide()
        if made.rollout.version > self.rollout.version and self.save(made):
            self.write(made.writes)
        return made

    def command(self, action: Action, by: str = "t-3", detail: str = "") -> None:
        """Somebody asks for something; raises `Conflict`."""
        assert self.save(commanded(self.rollout, self.waves, action, by=by, now=self.now, detail=detail))

    def pass_time(self, ms: int) -> None:
        """Let the fleet live for a while, tick by tick."""
        end = self.now + ms
        while self.now < end:
            self.now = min(end, self.now // TICK_MS * TICK_MS + TICK_MS)
            self._make_writes()
            for agent in self.agents.values():
                agent.tick(self.desired.get(agent.id), self.now)
            if not self.deaf:
                self._snapshot()

    def run(self, seconds: float = 86_400) -> None:
        """Step as the state machine does, until it is over, or held, or so much time has passed."""
        end = self.now + int(seconds * 1000)
        while self.now < end and self.rollout.phase not in FINAL:
            made = self.step()
            if made.seconds is None:
                return
            self.pass_time(int(made.seconds * 1000) or 1)

    def _make_writes(self) -> None:
        due = [write for at, write in self._late if at <= self.now]
        self._late = [(at, write) for at, write in self._late if at > self.now]
        for write in due:
            if self.desired.get(write.agent) == write.seen:
                self.desired[write.agent] = write.wanted

    def _snapshot(self) -> None:
        seen = {agent.id: agent.seen() for agent in self.agents.values() if agent.there}
        self._snapshots = [*self._snapshots[-20:], (self.now, seen)]
