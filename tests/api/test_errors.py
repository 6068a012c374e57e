from __future__ import annotations

from typing import Any

import msgspec
import pytest

from functions.domain.alert import EdgeKind
from functions.domain.failures import OTHER, Failure, fingerprint
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from tests.api.alerting import SLOW as SLOW_RULE
from tests.api.alerting import edge, incident, own_rules
from tests.api.failing import BOOM, SLOW, boom, fail, fail_in_hour, slow
from tests.api.world import MINUTE, NOW, ApiClient, World, agent

FIRST_EVER = NOW - 9 * DAY_MS
AT = "2026-11-23T19:59:05.000Z"


@pytest.fixture
def client(world: World) -> ApiClient:
    fleet = [agent("a1", "env=prod,shard=acme"), agent("a2", "env=prod,shard=beta,tier=smart"), agent("a3", "env=dev,shard=acme")]
    world.seal(*fleet, known_failures={SLOW: (FIRST_EVER, NOW), BOOM: (NOW - 5 * MINUTE_MS, NOW)})
    fail(world, slow("a1", count=3), slow("a2", tags="", second=9), slow("a3", minute=MINUTE - 30), boom("a2"))
    return world.client("read")


def ask(client: ApiClient, **query: Any) -> list[tuple[str, int]]:
    return [(found["type"], found["count"]) for found in client.get("/api/errors", **query)["errors"]]


def test_failed_tasks_are_listed_by_kind_the_most_frequent_first(client: ApiClient) -> None:
    found = client.get("/api/errors")
    assert (found["total"], found["next"], found["start"], found["end"]) == (
        2,
        None,
        "2026-11-23T19:00:30.000Z",
        "2026-11-23T20:00:30.000Z",
    )
    assert found["errors"] == [
        {
            "fingerprint": SLOW,
            "type": "TimeoutError",
            "message": "took … s",
            "count": 5,
            "perMinute": 5 / 60,
            "firstSeen": "2026-11-14T20:00:30.000Z",
            "lastSeen": "2026-11-23T19:59:09.000Z",
            "new": False,
            "agents": {"a1": 3, "a2": 1, "a3": 1},
            "tiers": {"fast": 4, "smart": 1},
            "sample": {"at": "2026-11-23T19:59:09.000Z", "agent": "a2", "payload": '{"err":"took 9 s"}'},
        },
        {
            "fingerprint": BOOM,
            "type": "Boom",
            "message": "",
            "count": 1,
            "perMinute": 1 / 60,
            "firstSeen": "2026-11-23T19:55:30.000Z",
            "lastSeen": "2026-11-23T19:59:00.000Z",
            "new": True,
            "agents": {"a2": 1},
            "tiers": {"smart": 1},
            "sample": None,
        },
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"range": "5m"}, [("TimeoutError", 4), ("Boom", 1)]),
        ({"start": "2026-11-23T19:00:00Z", "end": "2026-11-23T19:45:00Z"}, [("TimeoutError", 1)]),
        ({"end": "2027-11-01T00:00:00Z", "start": "2026-11-23T19:50:00Z"}, [("TimeoutError", 4), ("Boom", 1)]),
        ({"start": "2026-11-23T21:00:00Z", "end": "2026-11-23T22:00:00Z"}, []),
        ({"tags": "env=prod"}, [("TimeoutError", 4), ("Boom", 1)]),
        ({"tags": "env=dev"}, [("TimeoutError", 1)]),
        ({"tags": "tier=fast"}, [("TimeoutError", 4)]),
        ({"tags": "tier=fast,shard=acme", "agent": "a1"}, [("TimeoutError", 3)]),
        ({"agent": "a2"}, [("Boom", 1), ("TimeoutError", 1)]),
        ({"tier": "smart"}, [("Boom", 1), ("TimeoutError", 1)]),
        ({"type": "Boom"}, [("Boom", 1)]),
        ({"type": "boom"}, []),
        ({"q": "TIMEOUT took"}, [("TimeoutError", 5)]),
        ({"q": "timeout never"}, []),
        ({"new": "true"}, [("Boom", 1)]),
        ({"new": "true", "agent": "a1"}, []),
        ({"limit": 1}, [("TimeoutError", 5)]),
    ],
)
def test_what_is_asked_for(client: ApiClient, query: dict[str, Any], expected: list[tuple[str, int]]) -> None:
    assert sorted(ask(client, **query)) == sorted(expected)


