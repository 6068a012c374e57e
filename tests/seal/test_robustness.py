"""Seal may be repeated, doubled, or die between any two writes: what it leaves in the end is the same."""

import random
from copy import deepcopy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.failures import Failure
from functions.domain.fleet import encode_snapshot
from functions.domain.minutes import merge_rollups
from functions.domain.times import MINUTE_MS, SECOND_MS
from functions.runtime.rule_book import RuleBook
from tests.seal.world import MINUTE, START, WS, World, a_failure, a_task, count_of

ABOUT_EACH_AGENT = {"name": "slow", "per": "agent", "when": {"metric": "task.latency_ms", "aggregation": "p95", "over": "5m", "above": 900}}


class Died(Exception):
    """The process was killed."""


class Fragile:
    """Lets a number of writes through, then dies: before the write, or right after it."""

    WRITES = ("put_group", "put_agents", "put_matrix", "put_failures", "update_agent", "put_snapshot", "clear_late", "forget_agent")

    def __init__(self, inner, budget, after):
        self._inner, self._budget, self._after = inner, budget, after

    def __getattr__(self, name):
        call = getattr(self._inner, name)
        if name not in self.WRITES:
            return call

        def counted(*args, **kwargs):
            self._budget[0] -= 1
            if self._budget[0] == 0 and not self._after:
                raise Died
            result = call(*args, **kwargs)
            if self._budget[0] == 0:
                raise Died
            return result

        return counted


def boom(time: int, type: str = "Boom") -> Failure:
    return Failure(type, "", "tier=fast", 1, time, time, "{}")


def a_busy_hours_end() -> World:
    """An hour just over, a batch come late, an agent fallen silent, one that is new."""
    world = World(now=START)
    world.rules = RuleBook(world.fleet)
    world.fleet.put_settings(WS, "rules", {"packs": [], "rules": [ABOUT_EACH_AGENT]})
    world.run(3600 + 15, ("a1", a_task(tier="fast")), ("a2", a_failure()))
    world.post("a2", *a_task(), at=START + 90 * SECOND_MS, failures=[boom(START + 90 * SECOND_MS)])
    world.post("a2", failures=[boom(world.now)])
    world.now += 20 * SECOND_MS
    world.post("a1", failures=[boom(world.now), boom(world.now, "Bang")])
    world.post("a1", *a_task())
    world.post("new", *a_task())
    return world


def stored(world: World) -> tuple:
    """Everything that seal keeps; when a rollup was written again is as it happened."""
    snapshot = world.snapshot()
    return (
        world.rollups.groups,
        world.rollups.agents,
        world.rollups.matrices,
        world.rollups.failures,
        world.fleet.agents(WS),
        set(snapshot.reopened),
        encode_snapshot(msgspec.structs.replace(snapshot, reopened={})),
        world.batches.marks,
    )


@pytest.fixture(scope="module")
def busy() -> World:
    return a_busy_hours_end()


@pytest.mark.parametrize("after", [False, True])
def test_dying_at_any_write_and_running_again_gives_what_one_run_gives(busy, after):
    calm = deepcopy(busy)
    report = calm.tick()
    assert report.reopened
    assert report.hours
    assert len(calm.rollups.matrices) == len(calm.rollups.failures) == 2, "of minutes and of hours"
    for writes in range(1, 100):
        world, budget = deepcopy(busy), [writes]
        batches, rollups, fleet = world.batches, world.rollups, world.fleet
        world.batches, world.rollups, world.fleet = (Fragile(store, budget, after) for store in (batches, rollups, fleet))
        try:
            world.tick()
        except Died:
            world.batches, world.rollups, world.fleet = batches, rollups, fleet
            # What died after the snapshot is made good by the tick planned next.
            for second in (0, 15):
                world.now = calm.now + second * SECOND_MS
                world.tick()
            again = deepcopy(calm)
            again.now += 15 * SECOND_MS
            again.tick()
            assert stored(world) == stored(again), f"died at write {writes}"
        else:
            break
    assert 10 < writes < 100


def test_a_message_delivered_twice_changes_nothing(busy):
    world = deepcopy(busy)
    at = world.now
    world.tick()
    before = deepcopy(stored(world))
    report = world.service().tick(WS, at, at + 2 * SECOND_MS, "again")
    assert report.skipped == "done: a tick planned later has run"
    assert stored(world) == before


