"""Whatever write fails or process dies, in whatever state: a rotation ends as it would have, or as it was, never in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.errors import ProviderUnavailable, StoreUnavailable, VaultUnavailable
from functions.domain.rollout import Action
from functions.domain.rotation import FINAL_ROTATION, Alias, RotationPhase
from tests.rollouts.workshop import FAIL, PASS, WS, Chance, Died
from tests.rotations.workshop import NEW, OLD, Shop

S, A, R = RotationPhase.SUCCEEDED, RotationPhase.ABORTED, RotationPhase.REFUSED
AGENTS = 4


@dataclass(frozen=True)
class Story:
    """What happens while a rotation is under way, and how it may end."""

    ends: frozenset[RotationPhase]
    prepare: Callable[[Shop], object] = lambda shop: None
    ask: Action | None = None
    at_s: int = 0
    """When it is asked for."""
    old: str | None = OLD
    emergency: bool = False


def _break_on_one(shop: Shop) -> None:
    shop.agents["a-3"].refuses.add(NEW)


def _fail_at_the_gate(shop: Shop) -> None:
    shop.gate.say = lambda rollout, waves, now: FAIL if rollout.wave else PASS


STORIES = {
    "good": Story(frozenset({S})),
    "first key": Story(frozenset({S}), old=None),
    "refused": Story(frozenset({R}), lambda shop: shop.provider.live.discard(NEW)),
    "breaks on one agent": Story(frozenset({A}), _break_on_one),
    "fails at the gate": Story(frozenset({A}), _fail_at_the_gate),
    "aborted early": Story(frozenset({A}), ask=Action.ABORT, at_s=3),
    "aborted while agents change": Story(frozenset({A}), ask=Action.ABORT, at_s=20),
    "aborted while the old key drains": Story(frozenset({A}), ask=Action.ABORT, at_s=75),
    "emergency": Story(frozenset({S}), emergency=True),
}


def tell(name: str, chance: Chance, *, lost: bool, vanish: bool = False) -> Shop:
    """Live through a story. `lost`: executions die of what fails; `vanish`: they die within a second, so that sweeps alone go on."""
    story = STORIES[name]
    shop = Shop.of(AGENTS, old=story.old, lose=lambda execution: lost)
    story.prepare(shop)
    shop.chance = chance
    shop.launch(emergency=story.emergency)
    shop.run(story.at_s)
    if story.ask and shop.head().phase not in FINAL_ROTATION:
        shop.command(story.ask)
    for _ in range(4 * 3600 if vanish else 0):
        shop.run(1)
        shop.running.clear()
        if not shop.rotations.rotation_queue(WS):
            break
    for _ in range(5 if len(chance.at) > 1 else 0):
        shop.run(4 * 3600, until=lambda: not shop.rotations.rotation_queue(WS) or (shop.head().hold is not None and not shop.running))
        if shop.head().phase is RotationPhase.HELD:
            # What was tried did not come to be so for so long that people are asked.
            shop.command(Action.RESUME)
    shop.finish()
    return shop


def check(name: str, shop: Shop) -> None:
    """All agents are on one key, which is current and valid, and nothing is left over."""
    story, head = STORIES[name], shop.head()
    assert head.phase in story.ends, head
    key = NEW if head.phase is S else story.old
    assert set(shop.uses().values()) == {key}
    assert [shop.lies(alias) for alias in Alias] == [key, None, None]
    assert shop.vault.take_incoming(WS, "k1") is None
    assert set(shop.keys.all_keys(WS)) == (set(shop.agents) if key else set())
    assert shop.rotations.rotation_queue(WS) == ()
    assert shop.rollouts.registry(WS).rollouts == frozenset()
    assert (OLD in shop.provider.live) is (head.phase is not S or story.old is None)
    assert shop.failed_tasks == [] or story.emergency
    assert head.phase.value in shop.told.told.values()
    assert not [said for said in shop.heard for secret in (OLD, NEW) if secret.removeprefix("sk-ant-") in said]


def errors(lost: bool) -> Callable[[], Exception]:
    return Died if lost else lambda: StoreUnavailable("not now")


@pytest.mark.parametrize("lost", [False, True], ids=["tried again", "swept up"])
@pytest.mark.parametrize("after", [False, True], ids=["not made", "made"])
@pytest.mark.parametrize("name", STORIES)
def test_a_write_that_fails_changes_nothing_about_the_end(name: str, after: bool, lost: bool) -> None:
    calm = tell(name, Chance(), lost=False)
    check(name, calm)
    assert calm.chance.writes > 5
    for number in range(calm.chance.writes):
        shop = tell(name, Chance(frozenset({number}), after, errors(lost)), lost=lost)
        assert shop.chance.writes > number
        check(name, shop)


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(STORIES)), failing=st.frozensets(st.integers(0, 80), max_size=15), after=st.booleans(), lost=st.booleans()
)
def test_many_writes_that_fail_change_nothing_about_the_end(name: str, failing: frozenset[int], after: bool, lost: bool) -> None:
    shop = tell(name, Chance(failing, after, errors(lost)), lost=lost)
    check(name, shop)


@pytest.mark.parametrize("name", STORIES)
def test_executions_that_vanish_without_a_word_are_replaced(name: str) -> None:
    """As when the state machine itself is lost: sweeps alone bring the rotation to its end, or back."""
    shop = tell(name, Chance(), lost=False, vanish=True)
    check(name, shop)
    assert len(shop.machines["rotations"].started) > 1


@settings(max_examples=60)
@given(
    outages=st.lists(st.tuples(st.sampled_from(["vault", "provider"]), st.integers(0, 150), st.integers(10, 900)), min_size=1, max_size=3),
    broken=st.booleans(),
)
def test_whatever_outages_there_are_all_agents_are_on_one_key_in_the_end(outages: list[tuple[str, int, int]], broken: bool) -> None:
    shop = Shop.of(AGENTS)
    if broken:
        _break_on_one(shop)
    shop.launch()
    for away, pause, length in outages:
        shop.run(pause)
        _switch(shop, away, VaultUnavailable("sealed") if away == "vault" else True)
        shop.run(length)
        _switch(shop, away, None)
    for _ in range(5):
        shop.run(1800, until=lambda: shop.head().phase in FINAL_ROTATION)
        if shop.head().phase is RotationPhase.HELD:
            # Nothing answered for so long that people were asked.
            shop.command(Action.RESUME)
    shop.finish()
    head = shop.head()
    assert head.phase in FINAL_ROTATION, head
    assert set(shop.uses().values()) == {NEW if head.phase is S else OLD}
    assert shop.lies(Alias.CURRENT) == (NEW if head.phase is S else OLD)
    assert shop.failed_tasks == []


def _switch(shop: Shop, away: str, fault: Any) -> None:
    if away == "vault":
        shop.vault.fault = fault
    else:
        shop.provider.away = bool(fault)


def test_a_provider_that_goes_away_while_it_revokes_is_asked_again() -> None:
    shop = Shop.of(2)
    real, calls = shop.provider.revoke, list[str]()

    def revoke(key: str, id: str | None) -> bool:
        calls.append(key)
        if len(calls) < 3:
            raise ProviderUnavailable("503")
        return real(key, id)

    shop.provider.revoke = revoke  # type: ignore[method-assign]
    shop.launch()
    assert shop.finish() is S
    assert calls == [OLD] * 3
