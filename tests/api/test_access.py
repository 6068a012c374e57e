"""Who may do what; and how every refusal looks."""

from __future__ import annotations

import logging
import sys

import pytest
from werkzeug.test import Client

from clawpulse.fleet import digest
from functions.api.app import ENDPOINTS, app
from functions.domain.desired import desired
from functions.domain.revision import Revision
from functions.domain.rotation import Rotation
from tests.api.alerting import incident
from tests.api.failing import SLOW, fail, slow
from tests.api.fleet_repo import FILES
from tests.api.scaling import scale
from tests.api.world import NOW, ApiClient, World, agent

BODIES = {
    ("POST", "/api/agents"): {"id": "new"},
    ("PATCH", "/api/agents/{agent}"): {"name": "x"},
    ("POST", "/api/tokens"): {"name": "x", "scopes": ["read"]},
    ("POST", "/api/shares"): {"view": "fleet"},
    ("POST", "/api/badges"): {},
    ("PUT", "/api/settings"): {},
    ("PUT", "/api/agents/{agent}/desired"): {},
    ("PUT", "/api/rules"): {},
    ("POST", "/api/rules/check"): {},
    **{("PUT", f"/api/{name}"): {} for name in ("channels", "routes", "inhibitions", "dead-man", "budgets")},
    **{("PUT", f"/api/{name}"): {} for name in ("capacity-settings", "provider-limits")},
    **{("PUT", f"/api/{name}"): {} for name in ("rollout-policy", "freezes", "rollout-notices")},
    ("POST", "/api/rollouts"): {"agents": ["a1"], "model": "acme/other", "dryRun": True},
    ("POST", "/api/rollouts/{rollout}/{action}"): {},
    ("POST", "/api/rotations"): {"provider": "anthropic", "source": "key", "key": "sk-0123456789abcdef"},
    ("POST", "/api/rotations/{rotation}/{action}"): {},
    ("PUT", "/api/key-settings"): {},
    ("PUT", "/api/scaling-policy"): {},
    ("PUT", "/api/prices"): {},
    ("POST", "/api/reports"): {},
    ("PUT", "/api/report-schedule"): {},
    ("PUT", "/api/slos"): {},
    ("POST", "/api/cost/reprice"): {},
    ("POST", "/api/fleet/plan"): {"files": FILES},
    ("POST", "/api/fleet/apply"): {"files": FILES, "dryRun": True},
    ("POST", "/api/fleet/rollback"): {"to": 7},
    ("POST", "/api/alerts/backtest"): {"rule": "unknown"},
    ("POST", "/api/scaling-simulation"): {"group": "unknown"},
    ("POST", "/api/alerts/test"): {"tests": []},
    ("POST", "/api/silences"): {"matchers": "rule=slow", "for": "2h"},
    ("POST", "/api/incidents/{incident}/notes"): {"text": "x"},
}
QUERIES = {
    "/api/series": "?metric=m",
    "/api/cost/reconciliation": "?provider=anthropic",
    "/v1/config": "?agent=a1",
    "/v1/keys/{provider}": "?agent=a1",
}
INCIDENT = incident(World()).id
NAMES = {
    "agent": "a1",
    "token": "none",
    "silence": "s1",
    "incident": INCIDENT,
    "name": "chat",
    "fingerprint": SLOW,
    "rollout": "set below",
    "rotation": "k000000001aa",
    "provider": "anthropic",
    "action": "pause",
    "revision": "1",
    "group": "fast",
    "namespace": "default",
    "metric": "desired",
    "report": "w0000000000000aa",
}
SCOPED = [endpoint for endpoint in ENDPOINTS if endpoint.scope is not None]


def call(client: ApiClient, endpoint, **more):
    path = endpoint.path.format_map(NAMES) + QUERIES.get(endpoint.path, "")
    body = BODIES.get((endpoint.method, endpoint.path))
    return client.call(endpoint.method, path, **({"json": body} if body is not None else {}), **more)


@pytest.fixture(autouse=True)
def fleet(world: World) -> None:
    world.seal(agent("a1"))
    world.desired.put("team", "a1", desired({}, time=NOW, by="t"), None)
    world.revisions.put("team", Revision(number=1, digest=digest(FILES), by="t", at=NOW), FILES)
    started = world.client("operate").call("POST", "/api/rollouts", json={"agents": ["a1"], "model": "acme/other"})
    NAMES["rollout"] = started.json["rollout"]["id"]
    rotation = Rotation(id=NAMES["rotation"], provider="anthropic", created=NOW, by="t", new="", since=NOW)
    world.rotations.create_rotation("team", rotation, [])
    incident(world)
    fail(world, slow())
    scale(world)


