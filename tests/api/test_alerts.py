from __future__ import annotations

import msgspec
import pytest

from functions.domain.alert import EdgeKind, Phase
from tests.api.alerting import BEGAN, edge, incident, own_rules, state
from tests.api.world import NOW, ApiClient, World, agent


@pytest.fixture
def client(world: World) -> ApiClient:
    own_rules(world)
    world.seal(agent("a1", "env=prod,shard=acme"), agent("a2", "env=dev,shard=beta"))
    return world.client("read")


def shown(client: ApiClient, **query: str) -> list[tuple[str, str]]:
    found = client.get("/api/alerts", **query)["alerts"]
    return [(alert["rule"], ",".join(alert["series"].values())) for alert in found]


def test_nothing_fires_at_first(client: ApiClient) -> None:
    assert client.get("/api/alerts") == {"alerts": [], "total": 0, "next": None}


def test_an_alert_has_its_figures_reason_and_incident(world: World, client: ApiClient) -> None:
    state(world, tier="fast")
    opened = incident(world)
    (alert,) = client.get("/api/alerts")["alerts"]
    assert alert.pop("id").startswith("slow|tier=fast|")
    assert alert == {
        "rule": "slow",
        "series": {"tier": "fast"},
        "labels": {"rule": "slow", "severity": "critical", "tier": "fast"},
        "severity": "critical",
        "phase": "firing",
        "since": "2026-11-23T19:50:30.000Z",
        "firedAt": "2026-11-23T19:50:30.000Z",
        "value": 812.0,
        "threshold": 500.0,
        "reason": "p95 is 812 ms, above 500 ms",
        "data": "ok",
        "evaluated": "2026-11-23T20:00:15.000Z",
        "flapping": False,
        "acknowledgedBy": None,
        "silencedBy": None,
        "inhibitedBy": None,
        "incident": opened.id,
        "runbook": "https://example.org/slow",
        "owner": "ada",
    }


def test_one_that_only_pends_has_what_its_rule_and_agent_say(world: World, client: ApiClient) -> None:
    state(world, "dead", Phase.PENDING, agent="a1")
    (alert,) = client.get("/api/alerts")["alerts"]
    labels = {"rule": "dead", "severity": "warning", "team": "search", "agent": "a1", "env": "prod", "shard": "acme"}
    assert (alert["phase"], alert["labels"], alert["firedAt"], alert["incident"]) == ("pending", labels, None, None)


def test_those_of_a_deleted_rule_are_shown_too(world: World, client: ApiClient) -> None:
    state(world, "gone", tier="fast")
    assert shown(client) == [("gone", "fast")]


def test_phases_tags_and_rule_choose(world: World, client: ApiClient) -> None:
    state(world, tier="fast")
    state(world, "slow", Phase.RESOLVED, tier="smart")
    state(world, "dead", Phase.PENDING, agent="a1")
    state(world, "dead", Phase.INACTIVE, agent="a2")
    assert shown(client) == [("dead", "a1"), ("slow", "fast")]
    assert shown(client, state="resolved,inactive") == [("dead", "a2"), ("slow", "smart")]
    assert shown(client, tags="severity=critical") == [("slow", "fast")]
    assert shown(client, tags="env=~prod|dev") == [("dead", "a1")]
    assert shown(client, rule="dead") == [("dead", "a1")]
    assert client.problem(400, "GET", "/api/alerts?state=ringing")["field"] == "state"


def test_pages_join(world: World, client: ApiClient) -> None:
    for number in range(5):
        state(world, tier=f"t{number}")
    first = client.get("/api/alerts", limit=3)
    second = client.get("/api/alerts", limit=3, cursor=first["next"])
    series = [alert["series"]["tier"] for alert in first["alerts"] + second["alerts"]]
    assert (series, first["total"], second["next"]) == ([f"t{number}" for number in range(5)], 5, None)
    assert client.problem(422, "GET", f"/api/alerts?rule=slow&cursor={first['next']}")["field"] == "cursor"


def test_what_hides_an_alert_is_named(world: World, client: ApiClient) -> None:
    state(world, tier="fast")
    state(world, "dead", told=edge("dead", tags={"tier": "fast"}, agent="a1"), agent="a1")
    silence = {"matchers": "rule=slow", "starts": NOW - 1, "ends": NOW + 60_000, "comment": "", "by": "x"}
    world.alerts.put_silence("team", "s1", silence)
    rules = [{"source": "rule=slow", "target": "rule=dead", "equal": ["tier"]}]
    world.fleet.put_settings("team", "inhibitions", {"inhibitions": rules})
    dead, slow = client.get("/api/alerts")["alerts"]
    assert (slow["silencedBy"], slow["inhibitedBy"], dead["silencedBy"], dead["inhibitedBy"]) == ("s1", None, None, slow["id"])


def test_an_alert_that_ended_is_in_no_incident(world: World, client: ApiClient) -> None:
    state(world, "slow", Phase.RESOLVED, tier="fast")
    incident(world, edge(tier="fast"), edge(kind=EdgeKind.RESOLVED, at=BEGAN + 1, tier="fast"))
    (alert,) = client.get("/api/alerts", state="resolved")["alerts"]
    assert alert["incident"] is None


def test_a_tenant_sees_its_own_series_alone(world: World, client: ApiClient) -> None:
    per_shard = {"name": "shard", "per": "shard", "when": {"event": "task.failed", "aggregation": "count", "over": "1m", "above": 0}}
    mine = {**per_shard, "name": "mine", "per": "group", "select": "shard=acme"}
    own_rules(world, {"name": "dead", "per": "agent", "when": {"field": "heartbeat_age_s", "above": 35}}, per_shard, mine)
    for name in ("a1", "a2"):
        state(world, "dead", Phase.PENDING, agent=name)
        state(world, "gone", told=edge("gone", tags={"shard": {"a1": "acme", "a2": "beta"}[name]}, agent=name), agent=name)
    for shard in ("acme", "beta"):
        state(world, "shard", shard=shard)
    state(world, "mine")
    state(world, "whole")
    acme = world.client("read", tags="shard=acme")
    assert shown(acme) == [("dead", "a1"), ("gone", "a1"), ("mine", ""), ("shard", "acme")]
    assert len(shown(client)) == 8
    assert shown(world.client("read", workspace="other")) == []


def test_states_of_a_former_release_need_no_snapshot(world: World) -> None:
    state(world, "dead", Phase.PENDING, agent="a1")
    before = world.alerts.states("team")[0]
    world.alerts.claim("team", [(msgspec.structs.replace(before, version=2, value=None, threshold=None), None)])
    (alert,) = world.client("read").get("/api/alerts")["alerts"]
    assert (alert["value"], alert["threshold"], alert["severity"]) == (None, None, "warning")
