from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import NOW, ApiClient, World


@pytest.fixture
def client(world: World) -> ApiClient:
    return world.client("operate")


def make(client: ApiClient, **body: Any) -> Any:
    answer = client.call("POST", "/api/silences", json={"matchers": "rule=slow", "for": "2h", **body})
    assert answer.status_code == 201, answer.text
    return answer.json


def test_a_silence_is_made_listed_and_lifted(world: World, client: ApiClient) -> None:
    made = make(client, matchers="rule=slow, tier=~fast|smart", comment="planned")
    token = client.token.split("_")[1]
    assert made == {
        "id": made["id"],
        "matchers": "rule=slow,tier=~fast|smart",
        "starts": "2026-11-23T20:00:30.000Z",
        "ends": "2026-11-23T22:00:30.000Z",
        "weekly": None,
        "comment": "planned",
        "by": f"test ({token})",
        "active": True,
    }
    assert client.get("/api/silences") == {"silences": [made], "faults": []}
    assert client.call("DELETE", f"/api/silences/{made['id']}").status_code == 204
    assert client.get("/api/silences")["silences"] == []
    client.problem(404, "DELETE", f"/api/silences/{made['id']}")


def test_ids_differ(client: ApiClient) -> None:
    assert make(client)["id"] != make(client)["id"]


def test_weekly_hours_and_times_of_ones_own(world: World, client: ApiClient) -> None:
    weekly = {"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}
    body = {"matchers": "severity=info", "starts": "2026-11-23T00:00:00Z", "ends": "2026-12-23T00:00:00Z", "weekly": weekly}
    answer = client.call("POST", "/api/silences", json=body)
    assert (answer.status_code, answer.json["weekly"], answer.json["active"]) == (201, weekly, False)
    assert client.get("/api/silences")["silences"][0]["weekly"] == weekly
    world.now += 5 * 86_400_000
    assert client.get("/api/silences")["silences"][0]["active"] is True


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"matchers": ""}, 422, "matchers"),
        ({"matchers": "rule"}, 400, "matchers"),
        ({"matchers": "rule=~(a"}, 422, "matchers"),
        ({"for": "2 hours"}, 400, "for"),
        ({"for": ""}, 400, "for"),
        ({"for": "0s"}, 422, "ends"),
        ({"for": "400d"}, 422, "ends"),
        ({"for": None}, 422, "ends"),
        ({"ends": "2026-11-24T00:00:00Z"}, 422, "ends"),
        ({"for": None, "ends": "2026-11-23T19:00:00Z", "starts": "2026-11-23T18:00:00Z"}, 422, "ends"),
        ({"for": None, "ends": 1795464030000}, 400, "ends"),
        ({"weekly": {"days": ["saturday"], "from": "00:00", "to": "24:00"}}, 400, "weekly.days.0"),
        ({"weekly": {"days": ["sat"], "from": "8:00", "to": "24:00"}}, 400, "weekly.from"),
        ({"weekly": {"days": ["sat"], "from": "08:00", "to": "08:00"}}, 422, "weekly"),
        ({"comment": "\x1b[2J"}, 400, "comment"),
        ({"author": "x"}, 400, "author"),
    ],
)
def test_what_is_no_silence_is_refused(world: World, client: ApiClient, body: dict[str, Any], status: int, field: str) -> None:
    given = {key: value for key, value in {"matchers": "rule=slow", "for": "2h", **body}.items() if value is not None}
    assert client.problem(status, "POST", "/api/silences", json=given)["field"] == field
    assert world.alerts.silences("team") == {}


def test_one_that_is_over_is_not_listed(world: World, client: ApiClient) -> None:
    make(client)
    world.now += 2 * 3_600_000
    assert client.get("/api/silences")["silences"] == []


def test_stored_ones_that_are_not_understood_are_told(world: World, client: ApiClient) -> None:
    world.alerts.put_silence("team", "s1", {"matchers": "a=b", "starts": NOW, "ends": NOW + 9, "mood": "quiet"})
    found = client.get("/api/silences")
    assert found["silences"] == []
    assert "s1" in found["faults"][0]


def test_a_tenant_silences_and_sees_its_own_alone(world: World, client: ApiClient) -> None:
    whole = make(client)
    acme = world.client("operate", tags="shard=acme")
    made = make(acme)
    assert made["matchers"] == "rule=slow,shard=acme"
    assert [silence["id"] for silence in acme.get("/api/silences")["silences"]] == [made["id"]]
    acme.problem(404, "DELETE", f"/api/silences/{whole['id']}")
    assert acme.problem(422, "POST", "/api/silences", json={"matchers": "", "for": "2h"})["field"] == "matchers"
    assert len(client.get("/api/silences")["silences"]) == 2
    assert acme.call("DELETE", f"/api/silences/{made['id']}").status_code == 204


def test_workspaces_and_scopes_are_apart(world: World, client: ApiClient) -> None:
    made = make(client)
    assert world.client("read", workspace="other").get("/api/silences")["silences"] == []
    world.client("operate", workspace="other").problem(404, "DELETE", f"/api/silences/{made['id']}")
    reader = world.client("read")
    assert "scope operate" in reader.problem(403, "POST", "/api/silences", json={})["detail"]
    assert "scope operate" in reader.problem(403, "DELETE", f"/api/silences/{made['id']}")["detail"]
