from __future__ import annotations

from werkzeug.test import Client

from tests.api.world import ApiClient, World


def make(client: ApiClient, **body):
    return client.call("POST", "/api/tokens", json={"name": "ci", "scopes": ["read"], **body})


def test_a_token_is_shown_once_and_works(world: World) -> None:
    admin = world.client()
    answer = make(admin, tags={"env": "prod"}, expiresIn=3600)
    assert answer.status_code == 201
    made = answer.json
    assert (made["scopes"], made["tags"], made["state"]) == (["read"], {"env": "prod"}, "active")
    assert (made["created"], made["expires"]) == ("2026-11-23T20:00:30.000Z", "2026-11-23T21:00:30.000Z")
    assert ApiClient(Client(world.wsgi), made["token"]).get("/api/dashboard/summary")["agents"] == 0
    listed = admin.get("/api/tokens")
    assert made["id"] in [each["id"] for each in listed["tokens"]]
    assert made["token"].split("_")[2] not in str(listed)
    assert "hash" not in str(listed)


def test_a_revoked_token_stays_listed(world: World) -> None:
    admin = world.client()
    made = make(admin).json
    for _ in range(2):
        assert admin.call("DELETE", f"/api/tokens/{made['id']}").json == {"id": made["id"], "shares": []}
    found = next(each for each in admin.get("/api/tokens")["tokens"] if each["id"] == made["id"])
    assert (found["state"], found["revoked"]) == ("revoked", "2026-11-23T20:00:30.000Z")


def test_a_bad_token_names_its_field(world: World) -> None:
    admin = world.client()
    for body, field in [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["all"]}, "scopes.0"),
        ({"expiresIn": 0}, "expiresIn"),
        ({"name": "\n"}, "name"),
    ]:
        assert admin.problem(400, "POST", "/api/tokens", json={"name": "ci", "scopes": ["read"], **body})["field"] == field


def test_a_token_with_a_tag_scope_makes_none_that_reaches_further(world: World) -> None:
    acme = world.client("admin", tags="shard=acme")
    for tags in ({}, {"shard": "beta"}, {"env": "prod"}):
        acme.problem(403, "POST", "/api/tokens", json={"name": "x", "scopes": ["read"], "tags": tags})
    assert make(acme, tags={"shard": "acme", "env": "prod"}).status_code == 201


def test_a_token_with_a_tag_scope_sees_and_revokes_only_those_within(world: World) -> None:
    wide = make(world.client()).json
    acme = world.client("admin", tags="shard=acme")
    assert all(each["tags"].get("shard") == "acme" for each in acme.get("/api/tokens")["tokens"])
    acme.problem(404, "DELETE", f"/api/tokens/{wide['id']}")


def test_tokens_of_other_workspaces_do_not_exist(world: World) -> None:
    made = make(world.client()).json
    others = world.client(workspace="others")
    assert made["id"] not in str(others.get("/api/tokens"))
    others.problem(404, "DELETE", f"/api/tokens/{made['id']}")
