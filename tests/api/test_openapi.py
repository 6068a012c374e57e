"""The OpenAPI document tells the truth: every route is in it, and the app holds what it promises."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from functions.api.app import ENDPOINTS, app
from functions.api.openapi import describe
from functions.domain.rotation import Rotation
from tests.api.alerting import REFUSED, delivery, incident, own_rules, state
from tests.api.failing import fail, slow
from tests.api.rolling import FAILED, rollout
from tests.api.test_feeds import done, post
from tests.api.test_keys import put
from tests.api.world import NOW, World, agent, gauges, rates

DOCUMENT = describe(ENDPOINTS)

CONFIG: dict[str, Any] = {
    "generation": {"deterministic": True, "database": "none", "max-examples": 40},
    "checks": {
        # What fits the document but cannot be done as asked, such as an end before the start, is 422; what does not fit is 400.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "412", "422"]},
        # Some cases leave the token out, which is 401.
        "negative_data_rejection": {"expected-statuses": ["400", "401", "404", "405", "413", "415"]},
    },
}


def test_every_route_is_described_and_nothing_else() -> None:
    routes = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    described = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert routes == described


def test_the_document_is_served(world: World) -> None:
    assert world.client().without_token().get("/api/openapi.json") == DOCUMENT


def test_all_schemas_are_sound() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_bills_are_described_as_json_and_as_csv() -> None:
    content = DOCUMENT["paths"]["/api/cost/chargeback"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["application/json", "text/csv; charset=utf-8"]


def test_every_path_parameter_is_described() -> None:
    for endpoint in ENDPOINTS:
        described = {p["name"] for p in DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]["parameters"] if p["in"] == "path"}
        assert described == set(endpoint.path_names)


class Stand:
    """The app that the cases are sent to: cases are made when tests are collected, the app's world when they run."""

    world: World

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self.world.wsgi(environ, start_response)


stand = Stand()
schema = schemathesis.openapi.from_dict(DOCUMENT | {"servers": [{"url": "/"}]}, config=SchemathesisConfig.from_dict(CONFIG))
schema.app = stand
# The first token of a world is the same in each.
AUTHORIZATION = {"Authorization": f"Bearer {World().token('admin')}"}


@pytest.fixture
def peopled(raw_world: World) -> World:
    raw_world.token("admin")
    raw_world.seal(
        agent("a1", "env=prod,tier=fast,host=h1", last_5_minutes=rates(), gauges=gauges(3, 2, 4)),
        agent("a2", "env=dev,tier=smart", remote_tags={"env": "canary"}),
    )
    raw_world.group({("task.latency_ms", "env=prod,tier=fast"): [100.0, 300.0], ("task.completed", "env=prod,tier=fast"): [1.0, 1.0]})
    post(raw_world, "a1", tags={"env": "prod"}, **done("t1", 100, 5000, tier="fast"))
    own_rules(raw_world)
    state(raw_world, tier="fast")
    delivery(raw_world, incident(raw_world), **REFUSED)
    fail(raw_world, slow())
    rollout(raw_world, verdicts=[FAILED])
    raw_world.rotations.create_rotation("team", Rotation(id="k000000001aa", provider="anthropic", created=NOW, by="t", new=""), [])
    raw_world.keys.assign("team", "a1", "anthropic", put(raw_world, "sk-current-0123456789"), None)
    stand.world = raw_world
    return raw_world


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_app_holds_what_the_document_promises(case: Case, peopled: World) -> None:
    case.call_and_validate(headers=AUTHORIZATION)
