from __future__ import annotations

from functions.domain.dimensions import DEFAULT_DIMENSIONS
from tests.api.world import World


def test_settings_have_defaults(world: World) -> None:
    found = world.client("read").get("/api/settings")
    assert found["dimensions"] == list(DEFAULT_DIMENSIONS)
    assert (found["inventory"], found["health"]["zombie_after_s"]) == ("open", 300)


def test_settings_are_replaced(world: World) -> None:
    admin = world.client()
    answer = admin.call("PUT", "/api/settings", json={"dimensions": ["env", "host"], "health": {"zombie_after_s": 60}})
    assert answer.status_code == 200
    found = admin.get("/api/settings")
    assert (found["dimensions"], found["health"]["zombie_after_s"], found["health"]["idle_days"]) == (["env", "host"], 60, 7)
    assert admin.call("PUT", "/api/settings", json={}).json["dimensions"] == list(DEFAULT_DIMENSIONS)


def test_what_a_get_gives_a_put_takes(world: World) -> None:
    admin = world.client()
    found = admin.get("/api/settings")
    assert admin.call("PUT", "/api/settings", json=found).json == found


def test_bad_settings_name_their_field(world: World) -> None:
    admin = world.client()
    assert admin.problem(400, "PUT", "/api/settings", json={"dimensions": ["1x"]})["field"] == "dimensions.0"
    assert admin.problem(422, "PUT", "/api/settings", json={"dimensions": ["task_id"]})["field"] == "dimensions"
    assert admin.problem(422, "PUT", "/api/settings", json={"health": {"heartbeat_dead_s": 1}})["field"] == "health.heartbeat_dead_s"
    assert admin.problem(400, "PUT", "/api/settings", json={"health": {"typo": 1}})["field"] == "health.typo"


def test_settings_are_not_for_tokens_with_a_tag_scope(world: World) -> None:
    scoped = world.client("admin", tags="shard=acme")
    assert scoped.get("/api/settings")["inventory"] == "open"
    assert "whole workspace" in scoped.problem(403, "PUT", "/api/settings", json={})["detail"]


def test_nothing_is_written_over_unseen(world: World) -> None:
    admin = world.client()
    seen = admin.call("GET", "/api/settings").headers["ETag"]
    assert admin.call("PUT", "/api/settings", json={"inventory": "strict"}, headers={"If-Match": seen}).status_code == 200
    problem = admin.problem(412, "PUT", "/api/settings", json={"dimensions": ["env"]}, headers={"If-Match": seen})
    assert "look at the settings" in problem["detail"]
    assert admin.get("/api/settings")["inventory"] == "strict"
    now = admin.call("GET", "/api/settings").headers["ETag"]
    assert admin.call("PUT", "/api/settings", json={}, headers={"If-Match": now}).status_code == 200
