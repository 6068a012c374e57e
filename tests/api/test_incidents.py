from __future__ import annotations

from typing import Any

import pytest

from functions.domain.alert import EdgeKind, Phase
from functions.domain.dispatch import Change, Setup, dispatch
from functions.domain.incident import Incident, Note
from functions.domain.notification import NotificationKind, TimelineEntry
from functions.domain.rollout import Entry
from functions.domain.times import DAY_MS, HOUR_MS
from functions.runtime.alert_setup import read_setup
from tests.api.alerting import BEGAN, REFUSED, SENT, SLOW, delivery, edge, incident, own_rules, state
from tests.api.rolling import rollout
from tests.api.world import MINUTE, NOW, ApiClient, World, agent

OVER = {"kind": EdgeKind.RESOLVED, "at": BEGAN + 60_000}


@pytest.fixture
def client(world: World) -> ApiClient:
    own_rules(world)
    return world.client("operate")


def path(found: Incident, rest: str = "") -> str:
    return f"/api/incidents/{found.id}{rest}"


def ids(client: ApiClient, **query: Any) -> list[str]:
    return [found["id"] for found in client.get("/api/incidents", **query)["incidents"]]


def test_the_list_tells_each_in_a_line_newest_first(world: World, client: ApiClient) -> None:
    first = incident(world, edge(tier="fast"), edge(tier="fast", **OVER))
    second = incident(world, edge("dead", at=BEGAN + 5, agent="a1"), edge("dead", at=BEGAN + 6, agent="a2"))
    found = client.get("/api/incidents")
    assert (found["total"], [one["id"] for one in found["incidents"]]) == (2, [second.id, first.id])
    assert found["incidents"][0] == {
        "id": second.id,
        "title": "dead: 2 alerts",
        "severity": "warning",
        "state": "open",
        "opened": "2026-11-23T19:50:30.005Z",
        "closed": None,
        "route": "all",
        "group": {"rule": "dead"},
        "firing": 2,
        "alerts": 2,
        "acknowledgedBy": [],
        "hidden": None,
        "flapping": False,
    }
    assert (found["incidents"][1]["state"], found["incidents"][1]["closed"]) == ("closed", "2026-11-23T19:51:30.000Z")


def test_tags_choose_by_the_labels_of_any_alert(world: World, client: ApiClient) -> None:
    both = incident(world, edge(tier="fast"), edge(tier="smart"))
    other = incident(world, edge("dead", at=BEGAN + 5, agent="a1"))
    assert ids(client, tags="tier=smart") == [both.id]
    assert ids(client, tags="tier!=smart") == [other.id, both.id]
    assert ids(client, tags="tier=fast,severity=info") == []
    assert client.problem(400, "GET", "/api/incidents?tags=oops")["field"] == "tags"


def test_state_time_and_words_choose(world: World, client: ApiClient) -> None:
    old = incident(
        world, edge(at=NOW - 30 * DAY_MS, tier="smart"), edge(kind=EdgeKind.RESOLVED, at=NOW - 29 * DAY_MS, tier="smart"), archived=True
    )
    still = incident(world, edge("dead", at=NOW - 9 * DAY_MS, agent="a7"), notes=[Note(at=NOW, by="ada", text="Kühlung ausgefallen")])
    new = incident(world)
    assert ids(client) == [new.id, still.id]
    assert ids(client, since="2026-10-01T00:00:00Z") == [new.id, still.id, old.id]
    assert ids(client, state="open", since="2026-11-23T00:00:00Z") == [new.id, still.id]
    assert ids(client, state="closed", since="2026-10-01T00:00:00Z") == [old.id]
    assert ids(client, q="AUSGEFALLEN kühlung") == [still.id]
    assert ids(client, q="ausgefallen fast") == []
    assert ids(client, q="tier=fast") == [new.id]
    assert ids(client, q="fast p95") == [new.id]
    assert ids(client, limit=1) == [new.id]
    assert client.get("/api/incidents", limit=1)["total"] == 2
    assert client.problem(422, "GET", "/api/incidents?since=2020-01-01T00:00:00Z")["field"] == "since"
    assert client.problem(400, "GET", "/api/incidents?state=ajar")["field"] == "state"


