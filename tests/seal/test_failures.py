"""Seal groups what failed by minute and hour, and counts each kind as new once."""

from __future__ import annotations

from copy import deepcopy

import pytest

from functions.domain.failure_book import MAX_KNOWN, NEW
from functions.domain.failure_groups import Sample, decode_groups
from functions.domain.failures import Failure, fingerprint
from functions.domain.times import MINUTE_MS, SECOND_MS
from functions.ports import Resolution
from tests.seal.world import HOUR, MINUTE, START, WS, World, a_failure, count_of


def boom(time: int, type: str = "Boom", tags: str = "tier=fast", count: int = 1, sample: str = "") -> Failure:
    return Failure(type, "", tags, count, time, time, sample)


@pytest.fixture
def world() -> World:
    return World(now=START + 5 * SECOND_MS)


def fail(world: World, agent: str = "a1", *types: str, at: int | None = None, **more: str) -> None:
    """An agent tells of failures, of now unless `at` says otherwise."""
    time = world.now if at is None else at
    tags = {"tags": {"env": "prod"}} | more
    world.post(agent, *a_failure(), at=time, failures=[boom(time, type) for type in types or ("Boom",)], **tags)


def new_minutes(world: World) -> dict[int, int]:
    """New kinds by minute, as counted in the group's rollups."""
    stored = world.rollups.groups[WS, Resolution.MINUTE]
    return {minute - MINUTE: new for minute in sorted(stored) if (new := count_of(world.group(minute), NEW))}


def test_a_minutes_failures_are_stored_by_kind_with_the_first_tick(world: World) -> None:
    world.post("a1", failures=[boom(world.now, count=2, sample="{}")])
    world.post("a2", failures=[boom(world.now + 1), boom(world.now, "Bang", tags="")])
    world.tick()
    groups = world.failures(MINUTE)
    assert groups.keys() == {"Boom", "Bang"}
    one = groups["Boom"]
    assert (one.count, one.first, one.last, one.cells) == (3, world.now, world.now + 1, {"a1|tier=fast": 2, "a2|tier=fast": 1})
    assert one.samples == [Sample(world.now, "a1", "tier=fast", "{}")]
    assert world.rollups.failures[WS, Resolution.MINUTE][MINUTE][1] == START // 1000 + 60 + 3 * 86_400


def test_a_minute_without_failures_has_none(world: World) -> None:
    world.post("a1", *a_failure())
    world.run(3700)
    assert world.rollups.failures == {}
    assert new_minutes(world) == {}


def test_merging_again_gives_the_same(world: World) -> None:
    fail(world, "a1", "Boom", "Bang")
    fail(world, "a2")
    world.tick()
    stored = world.rollups.failures[WS, Resolution.MINUTE][MINUTE]
    for _ in range(8):
        world.batches.items[MINUTE] = dict(reversed(world.batches.items[MINUTE].items()))
        world.tick_later()
        assert world.rollups.failures[WS, Resolution.MINUTE][MINUTE] == stored
        assert new_minutes(world) == {0: 2}


def test_a_late_batch_is_merged_in_and_makes_nothing_new_twice(world: World) -> None:
    world.run(60)
    fail(world)
    world.run(180)
    assert new_minutes(world) == {1: 1}
    fail(world, "a2", at=START + 10 * SECOND_MS)
    fail(world, "a2", at=START + 70 * SECOND_MS)
    assert sorted(world.tick_later().reopened) == [MINUTE, MINUTE + 1]
    assert [world.failures(MINUTE + n)["Boom"].count for n in (0, 1)] == [1, 2]
    assert new_minutes(world) == {1: 1}
    fail(world, "a2", "Bang", at=START + 20 * SECOND_MS)
    world.tick_later()
    assert new_minutes(world) == {0: 1, 1: 1}


def test_an_hour_is_made_of_its_minutes_and_again_when_one_reopens(world: World) -> None:
    fail(world)
    world.run(600)
    fail(world, "a2", "Boom", "Bang")
    world.run(3600)
    hour = world.failures(HOUR, Resolution.HOUR)
    assert {type: (group.count, set(group.cells)) for type, group in hour.items()} == {
        "Boom": (2, {"a1|tier=fast", "a2|tier=fast"}),
        "Bang": (1, {"a2|tier=fast"}),
    }
    assert (hour["Boom"].first, hour["Boom"].last) == (START + 5 * SECOND_MS, START + 605 * SECOND_MS)
    assert world.rollups.failures[WS, Resolution.HOUR][HOUR][1] == START // 1000 + 3600 + 35 * 86_400
    fail(world, "a3", at=START + 61 * SECOND_MS)
    world.tick_later()
    assert world.failures(HOUR, Resolution.HOUR)["Boom"].count == 3