def ids(endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.parametrize("endpoint", SCOPED, ids=ids)
def test_without_a_token(world: World, endpoint) -> None:
    assert call(world.client().without_token(), endpoint).status_code == 401


@pytest.mark.parametrize("endpoint", SCOPED, ids=ids)
def test_with_every_scope_but_the_one_needed(world: World, endpoint) -> None:
    others = {"ingest": "operate", "keys": "ingest", "read": "ingest", "operate": "read", "admin": "operate"}[endpoint.scope]
    answer = call(world.client(others), endpoint)
    assert answer.status_code == 403
    assert f"the scope {endpoint.scope}" in answer.get_json(force=True)["detail"]


@pytest.mark.parametrize("endpoint", SCOPED, ids=ids)
def test_with_just_the_scope_needed(world: World, endpoint) -> None:
    assert call(world.client(endpoint.scope), endpoint).status_code in (200, 201, 202, 204, 404)


@pytest.mark.parametrize("endpoint", [e for e in SCOPED if e.method == "GET" and not e.raw_history and not e.secret], ids=ids)
def test_every_get_has_an_etag_and_knows_it_again(world: World, endpoint) -> None:
    client = world.client()
    first = call(client, endpoint)
    again = call(client, endpoint, headers={"If-None-Match": f'"other", W/{first.headers["ETag"]}'})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "no-cache" in first.headers["Cache-Control"]
    assert call(client, endpoint, headers={"If-None-Match": '"other"'}).status_code == 200


def test_an_expired_token_hears_so(world: World) -> None:
    text = world.token("admin", expires=NOW - 1)
    problem = ApiClient(Client(world.wsgi), text).problem(401, "GET", "/api/settings")
    assert problem["detail"] == "the token is expired"


def test_a_revoked_token_hears_so(world: World) -> None:
    client = world.client()
    token_id = client.token.split("_")[1]
    assert client.call("DELETE", f"/api/tokens/{token_id}").status_code == 200
    answer = client.call("GET", "/api/settings")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.get_json(force=True)["detail"] == "the token is revoked"


def test_unknown_methods_and_routes(world: World) -> None:
    answer = world.client().call("DELETE", "/api/agents")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.headers["Content-Type"] == "application/problem+json"
    context = {"resourcePath": "/no/such", "httpMethod": "GET"}
    event = {"headers": {}, "multiValueQueryStringParameters": None, "pathParameters": None, "body": None, "stageVariables": None}
    answer = app({**event, "requestContext": context}, None)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (404, "application/problem+json")
    assert "/no/such" not in app.routes


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("tgas=env=prod", "tgas"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("limit=1&limit=2", "limit"),
        ("tags=env", "tags"),
        ("health=purple", "health"),
        ("cursor=%20", "cursor"),
    ],
)
def test_parameters_that_do_not_fit(world: World, query: str, field: str) -> None:
    assert world.client().problem(400, "GET", f"/api/dashboard/instances?{query}")["field"] == field


def test_a_pattern_that_fits_but_cannot_be(world: World) -> None:
    problem = world.client().problem(422, "GET", "/api/dashboard/instances?tags=env=~(a")
    assert problem["field"] == "tags"


@pytest.mark.parametrize(
    ("options", "status", "field"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400, "body"),
        ({"data": b"", "content_type": "application/json"}, 400, "body"),
        ({"data": b"{}", "content_type": "text/plain"}, 415, "Content-Type"),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, 400, "body"),
        ({"data": b'{"x":"' + b"a" * 70_000 + b'"}', "content_type": "application/json"}, 413, "body"),
        ({"data": b'{"health":{"idle_days":NaN}}', "content_type": "application/json"}, 400, "health.idle_days"),
    ],
)
def test_bodies_that_do_not_fit(world: World, options: dict[str, object], status: int, field: str) -> None:
    assert world.client().problem(status, "PUT", "/api/settings", **options)["field"] == field


def test_a_fault_of_ours_tells_nothing_and_is_logged(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("cp_abc_secret of the customer")

    # A logger keeps the stream of the test that made it.
    for handler in logging.getLogger("api").handlers:
        handler.setStream(sys.stdout)  # type: ignore[attr-defined]
    world.fleet.settings = fail  # type: ignore[assignment, method-assign]
    problem = world.client().problem(500, "GET", "/api/settings")
    assert "customer" not in str(problem)
    logged = capsys.readouterr().out
    assert "RuntimeError" in logged
    assert "secret" not in logged
