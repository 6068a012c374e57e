"""Rollouts on a simulated fleet, one promise a test. What chance finds is in test_rollout_simulation.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from functions.domain.rollout import (
    UNMANAGED,
    Action,
    Hold,
    HoldCause,
    MemberState,
    Outcome,
    Phase,
    Policy,
    Rollout,
    Verdict,
    Wave,
)
from functions.domain.rollout_draft import MAX_WRITES
from functions.domain.rollout_step import MAX_JOINED, SETTLE_MS, step
from tests.rollouts.simulation import AFTER, BAD, BEFORE, GOOD, OTHER, Agent, World

ONE = Policy(order=(), waves=("100%",))
TWO = Policy(order=(), waves=("2", "100%"))
FEW = Verdict(outcome=Outcome.INCONCLUSIVE, reason="7 tasks, 20 are needed")
BLIND = Verdict(outcome=Outcome.UNREADABLE, reason="minute 12 is not sealed")


def fleet(amount: int, **fields: object) -> list[Agent]:
    return [Agent(f"a-{number:02}", {"env": "prod"}, **fields) for number in range(amount)]  # type: ignore[arg-type]


def says(*verdicts: Verdict) -> Callable[[Rollout, list[Wave], int], Verdict]:
    """A gate that says these one after the other, and then the last for ever."""
    left = list(verdicts)
    return lambda rollout, waves, now: left.pop(0) if len(left) > 1 else left[0]


def states(world: World) -> list[MemberState]:
    return [member.state for _, member in sorted(world.members().items())]


def log(world: World) -> list[str]:
    return [entry.action for entry in world.audit]


def runs(world: World) -> list[str | None]:
    return [agent.runs for agent in world.agents.values()]


def seconds(world: World) -> float:
    return (world.now - world.rollout.created) / 1000


def begun(agents: Iterable[Agent], policy: Policy = ONE, **fields: object) -> World:
    world = World(agents, **fields)  # type: ignore[arg-type]
    world.begin(policy)
    return world


def test_a_good_rollout_brings_everybody_to_the_new_configuration() -> None:
    world = begun(fleet(40), Policy(bake_s=60))
    world.run()
    assert world.rollout.phase is Phase.SUCCEEDED
    assert set(runs(world)) == {AFTER}
    assert world.rollout.reason == "40 applied"
    assert log(world) == ["created", *["wave", "verdict"] * 4, "finished"]
    assert [verdict.wave for verdict in world.rollout.verdicts] == [0, 1, 2, 3]
    assert world.saved[-1][2].rollout.notices[-1].event == "succeeded"


def test_a_fail_at_any_look_turns_it_around_at_once_and_all_are_back() -> None:
    world = begun(fleet(40), Policy(order=()))
    world.gate = lambda rollout, waves, now: BAD if rollout.wave == 1 and now - (rollout.baking_since or now) >= 90_000 else GOOD
    world.run()
    assert (world.rollout.phase, world.rollout.wave) == (Phase.REVERTED, 1)
    assert set(runs(world)) == {BEFORE}
    assert set(world.desired.values()) == {BEFORE}
    assert world.rollout.counts == {"reverted": 5, "waiting": 35}
    assert log(world)[-3:] == ["verdict", "reverting", "finished"]
    assert "errors 30 %, control 5 %" in world.rollout.reason
    turned = next(entry.at for entry in world.audit if entry.action == "reverting")
    assert turned - world.audit[3].at < 200_000, "long before the bake's end"


def test_a_pass_before_the_bake_is_over_waits_for_its_end() -> None:
    world = begun(fleet(2), ONE)
    world.run()
    assert seconds(world) >= ONE.bake_s


def test_inconclusive_extends_then_asks_a_human_who_may_have_it_bake_again() -> None:
    world = begun(fleet(2), Policy(order=(), waves=("100%",), bake_s=60, extend_s=30, max_extensions=2))
    world.gate = says(FEW)
    world.run()
    assert (world.rollout.phase, world.rollout.hold and world.rollout.hold.cause) == (Phase.HELD, HoldCause.INCONCLUSIVE)
    assert world.rollout.reason == "wave 1 of 1: 7 tasks, 20 are needed, also after 2 extensions"
    assert 60 + 2 * 30 <= seconds(world) < 60 + 2 * 30 + 60
    assert set(runs(world)) == {AFTER}
    world.gate = says(FEW, FEW, GOOD)
    world.command(Action.RESUME)
    world.run()
    assert world.rollout.phase is Phase.SUCCEEDED


def test_a_held_rollout_still_turns_around_when_somebody_looks_and_it_has_failed() -> None:
    world = begun(fleet(2), Policy(order=(), waves=("100%",), bake_s=5, max_extensions=0))
    world.gate = says(FEW)
    world.run()
    world.gate = says(BAD)
    world.run()
    assert world.rollout.phase is Phase.REVERTED


def test_unreadable_waits_then_is_held_and_goes_on_by_itself() -> None:
    world = begun(fleet(2), Policy(order=(), waves=("100%",), bake_s=60, unreadable_s=300))
    world.gate = says(BLIND)
    world.run(250)
    assert world.rollout.phase is Phase.BAKING
    world.run(600)
    assert (world.rollout.phase, world.rollout.hold and world.rollout.hold.cause) == (Phase.HELD, HoldCause.UNREADABLE)
    assert "minute 12 is not sealed; unreadable for 5 min after the bake" in world.rollout.reason
    world.gate = says(GOOD)
    world.run()
    assert world.rollout.phase is Phase.SUCCEEDED
    assert [notice.event for _, _, made in world.saved for notice in made.rollout.notices if notice.event == "held"]


def test_unreadable_for_a_moment_is_nothing() -> None:
    world = begun(fleet(2), Policy(order=(), waves=("100%",), bake_s=60))
    world.gate = says(GOOD, BLIND, GOOD, BLIND, GOOD)
    world.run()
    assert world.rollout.phase is Phase.SUCCEEDED
    assert "held" not in log(world)


def test_a_member_that_refuses_fails_its_wave_with_its_reason() -> None:
    agents = fleet(4)
    agents[1].refuses = {AFTER}
    world = begun(agents, TWO)
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    assert "wave 1 of 2: 1 agent of 2 failed: a-01: hook 10-openclaw: does not take after" in world.rollout.reason
    assert set(runs(world)) == {BEFORE}
    assert "held" not in log(world), "what failed on the way there is not held against the way back"


def test_some_failures_may_be_borne_but_not_a_wave_that_nobody_took() -> None:
    agents = fleet(6)
    agents[0].refuses = agents[1].refuses = {AFTER}
    world = begun(agents, Policy(order=(), waves=("3", "100%"), max_failed=2, bake_s=5))
    world.run()
    assert (world.rollout.phase, world.rollout.reason) == (Phase.SUCCEEDED, "4 applied, 2 failed")
    world = begun(agents, Policy(order=(), waves=("2", "100%"), max_failed=2, bake_s=5))
    world.run()
    assert world.rollout.phase is Phase.REVERTED


def test_a_member_that_does_not_report_in_time_has_failed() -> None:
    agents = fleet(2)
    agents[0].apply_ms = 10**9
    world = begun(agents, Policy(order=(), waves=("100%",), apply_s=60))
    world.run(120)
    assert "a-00: did not report it within 1 min" in world.audit[-1].text
    assert world.audit[-1].action == "reverting"


def test_a_member_that_goes_silent_after_it_was_told_has_failed_too() -> None:
    world = begun(fleet(3), Policy(order=(), waves=("100%",), apply_s=60))
    world.step()
    world.agents["a-00"].awake = False
    world.run(120)
    assert "a-00: has not been heard of since it was told" in world.audit[-1].text


def test_agents_without_hooks_count_as_applied_when_they_have_written() -> None:
    world = begun(fleet(3, hooks=False), ONE)
    world.run()
    assert world.rollout.counts == {"applied": 3}


def test_sleepers_are_told_and_not_waited_for_and_catch_up() -> None:
    agents = fleet(4)
    for agent in agents[:3]:
        agent.awake, agent.last_seen = False, 1
    world = begun(agents, Policy(order=(), waves=("2", "100%"), bake_s=60))
    world.run()
    assert world.rollout.phase is Phase.SUCCEEDED
    assert world.rollout.counts == {"applied": 1, "asleep": 3}
    assert "no gate, for nobody is there to look at: 2 asleep" in world.audit[2].text
    for agent in agents:
        agent.awake = True
    world.pass_time(60_000)
    assert set(runs(world)) == {AFTER}


def test_a_sleeper_that_wakes_up_on_the_way_is_followed() -> None:
    agents = fleet(4)
    agents[0].awake, agents[0].last_seen = False, 1
    world = begun(agents, Policy(order=(), waves=("2", "100%"), bake_s=300))
    world.run(400)
    agents[0].awake = True
    world.run()
    assert world.rollout.counts == {"applied": 4}


def test_sleepers_go_back_too_whenever_they_wake() -> None:
    agents = fleet(4)
    world = begun(agents, TWO)
    world.run(60)
    assert agents[0].runs == AFTER
    agents[0].awake = False
    world.gate = says(GOOD, GOOD, GOOD, GOOD, BAD)
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    assert world.rollout.counts == {"asleep": 1, "reverted": 1, "waiting": 2}
    assert world.members()["a-00"].detail == "will go back when it wakes"
    agents[0].awake = True
    world.pass_time(60_000)
    assert agents[0].runs == BEFORE


def test_who_was_unmanaged_goes_back_to_that() -> None:
    world = begun(fleet(2), ONE, before=UNMANAGED)
    world.gate = says(GOOD, BAD)
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    assert world.desired == {"a-00": UNMANAGED, "a-01": UNMANAGED}
    assert set(runs(world)) == {UNMANAGED}


def test_a_member_that_refuses_to_go_back_is_asked_anew_once() -> None:
    agents = fleet(2)
    world = begun(agents, ONE)
    world.gate = says(BAD)
    world.run(20)
    agents[0].refuses = {BEFORE}
    while world.members()["a-00"].tries == 0:
        world.run(5)
    agents[0].refuses = set()
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    assert "held" not in log(world)
    assert set(runs(world)) == {BEFORE}


def test_one_that_goes_on_refusing_is_held_with_its_reason_until_people_see_to_it() -> None:
    agents = fleet(3)
    agents[0].refuses = {BEFORE}
    world = begun(agents, ONE)
    world.gate = says(BAD)
    world.run(600)
    assert (world.rollout.phase, world.rollout.hold and world.rollout.hold.cause) == (Phase.HELD, HoldCause.REVERT)
    assert world.rollout.reason == "1 agent did not go back: a-00: hook 10-openclaw: does not take before"
    assert states(world) == [MemberState.FAILED, MemberState.REVERTED, MemberState.REVERTED]
    agents[0].refuses = set()
    world.command(Action.RETRY)
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    assert set(runs(world)) == {BEFORE}


def test_one_that_goes_on_refusing_can_be_left_so() -> None:
    agents = fleet(2)
    agents[0].refuses = {BEFORE}
    world = begun(agents, ONE)
    world.gate = says(BAD)
    world.run(600)
    world.command(Action.SKIP, detail="replaced tomorrow")
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    assert "left so by t-3: replaced tomorrow; 1 failed, 1 back" in world.rollout.reason


def test_only_so_many_are_unavailable_at_a_time() -> None:
    world = begun(fleet(10, apply_ms=10_000), Policy(order=(), waves=("100%",), max_unavailable="30%", bake_s=5))
    open_at_once = []
    world.on_save = lambda *_: open_at_once.append(states(world).count(MemberState.SENT))
    world.run()
    assert max(open_at_once) == 3
    assert world.rollout.phase is Phase.SUCCEEDED


def test_approvals_hold_what_they_are_asked_for() -> None:
    agents = [Agent(f"a-{number}", {"env": env}) for number, env in enumerate(["staging"] * 3 + ["prod"] * 3)]
    world = begun(agents, Policy(waves=("1", "100%"), bake_s=5, approve=("start", "stage:prod", "wave:3")))
    waited = []
    while True:
        world.run()
        if world.rollout.phase is not Phase.WAITING:
            break
        assert world.rollout.hold
        waited.append(world.rollout.hold.reason)
        assert world.saved[-1][2].rollout.notices[-1].event == "approval"
        assert world.step().rollout.notices == [], "told once"
        world.command(Action.APPROVE, by="t-9")
    assert waited == [
        "wave 1 of 4 (staging), 1 agent, needs an approval",
        "wave 3 of 4 (prod), 1 agent, needs an approval",
        "wave 4 of 4 (prod), 2 agents, needs an approval",
    ]
    assert [(approval.by, approval.wave) for approval in world.rollout.approvals] == [("t-9", 0), ("t-9", 2), ("t-9", 3)]
    assert world.rollout.phase is Phase.SUCCEEDED


def test_a_freeze_holds_the_next_wave_but_never_the_way_back() -> None:
    world = begun(fleet(4), TWO)
    world.run(300)
    world.frozen = Hold(cause=HoldCause.FREEZE, reason="Black Friday", until=world.now + 7_200_000)
    world.run(3_600)
    assert (world.rollout.phase, world.rollout.wave, world.rollout.reason) == (Phase.WAITING, 1, "Black Friday")
    assert states(world).count(MemberState.WAITING) == 2
    world.command(Action.ABORT)
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    assert set(runs(world)) == {BEFORE}


def test_it_begins_when_it_may() -> None:
    world = World(fleet(2))
    world.begin(Policy(order=(), bake_s=5, not_before=world.now + 1_000_000))
    assert world.step().seconds == 300
    world.run(990)
    assert world.rollout.phase is Phase.WAITING
    world.run()
    assert (world.rollout.phase, world.members()["a-00"].told_at) == (Phase.SUCCEEDED, 1_000_000 + world.rollout.created)


def test_what_cannot_be_undone_is_approved_bakes_longer_and_is_held_instead_of_reverted() -> None:
    world = World(fleet(2))
    world.begin_irreversible(Policy(order=(), waves=("100%",), bake_s=60, irreversible_bake=2))
    world.run(110)
    assert world.rollout.phase is Phase.BAKING
    world.gate = says(BAD)
    world.run()
    assert (world.rollout.phase, world.rollout.hold and world.rollout.hold.cause) == (Phase.HELD, HoldCause.IRREVERSIBLE)
    assert set(runs(world)) == {AFTER}
    world.command(Action.ABORT)
    world.run()
    assert (world.rollout.phase, set(runs(world))) == (Phase.REVERTED, {BEFORE})


def test_what_somebody_set_otherwise_is_left_alone() -> None:
    world = begun(fleet(4), TWO)
    world.run(30)
    world.desired["a-00"] = world.desired["a-03"] = OTHER
    world.run(60)
    world.gate = says(BAD)
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    assert states(world)[0] is MemberState.OVERRIDDEN
    assert (world.desired["a-00"], world.desired["a-03"]) == (OTHER, OTHER)


def test_agents_that_leave_are_no_reason_to_wait_and_come_back_to_the_right_one() -> None:
    world = begun(fleet(4), Policy(order=(), waves=("2", "100%"), bake_s=300))
    world.run(60)
    world.agents["a-00"].there = False
    world.run(60)
    assert states(world)[0] is MemberState.GONE
    world.gate = says(BAD)
    world.run()
    assert world.rollout.phase is Phase.REVERTED
    world.agents["a-00"].there = True
    world.pass_time(60_000)
    assert set(runs(world)) == {BEFORE}


def test_agents_that_join_come_along_at_the_end_in_two_waves_at_most() -> None:
    world = begun(fleet(2), ONE)
    for number in range(3):
        new = Agent(f"j-{number}", refuses={AFTER} if number == 0 else set())
        world.agents[new.id] = new
        world.settle(new)
    late = world.agents.pop("j-2")
    world.joins = [world.member(world.agents[agent]) for agent in ("a-00", "j-0", "j-1")]
    while world.rollout.joined == 0:
        world.run(5)
    world.agents["j-2"] = late
    world.joins.append(world.member(late))
    world.run()
    assert (world.rollout.phase, world.rollout.joined, world.rollout.waves, world.rollout.members) == (Phase.SUCCEEDED, MAX_JOINED, 3, 5)
    assert world.rollout.reason == "4 applied, 1 failed", "one newcomer that refuses turns nobody else around"


def test_nothing_is_judged_while_nobody_is_heard_and_clocks_begin_anew_afterwards() -> None:
    world = begun(fleet(4), Policy(order=(), waves=("100%",), apply_s=60, asleep_s=60, unreadable_s=600, bake_s=60))
    world.step()
    world.deaf = True
    world.run(500)
    assert (world.rollout.phase, states(world)) == (Phase.APPLYING, [MemberState.SENT] * 4)
    world.run(500)
    assert (world.rollout.phase, world.rollout.hold and world.rollout.hold.cause) == (Phase.HELD, HoldCause.UNREADABLE)
    world.deaf = False
    world.run()
    assert world.rollout.phase is Phase.SUCCEEDED


def test_an_hour_without_steps_fails_nobody() -> None:
    agents = fleet(2)
    agents[1].apply_ms = 3_700_000
    world = begun(agents, ONE)
    world.step()
    world.pass_time(3_600_000)
    world.run(120)
    assert world.rollout.phase is Phase.BAKING


def test_no_wave_begins_while_nobody_is_heard() -> None:
    agents = fleet(3)
    for agent in agents:
        agent.awake, agent.last_seen = False, 1
    world = begun(agents, ONE)
    world.run(2_000)
    assert world.rollout.phase is Phase.HELD
    assert set(world.desired.values()) == {BEFORE}
    world.command(Action.PROMOTE)
    world.run()
    assert (world.rollout.phase, world.rollout.counts) == (Phase.SUCCEEDED, {"asleep": 3})


def test_writes_that_a_crash_swallowed_are_asked_for_again() -> None:
    world = begun(fleet(3), ONE)
    made = world.decide()
    assert len(made.writes) == 3
    assert world.save(made)
    again = world.step()
    assert again.writes == made.writes
    world.command(Action.STOP)
    world.desired["a-01"] = BEFORE
    assert world.save(world.decide())
    assert world.rollout.phase is Phase.PAUSED, "not over before all that were told have it"
    world.run()
    assert (world.rollout.phase, set(world.desired.values())) == (Phase.STOPPED, {AFTER})


def test_a_slow_write_cannot_undo_an_end_unseen() -> None:
    world = begun(fleet(2), ONE)
    made = world.decide()
    assert world.save(made)
    world.write(made.writes, SETTLE_MS)
    world.command(Action.ABORT)
    world.run(20)
    assert world.rollout.phase is Phase.REVERTING, "the members run what they ran, but the write may still come"
    world.run()
    assert (world.rollout.phase, set(world.desired.values()), set(runs(world))) == (Phase.REVERTED, {BEFORE}, {BEFORE})


def test_a_step_changes_nothing_that_it_was_given_and_says_the_same_twice() -> None:
    world = begun(fleet(5), TWO)
    for _ in range(6):
        observed, before, waves = world.observed(), repr(world.rollout), repr(world.waves)
        first = step(world.rollout, world.waves, observed, world.now)
        assert step(world.rollout, world.waves, observed, world.now) == first
        assert (repr(world.rollout), repr(world.waves)) == (before, waves)
        world.run(30)


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.REVERTED, Phase.STOPPED])
def test_what_is_over_stays_so(phase: Phase) -> None:
    world = begun(fleet(2), ONE)
    world.rollout.phase = phase
    made = world.decide()
    assert (made.rollout, made.waves, made.writes, made.entries, made.seconds) == (world.rollout, (), (), (), None)


def test_large_rollouts_take_several_steps_and_stay_within_what_the_store_takes() -> None:
    world = begun(fleet(100), Policy(order=(), wave_size=1, bake_s=0))
    sizes = []
    world.on_save = lambda _, __, made: sizes.append((len(made.waves) + len(made.entries), len(made.writes)))
    world.command(Action.PROMOTE)
    world.run(5_000)
    assert world.rollout.phase is Phase.SUCCEEDED, world.rollout.reason
    world = begun(fleet(600), Policy(order=(), waves=("100%",)))
    world.on_save = lambda _, __, made: sizes.append((len(made.waves) + len(made.entries), len(made.writes)))
    world.gate = says(BAD)
    world.run()
    assert (world.rollout.phase, set(runs(world))) == (Phase.REVERTED, {BEFORE})
    assert max(size for size, _ in sizes) <= 90
    assert max(writes for _, writes in sizes) == MAX_WRITES


def test_going_back_from_many_waves_takes_several_steps() -> None:
    world = begun(fleet(160), Policy(order=(), wave_size=1))
    world.command(Action.PROMOTE)
    while world.rollout.wave < 150:
        world.run(1)
    sizes: list[int] = []
    world.on_save = lambda _, __, made: sizes.append(len(made.waves) + len(made.entries))
    world.command(Action.ABORT)
    world.run()
    assert (world.rollout.phase, set(runs(world))) == (Phase.REVERTED, {BEFORE})
    assert max(sizes) <= 90
