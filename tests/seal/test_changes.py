"""What was changed in the fleet is noted by seal, many agents' same change as one."""

from __future__ import annotations

from functions.domain.fleet_changes import BEFORE_MS, KEPT_MS, MAX_IDS, MAX_KEPT, FleetChange, Found, before, line, merged
from functions.domain.times import MINUTE_MS
from tests.seal.world import WS, World, a_task


def lines(world: World) -> list[str]:
    return [line(change) for change in world.snapshot().changes]


def test_a_rollout_is_one_change_of_many_agents() -> None:
    world = World()
    fleet = [f"a{number}" for number in range(4)]
    for version in ("v6", "v7"):
        # The rollout takes a tick an agent.
        for agent in fleet:
            world.post(agent, *a_task(), versions={"prompt": version}, tags={"tier": "smart", "zone": agent})
            world.tick_later()
    assert lines(world) == ["changed: 4 agents (tier=smart): new", "changed: 4 agents (tier=smart): version prompt: v6 → v7"]


def test_every_kind_of_change_is_noted_once() -> None:
    world = World()
    world.post("a1", *a_task(), model="opus-4", versions={"app": "1"}, tags={"tier": "fast"})
    world.tick_later()
    world.post("a1", *a_task(), model="opus-5", versions={"app": "2"}, tags={"tier": "smart"})
    world.tick_later()
    world.fleet.update_agent(WS, "a1", {"retired": True})
    world.tick_later()
    world.fleet.forget_agent(WS, "a1")
    world.run(60)
    changes = ["new", "model: opus-4 → opus-5", "version app: 1 → 2", "tag tier: fast → smart", "retired", "forgotten"]
    assert lines(world) == [f"changed: a1: {change}" for change in changes]


def test_a_lost_snapshot_is_no_change() -> None:
    world = World()
    world.post("a1", *a_task(), model="opus-4", versions={"app": "1"}, tags={"tier": "fast"})
    world.run(60)
    world.fleet.put_snapshot(WS, b"damaged")
    world.post("a1", *a_task(), model="opus-4", versions={"app": "1"}, tags={"tier": "fast"})
    world.run(60)
    assert lines(world) == []


def test_changes_are_bounded_and_go_after_a_day() -> None:
    many = merged([], (Found(f"a{number}", {}, "new") for number in range(MAX_IDS + 50)), 0)
    assert [line(change) for change in many] == [f"changed: {MAX_IDS + 50} agents: new"]
    assert len(many[0].agents) == MAX_IDS
    different = merged(many, (Found("a", {}, f"version app: {number} → x") for number in range(MAX_KEPT + 5)), 1)
    assert len(different) == MAX_KEPT
    assert merged(different, (), KEPT_MS + 2) == []


def test_an_alert_is_shown_what_came_before_it_and_may_concern_it() -> None:
    change = FleetChange(text="version prompt: v6 → v7", at=0, until=MINUTE_MS, agents=["a1", "a2"], tags={"tier": "smart"})
    assert line(change) == "changed: 2 agents (tier=smart): version prompt: v6 → v7"
    assert list(before([change], {"tier": "smart"}, 5 * MINUTE_MS, 6 * MINUTE_MS)) == [change]
    assert list(before([change], {"rule": "burn-rate"}, 5 * MINUTE_MS, 6 * MINUTE_MS)) == [change], "a rule about all may follow from any"
    assert list(before([change], {"tier": "fast"}, 5 * MINUTE_MS, 6 * MINUTE_MS)) == []
    assert list(before([change], {"tier": "smart"}, BEFORE_MS + 2 * MINUTE_MS, BEFORE_MS + 3 * MINUTE_MS)) == []
    assert list(before([change], {"tier": "smart"}, -2 * MINUTE_MS, -MINUTE_MS)) == []
