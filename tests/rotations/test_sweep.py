"""What the sweep takes up: rotations that were left alone, agents without a key, and keys that get old."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.errors import ProviderUnavailable, StoreUnavailable, VaultRefused
from functions.domain.rotation import Alias, RotationPhase
from functions.domain.times import DAY_MS, HOUR_MS
from functions.rotations.sweep import Swept
from tests.rollouts.workshop import WS, Chance
from tests.rotations.workshop import NEW, OLD, PROVIDER, THIRD, Shop

NOTHING = Swept([], [], [], [])


def swept(shop: Shop, after_ms: int = 0) -> Swept:
    """A run of the sweep so much later, nobody else doing anything."""
    return shop.sweep().run(WS, shop.now + after_ms)


def set_up(shop: Shop, **more: Any) -> None:
    shop.fleet.put_settings(WS, "key-settings", {PROVIDER: {"kind": "anthropic", **more}})


MADE = {"kind": "openai", "project_id": "proj_1", "admin": {"secretsmanager": f"clawpulse/{WS}/admin"}}


def test_a_rotation_that_nobody_stepped_gets_a_new_execution() -> None:
    shop = Shop.of(1)
    shop.launch()
    assert swept(shop, 119_000) == NOTHING
    assert swept(shop, 121_000).restarted == ["k1"]
    assert shop.machines["rotations"].started == [(WS, "k1", 1), (WS, "k1", 2)]
    assert shop.finish() is RotationPhase.SUCCEEDED


def test_one_that_waits_for_people_is_left_alone() -> None:
    shop = Shop.of(1)
    shop.provider.revokes = False
    shop.launch()
    shop.run(3600, until=lambda: shop.head().phase is RotationPhase.HELD and not shop.running)
    assert swept(shop, 30 * DAY_MS).restarted == ([] if shop.head().look_at is None else ["k1"])


def test_notices_that_no_execution_queues_any_more_are_queued() -> None:
    shop = Shop.of(1)
    told = shop.told.send

    def refuse(workspace: str, rotation: Any) -> None:
        raise StoreUnavailable("no queue")

    shop.told.send = refuse  # type: ignore[method-assign]
    shop.launch()
    shop.run(600)
    assert shop.head().phase is RotationPhase.SUCCEEDED
    assert shop.rotations.rotation_queue(WS) == ("k1",)
    shop.running.clear()
    shop.told.send = told  # type: ignore[method-assign]
    shop.finish()
    assert list(shop.told.told.values()) == ["succeeded"]
    assert shop.rotations.rotation_queue(WS) == ()


def test_a_rotation_that_cannot_be_read_keeps_no_other_waiting() -> None:
    shop = Shop.of(1)
    shop.launch(NEW, "k1")
    shop.launch(THIRD, "k2")
    real = shop.rotations.rotation

    def rotation(workspace: str, id: str) -> Any:
        if id == "k1":
            raise StoreUnavailable("k1 cannot be read")
        return real(workspace, id)

    shop.rotations.rotation = rotation  # type: ignore[method-assign]
    assert swept(shop, 300_000).restarted == ["k2"]


def test_agents_without_a_key_are_to_have_the_current_one_of_their_shard() -> None:
    shop = Shop.of(1)
    shop.put(Alias.CURRENT, THIRD, "eu")
    for id, tags in (("n-1", {}), ("n-2", {"shard": "eu"}), ("n-3", {"shard": "us"})):
        shop.add(id, None, **tags)
    assert swept(shop).assigned == [f"n-1/{PROVIDER}", f"n-3/{PROVIDER}", f"n-2/{PROVIDER}"]
    shop.run(10)
    assert shop.uses() == {"a-0": OLD, "n-1": OLD, "n-2": THIRD, "n-3": OLD}
    assert swept(shop) == NOTHING


def test_a_vault_that_refuses_is_no_end_of_the_sweep() -> None:
    shop = Shop.of(1)
    shop.launch()
    shop.add("n-1", None)
    shop.vault.fault = VaultRefused("permission denied (403)")
    assert swept(shop, 300_000) == Swept(["k1"], [], [], [])


def test_without_agents_and_settings_there_is_nothing_to_do() -> None:
    shop = Shop()
    shop.fleet = type(shop.fleet)()
    assert swept(shop) == NOTHING


@pytest.mark.parametrize(("days", "due"), [(29.9, False), (30.1, True)])
def test_a_key_is_rotated_when_its_schedule_says_so(days: float, due: bool) -> None:
    shop = Shop.of(3)
    set_up(shop, **MADE, schedule={"every_days": 30, "source": "provider"})
    shop.now += int(days * DAY_MS)
    shop._swept = shop.now
    shop.snapshot()
    (*started,) = swept(shop).started
    assert bool(started) is due
    if due:
        rotation = shop.head(started[0])
        assert (rotation.by, rotation.source, rotation.provider) == ("clawpulse", "provider", PROVIDER)
        assert swept(shop).started == []
        assert shop.finish(started[0]) is RotationPhase.SUCCEEDED
        (key,) = set(shop.uses().values())
        assert key is not None
        assert key.startswith("sk-made-")
        assert swept(shop, DAY_MS).started == []


def test_a_key_that_people_put_into_vault_is_taken_from_there_once_a_day() -> None:
    shop = Shop.of(2)
    set_up(shop, schedule={"every_days": 1, "source": "vault", "path": f"{WS}/next/anthropic"})
    shop.now += 2 * DAY_MS
    shop._swept = shop.now
    shop.snapshot()
    assert swept(shop).started == []
    shop.vault.elsewhere[f"{WS}/next/anthropic", "key"] = OLD
    (first,) = swept(shop).started
    assert shop.finish(first) is RotationPhase.REFUSED
    assert "the one in use" in shop.head(first).reason
    shop.vault.elsewhere[f"{WS}/next/anthropic", "key"] = NEW
    assert swept(shop).started == []
    (second,) = swept(shop, DAY_MS).started
    assert second > first


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(6))
def test_whatever_crashes_a_day_has_one_rotation_and_one_key(number: int, after: bool) -> None:
    shop = Shop.of(1)
    set_up(shop, **MADE, schedule={"every_days": 30, "source": "provider"})
    shop.now += 31 * DAY_MS
    shop.snapshot()
    shop.chance = Chance(frozenset({number}), after)
    for _ in range(3):
        shop.attempt(lambda: swept(shop))
    (rotation,) = shop.rotations.rotations(WS, 9)
    assert shop.rotations.rotation_queue(WS) == (rotation.id,)
    waiting = shop.vault.take_incoming(WS, rotation.id)
    assert waiting is not None
    assert waiting.fingerprint == rotation.new


def test_no_schedule_begins_in_a_freeze_or_beside_another_rotation_of_the_provider() -> None:
    shop = Shop.of(1)
    set_up(shop, **MADE, schedule={"every_days": 30, "source": "provider"})
    shop.now += 31 * DAY_MS
    shop.snapshot()
    freeze = {"reason": "sale", "starts": shop.now - 1, "ends": shop.now + HOUR_MS}
    shop.fleet.put_settings(WS, "freezes", {"freezes": [freeze]})
    assert swept(shop).started == []
    shop.fleet.put_settings(WS, "freezes", {})
    shop.launch()
    assert swept(shop).started == []
    assert len(shop.provider.ids) == 3


def test_a_provider_that_is_away_is_asked_again_later() -> None:
    shop = Shop.of(1)
    set_up(shop, **MADE, schedule={"every_days": 30, "source": "provider"})
    shop.now += 31 * DAY_MS
    shop.snapshot()
    shop.provider.away = True
    with pytest.raises(ProviderUnavailable):
        shop.provider.create("x")
    assert swept(shop).started == []
    shop.provider.away = False
    assert len(swept(shop).started) == 1


def test_people_are_told_once_a_day_of_a_key_that_is_too_old() -> None:
    shop = Shop.of(1)
    set_up(shop, max_age_days=90)
    due = 90 * DAY_MS
    assert swept(shop, due - 1).old == []
    for minute in range(3):
        assert swept(shop, due + minute * 60_000).old == [PROVIDER]
    assert swept(shop, due + HOUR_MS).old == []
    assert swept(shop, due + DAY_MS + 1).old == [PROVIDER]
    assert list(shop.told.told.values()) == [
        f"the key of {PROVIDER} is {days} days old, it should not get older than 90" for days in (90, 91)
    ]


def test_settings_of_a_later_release_hide_no_other_provider() -> None:
    shop = Shop.of(1)
    settings = {"newer": {"kind": "quantum"}, PROVIDER: {"kind": "anthropic", "max_age_days": 1}}
    shop.fleet.put_settings(WS, "key-settings", settings)
    assert swept(shop, DAY_MS).old == [PROVIDER]