def test_a_stale_message_is_skipped():
    world = World()
    assert world.service().tick(WS, START, START + 61 * SECOND_MS, "run").skipped.startswith("stale")
    assert world.fleet.snapshot(WS) is None


def test_two_runs_at_once_are_one():
    world = World(now=START)
    world.lease.acquire(WS, "seal", "other", START, START + 60 * SECOND_MS)
    assert world.tick().skipped.startswith("busy")
    world.now += 60 * SECOND_MS
    assert world.tick().skipped is None


def test_the_lease_is_let_go_when_a_tick_fails():
    world = World(now=START + 5 * SECOND_MS)
    world.post("a1")
    fleet, world.fleet = world.fleet, Fragile(world.fleet, [1], after=False)
    with pytest.raises(Died):
        world.tick()
    world.fleet = fleet
    assert world.service().tick(WS, world.now, world.now, "next").skipped is None


POST = st.tuples(
    st.sampled_from(["a1", "a2", "a3"]),
    st.sampled_from(["fast", "smart"]),
    st.floats(0.1, 1e6),
    st.integers(0, 119),
    st.integers(0, 400),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(POST, min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_rollups_do_not_depend_on_when_and_in_which_order_batches_come(posts, shuffler):
    ends = []
    for attempt in range(2):
        world = World(now=START)
        order = sorted(range(len(posts)), key=lambda n: posts[n][3] + (posts[n][4] if attempt else 0))
        for number in order:
            agent, tier, value, second, delay = posts[number]
            came = START + (second + (delay if attempt else 0)) * SECOND_MS
            while world.now + 15 * SECOND_MS <= came:
                world.tick_later()
            resume, world.now = world.now, came
            world.post(agent, ("task.latency_ms", value, {"tier": tier}), at=START + second * SECOND_MS)
            world.now = resume
        for items in world.batches.items.values():
            shuffled = list(items.items())
            shuffler.shuffle(shuffled)
            items.clear()
            items.update(shuffled)
        while world.now < START + 700 * SECOND_MS:
            world.tick_later()
        ends.append([(world.group(MINUTE + n), [world.of_agent(agent, MINUTE + n) for agent in ("a1", "a2", "a3")]) for n in (0, 1)])
        assert world.batches.marks == {}
        _sums_agree(world, posts)
    assert _rounded(ends[0]) == _rounded(ends[1])


def _sums_agree(world, posts):
    """Cells, agents and batches tell the same."""
    from functions.domain import rollup_codec

    for n in (0, 1):
        group = world.group(MINUTE + n)
        agents = [world.of_agent(agent, MINUTE + n) for agent in ("a1", "a2", "a3")]
        batches = [item.data for item in world.batches.items.get(MINUTE + n, {}).values()]
        assert _rounded(merge_rollups(rollup_codec.encode(rollup) for rollup in agents)) == _rounded(group)
        assert _rounded(merge_rollups(batches)) == _rounded(group)
        assert count_of(group, "task.latency_ms") == sum(1 for post in posts if post[3] // 60 == n)


def _rounded(thing):
    """Sums of floats depend on the order of adding in their last digits."""
    if isinstance(thing, dict):
        return {
            key: (aggregate.sketch.parts()._replace(sum=f"{aggregate.sketch.sum:.9g}"), aggregate.last, aggregate.last_time)
            for key, aggregate in thing.items()
        }
    return [_rounded(part) for part in thing]


def test_the_store_may_return_items_in_any_order_byte_for_byte():
    rng = random.Random(3)
    results = []
    for _ in range(2):
        world = World(now=START + 5 * SECOND_MS)
        for number in range(60):
            world.post(f"a{number % 7}", *a_task(latency=100.0 + number * 7.3), tags={"tier": f"t{number % 3}"})
        items = list(world.batches.items[MINUTE].items())
        rng.shuffle(items)
        world.batches.items[MINUTE] = dict(items)
        world.now += 2 * MINUTE_MS
        world.tick()
        results.append((world.rollups.groups, world.rollups.agents))
    assert results[0] == results[1]
