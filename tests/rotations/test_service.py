"""What a step of a rotation does besides deciding: what it looks at, carries out, tells people and answers, and what it never says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from functions.domain.errors import StoreUnavailable, VaultRefused, VaultUnavailable
from functions.domain.rollout import UNMANAGED, Action, HoldCause, Phase
from functions.domain.rotation import Alias, RotationPhase
from functions.stepping import MAX_TURNS, Answer, Next
from tests.rollouts.workshop import FAIL, PASS, WS
from tests.rotations.workshop import NEW, OLD, PROVIDER, QUICK, THIRD, Shop


def test_a_key_is_rotated_without_a_failed_task_and_the_old_one_is_gone() -> None:
    shop = Shop.of(5)
    shop.launch()
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert set(shop.uses().values()) == {NEW}
    assert [shop.lies(alias) for alias in Alias] == [NEW, None, None]
    assert (OLD in shop.provider.live, NEW in shop.provider.live) == (False, True)
    assert shop.vault.take_incoming(WS, "k1") is None
    assert shop.failed_tasks == []
    assert shop.rotations.rotation_queue(WS) == ()
    assert shop.rollouts.registry(WS).rollouts == frozenset()


def test_agents_are_told_in_waves_with_a_gate_after_each() -> None:
    shop = Shop.of(5)
    shop.launch()
    shop.finish()
    (rollout,) = shop.rollouts.heads(WS, 9)
    assert (rollout.channel, rollout.waves, rollout.members, rollout.phase) == (f"keys:{PROVIDER}", 3, 5, Phase.SUCCEEDED)
    assert [verdict.wave for verdict in rollout.verdicts] == [0, 1, 2]
    assert rollout.change["rotation"] == "k1"


def test_only_the_rotation_tells_people() -> None:
    shop = Shop.of(3)
    shop.gate.say = lambda rollout, waves, now: FAIL
    shop.launch()
    assert shop.finish() is RotationPhase.ABORTED
    assert {key.partition("|")[0] for key in shop.told.told} == {"k1"}
    assert list(shop.told.told.values()) == ["aborting", "aborted"]


@pytest.mark.parametrize("bad", [1, 2])
def test_a_key_that_breaks_in_a_wave_is_taken_back_from_all(bad: int) -> None:
    shop = Shop.of(6)
    shop.gate.say = lambda rollout, waves, now: FAIL if rollout.wave == bad else PASS
    shop.launch()
    assert shop.finish() is RotationPhase.ABORTED
    assert set(shop.uses().values()) == {OLD}
    assert [shop.lies(alias) for alias in Alias] == [OLD, None, None]
    assert {OLD, NEW} <= shop.provider.live
    assert shop.failed_tasks == []


def test_a_key_that_breaks_on_one_agent_stops_in_its_wave() -> None:
    shop = Shop.of(10)
    shop.agents["a-3"].refuses.add(NEW)
    touched: set[str] = set()
    shop.launch()
    while shop.rotations.rotation_queue(WS):
        shop.run(5)
        touched |= {id for id, key in shop.uses().items() if key == NEW}
    assert shop.head().phase is RotationPhase.ABORTED
    assert set(shop.uses().values()) == {OLD}
    assert len(touched) <= 4
    assert "401" in shop.head().reason


def test_a_key_that_the_provider_does_not_take_is_refused_and_nothing_changed() -> None:
    shop = Shop.of(3)
    shop.provider.live.discard(NEW)
    shop.launch()
    assert shop.finish() is RotationPhase.REFUSED
    assert [shop.lies(alias) for alias in Alias] == [OLD, None, None]
    assert shop.vault.take_incoming(WS, "k1") is None
    assert shop.rollouts.heads(WS, 9) == []


def test_a_provider_that_no_settings_name_holds_a_rotation() -> None:
    shop = Shop.of(2)
    shop.fleet.put_settings(WS, "key-settings", {PROVIDER: {"kind": "none"}})
    shop.launch()
    shop.run(600)
    assert (shop.head().phase, shop.head().hold and shop.head().hold.cause) == (RotationPhase.HELD, HoldCause.PROVIDER)
    assert "key-settings is not valid" in shop.head().reason


def test_a_dry_run_changes_nothing() -> None:
    shop = Shop.of(3)
    shop.launch(dry_run=True)
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert [shop.lies(alias) for alias in Alias] == [OLD, None, None]
    assert shop.vault.take_incoming(WS, "k1") is None


def test_the_first_key_of_a_provider_reaches_agents_without_one() -> None:
    shop = Shop.of(3, old=None)
    shop.launch()
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert set(shop.uses().values()) == {NEW}


def test_agents_without_a_key_have_none_again_when_the_first_is_taken_back() -> None:
    shop = Shop.of(3, old=None)
    shop.gate.say = lambda rollout, waves, now: FAIL
    shop.launch()
    assert shop.finish() is RotationPhase.ABORTED
    assert shop.keys.all_keys(WS) == {}
    assert [shop.lies(alias) for alias in Alias] == [None, None, None]


def test_of_two_rotations_the_second_waits_and_then_begins_at_once() -> None:
    shop = Shop.of(3)
    shop.launch(NEW, "k1")
    shop.launch(THIRD, "k2")
    shop.run(20)
    assert (shop.head("k1").phase, shop.head("k2").phase) == (RotationPhase.ROLLING, RotationPhase.QUEUED)
    assert "waits for 1 other rotation" in shop.head("k2").reason
    shop.run(3600, until=lambda: shop.head("k1").phase is RotationPhase.SUCCEEDED)
    over = shop.now
    shop.run(3600, until=lambda: shop.head("k2").phase is not RotationPhase.QUEUED)
    assert shop.now - over <= 2_000
    assert shop.finish("k2") is RotationPhase.SUCCEEDED
    assert set(shop.uses().values()) == {THIRD}
    assert shop.failed_tasks == []


def test_an_emergency_revokes_first_and_brings_all_at_once() -> None:
    shop = Shop.of(5)
    shop.launch(emergency=True)
    shop.run(15)
    assert OLD not in shop.provider.live
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert set(shop.uses().values()) == {NEW}
    assert max(at for at, _ in shop.failed_tasks) - min(at for at, _ in shop.failed_tasks) <= 15_000


def test_shards_with_keys_of_their_own_keep_them() -> None:
    shop = Shop.of(3)
    shop.put(Alias.CURRENT, THIRD, "eu")
    shop.add("e-1", THIRD, shard="eu")
    shop.add("e-2", OLD, shard="us")
    shop.launch()
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert (shop.uses()["e-1"], shop.uses()["e-2"]) == (THIRD, NEW)
    assert shop.lies(Alias.CURRENT, "eu") == THIRD


def test_a_shard_is_rotated_by_itself() -> None:
    shop = Shop.of(2)
    shop.put(Alias.CURRENT, THIRD, "eu")
    shop.add("e-1", THIRD, shard="eu")
    shop.launch(shard="eu")
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert shop.uses() == {"a-0": OLD, "a-1": OLD, "e-1": NEW}
    assert [shop.lies(alias, "eu") for alias in Alias] == [NEW, None, None]


def test_a_pause_holds_it_until_it_is_resumed() -> None:
    shop = Shop.of(6)
    shop.launch()
    shop.run(20)
    shop.command(Action.PAUSE)
    shop.run(600)
    assert shop.head().phase is RotationPhase.PAUSED
    assert set(shop.uses().values()) == {OLD, NEW}
    shop.command(Action.RESUME)
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert shop.failed_tasks == []


@pytest.mark.parametrize("after_s", [1, 15, 30, 45, 60, 100])
def test_an_abort_at_any_time_brings_all_back(after_s: int) -> None:
    shop = Shop.of(6)
    shop.launch()
    shop.run(after_s)
    shop.command(Action.ABORT)
    assert shop.finish() is RotationPhase.ABORTED
    assert set(shop.uses().values()) == {OLD}
    assert [shop.lies(alias) for alias in Alias] == [OLD, None, None]
    assert shop.failed_tasks == []


def test_only_the_execution_that_the_rotation_names_steps_it() -> None:
    shop = Shop.of(2)
    shop.launch()
    before = shop.head()
    for drive in (0, 2):
        assert shop.service().step(WS, "k1", drive)[:2] == (Next.SUPERSEDED, RotationPhase.QUEUED)
    assert shop.head() == before
    assert shop.service().step(WS, "unknown", 1) == Answer(Next.SUPERSEDED, None)


def test_an_execution_hands_over_after_many_turns() -> None:
    shop = Shop.of(2)
    shop.launch()
    assert shop.service().step(WS, "k1", 1, MAX_TURNS).next is Next.HANDOVER
    assert shop.machines["rotations"].started == [(WS, "k1", 1), (WS, "k1", 2)]
    assert shop.finish() is RotationPhase.SUCCEEDED


def test_without_a_snapshot_nothing_is_decided() -> None:
    shop = Shop()
    shop.put(Alias.CURRENT, OLD)
    shop.launch()
    with pytest.raises(StoreUnavailable, match="no snapshot"):
        shop.service().step(WS, "k1", 1)
    assert shop.head().version == 1


@pytest.mark.parametrize("phase", ["preflight", "staging", "rolling", "promoting", "draining", "retiring"])
@pytest.mark.parametrize("away", ["vault", "provider"])
def test_an_outage_in_the_middle_changes_nothing_about_the_end(phase: str, away: str) -> None:
    shop = Shop.of(4)
    shop.launch()
    shop.run(3600, until=lambda: any(answer.phase == phase for answer in shop.answers) or shop.head().phase.value == phase)
    _switch(shop, away, off=True)
    shop.run(240)
    _switch(shop, away, off=False)
    phase_of = shop.finish()
    # Who could not try the new key in time went back.
    assert phase_of in (RotationPhase.SUCCEEDED, RotationPhase.ABORTED)
    assert set(shop.uses().values()) == {NEW if phase_of is RotationPhase.SUCCEEDED else OLD}
    assert shop.lies(Alias.CURRENT) == (NEW if phase_of is RotationPhase.SUCCEEDED else OLD)
    assert shop.lies(Alias.NEXT) is None
    assert shop.failed_tasks == []


def _switch(shop: Shop, away: str, *, off: bool) -> None:
    if away == "vault":
        shop.vault.fault = VaultUnavailable("sealed") if off else None
    else:
        shop.provider.away = off


def test_a_vault_that_refuses_holds_a_rotation_which_goes_on_when_it_does_not() -> None:
    shop = Shop.of(3)
    shop.launch()
    shop.run(3600, until=lambda: shop.head().phase is RotationPhase.ROLLING)
    shop.vault.fault = VaultRefused("permission denied (403)")
    shop.run(1200)
    shop.vault.fault = None
    assert shop.finish() in (RotationPhase.SUCCEEDED, RotationPhase.ABORTED)
    assert len(set(shop.uses().values())) == 1
    assert shop.failed_tasks == []


def test_a_provider_that_cannot_revoke_leaves_that_to_people() -> None:
    shop = Shop.of(2)
    shop.provider.revokes = False
    shop.launch()
    shop.run(3600)
    head = shop.head()
    assert (head.phase, head.hold and head.hold.cause) == (RotationPhase.HELD, HoldCause.PROVIDER)
    assert "cannot revoke" in head.reason
    assert shop.lies(Alias.OLD) == OLD
    shop.provider.live.discard(OLD)
    shop.command(Action.RESUME)
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert [shop.lies(alias) for alias in Alias] == [NEW, None, None]


def test_use_that_the_provider_sees_keeps_the_old_key_alive() -> None:
    shop = Shop.of(2)
    shop.launch()
    shop.run(3600, until=lambda: shop.head().phase is RotationPhase.DRAINING)
    for _ in range(6):
        shop.provider.used[shop.provider.ids[OLD]] = shop.now
        shop.run(50)
    assert shop.head().phase is RotationPhase.DRAINING
    assert "saw use of the old key" in shop.head().reason
    assert OLD in shop.provider.live
    assert shop.finish() is RotationPhase.SUCCEEDED


def test_no_key_is_in_what_is_stored_answered_told_or_raised() -> None:
    shop = Shop.of(4)
    shop.chance.at, shop.chance.error = frozenset({12, 15, 19, 23}), lambda: StoreUnavailable("not now")
    shop.agents["a-3"].refuses.add(THIRD)
    shop.launch()
    shop.finish()
    shop.launch(THIRD, "k2")
    shop.finish("k2")
    assert (shop.head("k1").phase, shop.head("k2").phase) == (RotationPhase.SUCCEEDED, RotationPhase.ABORTED)
    stored: list[Any] = [*shop.rotations.rotations(WS, 9), *shop.audit()]
    stored += [shop.rollouts.read(WS, head.id) for head in shop.rollouts.heads(WS, 9)]
    everything = msgspec.json.encode(stored).decode() + " ".join((*shop.heard, *shop.told.told, *shop.told.told.values()))
    everything += repr(shop.machines["rotations"].started)
    for key in (OLD, NEW, THIRD):
        assert shop.print(key) in everything
        assert key.removeprefix("sk-ant-") not in everything
    assert UNMANAGED not in str(shop.keys.all_keys(WS))


def test_a_policy_without_retiring_keeps_the_old_key() -> None:
    shop = Shop.of(2)
    shop.launch(policy=msgspec.structs.replace(QUICK, retire=False))
    assert shop.finish() is RotationPhase.SUCCEEDED
    assert [shop.lies(alias) for alias in Alias] == [NEW, None, OLD]
    assert OLD in shop.provider.live
