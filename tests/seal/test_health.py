"""Each hour's health goes into usage: how many ticks found an agent in which colour."""

from __future__ import annotations

from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.times import MINUTES_PER_HOUR
from functions.domain.usage import HEALTH, STATUS
from functions.usage_reading import read_usage
from tests.seal.world import HOUR, WS, World, a_task

TICKS = 4 * MINUTES_PER_HOUR


def health(world: World, hour: int = HOUR) -> dict[str, dict[str, float]]:
    """Ticks by agent and colour."""
    frame = read_usage(world.rollups, WS, None, hour, hour + 1, names={HEALTH})
    groups = frame.group((AGENT, STATUS), Selector())
    found: dict[str, dict[str, float]] = {}
    for pairs, ticks in zip(groups.keys, frame.sums(HEALTH, groups), strict=True):
        tags = dict(pairs)
        if ticks:
            found.setdefault(tags[AGENT], {})[tags[STATUS]] = float(ticks)
    return found


def run_an_hour(world: World) -> None:
    """One agent that beats, and one that falls silent half way."""
    world.run(1800, ("well", a_task()), ("dies", a_task()))
    world.run(1800 + 15, ("well", a_task()))


def test_ticks_of_an_hour_are_counted_by_colour() -> None:
    world = World()
    run_an_hour(world)
    found = health(world)
    assert found["well"] == {"green": TICKS - 1}
    # Silent: late after 30 s, dead after a while; all ticks are accounted for.
    assert sum(found["dies"].values()) == TICKS - 1
    assert found["dies"]["red"] > 100
    assert found["dies"]["yellow"] >= 1


def test_health_stays_when_the_hour_is_built_and_when_late_points_come() -> None:
    world = World()
    run_an_hour(world)
    before = health(world)
    world.post("dies", *a_task(), at=world.now - 1_800_000)
    world.run(600, ("well", a_task()))
    frame = read_usage(world.rollups, WS, world.snapshot(), HOUR, HOUR + 1, names={"task.completed"})
    assert not frame.missing
    assert frame.sums("task.completed", frame.group((), Selector())).sum() == TICKS - 1 + TICKS / 2 + 1
    assert health(world) == before


def test_what_clients_call_health_is_not_taken_for_it() -> None:
    world = World()
    world.run(3600, ("liar", [*a_task(), ("agent.health", 1e6, {"status": "green"})]))
    world.run(600, ("liar", a_task()))
    assert health(world) == {"liar": {"green": TICKS - 1}}


def test_the_hour_is_stored_once_more_by_a_tick_that_follows_a_crash() -> None:
    world = World()
    world.run(3600 - 15, ("well", a_task()))
    lost = world.fleet.snapshot(WS)
    assert lost is not None
    world.run(15, ("well", a_task()))
    first = health(world)
    world.fleet.put_snapshot(WS, lost)
    world.run(15, ("well", a_task()))
    assert health(world) == first == {"well": {"green": TICKS - 1}}