def test_one_is_shown_with_alerts_timeline_notes_and_messages(world: World, client: ApiClient) -> None:
    found = incident(world, edge(tier="fast"), edge(tier="smart"), edge(tier="smart", **OVER), notes=[Note(at=NOW, by="ada", text="x")])
    delivery(world, found, **SENT)
    delivery(world, found, NotificationKind.UPDATE, **REFUSED)
    delivery(world, incident(world, edge("dead", agent="a1")))
    shown = client.get(path(found))
    assert [(member["series"], member["firing"], member["endReason"]) for member in shown["members"]] == [
        ({"tier": "fast"}, True, ""),
        ({"tier": "smart"}, False, "p95 is 100 ms"),
    ]
    assert (shown["members"][0]["value"], shown["members"][0]["runbook"]) == (812.0, "https://example.org/slow")
    assert shown["timeline"][-1] == {"at": "2026-11-23T19:51:30.000Z", "text": "resolved: slow (tier=smart): p95 is 100 ms"}
    assert shown["notes"] == [{"at": "2026-11-23T20:00:30.000Z", "by": "ada", "text": "x"}]
    assert sorted((one["kind"], one["state"], one["reason"], one["reference"]) for one in shown["deliveries"]) == [
        ("firing", "sent", "", "m1"),
        ("update", "undelivered", "400: no such channel", ""),
    ]
    assert (shown["firing"], shown["alerts"], shown["partial"], shown["unlisted"]) == (1, 2, False, 0)


def test_unknown_ones(client: ApiClient) -> None:
    missing = "/api/incidents/0192f4a1b2c-0123456789ab"
    for method, rest in (("GET", ""), ("POST", "/acknowledge"), ("GET", "/postmortem")):
        client.problem(404, method, missing + rest)
    client.problem(404, "POST", missing + "/notes", json={"text": "x"})
    assert client.problem(400, "GET", "/api/incidents/latest")["field"] == "incident"


def test_an_acknowledgement_is_on_incident_and_alerts_and_is_told(world: World, client: ApiClient) -> None:
    found = incident(world, told_at=BEGAN, told=[edge(tier="fast").episode])
    state(world, tier="fast")
    state(world, tier="smart")
    state(world, "dead", Phase.PENDING, agent="a1")
    answer = client.call("POST", path(found, "/acknowledge"))
    by = f"test ({client.token.split('_')[1]})"
    assert (answer.status_code, answer.json["acknowledgedBy"]) == (200, [by])
    assert answer.json["timeline"][-1]["text"] == f"acknowledged by {by}"
    assert [(one["series"], one["acknowledgedBy"]) for one in client.get("/api/alerts", rule="slow")["alerts"]] == [
        ({"tier": "fast"}, by),
        ({"tier": "smart"}, None),
    ]
    setup, faults = read_setup(world.fleet, world.alerts, "team")
    plan = dispatch("team", [], world.alerts.incidents("team"), setup, NOW + 1)
    assert (faults, [change.incident.acknowledged for change in plan.changes]) == ([], [None])
    assert isinstance(setup, Setup)


def test_acknowledging_again_changes_nothing(world: World, client: ApiClient) -> None:
    found = incident(world)
    state(world, tier="fast")
    first = client.call("POST", path(found, "/acknowledge")).json
    versions = [world.alerts.incident("team", found.id).version, world.alerts.states("team")[0].version]  # type: ignore[union-attr]
    world.now += 60_000
    assert world.client("operate").call("POST", path(found, "/acknowledge")).json == first
    assert versions == [2, 2]
    assert [world.alerts.incident("team", found.id).version, world.alerts.states("team")[0].version] == versions  # type: ignore[union-attr]


def test_what_is_over_cannot_be_acknowledged(world: World, client: ApiClient) -> None:
    found = incident(world, edge(tier="fast"), edge(tier="fast", **OVER))
    assert "nothing of this incident fires" in client.problem(409, "POST", path(found, "/acknowledge"))["detail"]


def test_others_who_write_meanwhile_lose_nothing(world: World, client: ApiClient) -> None:
    found = incident(world)
    made = state(world, tier="fast")
    amend, claim, rounds = world.alerts.amend, world.alerts.claim, []

    def slower_amend(workspace: str, incident: Incident) -> bool:
        if not rounds:
            rounds.append("amend")
            ours = world.alerts.incident("team", found.id)
            assert ours is not None
            ours.version, ours.hidden = 2, "silenced by s1"
            assert world.alerts.save("team", Change(incident=ours))
        return amend(workspace, incident)

    def slower_claim(workspace: str, claims: Any) -> list[bool]:
        if len(rounds) == 1:
            rounds.append("claim")
            made.version, made.value = 2, 900.0
            assert claim("team", [(made, None)]) == [True]
        return claim(workspace, claims)

    world.alerts.amend, world.alerts.claim = slower_amend, slower_claim  # type: ignore[method-assign]
    assert client.call("POST", path(found, "/acknowledge")).status_code == 200
    assert rounds == ["amend", "claim"]
    after = world.alerts.incident("team", found.id)
    assert after is not None
    assert (after.hidden, after.version, after.acknowledged is not None) == ("silenced by s1", 3, True)
    (alert,) = world.alerts.states("team")
    assert (alert.value, alert.version, alert.acknowledged_by is not None) == (900.0, 3, True)