def test_pages_speak_of_one_time(world: World, client: ApiClient) -> None:
    fail(world, *(("a1", Failure(f"E{n}", "", "", 1 + n % 2, NOW - MINUTE_MS, NOW - MINUTE_MS, "")) for n in range(5)))
    seen, cursor = [], None
    for _ in range(10):
        page = client.get("/api/errors", limit=2, range="30m", **({"cursor": cursor} if cursor else {}))
        seen += [(found["type"], found["count"]) for found in page["errors"]]
        assert (page["total"], page["start"], page["end"]) == (7, "2026-11-23T19:30:30.000Z", "2026-11-23T20:00:30.000Z")
        cursor = page["next"]
        world.now += MINUTE_MS
        if not cursor:
            break
    assert [count for _, count in seen] == [4, 2, 2, 1, 1, 1, 1]
    assert sorted(seen) == sorted([("TimeoutError", 4), ("Boom", 1), *((f"E{n}", 1 + n % 2) for n in range(5))])
    problem = client.problem(422, "GET", f"/api/errors?cursor={client.get('/api/errors', limit=1)['next']}&range=5m")
    assert problem["field"] == "cursor"


def test_long_times_are_read_as_hours(world: World, client: ApiClient) -> None:
    hour = NOW // HOUR_MS
    for back in (5, 40, 24 * 20):
        fail_in_hour(world, hour - back, slow("a1", minute=(hour - back) * 60, count=10 * back))
    assert ask(client, range="6h", type="TimeoutError") == [("TimeoutError", 55)]
    assert ask(client, range="3d", type="TimeoutError") == [("TimeoutError", 455)]
    assert ask(client, range="30d", type="TimeoutError") == [("TimeoutError", 5255)]


def test_first_seen_is_the_older_of_memory_and_what_is_stored(world: World, client: ApiClient) -> None:
    fail(world, boom("a1", minute=MINUTE - 40), ("a1", Failure("Fresh", "", "", 1, NOW - 5000, NOW - 5000, "")))
    found = {one["type"]: (one["firstSeen"], one["new"]) for one in client.get("/api/errors")["errors"]}
    assert found["Boom"] == ("2026-11-23T19:19:00.000Z", True)
    assert found["Fresh"] == ("2026-11-23T20:00:25.000Z", True)


def test_one_is_shown_over_time_with_samples_and_links(raw_world: World) -> None:
    world = raw_world
    world.seal(agent("a1", "shard=acme"), known_failures={SLOW: (FIRST_EVER, NOW)})
    fail(world, *(slow("a1", minute=MINUTE - back, second=back, count=back + 1) for back in range(5)), boom())
    found = world.client("read").get(f"/api/errors/{SLOW}", range="10m")
    assert (found["count"], found["step"], found["firstSeen"], found["agents"]) == (15, 60, "2026-11-14T20:00:30.000Z", {"a1": 15})
    assert (found["start"], found["end"], len(found["points"])) == ("2026-11-23T19:50:00.000Z", "2026-11-23T20:01:00.000Z", 11)
    assert [count for _, count in found["points"]] == [0, 0, 0, 0, 0, 5, 4, 3, 2, 1, 0]
    assert found["points"][0][0] == 1_795_463_400_000
    assert [one["payload"] for one in found["samples"]] == ['{"err":"took 0 s"}', '{"err":"took 1 s"}', '{"err":"took 2 s"}']
    time = "start=2026-11-23T19:50:00.000Z&end=2026-11-23T20:01:00.000Z&agent=a1"
    assert found["links"] == {"tasks": f"/api/tasks?status=failed&{time}", "events": f"/api/events?name=task.failed&{time}"}
    for link in found["links"].values():
        assert world.client("read").call("GET", link).status_code == 200


def test_a_step_of_hours_takes_hours(world: World, client: ApiClient) -> None:
    hour = NOW // HOUR_MS
    fail_in_hour(world, hour - 5, slow("a1", minute=(hour - 5) * 60, count=7))
    found = client.get(f"/api/errors/{SLOW}", range="24h")
    assert (found["step"], [count for _, count in found["points"] if count]) == (3600, [7, 5])
    assert found["links"] == {"tasks": None, "events": None}
    assert client.get(f"/api/errors/{SLOW}", range="20d")["step"] == 21_600


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        (f"/{'0' * 16}", 404, None),
        (f"/{SLOW}?range=5m&agent=a3", 404, None),
        ("/nonsense", 400, "fingerprint"),
        (f"/{SLOW}?step=61", 422, "step"),
        (f"/{SLOW}?range=20d&step=60", 422, "step"),
        (f"/{SLOW}?range=5d&step=300", 422, "step"),
        (f"/{SLOW}?range=99999d&step=86400", 422, "start"),
        ("?range=99999d", 422, "start"),
        ("?start=2026-09-01T00:00:00Z", 422, "start"),
        ("?new=yes", 400, "new"),
        ("?tags=nonsense", 400, "tags"),
        ("?limit=0", 400, "limit"),
        ("?cursor=x", 422, "cursor"),
    ],
)
def test_what_cannot_be_asked(client: ApiClient, path: str, status: int, field: str | None) -> None:
    assert client.problem(status, "GET", f"/api/errors{path}").get("field") == field


