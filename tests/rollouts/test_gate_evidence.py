"""The gate at its edge: rollups and a snapshot in, a verdict with its sentence out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from functions.domain.errors import StoreUnavailable
from functions.domain.fleet import AgentState, Snapshot, encode_snapshot
from functions.domain.gate_policy import GatePolicy
from functions.domain.rollout import Finding, Member, MemberState, Outcome, Policy, Rollout, Verdict, Wave
from functions.domain.rollup import Rollup
from functions.domain.times import MINUTE_MS, MINUTES_PER_HOUR, SECOND_MS
from functions.gate_evidence import LAG_MINUTES, MOST_AGENTS, PAST_MINUTES, GateReader
from functions.ports import Resolution
from tests.fakes.fleet import MemoryFleet
from tests.fakes.rollups import MemoryRollups
from tests.seal.world import START, WS, World, a_failure, a_task, points

CHANGE = START // MINUTE_MS
"""The minute of the change."""
FAST = {"env": "prod", "tier": "fast"}
FAR = 2**42

type Series = Sequence[tuple[str, float] | tuple[str, float, dict[str, str]]]


def tasks(good: int, failed: int = 0, latency: float = 500.0, cost: float | None = 0.01) -> Series:
    """A minute's points: latencies differ by task, from 0.8 to 1.25 of what is given."""
    found: list[Any] = []
    for number in range(good):
        found += a_task(latency * (0.8 + 0.45 * (number * 7 % 10) / 9), cost)
    for _ in range(failed):
        found += a_failure()
    return found


def usual(minute: int, number: int) -> Series:
    """Two tasks a minute and agent, of which one in twenty fails."""
    return tasks(1, 1) if (minute * 7 + number) % 10 == 0 else tasks(2)


