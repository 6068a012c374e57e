"""What was changed in the fleet lately."""

from __future__ import annotations

from functions.domain.fleet_changes import FleetChange
from functions.domain.rollout import Wave
from functions.domain.rotation import Rotation
from tests.api.rolling import member, rollout
from tests.api.world import NOW, World, agent

HOUR = 3_600_000


def change(text: str, ago: int, *agents: str, more: int = 0) -> FleetChange:
    return FleetChange(text=text, at=NOW - ago - 1000, until=NOW - ago, agents=list(agents), more=more, tags={"env": "prod"})


def rotation(world: World, id: str = "k000000001aa", created: int = NOW - HOUR) -> None:
    world.rotations.create_rotation("team", Rotation(id=id, provider="anthropic", created=created, by="x", new="f1", since=created), [])


def told(world: World, client=None, **query: object) -> list[tuple[str, str, int | None]]:
    answer = (client or world.client("read")).get("/api/changes", **query)
    return [(one["kind"], one["text"], one["agents"]) for one in answer["changes"]]


def test_agents_rollouts_and_rotations_stand_in_one_list_newest_first() -> None:
    world = World()
    world.seal(agent("a1"), changes=[change("version prompt: v6 → v7", 2 * HOUR, "a1", "gone", more=3), change("new", 10_000, "a1")])
    made = rollout(world, title="Faster model", created=NOW - HOUR, since=NOW - 20_000)
    rotation(world)
    answer = world.client("read").get("/api/changes")
    assert [(one["kind"], one["text"], one["agents"], one["id"]) for one in answer["changes"]] == [
        ("agents", "new", 1, None),
        ("rollout", "Faster model", 3, made.id),
        ("rotation", "anthropic", None, "k000000001aa"),
        ("agents", "version prompt: v6 → v7", 5, None),
    ]
    assert answer["changes"][1]["state"] == "baking"
    assert (answer["changes"][3]["named"], answer["changes"][3]["tags"]) == (["a1", "gone"], {"env": "prod"})
    assert answer["more"] == 0


def test_what_is_older_than_a_day_or_brings_a_key_is_left_out() -> None:
    world = World()
    rollout(world, created=NOW - 25 * HOUR)
    rollout(world, "r000000002aa", [Wave(number=0, stage="", members=[member("b1")])], channel="keys:anthropic", created=NOW - HOUR)
    rotation(world, created=NOW - 25 * HOUR)
    assert told(world) == []


def test_tags_leave_changes_of_those_agents_and_count_them() -> None:
    world = World()
    world.seal(
        agent("a00", "env=prod"), agent("a10", "env=dev"), changes=[change("new", 0, "a00", "a10", more=9), change("retired", 0, "a10")]
    )
    rollout(world, created=NOW - HOUR, since=NOW - HOUR)
    assert told(world, tags="env=prod") == [("agents", "new", 1), ("rollout", "model.primary: swift/one → swift/two", 1)]
    assert told(world, tags="env=none") == []


def test_a_token_with_a_tag_scope_sees_changes_of_its_agents_only() -> None:
    world = World()
    world.seal(agent("a00", "shard=acme"), agent("x", "shard=globex"), changes=[change("new", 0, "a00", "x"), change("retired", 0, "x")])
    rollout(world, created=NOW - HOUR, since=NOW - HOUR)
    theirs = [Wave(number=0, stage="", members=[member("a00"), member("x", tags={"shard": "globex"})])]
    rollout(world, "r000000002aa", theirs, title="of both", created=NOW - HOUR, since=NOW - HOUR, channel="")
    rotation(world)
    assert told(world, world.client("read", tags="shard=acme")) == [
        ("agents", "new", 1),
        ("rollout", "model.primary: swift/one → swift/two", 1),
    ]


def test_the_newest_are_told_and_how_many_more_there_are() -> None:
    world = World()
    world.seal(agent("a1"), changes=[change(f"tag n: {n} → {n + 1}", n * 1000, "a1") for n in range(5)])
    answer = world.client("read").get("/api/changes", limit=2)
    assert ([one["text"] for one in answer["changes"]], answer["more"]) == (["tag n: 0 → 1", "tag n: 1 → 2"], 3)
