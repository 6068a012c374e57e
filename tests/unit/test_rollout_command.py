"""Each action in each situation: done, or refused with what is possible."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from functions.domain.errors import Conflict
from functions.domain.rollout import FINAL, Action, Hold, HoldCause, MemberState, Outcome, Phase, Policy, Verdict
from functions.domain.rollout_command import commanded, possible
from tests.rollouts.simulation import AFTER, BAD, BEFORE, Agent, World

POLICY = Policy(order=(), waves=("2", "100%"), max_extensions=0, unreadable_s=0)
FEW = Verdict(outcome=Outcome.INCONCLUSIVE, reason="7 tasks")
BLIND = Verdict(outcome=Outcome.UNREADABLE, reason="no minute")


def world(policy: Policy = POLICY, *, refuses: dict[str, str] | None = None, verdict: Verdict | None = None, run: int = 0) -> World:
    made = World([Agent(f"a-{number}", refuses={(refuses or {}).get(f"a-{number}", "")}) for number in range(5)])
    if verdict is not None:
        made.gate = lambda *_: verdict
    made.begin(policy)
    made.run(run)
    return made


def irreversible(verdict: Verdict | None = None, refuses: dict[str, str] | None = None) -> World:
    made = world(verdict=verdict, refuses=refuses)
    made.begin_irreversible(POLICY)
    made.run()
    return made


def paused(run: int) -> World:
    made = world(run=run)
    made.command(Action.PAUSE)
    made.run()
    return made


def frozen() -> World:
    made = world()
    made.frozen = Hold(cause=HoldCause.FREEZE, reason="Weekend")
    made.run(60)
    return made


def stopping() -> World:
    made = world(run=60)
    made.command(Action.STOP)
    return made


def failed_a_little() -> World:
    return world(Policy(order=(), waves=("2", "100%"), max_failed=1), refuses={"a-0": AFTER}, run=60)


A = Action
ENDING = {A.ABORT, A.STOP}
SITUATIONS: dict[str, tuple[Callable[[], World], Phase, set[Action]]] = {
    "fresh": (world, Phase.WAITING, {A.PAUSE, A.PROMOTE, *ENDING}),
    "frozen": (frozen, Phase.WAITING, {A.PAUSE, A.PROMOTE, *ENDING}),
    "approval": (lambda: world(Policy(approve=("start",)), run=5), Phase.WAITING, {A.APPROVE, A.PAUSE, A.PROMOTE, *ENDING}),
    "approval before the first step": (lambda: world(Policy(approve=("start",))), Phase.WAITING, {A.APPROVE, A.PAUSE, A.PROMOTE, *ENDING}),
    "applying": (lambda: world(run=1), Phase.APPLYING, {A.PAUSE, A.SKIP, A.PROMOTE, *ENDING}),
    "baking": (lambda: world(run=60), Phase.BAKING, {A.PAUSE, A.SKIP, A.PROMOTE, *ENDING}),
    "baking with a failed member": (failed_a_little, Phase.BAKING, {A.PAUSE, A.RETRY, A.SKIP, A.PROMOTE, *ENDING}),
    "inconclusive": (lambda: world(verdict=FEW, run=2_000), Phase.HELD, {A.RESUME, A.SKIP, A.PROMOTE, *ENDING}),
    "unreadable": (lambda: world(verdict=BLIND, run=2_000), Phase.HELD, {A.RESUME, A.SKIP, A.PROMOTE, *ENDING}),
    "irreversible": (lambda: irreversible(BAD), Phase.HELD, {A.RESUME, A.SKIP, A.PROMOTE, *ENDING}),
    "irreversible, refused": (lambda: irreversible(None, {"a-0": AFTER}), Phase.HELD, {A.RETRY, A.SKIP, A.PROMOTE, *ENDING}),
    "revert refused": (lambda: world(verdict=BAD, refuses={"a-0": BEFORE}, run=900), Phase.HELD, {A.RESUME, A.RETRY, A.SKIP}),
    "paused": (lambda: paused(60), Phase.PAUSED, {A.RESUME, A.PROMOTE, *ENDING}),
    "stopping": (stopping, Phase.PAUSED, set()),
    "reverting": (lambda: world(verdict=BAD, run=45), Phase.REVERTING, set()),
    "succeeded": (lambda: world(run=5_000), Phase.SUCCEEDED, set()),
    "reverted": (lambda: world(verdict=BAD, run=5_000), Phase.REVERTED, set()),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_action_is_done_or_refused_with_what_is_possible(name: str) -> None:
    make, phase, expected = SITUATIONS[name]
    for action in Action:
        made = make()
        assert made.rollout.phase is phase
        assert set(possible(made.rollout, made.waves)) == expected
        before = repr((made.rollout, made.waves))
        if action not in expected:
            with pytest.raises(Conflict, match=f"^{action.value} is not possible: the rollout is ") as caught:
                made.command(action)
            assert all(each.value in str(caught.value) for each in expected)
            assert repr((made.rollout, made.waves)) == before
            continue
        at = len(made.audit)
        made.command(action, by="t-7", detail="because")
        assert (made.audit[at].action, made.audit[at].by, made.audit[at].at) == (action.value, "t-7", made.now)
        assert made.audit[at].text.endswith("because")
        assert made.saved[-1][2].writes == []


@pytest.mark.parametrize("name", [name for name, (_, _, actions) in SITUATIONS.items() if Action.ABORT in actions])
@pytest.mark.parametrize(
    ("action", "end"), [(Action.ABORT, Phase.REVERTED), (Action.STOP, Phase.STOPPED), (Action.PROMOTE, Phase.SUCCEEDED)]
)
def test_whatever_the_situation_it_can_be_ended(name: str, action: Action, end: Phase) -> None:
    made = SITUATIONS[name][0]()
    told = {agent for agent, member in made.members().items() if member.told_at}
    made.command(action)
    made.frozen = None
    made.run(20)
    if Action.APPROVE in possible(made.rollout, made.waves):
        assert action is Action.PROMOTE, "whoever promotes does without gates, not without approvals"
        made.command(Action.APPROVE)
    made.run()
    assert made.rollout.phase is end
    wanted = {Phase.REVERTED: set(), Phase.STOPPED: told, Phase.SUCCEEDED: set(made.agents)}[end]
    assert {agent for agent, hash in made.desired.items() if hash == AFTER} == wanted


def test_a_paused_wave_goes_on_where_it_was_and_its_bake_is_not_begun_anew() -> None:
    made = paused(60)
    until = made.rollout.bake_until
    made.pass_time(300_000)
    assert made.step().seconds is None
    made.command(Action.RESUME)
    assert (made.rollout.phase, made.rollout.bake_until) == (Phase.BAKING, until)


def test_nobody_is_told_while_it_is_paused() -> None:
    made = world(Policy(order=(), waves=("100%",), max_unavailable="2"), run=1)
    made.command(Action.PAUSE)
    made.pass_time(60_000)
    made.run(600)
    assert [member.state for member in made.members().values()].count(MemberState.WAITING) == 3
    made.command(Action.RESUME)
    made.run()
    assert made.rollout.phase is Phase.SUCCEEDED


def test_a_held_wave_that_is_resumed_bakes_once_more() -> None:
    made = world(verdict=FEW, run=2_000)
    made.command(Action.RESUME)
    assert (made.rollout.phase, made.rollout.bake_until) == (Phase.BAKING, made.now + 600_000)


def test_a_skipped_wave_is_told_to_its_end_and_not_judged() -> None:
    made = world(Policy(order=(), waves=("3", "100%"), max_unavailable="1"), verdict=BAD, run=1)
    made.command(Action.SKIP)
    while made.rollout.wave == 0:
        made.run(1)
    assert all(member.told_at for member in made.waves[0].members)
    assert made.rollout.verdicts == []


def test_members_that_refused_are_told_anew_and_gates_go_on() -> None:
    made = failed_a_little()
    made.agents["a-0"].refuses = set()
    made.command(Action.RETRY)
    assert made.rollout.phase is Phase.APPLYING
    made.run()
    assert (made.rollout.phase, made.rollout.counts) == (Phase.SUCCEEDED, {"applied": 5})


def test_members_that_refuse_again_fail_again() -> None:
    made = irreversible(None, {"a-0": AFTER})
    made.command(Action.RETRY)
    made.run()
    assert (made.rollout.phase, made.rollout.hold and made.rollout.hold.cause) == (Phase.HELD, HoldCause.IRREVERSIBLE)
    assert made.desired["a-0"] == AFTER


def test_a_long_comment_is_cut() -> None:
    made = world()
    made.command(Action.PAUSE, detail="x" * 10_000)
    assert len(made.rollout.reason) < 600


def test_a_command_counts_as_no_step() -> None:
    made = world(run=60)
    stepped = made.rollout.stepped_at
    after = commanded(made.rollout, made.waves, Action.PAUSE, by="t", now=made.now + 5)
    assert (after.rollout.stepped_at, after.rollout.version, after.seconds) == (stepped, made.rollout.version + 1, 0)
    assert after.rollout.phase not in FINAL
