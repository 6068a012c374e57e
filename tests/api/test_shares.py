"""Links to the page, status badges, who am I, and what is kept how long."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from werkzeug.test import Client

from cdk import data_stack
from functions.api import retention, shares
from functions.api.caller import Caller
from functions.api.endpoint import Call
from functions.domain.errors import NotAllowed
from functions.domain.fleet import Status
from functions.domain.times import DAY_MS
from tests.api.world import NOW, ApiClient, World, agent

WEEK = "2026-11-30T20:00:30.000Z"


def share(client: ApiClient, **body):
    return client.call("POST", "/api/shares", json={"view": "alerts", **body})


def made_badge(client: ApiClient, **body) -> str:
    return client.call("POST", "/api/badges", json=body).json["path"]


def said(world: World, path: str, status: int = 200) -> str:
    """What a badge says, by its title; whoever asks has no token."""
    answer = Client(world.wsgi).get(path)
    assert (answer.status_code, answer.content_type) == (status, "image/svg+xml")
    title = ElementTree.fromstring(answer.data).findtext("{http://www.w3.org/2000/svg}title")
    assert title is not None
    return title


def test_a_link_reads_and_does_nothing_else(world: World) -> None:
    made = share(world.client("operate")).json
    assert (made["scopes"], made["tags"], made["expires"]) == (["read"], {}, WEEK)
    visitor = ApiClient(Client(world.wsgi), made["token"])
    assert visitor.get("/api/dashboard/summary")["agents"] == 0
    for path, body in (("/api/shares", {"view": "fleet"}), ("/api/silences", {"matchers": "rule=slow", "for": "2h"})):
        visitor.problem(403, "POST", path, json=body)
    listed = world.client().get("/api/tokens")["tokens"]
    assert any(one["id"] == made["id"] and one["name"].startswith("link to alerts by ") for one in listed)
    world.client().call("DELETE", f"/api/tokens/{made['id']}")
    assert visitor.problem(401, "GET", "/api/me")["detail"] == "the token is revoked"


def test_links_and_badges_are_revoked_with_the_token_that_made_them_unless_told_otherwise(world: World) -> None:
    admin, leaked, other = world.client(), world.client("operate"), world.client("operate")
    link, badge = share(leaked).json, leaked.call("POST", "/api/badges", json={}).json
    kept = share(other).json
    owner = leaked.token.split("_")[1]
    assert (link["sharedBy"], kept["sharedBy"]) == (owner, other.token.split("_")[1])
    assert admin.call("DELETE", f"/api/tokens/{owner}?shares=keep").json == {"id": owner, "shares": []}
    assert ApiClient(Client(world.wsgi), link["token"]).get("/api/me")["scopes"] == ["read"]
    # Once more, and now with what it shared.
    answer = admin.call("DELETE", f"/api/tokens/{owner}").json
    assert set(answer["shares"]) == {link["id"], badge["id"]}
    assert ApiClient(Client(world.wsgi), link["token"]).problem(401, "GET", "/api/me")["detail"] == "the token is revoked"
    assert said(world, f"/{badge['path']}", 404) == "agents: badge revoked"
    states = {one["id"]: one["state"] for one in admin.get("/api/tokens")["tokens"]}
    assert states[kept["id"]] == "active"
    assert admin.problem(400, "DELETE", f"/api/tokens/{owner}?shares=some")["field"] == "shares"


def test_a_token_that_is_revoked_makes_no_link_any_more(world: World) -> None:
    # The gateway still lets it pass for a minute.
    owner = world.token("operate").split("_")[1]
    world.client().call("DELETE", f"/api/tokens/{owner}")
    caller = Caller(workspace="team", token_id=owner, scopes=frozenset({"operate"}), scope_text="")
    with pytest.raises(NotAllowed, match="revoked"):
        shares.share(Call(world.services, caller, NOW), shares.ShareWanted(view="fleet"))


def test_a_link_reaches_no_further_than_the_token_that_makes_it(world: World) -> None:
    acme = world.client("operate", tags="shard=acme")
    assert share(acme).json["tags"] == {"shard": "acme"}
    assert share(acme, tags={"env": "prod"}).json["tags"] == {"shard": "acme", "env": "prod"}
    assert "shard=acme" in share(acme, tags={"shard": "globex"}).json["detail"]
    short = ApiClient(Client(world.wsgi), world.token("operate", expires=NOW + DAY_MS))
    assert share(short).json["expires"] == "2026-11-24T20:00:30.000Z"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expiresIn": 31 * 86_400}, "expiresIn"),
        ({"expiresIn": 1}, "expiresIn"),
        ({"view": "a b"}, "view"),
        ({"tags": {"a": "b=c"}}, "tags.a"),
    ],
)
def test_a_link_that_cannot_be_names_its_field(world: World, body: dict[str, object], field: str) -> None:
    assert world.client().problem(400, "POST", "/api/shares", json={"view": "fleet", **body})["field"] == field


def test_a_badge_tells_how_its_agents_stand_and_opens_nothing_else(world: World) -> None:
    world.seal(agent("a1", "env=prod", status=Status.RED), agent("a2", "env=prod"), agent("b1", "env=test"))
    path = made_badge(world.client("operate"))
    assert said(world, f"/{path}") == "agents: 1 red of 3"
    assert said(world, f"/{path.removesuffix('.svg')}") == "agents: 1 red of 3"
    assert said(world, f"/{made_badge(world.client('operate'), tags={'env': 'test'})}") == "env=test: 1 green"
    assert said(world, f"/{made_badge(world.client('operate', tags='env=none'))}") == "env=none: no agent"
    holder = ApiClient(Client(world.wsgi), "cp_" + path.removeprefix("badge/").removesuffix(".svg"))
    assert "the scope read" in holder.problem(403, "GET", "/api/me")["detail"]


def test_a_badge_is_kept_for_a_minute_by_anybody_and_runs_nothing(world: World) -> None:
    answer = Client(world.wsgi).get(f"/{made_badge(world.client())}")
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_badge_of_old_data_says_so(world: World) -> None:
    world.seal(agent("a1"), time=NOW - 120_000)
    assert said(world, f"/{made_badge(world.client())}") == "agents: data is late"


def test_badges_that_are_no_good_say_why(world: World) -> None:
    admin = world.client()
    made = admin.call("POST", "/api/badges", json={"expiresIn": 60}).json
    assert said(world, "/badge/none.svg", 404) == "agents: no such badge"
    assert said(world, f"/{made['path'][:-6]}AA.svg", 404) == "agents: no such badge"
    # A token of another scope is no badge, though it is good.
    assert said(world, f"/badge/{world.token('admin').removeprefix('cp_')}", 404) == "agents: no such badge"
    world.now += 61_000
    assert said(world, f"/{made['path']}", 404) == "agents: badge expired"
    admin.call("DELETE", f"/api/tokens/{made['id']}")
    assert said(world, f"/{made['path']}", 404) == "agents: badge revoked"


def test_who_am_i(world: World) -> None:
    me = world.client("operate", tags="shard=acme").get("/api/me")
    assert (me["name"], me["workspace"], me["scopes"], me["tags"], me["expires"]) == (
        "test",
        "team",
        ["read", "operate"],
        "shard=acme",
        None,
    )
    assert world.client().get("/api/me")["scopes"] == ["ingest", "keys", "read", "operate", "admin"]


def test_retention_is_that_of_what_is_deployed(world: World) -> None:
    found = {one["what"]: one["days"] for one in world.client("read").get("/api/retention")["kept"]}
    assert found["Raw history"] == (None if world.services.raw is None else data_stack.RAW_MAGNETIC_DAYS)
    assert (found["Figures by minute"], found["Figures by hour"], found["Usage and cost"]) == (3, 35, 400)
    assert retention.RAW_DAYS == data_stack.RAW_MAGNETIC_DAYS