def test_a_kind_is_new_once_and_in_its_first_minute(world: World) -> None:
    world.now = START + 59 * SECOND_MS
    fail(world)
    world.now += 2 * SECOND_MS
    fail(world)
    # Both minutes come with one tick, the newer one first.
    world.run(3600, ("a1", []))
    assert new_minutes(world) == {0: 1}
    fail(world)
    fail(world, "a1", "Bang")
    world.run(60)
    assert new_minutes(world) == {0: 1, 61: 1}
    assert count_of(world.group(HOUR, Resolution.HOUR), NEW) == 1


def test_a_new_kind_counts_where_its_first_failure_was(world: World) -> None:
    world.post("a2", failures=[boom(world.now, tags="tier=smart")], tags={"env": "prod", "tier": "fast"}, scope={"shard": "acme"})
    world.post("a1", failures=[boom(world.now + 1)], tags={"env": "dev"})
    world.tick()
    assert [dict(key.tags) for key in world.group(MINUTE) if key.name == NEW] == [{"env": "prod", "shard": "acme", "tier": "smart"}]
    assert all(key.name != NEW for key in world.of_agent("a2", MINUTE))


def test_after_an_outage_a_kind_is_new_once(world: World) -> None:
    world.run(60, ("a1", []))
    for _ in range(30):
        fail(world)
        world.now += MINUTE_MS
    world.tick()
    while world.snapshot().unsealed:
        world.tick_later()
    assert sum(new_minutes(world).values()) == 1


class Died(Exception):
    """The process was killed."""


def test_a_tick_that_died_makes_nothing_new_twice(world: World) -> None:
    fail(world)
    put, world.fleet.put_snapshot = world.fleet.put_snapshot, _die  # type: ignore[method-assign]
    with pytest.raises(Died):
        world.tick()
    world.fleet.put_snapshot = put  # type: ignore[method-assign]
    world.now += MINUTE_MS
    fail(world)
    world.run(180)
    assert new_minutes(world) == {0: 1}


def _die(*_: object) -> None:
    raise Died


def test_a_lost_snapshot_makes_nothing_new_again(world: World) -> None:
    fail(world)
    world.run(4200, ("a1", []))
    fail(world, "a1", "Boom", "Bang")
    world.run(120)
    before = new_minutes(world)
    assert before == {0: 1, 70: 1}
    known = world.snapshot().known_failures
    world.fleet.drop_snapshot(WS)
    fail(world)
    world.tick_later()
    while world.snapshot().unsealed:
        world.tick_later()
    assert new_minutes(world) == before
    again = world.snapshot().known_failures
    assert {key: first for key, (first, _) in again.items()} == {key: first for key, (first, _) in known.items()}


def test_memory_in_the_snapshot_is_bounded(world: World) -> None:
    snapshot = world.snapshot() if world.tick() and world.fleet.snapshot(WS) else None
    assert snapshot is not None
    for number in range(0, MAX_KNOWN + 400, 10):
        world.post(f"a{number}", failures=[boom(world.now + number % 7, f"E{number + n}") for n in range(10)])
        if number % 190 == 0:
            world.now += MINUTE_MS
            world.tick()
    world.run(60)
    known = world.snapshot().known_failures
    assert 1_000 < len(known) <= MAX_KNOWN
    assert fingerprint("__other__", "") not in known


def test_an_item_whose_failures_are_damaged_costs_only_them(world: World) -> None:
    fail(world, "a1")
    bad = world.post("a2", *a_failure(), failures=[boom(world.now)])
    object.__setattr__(bad, "failures", bad.failures[:-2])
    report = world.tick()
    assert world.failures(MINUTE)["Boom"].cells == {"a1|tier=fast": 1}
    assert count_of(world.group(MINUTE), "task.failed") == 2
    assert any(f"the failures of batch {bad.batch} of agent a2 are left out" in warning for warning in report.warnings)


def test_a_stored_minute_that_is_damaged_does_not_stop_the_hour(world: World) -> None:
    fail(world)
    world.run(600)
    fail(world)
    world.run(180)
    damaged = deepcopy(world.rollups.failures)
    damaged[WS, Resolution.MINUTE][MINUTE] = (b"rubbish", damaged[WS, Resolution.MINUTE][MINUTE][1])
    world.rollups.failures = damaged
    reports = world.run(3600)
    assert world.failures(HOUR, Resolution.HOUR)["Boom"].count == 1
    assert any(f"failures of minute {MINUTE}" in warning for report in reports for warning in report.warnings)
    assert decode_groups(world.rollups.read_failures(WS, Resolution.HOUR, HOUR, HOUR + 1)[HOUR])
