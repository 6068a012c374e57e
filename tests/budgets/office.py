"""A workspace in memory in which budgets are counted and acted on, and rollouts run when a test lets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from functions.budgets.service import BudgetService, RunReport
from functions.domain import budget_acts
from functions.domain.budget_acts import Act, Acts
from functions.domain.budget_rollouts import POLICY
from functions.domain.budget_state import BudgetState
from functions.domain.desired import Desired, canonical, desired, hash_of
from functions.domain.fleet import AgentState, Snapshot, encode_snapshot
from functions.domain.minutes import merge_rollups
from functions.domain.rollout import FINAL, Member, Phase, Rollout
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from functions.evidence import EvidenceReader
from functions.ports import FleetStore, Resolution, RolloutStore
from functions.rollout_launch import Launch, Parts, launch
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.desired import MemoryDesired
from tests.fakes.executions import MemoryExecutions
from tests.fakes.fleet import MemoryFleet
from tests.fakes.rollouts import MemoryRollouts
from tests.fakes.rollups import MemoryRollups

WS = "acme"
DAY = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000)
PAUSE = {"tier=smart": {"tokens_per_day": 1000, "act": {"at": 1.2, "do": "pause"}}}
TIERS = {"a-1": "smart", "a-2": "smart", "b-1": "fast"}


@dataclass
class Office:
    """Agents a-1, a-2 (tier smart) and b-1 (tier fast) at noon; a-1 has a configuration, the others have none."""

    now: int = DAY + 12 * HOUR_MS + 30_000
    fleet: MemoryFleet = field(default_factory=MemoryFleet)
    rollups: MemoryRollups = field(default_factory=MemoryRollups)
    desired: MemoryDesired = field(default_factory=MemoryDesired)
    rollouts: MemoryRollouts = field(default_factory=MemoryRollouts)
    executions: MemoryExecutions = field(default_factory=MemoryExecutions)
    agents: dict[str, dict[str, str]] = field(default_factory=lambda: {id: {"tier": tier} for id, tier in TIERS.items()})
    made: int = 0

    def __post_init__(self) -> None:
        self.set("a-1", {"model": {"primary": "opus", "fallbacks": ["sonnet"]}})
        self.service = self.another()

    def another(self, fleet: FleetStore | None = None, rollouts: RolloutStore | None = None) -> BudgetService:
        """A process of its own."""
        evidence = EvidenceReader(self.fleet, self.rollups, MemoryAlerts())
        parts = Parts(rollouts=rollouts or self.rollouts, desired=self.desired, executions=self.executions)
        return BudgetService(fleet or self.fleet, evidence, parts, self._random)

    def _random(self, size: int) -> bytes:
        self.made += 1
        return sha256(str(self.made).encode()).digest()[:size]

    def budgets(self, document: Mapping[str, Any]) -> None:
        self.fleet.put_settings(WS, "budgets", document)

    def set(self, agent: str, document: Mapping[str, Any]) -> None:
        """As an operator does."""
        self.desired.put(WS, agent, desired(document, time=self.now, by="operator"), self.desired.hash_of(WS, agent))

    def wants(self, agent: str) -> Any:
        found = self.desired.get(WS, agent)
        return json.loads(found.text) if found else None

    def use(self, amount: float, name: str = "task.tokens_in", tags: TagPairs = (("tier", "smart"),)) -> None:
        """So much is used in the last whole minute."""
        minute = self.now // MINUTE_MS - 1
        stored = self.rollups.read_group(WS, Resolution.MINUTE, minute, minute + 1)
        assert not stored, "a minute is written once here"
        self.rollups.put_group(WS, Resolution.MINUTE, minute, point(name, tags, amount, minute), 1)

    def snapshot(self, **more: Any) -> None:
        settled = self.now // MINUTE_MS - 1
        states = {id: AgentState(id=id, name=id, tags=tags, first_seen=1, last_seen=self.now) for id, tags in self.agents.items()}
        sealed = {"rates_minute": settled, "sealed_until": settled + 1, "due_until": settled + 1}
        found = Snapshot(workspace=WS, time=self.now, agents=states, **sealed, **more)
        self.fleet.put_snapshot(WS, encode_snapshot(found))

    def run(self, service: BudgetService | None = None, minutes: int = 1) -> RunReport:
        """Time passes, and a run comes."""
        self.now += minutes * MINUTE_MS
        self.snapshot()
        return (service or self.service).run(WS, self.now)

    def tomorrow(self) -> None:
        """The next day begins; the hours of this one are built."""
        hours: dict[int, list[bytes]] = {}
        for minute, (data, _) in self.rollups.groups.get((WS, Resolution.MINUTE), {}).items():
            hours.setdefault(minute // 60, []).append(data)
        for hour, minutes in hours.items():
            self.rollups.put_group(WS, Resolution.HOUR, hour, merge_rollups(minutes), 1)
        self.now = self.now // DAY_MS * DAY_MS + DAY_MS + 90_000

    def state(self, report: RunReport, budget: str = "tokens_per_day") -> BudgetState:
        (found,) = (state for state in report.states if state.budget == budget)
        return found

    def acts(self) -> dict[str, Act]:
        return msgspec.convert(self.fleet.settings(WS, budget_acts.DOCUMENT) or {}, Acts).acts

    def started(self) -> list[Rollout]:
        """All rollouts, oldest first."""
        return self.rollouts.heads(WS, 1000)[::-1]

    def titles(self) -> list[str]:
        return [rollout.title for rollout in self.started()]

    def settle(self) -> None:
        """Let every rollout that is under way come to its end, as the agents do what they are told."""
        for id in sorted(self.rollouts.registry(WS).rollouts):
            found = self.rollouts.read(WS, id)
            assert found
            rollout, waves = found
            back = rollout.phase is Phase.REVERTING
            for wave in waves:
                for member in wave.members:
                    self._tell(member, back=back)
            over = replace(rollout, phase=Phase.REVERTED if back else Phase.SUCCEEDED, notices=[], version=rollout.version + 1)
            assert self.rollouts.save(WS, over, waves, [])

    def _tell(self, member: Member, *, back: bool) -> None:
        seen, wanted = (member.after, member.before) if back else (member.before, member.after)
        there = self.desired.hash_of(WS, member.agent)
        if (there or hash_of("{}")) != seen:
            return
        text = self.rollouts.documents(WS, [wanted])[wanted]
        self.desired.put(WS, member.agent, Desired(text=text, hash=wanted, time=self.now, by="rollout"), there)

    def roll(self, *agents: str, document: Mapping[str, Any], id: str = "r000000000000") -> None:
        """Somebody else's rollout, which is under way."""
        wanted = Launch(title="other", by="op", targets=dict.fromkeys(agents, canonical(document)), tags=self.agents, policy=POLICY)
        assert launch(Parts(rollouts=self.rollouts, desired=self.desired, executions=self.executions), WS, wanted, id=id, now=self.now)

    def over(self) -> bool:
        return all(rollout.phase in FINAL for rollout in self.started())


def point(name: str, tags: TagPairs, amount: float, minute: int) -> Rollup:
    aggregate = Aggregate()
    aggregate.add(amount, minute * MINUTE_MS)
    return {SeriesKey(name, tags): aggregate}


type Hook = Callable[[str], None]


class Hooked:
    """A store whose writes call a hook before and after."""

    def __init__(self, inner: Any, hook: Hook, *writes: str) -> None:
        self._inner, self._hook, self._writes = inner, hook, writes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._writes:
            return found

        def hooked(*arguments: Any, **named: Any) -> Any:
            self._hook(f"before {name}")
            done = found(*arguments, **named)
            self._hook(f"after {name}")
            return done

        return hooked