def test_a_tenant_sees_the_part_of_its_agents_alone(world: World, client: ApiClient) -> None:
    acme = world.client("read", tags="shard=acme")
    (found,) = acme.get("/api/errors")["errors"]
    assert (found["count"], found["agents"], found["tiers"], found["new"]) == (4, {"a1": 3, "a3": 1}, {"fast": 4}, None)
    # Others had it too: no moment of theirs, and nothing of what they sent.
    assert (found["firstSeen"], found["lastSeen"]) == ("2026-11-23T19:29:05.000Z", AT)
    assert found["sample"] == {"at": AT, "agent": "a1", "payload": '{"err":"took 5 s"}'}
    shown = acme.get(f"/api/errors/{SLOW}")
    assert (shown["count"], sum(count for _, count in shown["points"])) == (4, 4)
    assert "a2" not in str(shown) + str(found)
    acme.problem(404, "GET", f"/api/errors/{BOOM}")
    assert ask(acme, tags="shard=beta") == ask(acme, agent="a2") == []
    assert "whole workspace" in acme.problem(403, "GET", "/api/errors?new=true")["detail"]
    assert ask(world.client("read", workspace="other")) == []


def test_what_is_not_known_to_be_a_tenants_is_not_shown_to_it(world: World, client: ApiClient) -> None:
    fail(
        world,
        boom("gone", tags="shard=acme"),
        boom("a2", tags="shard=acme"),
        boom("a1", tags="shard=beta"),
        boom("a1", tags=OTHER),
        boom(OTHER, tags=OTHER),
    )
    assert ask(world.client("read", tags="shard=acme")) == [("TimeoutError", 4)]
    everything = {found["type"]: found for found in client.get("/api/errors")["errors"]}
    assert everything["Boom"]["agents"] == {"a1": 2, "a2": 2, "gone": 1, OTHER: 1}
    assert ask(client, tags="shard=acme", type="Boom") == [("Boom", 2)]
    assert ask(client, agent="a1", type="Boom") == [("Boom", 2)]


def test_a_sample_of_somebody_whose_count_was_folded_is_shown_to_no_tenant(world: World, client: ApiClient) -> None:
    many = [(f"b{n:03d}", Failure("Many", "", "", 2, NOW - 9000, NOW - 9000, "")) for n in range(120)]
    world.seal(*(agent(name, "shard=acme") for name, _ in many), agent("z", "shard=acme"))
    fail(world, *many, ("z", Failure("Many", "", "", 1, NOW - 5000, NOW - 5000, '{"mine":1}')))
    whole, part = (one.get(f"/api/errors/{fingerprint('Many', '')}") for one in (client, world.client("read", tags="shard=acme")))
    assert (whole["count"], len(whole["agents"]), list(whole["agents"])[-1]) == (241, 100, OTHER)
    assert whole["sample"]["payload"] == '{"mine":1}'
    assert (part["count"], part["sample"]) == (198, None)


def test_tags_set_remotely_count_at_once(world: World, client: ApiClient) -> None:
    world.client("operate").call("PATCH", "/api/agents/a3", json={"tags": {"env": "prod"}})
    assert ask(client, tags="env=prod", type="TimeoutError") == [("TimeoutError", 5)]


def test_without_a_snapshot_or_an_error_the_list_is_what_it_is(world: World) -> None:
    client = world.client("read")
    assert client.get("/api/errors")["errors"] == []
    fail(world, slow())
    (found,) = client.get("/api/errors")["errors"]
    assert (found["count"], found["firstSeen"], found["new"]) == (1, AT, True)
    assert world.client("read", tags="shard=acme").get("/api/errors")["errors"] == []


def test_an_answer_has_an_etag(client: ApiClient) -> None:
    answer = client.call("GET", f"/api/errors/{SLOW}")
    again = client.call("GET", f"/api/errors/{SLOW}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (answer.status_code, again.status_code) == (200, 304)


def test_an_incident_links_the_errors_that_were_new_in_its_time(world: World, client: ApiClient) -> None:
    over = incident(world, edge(tier="fast"), edge(kind=EdgeKind.RESOLVED, at=NOW, tier="fast"))
    open_ = incident(world, edge("dead", agent="a1"))
    old = incident(world, msgspec.structs.replace(edge("old"), since=NOW - 36 * DAY_MS))
    link = client.get(f"/api/incidents/{over.id}")["newErrors"]
    assert link == "/api/errors?new=true&start=2026-11-23T19:39:30.000Z&end=2026-11-23T20:00:30.000Z"
    assert [found["type"] for found in client.call("GET", link).json["errors"]] == ["Boom"]
    assert client.get(f"/api/incidents/{open_.id}")["newErrors"] == "/api/errors?new=true&start=2026-11-23T19:39:30.000Z"
    assert client.get(f"/api/incidents/{old.id}")["newErrors"] is None
    own_rules(world, {**SLOW_RULE, "select": "shard=acme"})
    assert world.client("read", tags="shard=acme").get(f"/api/incidents/{over.id}")["newErrors"] is None