class Broken(MemoryRollups):
    """A store that does not answer."""

    def read_agent(self, workspace: str, agent: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        raise StoreUnavailable("rollups table: try again")


@dataclass
class Scene:
    """A fleet whose rollups and snapshot are written as seal would."""

    rollups: MemoryRollups = field(default_factory=MemoryRollups)
    fleet: MemoryFleet = field(default_factory=MemoryFleet)
    agents: dict[str, AgentState] = field(default_factory=dict)
    until: int = CHANGE
    """The first minute that is not sealed."""
    most: int = MOST_AGENTS

    def add(self, *agents: str, tags: Mapping[str, str] = FAST) -> None:
        for agent in agents:
            self.agents[agent] = AgentState(id=agent, name=agent, tags=dict(tags), last_seen=FAR)

    def put(self, agent: str, minute: int, series: Series, resolution: Resolution = Resolution.MINUTE) -> None:
        width = MINUTE_MS if resolution is Resolution.MINUTE else MINUTE_MS * MINUTES_PER_HOUR
        rollup: Rollup = points(*series, time=minute * width)
        self.rollups.put_agents(WS, resolution, minute, {agent: rollup}, FAR)

    def live(self, first: int, end: int, agents: Iterable[str] | None = None, work: Callable[[int, int], Series] = usual) -> None:
        """Agents work from one minute to another, and it is sealed."""
        for number, agent in enumerate(self.agents if agents is None else agents):
            for minute in range(first, end):
                self.put(agent, minute, work(minute, number))
        self.until = max(self.until, end)

    def snapshot(self, **changes: Any) -> None:
        now = (self.until + 1) * MINUTE_MS
        found = {"time": now, "due_until": self.until, "sealed_until": self.until, **changes}
        self.fleet.put_snapshot(WS, encode_snapshot(Snapshot(workspace=WS, agents=self.agents, **found)))

    def look(self, *waves: Iterable[Member], wave: int = 0, gate: GatePolicy | None = None, **snapshot: Any) -> Verdict:
        self.snapshot(**snapshot)
        return self.gate(list(waves), wave, gate or GatePolicy())

    def gate(self, waves: Sequence[Iterable[Member]], wave: int, gate: GatePolicy) -> Verdict:
        made = [Wave(number=number, members=list(members)) for number, members in enumerate(waves)]
        amount = sum(len(one.members) for one in made)
        rollout = Rollout(id="r1", title="t", created=0, by="me", policy=Policy(gate=gate), waves=len(made), members=amount, wave=wave)
        return GateReader(self.rollups, self.fleet, self.most).verdict(WS, rollout, made, (self.until + 1) * MINUTE_MS)


def told(*agents: str, at: int = START, state: MemberState = MemberState.APPLIED) -> list[Member]:
    return [Member(agent=agent, before="x", after="y", state=state, applied_at=at) for agent in agents]


def waiting(*agents: str) -> list[Member]:
    return [Member(agent=agent, before="x", after="y") for agent in agents]


def names(first: int, end: int) -> list[str]:
    return [f"a{number:02}" for number in range(first, end)]


def finding(verdict: Verdict, metric: str) -> Finding:
    return next(one for one in verdict.findings if one.metric == metric)


@cache
def hour() -> Scene:
    scene = Scene()
    scene.add(*names(0, 20))
    scene.live(CHANGE - PAST_MINUTES - 5, CHANGE + 1)
    return scene


@pytest.fixture
def scene() -> Scene:
    """Twenty agents of one kind, an hour before the change."""
    return deepcopy(hour())


WAVES = (told(*names(0, 5)), waiting(*names(5, 20)))


def failing(_minute: int, _number: int) -> Series:
    return tasks(0, 2)


def test_a_wave_like_its_past_and_its_control_passes_with_the_numbers_of_each_metric(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11)
    verdict = scene.look(*WAVES)
    assert (verdict.outcome, verdict.tasks, verdict.control_tasks, verdict.control_agents) == (Outcome.PASS, 100, 300, 15)
    assert verdict.reason.startswith("100 tasks finished since the change, nothing is surely worse: task.errors 5.0 % over 100 tasks; ")
    assert verdict.reason.endswith("control of 15 agents not yet changed")
    assert [one.outcome for one in verdict.findings] == [Outcome.PASS] * 4
    assert finding(verdict, "task.cost_usd").wave == pytest.approx(0.01)
    assert (verdict.wave, verdict.looked_at) == (0, (CHANGE + 12) * MINUTE_MS)


def test_a_wave_of_one_where_everything_fails_is_found_by_its_second_minute(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 3)
    scene.live(CHANGE + 1, CHANGE + 3, ["a00"], failing)
    verdict = scene.look(told("a00"), waiting(*names(1, 20)))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("task.errors 100 % over 4 tasks; expected by its own past 5.0 % (e-value ")
    assert ": worse than its own past and the control; control of 19 agents" in verdict.reason
    assert finding(verdict, "task.errors").evidence > 1000


def test_few_tasks_are_inconclusive(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 5, names(5, 20))
    scene.live(CHANGE + 1, CHANGE + 5, ["a00"], lambda minute, number: tasks(1))
    verdict = scene.look(*WAVES)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("4 tasks finished since the change, 20 are needed")


def test_nothing_done_and_nobody_changed_are_inconclusive(scene: Scene) -> None:
    assert scene.look(*WAVES).reason.startswith("no task finished since the change")
    verdict = scene.look(waiting(*names(0, 5)), waiting(*names(5, 20)))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "nothing to judge yet; none of 5 members has changed yet"


def test_what_hits_everybody_is_no_reason_to_fail(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11, work=lambda minute, number: tasks(1, 1))
    verdict = scene.look(*WAVES)
    assert verdict.outcome is Outcome.PASS
    assert "worse than its own past, but not than the control" in finding(verdict, "task.errors").reason


def test_agents_that_were_always_worse_are_no_reason_to_fail(scene: Scene) -> None:
    poor = lambda minute, number: tasks(1, 1) if minute % 2 else tasks(2)  # noqa: E731
    scene.live(CHANGE - PAST_MINUTES - 5, CHANGE + 11, names(0, 5), poor)
    scene.live(CHANGE + 1, CHANGE + 11, names(5, 20))
    verdict = scene.look(*WAVES)
    assert verdict.outcome is Outcome.PASS
    assert finding(verdict, "task.errors").wave == pytest.approx(0.25)


@pytest.mark.parametrize(("slow", "dear", "metric"), [(2.0, 1.0, "task.latency_ms"), (1.0, 2.0, "task.cost_usd")])
def test_slower_and_dearer_waves_fail_by_their_metric(scene: Scene, slow: float, dear: float, metric: str) -> None:
    scene.live(CHANGE + 1, CHANGE + 11)
    scene.live(CHANGE + 1, CHANGE + 11, names(0, 5), lambda minute, number: tasks(2, latency=500 * slow, cost=0.01 * dear))
    verdict = scene.look(*WAVES)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith(metric)
    assert [one.metric for one in verdict.findings if one.outcome is Outcome.FAIL] == [metric]


def test_a_few_tasks_that_become_very_dear_are_found(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11)
    dear = lambda minute, number: [*tasks(1), *tasks(1, cost=0.06 if minute % 3 == 0 else 0.01)]  # noqa: E731
    scene.live(CHANGE + 1, CHANGE + 11, names(0, 5), dear)
    verdict = scene.look(*WAVES)
    assert [one.metric for one in verdict.findings if one.outcome is Outcome.FAIL] == ["task.cost_usd"]


def test_a_little_worse_is_no_reason_to_fail_however_sure(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 31)
    scene.live(CHANGE + 1, CHANGE + 31, names(0, 5), lambda minute, number: tasks(2, cost=0.012))
    cost = finding(scene.look(*WAVES), "task.cost_usd")
    assert cost.outcome is Outcome.PASS
    assert cost.evidence > 1000
    assert cost.reason.endswith("worse, but less than 1.5 times")


def test_only_the_metrics_of_the_policy_are_looked_at(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11)
    scene.live(CHANGE + 1, CHANGE + 11, names(0, 5), lambda minute, number: tasks(2, latency=2000))
    assert scene.look(*WAVES).outcome is Outcome.FAIL
    verdict = scene.look(*WAVES, gate=GatePolicy(metrics=("task.errors", "task.cost_usd")))
    assert verdict.outcome is Outcome.PASS
    assert [one.metric for one in verdict.findings] == ["task.errors", "task.cost_usd"]


def test_the_minute_of_the_change_and_members_that_left_do_not_count(scene: Scene) -> None:
    scene.live(CHANGE - 2, CHANGE + 1, names(0, 5), failing)
    scene.live(CHANGE + 1, CHANGE + 11)
    scene.live(CHANGE + 1, CHANGE + 11, ["a03", "a04"], failing)
    gone = [*told("a03", state=MemberState.OVERRIDDEN), *told("a04", state=MemberState.ASLEEP)]
    verdict = scene.look([*told("a00", "a01", "a02"), *gone], waiting(*names(5, 20)))
    assert (verdict.outcome, verdict.tasks) == (Outcome.PASS, 60)


def test_each_member_counts_from_its_own_change(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11)
    later = told("a01", at=START + 6 * MINUTE_MS)
    assert scene.look([*told("a00"), *later], waiting(*names(5, 20))).tasks == 20 + 8


def test_the_control_has_the_same_tags_and_is_awake(scene: Scene) -> None:
    scene.add("slow1", "slow2", tags={"env": "prod", "tier": "smart"})
    scene.live(CHANGE + 1, CHANGE + 11, work=lambda minute, number: tasks(1, 1))
    scene.live(CHANGE + 1, CHANGE + 11, ["slow1", "slow2", "a19"])
    scene.agents["a19"].last_seen = START
    scene.agents["a18"].retired = True
    verdict = scene.look(told(*names(0, 5)), waiting(*names(5, 20), "slow1", "slow2"))
    assert (verdict.outcome, verdict.control_agents) == (Outcome.PASS, 13)


def test_with_few_members_left_others_with_the_same_tags_join_the_control(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11)
    verdict = scene.look(told("a00"), waiting("a01"))
    assert verdict.control_agents == 19
    assert verdict.reason.endswith("control of 19 agents not yet changed, or with the same tags and no part of it")


def test_new_agents_are_judged_by_the_control_alone(scene: Scene) -> None:
    scene.add("new1", "new2")
    scene.live(CHANGE + 1, CHANGE + 11, names(0, 20))
    scene.live(CHANGE + 1, CHANGE + 11, ["new1", "new2"], lambda minute, number: tasks(1, 1))
    verdict = scene.look(told("new1", "new2"), waiting(*names(0, 20)))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("task.errors 50 % over 40 tasks; expected by the control 5.")
    assert ": worse than the control;" in verdict.reason
    assert finding(verdict, "task.errors").past is None


def test_a_control_that_has_not_told_anything_yet_holds_a_fail_back(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11, names(0, 5), failing)
    verdict = scene.look(*WAVES)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "worse than its own past, but the control has no task at the same time to compare with" in verdict.reason
    scene.live(CHANGE + 1, CHANGE + 11, names(5, 20))
    assert scene.look(*WAVES).outcome is Outcome.FAIL


def test_without_any_reference_nothing_is_said() -> None:
    scene = Scene()
    scene.add("new1")
    scene.live(CHANGE + 1, CHANGE + 21, work=lambda minute, number: tasks(1, 1))
    verdict = scene.look(told("new1"))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("40 tasks finished since the change, but there is nothing to compare them with")


def test_without_a_control_the_past_alone_decides_and_the_reason_says_so(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11, work=lambda minute, number: tasks(1, 1))
    verdict = scene.look(told(*names(0, 20)))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.endswith("worse than its own past; no control is left: judged by its own past alone")


EARLIER = told(*names(0, 8), at=START - 40 * MINUTE_MS)
LAST = told(*names(8, 20))


def test_in_the_last_wave_an_incident_that_earlier_waves_have_too_is_for_people_to_decide(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11, work=lambda minute, number: tasks(1, 1))
    verdict = scene.look(EARLIER, LAST, wave=1)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "worse than its own past, but so are those that changed earlier" in verdict.reason
    assert verdict.reason.endswith("control of 8 agents that changed in earlier waves, for nobody is left who has not")


def test_in_the_last_wave_what_began_with_its_change_fails(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11, names(0, 8))
    scene.live(CHANGE + 1, CHANGE + 11, names(8, 20), lambda minute, number: tasks(1, 1))
    assert scene.look(EARLIER, LAST, wave=1).outcome is Outcome.FAIL


def test_in_the_last_wave_what_earlier_waves_have_since_their_own_change_fails(scene: Scene) -> None:
    worse = lambda minute, number: tasks(1, 1)  # noqa: E731
    scene.live(CHANGE - 39, CHANGE + 11, names(0, 8), worse)
    scene.live(CHANGE + 1, CHANGE + 11, names(8, 20), worse)
    assert scene.look(EARLIER, LAST, wave=1).outcome is Outcome.FAIL


def test_in_the_last_wave_new_agents_are_for_people_to_decide(scene: Scene) -> None:
    scene.add("new1", "new2")
    scene.live(CHANGE + 1, CHANGE + 21, names(0, 20))
    scene.live(CHANGE + 1, CHANGE + 21, ["new1", "new2"], lambda minute, number: tasks(1, 1))
    verdict = scene.look(told(*names(0, 20), at=START - 40 * MINUTE_MS), told("new1", "new2"), wave=1)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "worse than those that changed earlier, which is not enough without a past of its own" in verdict.reason


def test_a_thin_past_is_filled_up_with_hours(scene: Scene) -> None:
    alone = Scene()
    alone.add("a00")
    hour = CHANGE // MINUTES_PER_HOUR
    for back in range(3, 13):
        alone.put("a00", hour - back, tasks(57, 3), Resolution.HOUR)
    alone.live(CHANGE + 1, CHANGE + 11, work=lambda minute, number: tasks(1, 1))
    verdict = alone.look(told("a00"))
    assert verdict.outcome is Outcome.FAIL
    assert finding(verdict, "task.errors").past == pytest.approx(0.05)


class TestUnreadable:
    def unreadable(self, verdict: Verdict, reason: str) -> None:
        assert verdict.outcome is Outcome.UNREADABLE
        assert verdict.reason == f"metrics cannot be read: {reason}"

    def test_a_store_that_does_not_answer(self, scene: Scene) -> None:
        scene.rollups = Broken()
        self.unreadable(scene.look(*WAVES), "rollups table: try again")

    def test_no_snapshot(self, scene: Scene) -> None:
        self.unreadable(scene.gate(WAVES, 0, GatePolicy()), "there is no snapshot of the fleet yet")

    def test_a_damaged_snapshot(self, scene: Scene) -> None:
        scene.fleet.put_snapshot(WS, b"\x01rubbish")
        assert scene.gate(WAVES, 0, GatePolicy()).outcome is Outcome.UNREADABLE

    def test_a_seal_that_does_not_run(self, scene: Scene) -> None:
        verdict = scene.look(*WAVES, time=(scene.until + 1 - LAG_MINUTES) * MINUTE_MS - SECOND_MS)
        self.unreadable(verdict, "nothing was sealed for 181 s")

    def test_a_seal_that_never_ran(self, scene: Scene) -> None:
        self.unreadable(scene.look(*WAVES, due_until=None, sealed_until=None), "no minute is sealed yet")

    def test_minutes_that_wait_to_be_sealed_are_no_minutes_without_tasks(self, scene: Scene) -> None:
        scene.live(CHANGE + 1, CHANGE + 11, names(5, 20))
        self.unreadable(scene.look(*WAVES, unsealed=[(CHANGE + 2, CHANGE + 6)]), "4 minutes since the change are not sealed yet")

    def test_of_the_past_they_are_left_out(self, scene: Scene) -> None:
        scene.live(CHANGE + 1, CHANGE + 11)
        scene.live(CHANGE - 30, CHANGE - 20, work=failing)
        verdict = scene.look(*WAVES, unsealed=[(CHANGE - 30, CHANGE - 20)])
        assert verdict.outcome is Outcome.PASS
        assert finding(verdict, "task.errors").past == pytest.approx(0.05, abs=0.005)

    def test_a_damaged_rollup_of_a_changed_agent(self, scene: Scene) -> None:
        scene.live(CHANGE + 1, CHANGE + 11)
        scene.rollups.agents[WS, "a01", Resolution.MINUTE][CHANGE + 4] = (b"rubbish", FAR)
        verdict = scene.look(*WAVES)
        assert verdict.outcome is Outcome.UNREADABLE
        assert verdict.reason.startswith(f"metrics cannot be read: the rollup m{CHANGE + 4} of agent a01 is damaged: not an encoded rollup")

    def test_anybody_elses_is_left_out(self, scene: Scene) -> None:
        scene.live(CHANGE + 1, CHANGE + 11)
        scene.rollups.agents[WS, "a06", Resolution.MINUTE][CHANGE + 4] = (b"rubbish", FAR)
        verdict = scene.look(*WAVES)
        assert (verdict.outcome, verdict.control_tasks) == (Outcome.PASS, 298)


def test_of_many_agents_a_fixed_sample_is_read(scene: Scene) -> None:
    scene.live(CHANGE + 1, CHANGE + 11)
    scene.most = 4
    verdict = scene.look(*WAVES)
    assert (verdict.tasks, verdict.control_agents) == (80, 4)
    assert verdict.reason.endswith("4 of 5 changed agents were looked at; control of 4 agents (of 15) not yet changed")
    assert scene.look(*WAVES) == verdict


def test_tasks_are_counted_as_everywhere_else_when_seal_itself_wrote_them() -> None:
    world = World()
    for minute in range(35):
        world.now = START + minute * MINUTE_MS + 30 * SECOND_MS
        for agent in names(0, 4):
            # Only measured; only told as an event; with both, and failed.
            series: list[Any] = [("task.latency_ms", 500.0, FAST), ("task.completed", 1.0, {**FAST, "tier": "smart"})]
            world.post(agent, *series, *(a_failure(**FAST) if agent == "a00" and minute > 20 else []), tags=FAST)
        world.tick()
    world.now += 2 * MINUTE_MS
    for agent in names(0, 4):
        world.post(agent, tags=FAST)
    world.tick()
    members = [told("a00", at=START + 20 * MINUTE_MS), waiting(*names(1, 4))]
    waves = [Wave(number=number, members=list(one)) for number, one in enumerate(members)]
    rollout = Rollout(id="r1", title="t", created=0, by="me", policy=Policy(), waves=2, members=4)
    verdict = GateReader(world.rollups, world.fleet).verdict(WS, rollout, waves, world.now)
    assert finding(verdict, "task.errors").wave == pytest.approx(0.5)
    assert (verdict.tasks, verdict.control_tasks, verdict.outcome) == (28, 42, Outcome.FAIL)