def test_a_store_that_always_changes_is_a_conflict(world: World, client: ApiClient) -> None:
    found = incident(world)
    world.alerts.amend = lambda *_: False  # type: ignore[method-assign]
    assert "try again" in client.problem(409, "POST", path(found, "/acknowledge"))["detail"]


def test_notes_are_kept_of_archived_ones_too(world: World, client: ApiClient) -> None:
    found = incident(world, edge(tier="fast"), edge(tier="fast", **OVER), archived=True)
    answer = client.call("POST", path(found, "/notes"), json={"text": "cause: a\tchanged prompt\nsee #12"})
    assert answer.status_code == 201
    (note,) = answer.json["notes"]
    assert (note["text"], note["at"]) == ("cause: a\tchanged prompt\nsee #12", "2026-11-23T20:00:30.000Z")
    assert note["by"].startswith("test (")
    assert client.get(path(found))["notes"] == [note]
    assert world.alerts.incidents("team") == []


@pytest.mark.parametrize("text", ["", "x" * 2001, "\x1b[2J", 7])
def test_what_is_no_note_is_refused(world: World, client: ApiClient, text: object) -> None:
    assert client.problem(400, "POST", path(incident(world), "/notes"), json={"text": text})["field"] == "text"


def test_an_incident_has_room_for_200_notes(world: World, client: ApiClient) -> None:
    found = incident(world, notes=[Note(at=NOW, by="x", text="y")] * 200)
    assert "at most 200" in client.problem(409, "POST", path(found, "/notes"), json={"text": "z"})["detail"]


