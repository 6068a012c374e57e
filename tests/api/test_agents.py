from __future__ import annotations

import pytest

from functions.api.fleet_view import EDITS
from tests.api.world import NOW, World, agent


@pytest.fixture
def client(world: World):
    world.seal(agent("a1", "env=prod,shard=acme"), agent("a2", "env=dev,shard=beta"))
    return world.client("admin")


def ids(client) -> list[str]:
    return [each["id"] for each in client.get("/api/dashboard/instances")["instances"]]


def test_one_agent(client) -> None:
    found = client.get("/api/agents/a1")
    assert (found["id"], found["localTags"], found["remoteTags"]) == ("a1", {"env": "prod", "shard": "acme"}, {})
    assert found["links"]["tasks"] == "/api/tasks?agent=a1"
    assert found["health"]["status"] == "green"


def test_an_unknown_agent(client) -> None:
    assert "no agent a9" in client.problem(404, "GET", "/api/agents/a9")["detail"]
    assert client.problem(400, "GET", "/api/agents/%20x")["field"] == "agent"


def test_remote_tags_win_and_null_removes_them(client) -> None:
    edited = client.call("PATCH", "/api/agents/a1", json={"tags": {"env": "canary", "team": "x"}, "owner": "eve"}).json
    assert edited["tags"] == {"env": "canary", "shard": "acme", "team": "x"}
    assert (edited["owner"], edited["localTags"]["env"]) == ("eve", "prod")
    again = client.call("PATCH", "/api/agents/a1", json={"tags": {"env": None}}).json
    assert again["tags"] == {"env": "prod", "shard": "acme", "team": "x"}
    assert again["owner"] == "eve"


def test_an_edit_is_seen_at_once_everywhere(client) -> None:
    client.call("PATCH", "/api/agents/a1", json={"tags": {"env": "canary"}, "name": "Ada"})
    assert client.get("/api/agents/a1")["name"] == "Ada"
    found = client.get("/api/dashboard/instances", tags="env=canary")["instances"]
    assert [(each["id"], each["name"]) for each in found] == [("a1", "Ada")]


def test_a_retired_agent_is_grey_at_once(client) -> None:
    client.call("PATCH", "/api/agents/a1", json={"retired": True})
    health = client.get("/api/dashboard/instances")["instances"][0]["health"]
    assert (health["status"], health["reason"], health["since"]) == ("grey", "retired", "2026-11-23T20:00:30.000Z")


def test_a_forgotten_agent_is_gone_at_once(client) -> None:
    assert client.call("DELETE", "/api/agents/a1").status_code == 204
    assert ids(client) == ["a2"]
    client.problem(404, "GET", "/api/agents/a1")
    client.problem(404, "DELETE", "/api/agents/a1")


def test_an_expected_agent_is_shown_before_it_comes(client) -> None:
    made = client.call("POST", "/api/agents", json={"id": "a3", "owner": "bob", "tags": {"env": "prod"}})
    assert made.status_code == 201
    assert (made.json["expected"], made.json["lastSeen"], made.json["health"]["reason"]) == (True, None, "never seen")
    assert ids(client) == ["a1", "a2", "a3"]
    assert "already" in client.problem(409, "POST", "/api/agents", json={"id": "a3"})["detail"]


def test_the_inventory_is_read_only_while_an_edit_may_be_missing(world: World, client) -> None:
    client.get("/api/dashboard/instances")
    assert world.fleet.inventory_reads == 0
    client.call("PATCH", "/api/agents/a1", json={"name": "Ada"})
    client.get("/api/dashboard/instances")
    assert world.fleet.inventory_reads == 1
    world.now = NOW + 60_000
    world.seal(agent("a1"))
    client.get("/api/dashboard/instances")
    assert world.fleet.inventory_reads == 1


def test_the_mark_of_an_edit_is_set_before_the_edit(world: World, client) -> None:
    class Broken(Exception):
        pass

    def fail(*_: object) -> None:
        raise Broken

    world.fleet.update_agent = fail  # type: ignore[method-assign]
    assert client.call("PATCH", "/api/agents/a1", json={"name": "Ada"}).status_code == 500
    assert world.fleet.settings("team", EDITS) == {"at": NOW}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tags": {"1x": "y"}}, "tags.1x.[key]"),
        ({"tags": {"x": "a,b"}}, "tags.x"),
        ({"tags": {"x": ""}}, "tags.x"),
        ({"retired": "yes"}, "retired"),
        ({"name": ""}, "name"),
        ({"colour": "red"}, "colour"),
        ([], "body"),
    ],
)
def test_a_bad_edit_names_its_field(client, body: object, field: str) -> None:
    assert client.problem(400, "PATCH", "/api/agents/a1", json=body)["field"] == field


def test_an_agent_has_a_bounded_number_of_remote_tags(client) -> None:
    client.call("PATCH", "/api/agents/a1", json={"tags": {f"k{i}": "v" for i in range(20)}})
    problem = client.problem(422, "PATCH", "/api/agents/a1", json={"tags": {"k20": "v"}})
    assert problem["field"] == "tags"


class TestTagScopes:
    @pytest.fixture
    def acme(self, world: World, client):
        return world.client("admin", tags="shard=acme")

    def test_what_lies_outside_does_not_exist(self, acme) -> None:
        acme.problem(404, "GET", "/api/agents/a2")
        acme.problem(404, "PATCH", "/api/agents/a2", json={"name": "mine"})
        acme.problem(404, "DELETE", "/api/agents/a2")

    def test_inside_it_may_edit(self, acme) -> None:
        assert acme.call("PATCH", "/api/agents/a1", json={"tags": {"team": "x"}}).status_code == 200

    def test_it_cannot_move_an_agent_out(self, acme) -> None:
        problem = acme.problem(403, "PATCH", "/api/agents/a1", json={"tags": {"shard": "beta"}})
        assert "shard=acme" in problem["detail"]

    def test_it_can_announce_only_its_own(self, acme) -> None:
        acme.problem(403, "POST", "/api/agents", json={"id": "a3"})
        assert acme.call("POST", "/api/agents", json={"id": "a3", "tags": {"shard": "acme"}}).status_code == 201
