from __future__ import annotations

from typing import Any

import pytest

from functions.domain.rollout import MemberState, Wave
from functions.domain.times import HOUR_MS, MINUTE_MS
from functions.ports import Resolution
from tests.api.rolling import member, rollout, waves
from tests.api.world import MINUTE, NOW, ApiClient, World, agent, rollup

ID = "r000000001aa"
CHANGED = (MINUTE - 10) * MINUTE_MS
TAGS = {"env": "prod", "tier": "fast"}


def plan(*canaries: str, later: tuple[str, ...] = (), told: int = 0, **more: Any) -> list[Wave]:
    changed = [member(name, MemberState.APPLIED, tags=TAGS, applied_at=CHANGED, **more) for name in canaries]
    return [Wave(number=0, members=changed), Wave(number=1, members=[member(name, tags=TAGS, told_at=told) for name in later])]


@pytest.fixture
def client(world: World) -> ApiClient:
    world.seal(*(agent(name, "env=prod,tier=fast") for name in ("a1", "a2", "b1")), agent("c1", "env=prod,tier=smart"))
    for name, latency in (("a1", 100.0), ("a2", 300.0), ("b1", 50.0), ("c1", 9000.0)):
        failed = {("task.failed", "tier=fast"): [1.0]} if name == "a1" else {}
        world.agent_minute(
            name, {("task.completed", "tier=fast"): [1.0] * 3, ("task.latency_ms", "tier=fast"): [latency] * 3, **failed}, minute=MINUTE - 2
        )
    return world.client("read")


def ask(client: ApiClient, **query: Any) -> Any:
    return client.get(f"/api/rollouts/{ID}/comparison", **query)


def at(found: Any, side: str, figure: str, minute: int = MINUTE - 2) -> Any:
    return found[side][figure][found["times"].index(minute * MINUTE_MS)]


def test_a_wave_stands_beside_agents_like_it_that_have_not_changed(world: World, client: ApiClient) -> None:
    rollout(world, ID, plan("a1", later=("a2",)))
    found = ask(client)
    assert (found["step"], found["times"][0], found["times"][-1]) == (60, CHANGED - HOUR_MS, NOW // MINUTE_MS * MINUTE_MS)
    assert found["changed"] == "2026-11-23T19:49:00.000Z"
    # b1 is no part of the rollout but like a1; c1 is of another tier.
    assert (found["canary"]["agents"], found["control"]["agents"]) == (1, 2)
    assert found["origin"] == "agents of later waves, and with the same tags and no part of the rollout"
    assert (at(found, "canary", "tasks"), at(found, "canary", "errorRate"), at(found, "control", "tasks")) == (4, 0.25, 6)
    assert at(found, "canary", "p95") == pytest.approx(100, rel=0.02)
    assert at(found, "control", "p95") == pytest.approx(300, rel=0.02)
    assert at(found, "canary", "errorRate", MINUTE - 3) is None
    assert at(found, "canary", "costPerTask") is None


def test_it_ends_when_the_control_changes(world: World, client: ApiClient) -> None:
    rollout(world, ID, plan("a1", later=("a2",), told=CHANGED + 6 * MINUTE_MS))
    assert ask(client)["times"][-1] == CHANGED + 5 * MINUTE_MS


def test_what_is_older_than_minutes_are_kept_comes_from_hours(world: World, client: ApiClient) -> None:
    changed = NOW - 200 * HOUR_MS
    old = plan("a1", later=("a2",))
    rollout(world, ID, [Wave(number=0, members=[member("a1", MemberState.APPLIED, tags=TAGS, applied_at=changed)]), old[1]])
    hour = changed // HOUR_MS
    world.rollups.put_agents("team", Resolution.HOUR, hour, {"a1": rollup({("task.completed", ""): [1.0] * 5}, hour * 60)}, 0)
    found = ask(client)
    assert found["step"] == 3600
    assert found["canary"]["tasks"][found["times"].index(hour * HOUR_MS)] == 5


def test_the_last_wave_stands_beside_earlier_ones(world: World, client: ApiClient) -> None:
    both = plan("a1")
    both[1] = Wave(number=1, members=[member("a2", MemberState.APPLIED, tags=TAGS), member("b1", MemberState.APPLIED, tags=TAGS)])
    rollout(world, ID, both)
    found = ask(client, wave=1)
    assert (found["origin"], found["control"]["agents"]) == ("agents of earlier waves, for nobody is left who has not changed", 1)


def test_without_a_change_or_a_control_it_says_so(world: World, client: ApiClient) -> None:
    rollout(world, ID, waves([MemberState.APPLIED], [MemberState.WAITING]))
    assert ask(client)["control"]["agents"] == 1
    untold = ask(client, wave=1)
    assert (untold["changed"], untold["times"], untold["canary"], untold["control"]) == (None, [], None, None)
    rollout(world, "r000000002bb", [Wave(number=0, members=[member("z1", MemberState.APPLIED, tags={"env": "lab"})])])
    alone = client.get("/api/rollouts/r000000002bb/comparison")
    assert (alone["control"], alone["origin"], alone["canary"]["agents"]) == (None, "nobody", 1)


def test_a_wave_that_is_not_there_and_a_rollout_out_of_sight(world: World, client: ApiClient) -> None:
    rollout(world, ID, plan("a1", later=("a2",)))
    assert "they count from 0 to 1" in client.problem(404, "GET", f"/api/rollouts/{ID}/comparison?wave=2")["detail"]
    assert client.problem(400, "GET", f"/api/rollouts/{ID}/comparison?wave=-1")["field"] == "wave"
    stranger = world.client("read", tags="shard=globex")
    assert "no rollout" in stranger.problem(404, "GET", f"/api/rollouts/{ID}/comparison")["detail"]
