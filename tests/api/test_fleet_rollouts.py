"""What is applied reaches the agents: the API in front of the engine of rollouts, both over the same stores in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from functions.domain.desired import canonical
from functions.domain.rollout import Phase
from tests.api.world import ApiClient, World
from tests.rollouts.workshop import FAIL, PASS, WS, Workshop

POLICY = "rollout: {waves: [1, 100%], bake_s: 60, apply_s: 60}\n"
FIRST = {"fleet.yaml": POLICY, "agents/tier-smart.yaml": "model: {primary: x/b}\n"}
SECOND = {**FIRST, "agents/tier-smart.yaml": "model: {primary: x/c}\n"}
OWN = canonical({"paused": True})


@pytest.fixture
def shop() -> Workshop:
    shop = Workshop()
    for number in range(6):
        shop.add(f"a-{number}", tier="smart")
    shop.add("other", OWN, tier="none")
    return shop


@pytest.fixture
def client(shop: Workshop) -> ApiClient:
    world = World()
    stores = {"fleet": shop.fleet, "desired": shop.desired, "rollouts": shop.rollouts, "revisions": shop.revisions}
    world.services = replace(world.services, **stores, executions=shop.executions, now=lambda: shop.now)
    return world.client("operate", workspace=WS)


def apply(client: ApiClient, files: Mapping[str, str]) -> dict[str, Any]:
    answer = client.call("POST", "/api/fleet/apply", json={"files": files, "approveCost": True})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json["revision"]
    return found


def drift(client: ApiClient) -> dict[str, list[str]]:
    states: dict[str, list[str]] = {}
    for one in client.get("/api/fleet/drift")["agents"]:
        states.setdefault(one["state"], []).append(one["agent"])
    return states


def run_out(shop: Workshop, rollout: str) -> Phase:
    shop.run(3_600, lambda: shop.head(rollout).phase in (Phase.SUCCEEDED, Phase.REVERTED))
    shop.run(60)
    return shop.head(rollout).phase


def test_a_revision_reaches_all_agents_and_those_that_come_meanwhile(shop: Workshop, client: ApiClient) -> None:
    revision = apply(client, FIRST)
    shop.run(30)
    assert drift(client) == {
        "in-sync": ["a-0"],
        "pending": ["a-1", "a-2", "a-3", "a-4", "a-5"],
        "unknown-to-repository": ["other"],
    }
    shop.add("late", tier="smart")
    assert run_out(shop, revision["rollout"]) is Phase.SUCCEEDED
    shop.add("later", tier="smart")
    shop.run(180)
    assert drift(client) == {"in-sync": [*(f"a-{number}" for number in range(6)), "late", "later"], "unknown-to-repository": ["other"]}
    assert (shop.desired.get(WS, "other") or pytest.fail("gone")).text == OWN
    assert client.get("/api/fleet/revisions")["revisions"][0]["phase"] == "succeeded"


def test_a_bad_revision_is_put_back_and_the_way_back_is_open(shop: Workshop, client: ApiClient) -> None:
    run_out(shop, apply(client, FIRST)["rollout"])
    before = shop.runs()
    shop.gate.say = lambda rollout, waves, now: FAIL
    assert run_out(shop, apply(client, SECOND)["rollout"]) is Phase.REVERTED
    assert shop.runs() == before
    assert drift(client).keys() == {"overridden", "unknown-to-repository"}
    shop.gate.say = lambda rollout, waves, now: PASS
    answer = client.call("POST", "/api/fleet/rollback", json={"to": 1})
    # All run it already, so nothing has to be rolled out: only what the repository says is the first again.
    assert (answer.status_code, answer.json["revision"]["number"], answer.json["revision"]["rollout"]) == (201, 3, None)
    assert drift(client).keys() == {"in-sync", "unknown-to-repository"}
    assert run_out(shop, apply(client, SECOND)["rollout"]) is Phase.SUCCEEDED
    assert drift(client)["in-sync"] == [f"a-{number}" for number in range(6)]
