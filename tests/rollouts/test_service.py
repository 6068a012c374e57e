"""What a step does besides deciding: what it looks at, what it writes, whom it tells, and what it answers to its execution."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from functions.domain.desired import hash_of
from functions.domain.errors import StoreUnavailable
from functions.domain.revision import Revision
from functions.domain.rollout import FINAL, Action, HoldCause, MemberState, Outcome, Phase, Policy, Verdict, Wave
from functions.stepping import LONGEST_WAIT_S, MAX_TURNS, Answer, Next
from tests.rollouts.workshop import AFTER, BEFORE, FAIL, NEW_TEXT, PASS, UNMANAGED_TEXT, WS, Chance, Workshop

ONE_WAVE = Policy(waves=("100%",), bake_s=30, apply_s=60)
NO_GATES = Policy(gates=False, waves=("100%",))


def finish(shop: Workshop, id: str = "r1") -> Phase:
    shop.run(6 * 3600, until=lambda: shop.head(id).phase in FINAL and not shop.running)
    return shop.head(id).phase


def members(shop: Workshop, id: str = "r1") -> dict[str, MemberState]:
    found = shop.rollouts.read(WS, id)
    assert found
    return {member.agent: member.state for wave in found[1] for member in wave.members}


def step(shop: Workshop, drive: int = 1, turn: int = 0) -> Answer:
    return shop.service().step(WS, "r1", drive, turn)


def test_a_good_change_reaches_all_and_people_hear_of_it_once() -> None:
    shop = Workshop.of(12)
    shop.launch()
    assert finish(shop) is Phase.SUCCEEDED
    assert set(shop.runs().values()) == set(shop.hashes().values()) == {AFTER}
    assert list(shop.notices.told.values()) == ["succeeded"]
    assert shop.rollouts.registry(WS).rollouts == frozenset()
    assert [entry.action for entry in shop.rollouts.audit(WS, 0, shop.now)] == ["created", *["wave", "verdict"] * 3, "finished"]
    assert [(answer.next, answer.phase) for answer in shop.answers][-1] == (Next.DONE, Phase.SUCCEEDED)


def test_a_bad_change_is_turned_around_and_nobody_else_hears_of_it() -> None:
    shop = Workshop.of(40)
    shop.gate.say = lambda rollout, waves, now: FAIL if rollout.wave == 1 else PASS
    touched: set[str] = set()
    shop.launch()
    while shop.head().phase not in FINAL:
        shop.run(5)
        touched |= {agent for agent, hash in shop.hashes().items() if hash == AFTER}
    assert shop.head().phase is Phase.REVERTED
    assert len(touched) == 5
    assert set(shop.runs().values()) == set(shop.hashes().values()) == {BEFORE}
    assert list(shop.notices.told.values()) == ["reverting", "reverted"]


def test_desired_configurations_name_the_rollout_that_set_them() -> None:
    shop = Workshop.of(1)
    shop.launch()
    step(shop)
    found = shop.desired.get(WS, "a-0")
    assert found
    assert (found.text, found.hash, found.by, found.time) == (NEW_TEXT, AFTER, "r1", shop.now)


def test_an_agent_that_managed_nothing_gets_the_empty_document_back() -> None:
    shop = Workshop()
    shop.add("a-1")
    shop.gate.say = lambda rollout, waves, now: FAIL
    shop.launch()
    assert finish(shop) is Phase.REVERTED
    found = shop.desired.get(WS, "a-1")
    assert found
    assert found.text == UNMANAGED_TEXT


def test_only_the_execution_that_the_rollout_names_steps_it() -> None:
    shop = Workshop.of(1)
    shop.launch()
    before = shop.head()
    for drive in (0, 2):
        assert step(shop, drive)[:2] == (Next.SUPERSEDED, Phase.WAITING)
    assert shop.head() == before
    assert shop.service().step(WS, "unknown", 1) == Answer(Next.SUPERSEDED, None)


def test_what_needs_no_waiting_is_done_at_once() -> None:
    shop = Workshop.of(1)
    shop.launch(policy=NO_GATES)
    assert step(shop).phase is Phase.APPLYING
    shop.run(10)
    # The wave passes, and the rollout is over, in one step.
    assert finish(shop) is Phase.SUCCEEDED
    assert len(shop.answers) <= 3


def test_an_answer_says_how_long_to_wait_and_when_nothing_is_to_be_waited_for() -> None:
    shop = Workshop.of(1)
    policy = Policy(not_before=shop.now + 3 * 86_400_000, approve=("start",))
    shop.launch(policy=policy)
    assert step(shop)[:3] == (Next.HELD, Phase.WAITING, 0)
    assert shop.head().look_at is None
    shop.command(Action.APPROVE)
    answer = step(shop, 2)
    assert (answer.next, answer.phase) == (Next.WAIT, Phase.WAITING)
    assert 0 < answer.seconds <= LONGEST_WAIT_S
    assert shop.head().look_at == shop.now + answer.seconds * 1000


def test_an_execution_with_many_turns_hands_over() -> None:
    shop = Workshop.of(1)
    shop.launch()
    assert step(shop, turn=MAX_TURNS - 1).next is Next.WAIT
    answer = step(shop, turn=MAX_TURNS)
    assert (answer.next, answer.phase) == (Next.HANDOVER, Phase.APPLYING)
    assert shop.executions.started == [(WS, "r1", 1), (WS, "r1", 2)]
    assert step(shop).next is Next.SUPERSEDED
    assert step(shop, 2).next is Next.WAIT
    assert finish(shop) is Phase.SUCCEEDED


def test_a_step_that_is_overtaken_looks_again() -> None:
    shop = Workshop.of(2)
    shop.launch()
    service = shop.service()
    acts = [lambda: shop.command(Action.PAUSE)]

    class Meddled:
        def __getattr__(self, name: str) -> Any:
            return getattr(shop.rollouts, name)

        def save(self, *given: Any) -> bool:
            for act in acts:
                acts.clear()
                act()
            return shop.rollouts.save(*given)

    meddled: Any = Meddled()
    from dataclasses import replace

    assert replace(service, rollouts=meddled).step(WS, "r1", 1).next is Next.SUPERSEDED
    assert shop.head().phase is Phase.PAUSED
    assert set(shop.hashes().values()) == {BEFORE}


def test_a_write_that_fails_keeps_no_other_from_being_made_and_is_made_by_the_next_step() -> None:
    shop = Workshop.of(6)
    shop.launch(policy=ONE_WAVE)
    shop.chance = Chance(frozenset({3}))
    with pytest.raises(StoreUnavailable, match="not now"):
        step(shop)
    assert sorted(shop.hashes().values()).count(AFTER) == 5
    assert shop.head().phase is Phase.APPLYING
    step(shop)
    assert set(shop.hashes().values()) == {AFTER}


def test_writes_stop_when_they_would_come_late() -> None:
    shop = Workshop.of(60)
    shop.launch(policy=ONE_WAVE)
    real = shop.desired.put

    def slow(*given: Any) -> bool:
        shop.now += 1_000
        return real(*given)

    shop.desired.put = slow  # type: ignore[method-assign]
    answer = step(shop)
    told = list(shop.hashes().values()).count(AFTER)
    assert 0 < told < 60
    # A number for the state machine too.
    assert (answer.next, json.dumps(answer.seconds)) == (Next.WAIT, "1")
    shop.desired.put = real  # type: ignore[method-assign]
    assert finish(shop) is Phase.SUCCEEDED


def test_what_somebody_sets_by_hand_is_not_overwritten() -> None:
    shop = Workshop.of(3)
    by_hand = '{"by":"hand"}'
    shop.launch(policy=ONE_WAVE)
    shop.run(3)
    shop.set("a-1", by_hand)
    shop.gate.say = lambda rollout, waves, now: FAIL
    assert finish(shop) is Phase.REVERTED
    assert shop.hashes() == {"a-0": BEFORE, "a-1": hash_of(by_hand), "a-2": BEFORE}
    assert members(shop)["a-1"] is MemberState.OVERRIDDEN


def test_without_a_snapshot_nobody_is_taken_for_forgotten() -> None:
    shop = Workshop.of(1)
    shop.launch()
    shop.fleet.drop_snapshot(WS)
    with pytest.raises(StoreUnavailable, match="there is no snapshot of acme yet"):
        step(shop)
    shop.snapshot()
    assert finish(shop) is Phase.SUCCEEDED


def test_the_gate_is_asked_only_while_it_matters() -> None:
    shop = Workshop.of(2)
    asked: list[Phase] = []

    def say(rollout: Any, waves: Iterable[Wave], now: int) -> Verdict:
        asked.append(rollout.phase)
        return PASS

    shop.gate.say = say
    shop.launch(policy=ONE_WAVE)
    finish(shop)
    assert set(asked) == {Phase.BAKING}


def test_a_hold_for_metrics_that_cannot_be_read_ends_by_itself() -> None:
    shop = Workshop.of(2)
    shop.gate.say = lambda rollout, waves, now: Verdict(outcome=Outcome.UNREADABLE, reason="the store does not answer")
    shop.launch(policy=Policy(waves=("100%",), bake_s=30, unreadable_s=60))
    shop.run(600)
    head = shop.head()
    assert (head.phase, head.hold and head.hold.cause) == (Phase.HELD, HoldCause.UNREADABLE)
    shop.gate.say = lambda rollout, waves, now: PASS
    assert finish(shop) is Phase.SUCCEEDED


FREEZE = {"freezes": [{"reason": "Black Friday", "tags": "env=prod", "starts": 1, "ends": 4_000_000_000_000}]}


def test_a_freeze_stops_the_waves_that_it_concerns() -> None:
    shop = Workshop()
    shop.add("a-1", "{}", env="dev")
    shop.add("a-2", "{}", env="prod")
    shop.fleet.put_settings(WS, "freezes", FREEZE)
    shop.launch()
    shop.run(3600)
    head = shop.head()
    assert (head.phase, head.wave, head.hold and head.hold.cause) == (Phase.WAITING, 1, HoldCause.FREEZE)
    assert shop.runs()["a-1"] == AFTER
    assert shop.runs()["a-2"] != AFTER
    shop.fleet.put_settings(WS, "freezes", {"freezes": []})
    assert finish(shop) is Phase.SUCCEEDED


def test_freezes_that_cannot_be_read_hold_and_say_so() -> None:
    shop = Workshop.of(1)
    shop.fleet.put_settings(WS, "freezes", {"freezes": "always"})
    shop.launch()
    shop.run(60)
    assert "the document freezes is not valid, so nothing new begins: freezes" in shop.head().reason
    shop.fleet.put_settings(WS, "freezes", {})
    assert finish(shop) is Phase.SUCCEEDED


def test_channels_that_do_not_take_a_notice_stop_nothing_and_get_it_later() -> None:
    shop = Workshop.of(2)
    told = shop.notices.send

    def refuse(workspace: str, rollout: Any) -> None:
        if rollout.notices:
            raise StoreUnavailable("no queue")

    shop.notices.send = refuse  # type: ignore[method-assign]
    shop.gate.say = lambda rollout, waves, now: FAIL
    shop.launch(policy=ONE_WAVE)
    shop.run(600)
    assert shop.head().phase is Phase.REVERTED
    assert set(shop.runs().values()) == {BEFORE}
    assert len(shop.running) == 1
    assert shop.answers[-1][:3] == (Next.WAIT, Phase.REVERTED, 30)
    shop.notices.send = told  # type: ignore[method-assign]
    finish(shop)
    assert list(shop.notices.told.values()) == ["reverting", "reverted"]
    assert shop.rollouts.registry(WS).rollouts == frozenset()


def test_agents_that_join_get_the_patch_on_top_of_what_they_have() -> None:
    shop = Workshop()
    shop.add("a-1", '{"paused":false}', env="prod")
    shop.launch(selector="env=prod", policy=ONE_WAVE)
    shop.run(10)
    shop.add("a-2", '{"version":"2"}', env="prod")
    shop.add("a-3", env="prod")
    shop.add("a-4", '{"version":"2"}', env="dev")
    shop.add("a-5", env="prod").retired = True
    assert finish(shop) is Phase.SUCCEEDED
    patched = '{"model":{"primary":"x/b"},"version":"2"}'
    assert members(shop).keys() == {"a-1", "a-2", "a-3"}
    assert shop.hashes() == {"a-1": AFTER, "a-2": hash_of(patched), "a-3": AFTER, "a-4": hash_of('{"version":"2"}')}
    assert shop.rollouts.documents(WS, [hash_of(patched), hash_of('{"version":"2"}')]).keys() == {
        hash_of(patched),
        hash_of('{"version":"2"}'),
    }


def test_agents_of_another_rollout_do_not_join() -> None:
    shop = Workshop.of(1)
    shop.launch(policy=ONE_WAVE)
    shop.add("a-9", "{}")
    shop.launch("r2", agents=["a-9"], policy=Policy(approve=("start",)), text='{"other":1}')
    assert finish(shop) is Phase.SUCCEEDED
    assert members(shop).keys() == {"a-0"}


def test_a_rollout_that_begins_in_the_same_moment_gets_its_agents() -> None:
    """Between the look at the registry and the save that lets an agent join."""
    shop = Workshop.of(1)
    shop.launch(policy=ONE_WAVE)
    shop.add("a-9", "{}")
    real = shop.rollouts.put_documents

    def meddle(*given: Any) -> None:
        shop.rollouts.put_documents = real  # type: ignore[method-assign]
        shop.launch("r2", agents=["a-9"], policy=Policy(approve=("start",)), text='{"other":1}')
        real(*given)

    shop.rollouts.put_documents = meddle  # type: ignore[method-assign]
    assert finish(shop) is Phase.SUCCEEDED
    assert members(shop).keys() == {"a-0"}
    assert members(shop, "r2").keys() == {"a-9"}


FILES = {"agents/_base.yaml": "model: {primary: x/b}\n", "agents/a-7.yaml": "version: 2026.9.7\n"}


def test_agents_that_join_get_what_the_revision_says() -> None:
    shop = Workshop.of(2)
    assert shop.revisions.put(WS, Revision(number=1, digest="d1", by="t-1", at=shop.now, rollout="r1"), FILES)
    shop.launch(revision=1, change={"revision": 1}, policy=ONE_WAVE)
    shop.add("a-7")
    shop.add("a-8", '{"version":"1"}')
    assert finish(shop) is Phase.SUCCEEDED
    assert members(shop).keys() == {"a-0", "a-1", "a-7", "a-8"}
    assert shop.hashes()["a-7"] == hash_of('{"model":{"primary":"x/b"},"version":"2026.9.7"}')
    assert shop.hashes()["a-8"] == AFTER


def test_an_agent_whose_document_cannot_be_made_does_not_join(caplog: pytest.LogCaptureFixture) -> None:
    shop = Workshop.of(1)
    # Two fit, but not all three together.
    text = "x" * 110_000
    files = {
        "agents/_base.yaml": f"files: {{AGENTS.md: {text}}}",
        "agents/tier-x.yaml": f"files: {{SOUL.md: {text}}}",
        "shards/y.yaml": f"files: {{USER.md: {text}}}",
    }
    assert shop.revisions.put(WS, Revision(number=1, digest="d1", by="t-1", at=shop.now), files)
    shop.launch(revision=1, change={"revision": 1}, policy=ONE_WAVE)
    shop.add("a-8", tier="x", shard="y")
    shop.add("a-9", tier="x")
    assert finish(shop) is Phase.SUCCEEDED
    assert members(shop).keys() == {"a-0", "a-9"}
    assert "an agent that came later stays as it is" in caplog.text


@pytest.mark.parametrize("change", [{}, {"patch": 3}])
def test_nobody_joins_a_rollout_that_says_nothing_about_others(change: dict[str, Any]) -> None:
    shop = Workshop.of(1)
    shop.launch(policy=ONE_WAVE, change=change)
    shop.add("a-9")
    assert finish(shop) is Phase.SUCCEEDED
    assert members(shop).keys() == {"a-0"}


def test_a_revision_that_this_release_cannot_read_any_more_keeps_no_rollout_from_its_end(caplog: pytest.LogCaptureFixture) -> None:
    shop = Workshop.of(1)
    files = {"agents/_base.yaml": "mudel: b\n"}
    assert shop.revisions.put(WS, Revision(number=1, digest="d1", by="t-1", at=shop.now), files)
    shop.launch(revision=1, change={"revision": 1}, policy=ONE_WAVE)
    shop.add("a-9")
    assert finish(shop) is Phase.SUCCEEDED
    assert "nobody gets revision 1 of acme: agents/_base.yaml:1:1: mudel" in caplog.text


def test_a_lost_document_is_named() -> None:
    shop = Workshop.of(1)
    shop.launch()
    shop.rollouts._documents.clear()
    with pytest.raises(StoreUnavailable, match=f"the rollout r1 lacks the documents {AFTER}"):
        step(shop)
