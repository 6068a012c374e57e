"""Whatever fails at whichever write, a rollout ends done or back, and never in between.

Each story is told once undisturbed, to count its writes, and then once for each of them: the write fails, or is made and its answer is
lost; the store says so and the execution tries again, or the process dies and the execution with it, so that only the sweep is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.errors import Conflict, StoreUnavailable
from functions.domain.rollout import FINAL, Action, Outcome, Phase, Policy, Rollout, Verdict, Wave
from tests.rollouts.workshop import AFTER, BEFORE, FAIL, PASS, WS, Chance, Died, Workshop

PATIENCE_S = 6 * 3600
POLICY = Policy(waves=("1", "100%"), bake_s=30, apply_s=60)


@dataclass(frozen=True)
class Story:
    """What happens, and how it ends."""

    ends: Mapping[Phase, set[str]]
    """Final phases that are possible, with what agents may run then."""
    policy: Policy = POLICY
    acts: Sequence[tuple[Phase, Action]] = ()
    """What people ask for, one after the other, each when they see it in a phase (and why it is held, if it is)."""
    gate: Callable[[Rollout, Any, int], Verdict] = lambda rollout, waves, now: PASS
    set_up: Callable[[Workshop], None] = lambda shop: None
    later: Callable[[Workshop], object] = lambda shop: None
    """After 40 s."""
    irreversible: bool = False


def fails_at_second(rollout: Rollout, waves: list[Wave], now: int) -> Verdict:
    return FAIL if rollout.wave == 1 else PASS


def unsure_at_first(rollout: Rollout, waves: list[Wave], now: int) -> Verdict:
    return Verdict(outcome=Outcome.INCONCLUSIVE, reason="3 tasks") if rollout.wave == 0 else PASS


def one_refuses(shop: Workshop) -> None:
    shop.agents["a-2"].refuses.add(AFTER)


def goes_to_sleep(shop: Workshop) -> None:
    shop.agents["a-1"].awake = False
    shop.agents["a-3"].awake = False


DONE, BACK, EITHER = {AFTER}, {BEFORE}, {BEFORE, AFTER}
STORIES = {
    "all goes well": Story({Phase.SUCCEEDED: DONE}),
    "the gate fails": Story({Phase.REVERTED: BACK}, gate=fails_at_second),
    "an agent refuses": Story({Phase.REVERTED: BACK}, set_up=one_refuses),
    "somebody aborts": Story({Phase.REVERTED: BACK}, acts=[(Phase.BAKING, Action.ABORT)]),
    "somebody stops it": Story({Phase.STOPPED: EITHER}, acts=[(Phase.BAKING, Action.STOP)]),
    "paused and resumed": Story({Phase.SUCCEEDED: DONE}, acts=[(Phase.APPLYING, Action.PAUSE), (Phase.PAUSED, Action.RESUME)]),
    "it needs approval": Story(
        {Phase.SUCCEEDED: DONE}, Policy(waves=("100%",), bake_s=30, approve=("start",)), acts=[(Phase.WAITING, Action.APPROVE)]
    ),
    "unsure, and skipped": Story(
        {Phase.SUCCEEDED: DONE},
        Policy(waves=("1", "100%"), bake_s=30, max_extensions=0),
        acts=[(Phase.HELD, Action.SKIP)],
        gate=unsure_at_first,
    ),
    "irreversible, held, and aborted": Story(
        {Phase.REVERTED: BACK}, acts=[(Phase.WAITING, Action.APPROVE), (Phase.HELD, Action.ABORT)], gate=fails_at_second, irreversible=True
    ),
    "an agent joins": Story({Phase.SUCCEEDED: DONE}, later=lambda shop: shop.add("a-9")),
    "no gates": Story({Phase.SUCCEEDED: DONE}, Policy(gates=False)),
    "agents fall asleep": Story({Phase.SUCCEEDED: EITHER, Phase.REVERTED: EITHER}, later=goes_to_sleep),
}


def tell(story: Story, chance: Chance, lost: bool, vanish: bool = False) -> Workshop:
    """The story with something failing, up to its end; `vanish`: executions are gone after each look."""
    shop = Workshop.of(4, chance=chance)
    shop.gate.say = story.gate
    shop.lose = lambda execution: lost
    story.set_up(shop)
    id, start = launched(shop, story), shop.now
    acts, later = list(story.acts), [story.later]
    while shop.now < start + PATIENCE_S * 1000 and not over(shop, id):
        shop.run(10)
        if vanish:
            shop.running.clear()
        if later and shop.now >= start + 40_000:
            later.pop()(shop)
        if acts and seen(shop.head(id), acts[0][0]):
            act(shop, id, acts.pop(0)[1])
    return shop


def over(shop: Workshop, id: str) -> bool:
    return shop.head(id).phase in FINAL and not shop.running and not shop.rollouts.registry(WS).rollouts


def seen(head: Rollout, phase: Phase) -> bool:
    return head.phase is phase and (phase is not Phase.WAITING or head.hold is not None)


def launched(shop: Workshop, story: Story) -> str:
    """Somebody starts it, and again if there was no good answer, until it is there."""
    for number in count():
        try:
            made = shop.launch(f"r{number}", policy=story.policy, irreversible=story.irreversible, backup_by="t-1")
        except (StoreUnavailable, Died):
            continue
        except Conflict:
            break
        assert made
        return made.id
    (id,) = shop.rollouts.registry(WS).rollouts
    return id


def act(shop: Workshop, id: str, action: Action) -> None:
    """Somebody asks for something, and again if there was no good answer."""
    for _ in count():
        try:
            shop.command(action, id)
        except (StoreUnavailable, Died):
            continue
        except Conflict:
            # The first try was written down, and is not possible twice.
            assert shop.chance.at
        return


def check(story: Story, shop: Workshop) -> None:
    (head,) = shop.rollouts.heads(WS, 9)
    assert head.phase in story.ends, head
    assert shop.rollouts.registry(WS).rollouts == frozenset()
    assert set(shop.runs().values()) <= story.ends[head.phase]
    awake = {id for id, agent in shop.agents.items() if agent.awake}
    assert {id: hash for id, hash in shop.runs().items() if id in awake} == {id: hash for id, hash in shop.hashes().items() if id in awake}
    assert head.notices == []
    assert head.phase.value in shop.notices.told.values()


@pytest.mark.parametrize("lost", [False, True], ids=["tried again", "swept up"])
@pytest.mark.parametrize("after", [False, True], ids=["not made", "made"])
@pytest.mark.parametrize("name", STORIES)
def test_a_write_that_fails_changes_nothing_about_the_end(name: str, after: bool, lost: bool) -> None:
    story = STORIES[name]
    calm = tell(story, Chance(), lost=False)
    check(story, calm)
    writes = calm.chance.writes
    assert writes > 10
    for number in range(writes):
        chance = Chance(frozenset({number}), after, Died if lost else lambda: StoreUnavailable("not now"))
        shop = tell(story, chance, lost)
        assert shop.chance.writes > number
        check(story, shop)


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(STORIES)), failing=st.frozensets(st.integers(0, 60), max_size=12), after=st.booleans(), lost=st.booleans()
)
def test_many_writes_that_fail_change_nothing_about_the_end(name: str, failing: frozenset[int], after: bool, lost: bool) -> None:
    story = STORIES[name]
    check(story, tell(story, Chance(failing, after, Died if lost else lambda: StoreUnavailable("not now")), lost))


@pytest.mark.parametrize("name", STORIES)
def test_executions_that_vanish_without_a_word_are_replaced(name: str) -> None:
    """As when the state machine itself is lost: the sweep alone carries the rollout to its end."""
    shop = tell(STORIES[name], Chance(), lost=False, vanish=True)
    check(STORIES[name], shop)
    assert len(shop.executions.started) > 2