def test_the_postmortem_is_markdown(world: World, client: ApiClient) -> None:
    found = incident(world)
    delivery(world, found, **REFUSED)
    answer = client.call("GET", path(found, "/postmortem"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/markdown; charset=utf-8")
    assert answer.text.startswith("# Postmortem (draft): slow (tier=fast)\n")
    assert "Why could chat not be told?" in answer.text


def cost_line(client: ApiClient, found: Incident) -> str:
    text = client.call("GET", path(found, "/postmortem")).text
    return next(line for line in text.splitlines() if line.startswith("- Cost")).rpartition(": ")[2]


def test_the_postmortem_has_what_was_spent(world: World, client: ApiClient) -> None:
    found = incident(world, edge(tier="fast"), edge(tier="smart"))
    assert cost_line(client, found) == "_not known_"
    for ago in range(3):
        costs = {("task.cost_usd", f"tier={tier}"): [0.5, 1.0] for tier in ("fast", "smart", "batch")}
        world.group({**costs, ("task.latency_ms", "tier=fast"): [7.0]}, minute=MINUTE - ago)
    world.group({("task.cost_usd", "tier=fast"): [100.0]}, minute=MINUTE - 20)
    assert cost_line(client, found) == "$9"
    own_rules(world, SLOW | {"name": "other"})
    assert cost_line(client, found) == "_not known_"


def test_the_postmortem_has_what_single_agents_spent(world: World, client: ApiClient) -> None:
    world.seal(agent("a1"), agent("a2"))
    for name in ("a1", "a2"):
        world.agent_minute(name, {("task.cost_usd", "tier=fast"): [2.5]}, minute=MINUTE)
    assert cost_line(client, incident(world, edge("dead", agent="a1"))) == "$2.5"
    assert cost_line(client, incident(world, edge("dead", at=BEGAN + 1, agent="gone"))) == "_not known_"


def test_a_tenant_sees_its_part_alone(world: World, client: ApiClient) -> None:
    mine = incident(world, edge("dead", tags={"shard": "acme"}, agent="a1"))
    shared = incident(
        world,
        edge(tier="fast", tags={"shard": "acme"}),
        edge(tier="smart", tags={"shard": "beta"}),
        notes=[Note(at=NOW, by="ada", text="beta is down")],
        hidden="follows from beta",
    )
    others = incident(world, edge("mine", at=BEGAN + 7, agent="a2", tags={"shard": "beta"}))
    delivery(world, shared, **REFUSED)
    acme = world.client("operate", tags="shard=acme")
    assert ids(acme) == sorted([mine.id, shared.id], reverse=True)
    assert acme.get(path(mine))["partial"] is False
    part = acme.get(path(shared))
    assert (part["partial"], [member["series"] for member in part["members"]]) == (True, [{"tier": "fast"}])
    assert (part["timeline"], part["notes"], part["deliveries"], part["hidden"], part["title"]) == ([], [], [], None, "slow (tier=fast)")
    assert "beta" not in str(part) + acme.call("GET", path(shared, "/postmortem")).text
    acme.problem(404, "GET", path(others))
    assert "whole workspace" in acme.problem(403, "POST", path(shared, "/acknowledge"))["detail"]
    assert acme.problem(403, "POST", path(shared, "/notes"), json={"text": "x"})
    assert acme.call("POST", path(mine, "/acknowledge")).status_code == 200
    assert ids(world.client("read", workspace="other")) == []


def test_a_tenant_sees_no_changes_of_others(world: World, client: ApiClient) -> None:
    timeline = [
        TimelineEntry(at=BEGAN - 2, text="changed: a1: model: x → y", tags={"shard": "acme"}),
        TimelineEntry(at=BEGAN - 1, text="changed: 9 agents: version app: 1 → 2", tags={}),
    ]
    found = incident(world, edge("dead", tags={"shard": "acme"}, agent="a1"), timeline=timeline)
    acme = world.client("operate", tags="shard=acme")
    assert [entry["text"] for entry in acme.get(path(found))["timeline"]] == ["changed: a1: model: x → y"]
    assert "9 agents" not in acme.call("GET", path(found, "/postmortem")).text
    assert [entry["text"] for entry in client.get(path(found))["timeline"]] == [entry.text for entry in timeline]
    assert acme.call("POST", path(found, "/acknowledge")).status_code == 200
    assert "9 agents" in str(client.get(path(found))), "what is not shown is kept"


def test_a_tenants_rule_is_its_own_whatever_its_series(world: World) -> None:
    own_rules(world, {"name": "mine", "select": "shard=acme", "when": {"metric": "x", "aggregation": "sum", "over": "1m", "above": 1}})
    found = incident(world, edge("mine"))
    assert ids(world.client("read", tags="shard=acme")) == [found.id]
    assert ids(world.client("read", tags="shard=beta")) == []


def test_old_incidents_keep_their_messages_as_long_as_these_are_kept(world: World, client: ApiClient) -> None:
    found = incident(world)
    delivery(world, found, **SENT)
    world.now += 31 * DAY_MS + HOUR_MS
    assert client.get(path(found))["deliveries"] == []


def test_deliveries_are_listed_by_state_newest_first(world: World, client: ApiClient) -> None:
    found = incident(world)
    delivery(world, found, **SENT)
    delivery(world, found, **REFUSED)
    delivery(world, found, retry_at=NOW + 5_000, attempts=1, reason="503: busy")
    listed = client.get("/api/deliveries")
    assert listed["total"] == 3
    assert {one["state"]: one["retryAt"] for one in listed["deliveries"]} == {
        "sent": None,
        "undelivered": None,
        "pending": "2026-11-23T20:00:35.000Z",
    }
    (one,) = client.get("/api/deliveries", state="undelivered", since="2026-11-23T00:00:00Z")["deliveries"]
    assert (one["reason"], one["attempts"], one["incident"]) == ("400: no such channel", 1, found.id)
    assert client.get("/api/deliveries", since="2026-11-23T20:00:00Z") == {"deliveries": [], "total": 0}
    assert client.problem(422, "GET", "/api/deliveries?since=2026-01-01T00:00:00Z")["field"] == "since"
    assert "whole workspace" in world.client("read", tags="shard=acme").problem(403, "GET", "/api/deliveries")["detail"]


def test_rollouts_of_its_time_are_on_the_timeline(world: World, client: ApiClient) -> None:
    began = BEGAN - 60_000
    entries = [
        Entry(at=began - 2 * HOUR_MS - 1, rollout="r000000001aa", by="t", action="created", text="long ago", title="x"),
        Entry(
            at=began - 2 * HOUR_MS,
            rollout="r000000001aa",
            by="ada",
            action="created",
            text="m: a → b: 9 agents in 2 waves",
            title="m: a → b",
        ),
        Entry(
            at=BEGAN, rollout="r000000001aa", by="clawpulse", action="wave", text="wave 2 of 2", title="m: a → b", tags={"shard": "acme"}
        ),
        Entry(at=BEGAN, rollout="r000000001aa", by="clawpulse", action="wave", text="elsewhere", title="m", tags={"shard": "other"}),
        Entry(at=NOW + 1, rollout="r000000001aa", by="clawpulse", action="wave", text="to come", title="m"),
    ]
    rollout(world, entries=entries)
    found = incident(world, edge("dead", tags={"shard": "acme"}, agent="a1"))
    texts = [entry["text"] for entry in client.get(path(found))["timeline"] if entry["text"].startswith("rollout ")]
    assert texts == ["rollout r000000001aa: m: a → b: 9 agents in 2 waves (by ada)", "rollout r000000001aa: m: a → b: wave 2 of 2"]
    draft = client.call("GET", path(found, "/postmortem")).text
    assert all(text in draft for text in texts)
    assert "elsewhere" not in draft
    tenant = world.client("read", tags="shard=acme")
    seen = [entry["text"] for entry in tenant.get(path(found))["timeline"] if entry["text"].startswith("rollout ")]
    assert seen == texts[1:]
    stored = world.alerts.incident("team", found.id)
    assert stored is not None
    assert stored.timeline == found.timeline
