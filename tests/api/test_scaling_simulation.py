"""Policies of scaling, put to the proof by API."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from functions.domain.times import HOUR_MS
from functions.ports import Resolution
from tests.api.world import MINUTE, NOW, ApiClient, World, agent, rollup

POLICY: dict[str, Any] = {"groups": {"fast": {"tags": "tier=fast", "min": 2, "max": 100}}}
LOAD: dict[str, Any] = {"shape": "step", "rate": 4.2, "peak": 12, "minutes": 180, "serviceTime": 3.1}
LATENCY, STARTED = ("task.latency_ms", "tier=fast"), ("task.started", "tier=fast")
ROUTE = "/api/scaling-simulation"


@pytest.fixture
def client(world: World) -> ApiClient:
    world.fleet.put_settings("team", "scaling-policy", POLICY)
    world.seal(agent("a1", "tier=fast"))
    return world.client("read")


def run(client: ApiClient, **body: Any) -> Any:
    answer = client.call("POST", ROUTE, json={"group": "fast", **body})
    assert answer.status_code == 200, answer.text
    return answer.json


def minutes(world: World, amount: int, tasks: int) -> None:
    """Minutes up to now, each with so many tasks of 2 s; other tiers have tasks too."""
    for ago in range(amount):
        points = {LATENCY: [2000.0] * tasks, STARTED: [1.0] * tasks, ("task.started", "tier=smart"): [1.0] * 50}
        world.group(points, minute=MINUTE - ago)


def test_a_load_that_is_made_up(client: ApiClient) -> None:
    found = run(client, load=LOAD, usdPerTask=0.01, usdPerAgentHour=0.5)
    assert (found["group"], found["minutes"], found["serviceTime"], found["serviceTimeP95"]) == ("fast", 180, 3.1, 7.75)
    assert (found["start"], found["end"]) == ("2026-11-23T20:00:00.000Z", "2026-11-23T23:00:00.000Z")
    assert found["most"] > 12 * 3.1 > found["least"] == 22
    assert 0 == found["directionChanges"] < found["total"] == len(found["changes"])
    assert found["longestWaitSeconds"] > 0
    assert {len(values) for name, values in found["curves"].items() if name != "start"} == {180}
    assert found["usd"] == pytest.approx(found["agentHours"] * 0.5 + found["tasks"] * 0.01, rel=0.02)
    assert found["constantAgentHours"] == found["constant"] * 3
    first = found["changes"][0]
    assert (first["action"], first["from"], first["to"] > 22) == ("grow", 22, True)
    assert "tasks wait" in first["reason"]
    assert "are needed: " in first["reason"]
    assert (found["picture"], found["notes"]) == (None, [])


def test_the_past_of_a_group_is_replayed(world: World, client: ApiClient) -> None:
    minutes(world, 90, 300)
    found = run(client, range="90m")
    assert (found["start"], found["end"]) == ("2026-11-23T18:31:00.000Z", "2026-11-23T20:00:00.000Z")
    assert (found["minutes"], found["tasks"]) == (89, 89 * 300)
    assert found["serviceTime"] == pytest.approx(2.0, rel=0.01)
    assert (found["least"], found["total"], found["notes"]) == (17, 0, [])


def test_tasks_that_tell_of_no_start_are_counted_by_their_end(world: World, client: ApiClient) -> None:
    for ago in range(70):
        world.group({LATENCY: [500.0] * 60}, minute=MINUTE - ago)
    assert run(client, range="70m")["tasks"] == 69 * 60


def test_of_what_is_older_there_are_hours(world: World, client: ApiClient) -> None:
    for ago in range(1, 120):
        hour = NOW // HOUR_MS - ago
        points = rollup({LATENCY: [1000.0] * 60, STARTED: [1.0] * 60}, hour * 60)
        world.rollups.put_group("team", Resolution.HOUR, hour, points, 0)
    found = run(client, range="4d", end="2026-11-23T19:30:00Z")
    assert (found["end"], found["minutes"], found["tasks"]) == ("2026-11-23T19:00:00.000Z", 95 * 60, pytest.approx(95 * 60))
    assert "minutes are kept for 3 days" in found["notes"][0]


def test_tags_that_are_no_dimensions_are_looked_up_by_agent(world: World, client: ApiClient) -> None:
    for ago in range(70):
        world.agent_minute("a1", {LATENCY: [1000.0] * 30, STARTED: [1.0] * 30}, minute=MINUTE - ago)
    found = run(client, range="70m", policy={"groups": {"fast": {"tags": "agent=a1", "queue": False}}})
    assert found["tasks"] == 69 * 30


def test_a_policy_that_is_not_stored(client: ApiClient) -> None:
    found = run(client, load=LOAD, policy={"groups": {"fast": {"tags": "tier=fast", "min": 30, "max": 31}}})
    assert (found["least"], found["most"], found["constant"]) == (30, 31, 31)
    assert found["leftWaiting"] > 0


def test_a_provider_that_refuses_is_told_and_scales_nothing(client: ApiClient) -> None:
    found = run(client, load={**LOAD, "shape": "steady", "rate": 10}, providerPerMinute=500)
    assert found["refused"] > 0
    assert any("429" in text or "rate limit" in text for text in found["told"])


def test_the_curves_are_a_picture(client: ApiClient) -> None:
    svg = run(client, load={**LOAD, "minutes": 2000}, usdPerTask=0.01, picture=True)["picture"]
    root = ElementTree.fromstring(svg)
    titles = [text.text for text in root.findall("{http://www.w3.org/2000/svg}text")]
    assert titles == ["Agents", "Tasks a minute", "Tasks that wait", "p95 latency", "Cost an hour"]
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert len(svg) < 200_000


def test_the_same_seed_answers_the_same(client: ApiClient) -> None:
    assert run(client, load=LOAD, seed=7) == run(client, load=LOAD, seed=7) != run(client, load=LOAD, seed=8)


@pytest.mark.parametrize(
    ("status", "body", "field", "reason"),
    [
        (422, {"load": LOAD, "range": "1d"}, "load", "give one of them"),
        (422, {"range": "30m"}, "range", "at least an hour"),
        (422, {"range": "8d"}, "range", "7 days"),
        (422, {"range": "7d", "end": "2026-10-20T00:00:00Z"}, "range", "34 days"),
        (422, {"range": "2h"}, "range", "no load to replay"),
        (422, {"load": {**LOAD, "serviceTimeP95": 1}}, "load.serviceTimeP95", "less than the mean"),
        (400, {"load": {**LOAD, "minutes": 20_000}}, "load.minutes", "less than or equal to 10080"),
        (400, {"load": {**LOAD, "shape": "zigzag"}}, "load.shape", "steady"),
        (400, {"load": {**LOAD, "rate": 0}}, "load.rate", "greater than 0"),
        (400, {"group": "Fast!"}, "group", "match"),
    ],
)
def test_bad_requests_are_named(client: ApiClient, status: int, body: dict[str, Any], field: str, reason: str) -> None:
    problem = client.problem(status, "POST", ROUTE, json={"group": "fast", **body})
    assert problem["field"] == field
    assert reason in problem["detail"]


def test_faults_of_a_policy_have_their_paths(world: World, client: ApiClient) -> None:
    problem = client.problem(422, "POST", ROUTE, json={"group": "fast", "load": LOAD, "policy": {"groups": {"fast": {"min": 5, "max": 3}}}})
    assert [fault["path"] for fault in problem["faults"]] == ["policy.groups.fast.tags", "policy.groups.fast.min"]
    world.fleet.put_settings("team", "scaling-policy", {"groups": {"fast": {"tags": "="}}})
    assert "not valid any more" in client.problem(422, "POST", ROUTE, json={"group": "fast", "load": LOAD})["detail"]


def test_the_least_threshold_that_there_can_be_is_one(client: ApiClient) -> None:
    queue = {"up": 0.001, "down": 0}
    found = run(client, load={**LOAD, "rate": 10_000}, policy={"groups": {"fast": {"tags": "tier=fast", "queue": queue}}})
    assert found["most"] == 10


def test_numbers_are_whole_as_json_means_it(client: ApiClient) -> None:
    assert run(client, load=LOAD, bootSeconds=120.0, initial=3.0) == run(client, load=LOAD, bootSeconds=120, initial=3)


def test_groups_that_there_are_not(client: ApiClient) -> None:
    assert "stored policy" in client.problem(404, "POST", ROUTE, json={"group": "slow", "load": LOAD})["detail"]
    assert "given policy" in client.problem(404, "POST", ROUTE, json={"group": "slow", "load": LOAD, "policy": POLICY})["detail"]


def test_a_token_with_a_tag_scope_simulates_nothing(world: World, client: ApiClient) -> None:
    world.client("read", tags="tier=fast").problem(403, "POST", ROUTE, json={"group": "fast", "load": LOAD})


def test_nothing_is_changed(world: World, client: ApiClient) -> None:
    before = dict(world.fleet.settings("team", "scaling-policy") or {})
    run(client, load=LOAD, policy={"groups": {"fast": {"tags": "tier=other"}}})
    assert world.fleet.settings("team", "scaling-policy") == before
    assert world.scaling.scaling_states("team") == []
