from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from functions.runtime.rule_book import pack, pack_names
from tests.api.alerting import DEAD, SLOW
from tests.api.world import ApiClient, World

OWN = {"packs": [], "rules": [SLOW, DEAD]}


@pytest.fixture
def client(world: World) -> ApiClient:
    return world.client("operate")


def put(client: ApiClient, document: Any, **headers: str) -> Any:
    return client.call("PUT", "/api/rules", json=document, headers={key.replace("_", "-"): value for key, value in headers.items()})


def test_without_a_document_all_packs_are_in_force(client: ApiClient) -> None:
    found = client.get("/api/rules")
    assert (found["packs"], found["own"], found["faults"]) == (list(pack_names()), {}, [])
    assert {rule["name"]: rule["origin"] for rule in found["rules"]} == {rule.name: name for name in pack_names() for rule in pack(name)}
    assert all(rule["document"]["name"] == rule["name"] for rule in found["rules"])


def test_own_rules_are_stored_and_shown(world: World, client: ApiClient) -> None:
    answer = put(client, OWN)
    assert answer.status_code == 200, answer.text
    found = client.get("/api/rules")
    assert answer.json == found
    assert (found["packs"], found["own"]) == ([], OWN)
    dead, slow = found["rules"]
    assert (dead["name"], slow["name"], slow["origin"], slow["severity"], slow["document"]) == ("dead", "slow", "own", "critical", SLOW)
    assert [rule.name for rule in world.services.rules.rules("team")] == ["dead", "slow"]
    assert slow["digest"] == world.services.rules.rules("team")[1].digest


def test_a_rule_of_ones_own_replaces_a_shipped_one(client: ApiClient) -> None:
    first = client.get("/api/rules")["rules"][0]
    mine = {**first["document"], "severity": "info", "expires": "2027-03-01"}
    put(client, {"rules": [mine]})
    shown = next(rule for rule in client.get("/api/rules")["rules"] if rule["name"] == first["name"])
    assert (shown["origin"], shown["replaces"], shown["document"]) == ("own", first["origin"], mine)
    assert shown["expires"] == "2027-03-01T00:00:00.000Z"


def test_every_fault_is_told_with_its_path_and_nothing_is_stored(client: ApiClient) -> None:
    put(client, OWN)
    bad = {
        "packs": ["cots", 7],
        "rulez": [],
        "rules": [SLOW, {**DEAD, "when": {"field": "heartbeat_age_s", "abov": 1}}, {"when": {}}, SLOW],
    }
    problem = client.problem(422, "PUT", "/api/rules", json=bad)
    faults = {fault["path"]: fault["reason"] for fault in problem["faults"]}
    assert "did you mean rules?" in faults["rulez"]
    assert "did you mean cost?" in faults["packs[0]"]
    assert {"packs[1]", "rules[1].when.abov", "rules[2].name", "rules[3].name"} <= faults.keys()
    assert problem["field"] == problem["faults"][0]["path"]
    assert client.get("/api/rules")["own"] == OWN


@pytest.mark.parametrize("document", [{"rules": {}}, {"rules": None}, {"packs": ""}, {"packs": None}, {"rules": ["x"]}])
def test_wrong_kinds_are_faults(client: ApiClient, document: Any) -> None:
    assert client.problem(422, "PUT", "/api/rules", json=document)["faults"]


def test_a_writer_replaces_only_what_he_has_seen(world: World, client: ApiClient) -> None:
    seen = client.call("GET", "/api/rules").headers["ETag"]
    first = put(client, OWN, If_Match=seen)
    assert first.status_code == 200
    problem = client.problem(412, "PUT", "/api/rules", json={}, headers={"If-Match": seen})
    assert "look at the rules" in problem["detail"]
    assert put(client, {"packs": []}, If_Match=f"W/{first.headers['ETag']}").status_code == 200
    assert client.problem(422, "PUT", "/api/rules", json={}, headers={"If-Match": "abc"})["field"] == "If-Match"


def test_of_two_writers_who_saw_the_same_one_is_told(world: World, client: ApiClient) -> None:
    put(client, OWN)
    world.fleet.replace_settings = lambda *_: False  # type: ignore[method-assign]
    assert "try again" in client.problem(409, "PUT", "/api/rules", json={})["detail"]
    assert "try again" in client.problem(412, "PUT", "/api/rules", json={}, headers={"If-Match": "*"})["detail"]


def test_check_stores_nothing(client: ApiClient) -> None:
    reader = client
    assert reader.call("POST", "/api/rules/check", json=OWN).json == {"faults": []}
    assert reader.call("POST", "/api/rules/check", json=SLOW).json == {"faults": []}
    (fault,) = reader.call("POST", "/api/rules/check", json={**SLOW, "severty": "info"}).json["faults"]
    assert fault["path"] == "severty"
    assert "severity" in fault["reason"]
    found = reader.call("POST", "/api/rules/check", json={"rules": [SLOW, SLOW]}).json["faults"]
    assert found == [{"path": "rules[1].name", "reason": "slow is the name of a rule above"}]
    assert client.get("/api/rules")["own"] == {}


@pytest.mark.parametrize("number", ["NaN", "1e999"])
def test_what_is_no_json_is_refused(client: ApiClient, number: str) -> None:
    text = json.dumps(OWN).replace("500", number)
    assert client.problem(422, "PUT", "/api/rules", data=text, content_type="application/json")["field"] == "body"


def test_numbers_beyond_all_bounds_are_faults(client: ApiClient) -> None:
    text = json.dumps(OWN).replace("500", "1" + "0" * 400)
    problem = client.problem(422, "PUT", "/api/rules", data=text, content_type="application/json")
    assert problem["faults"][0]["path"] == "rules[0].when.above"


def test_stored_rules_that_are_not_understood_are_told(world: World, client: ApiClient) -> None:
    world.fleet.put_settings("team", "rules", {"packs": [], "rules": [SLOW, {"name": "of-tomorrow", "when": {"vibes": "bad"}}]})
    found = client.get("/api/rules")
    assert [rule["name"] for rule in found["rules"]] == ["slow"]
    assert "of-tomorrow" in found["faults"][0]


def test_packs_are_shown_with_their_rules(world: World, client: ApiClient) -> None:
    put(client, {"packs": ["cost"]})
    found = {pack["name"]: pack for pack in client.get("/api/rules/packs")["packs"]}
    assert list(found) == list(pack_names())
    assert [name for name, shown in found.items() if shown["inForce"]] == ["cost"]
    assert [rule["name"] for rule in found["cost"]["rules"]] == [rule.name for rule in pack("cost")]


def test_the_schema_is_open_and_takes_the_packs(client: ApiClient) -> None:
    schema = client.without_token().get("/api/rules/schema.json")
    for shown in client.get("/api/rules/packs")["packs"]:
        jsonschema.Draft202012Validator(schema).validate({"rules": shown["rules"]})


def test_scopes_and_tenants(world: World, client: ApiClient) -> None:
    assert "scope operate" in world.client("read").problem(403, "PUT", "/api/rules", json=OWN)["detail"]
    tenant = world.client("operate", tags="shard=acme")
    for method in ("GET", "PUT"):
        assert "whole workspace" in tenant.problem(403, method, "/api/rules", json={})["detail"]
    put(client, OWN)
    assert world.client("read", workspace="other").get("/api/rules")["own"] == {}
