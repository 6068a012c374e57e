from __future__ import annotations

from typing import Any

import pytest

from functions.domain.alert import EdgeKind
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from functions.ports import Resolution
from tests.api.alerting import BEGAN, SLOW, edge, incident, own_rules
from tests.api.world import MINUTE, NOW, ApiClient, World, agent, rollup

HOUR = NOW // HOUR_MS
LATENCY = ("task.latency_ms", "tier=fast")
COST = ("task.cost_usd", "tier=fast")


@pytest.fixture
def client(world: World) -> ApiClient:
    own_rules(world, SLOW, {"name": "dead", "per": "agent", "when": {"field": "heartbeat_age_s", "above": 35}})
    world.seal(agent("a1", "tier=fast"))
    return world.client("read")


def slow_minutes(world: World, first: int, last: int, back: int = 90) -> None:
    """Minutes of the last `back`, slow from `first` to before `last` minutes ago; each costs a dollar."""
    for ago in range(back, -1, -1):
        slow = last < ago <= first
        world.group({LATENCY: [900.0 if slow else 100.0], COST: [1.0]}, minute=MINUTE - ago)


def replay(client: ApiClient, **body: Any) -> Any:
    answer = client.call("POST", "/api/alerts/backtest", json={"rule": "slow", "range": "2h", **body})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_rule_is_replayed_on_what_is_stored(world: World, client: ApiClient) -> None:
    slow_minutes(world, 40, 20)
    found = replay(client)
    assert (found["rule"], found["start"], found["end"]) == ("slow", "2026-11-23T18:00:00.000Z", "2026-11-23T20:00:00.000Z")
    assert (found["total"], found["stepMinutes"], found["notes"], found["minutesFrom"]) == (1, 1, [], found["start"])
    (episode,) = found["episodes"]
    assert (episode["series"], episode["severity"], episode["coarse"], episode["threshold"]) == ({"tier": "fast"}, "critical", False, 500.0)
    assert episode["fired"] == "2026-11-23T19:21:40.000Z"
    assert episode["resolved"] == "2026-11-23T19:43:40.000Z"
    assert "above 500 ms" in episode["reason"]
    assert 0 < episode["toPage"]["usd"] <= 7
    assert episode["inAll"]["usd"] > 20
    assert episode["toPage"]["tokens"] is None


def test_the_picture_has_what_was_measured_over_time(world: World, client: ApiClient) -> None:
    slow_minutes(world, 40, 20)
    assert replay(client)["picture"] is None
    picture = replay(client, picture=True)["picture"]
    (line,) = picture["lines"]
    assert (picture["step"], line["series"], len(line["points"])) == (60, {"tier": "fast"}, 120)
    assert line["points"][0] == [(HOUR - 2) * HOUR_MS + MINUTE_MS // 2, None, None]
    values = [value for _, value, _ in line["points"] if value is not None]
    assert max(values) > 500
    assert {threshold for _, value, threshold in line["points"] if value is not None} == {500.0}


def test_a_rule_that_is_not_stored_is_replayed_too(world: World, client: ApiClient) -> None:
    slow_minutes(world, 40, 20)
    milder = {**SLOW, "when": {**SLOW["when"], "above": 2000}}
    assert replay(client, document={"packs": ["cost"], "rules": [milder]})["total"] == 0
    assert replay(client, document={**milder, "name": "other", "when": {**SLOW["when"], "above": 50}}, rule="other")["total"] == 1
    problem = client.problem(422, "POST", "/api/alerts/backtest", json={"rule": "x", "document": {"rules": [{"name": "x"}]}})
    assert [fault["path"] for fault in problem["faults"]] == ["rules[0].when"]


def test_before_three_days_ago_hours_have_to_do(world: World, client: ApiClient) -> None:
    for hour in range(HOUR - 8 * 24, HOUR):
        slow = HOUR - 120 <= hour < HOUR - 117
        made = rollup({LATENCY: [900.0 if slow else 100.0], COST: [60.0]}, hour * 60)
        world.rollups.put_group("team", Resolution.HOUR, hour, made, 0)
    (episode,) = replay(client, range="7d")["episodes"]
    assert (episode["coarse"], episode["inAll"]["usd"] >= 180) == (True, True)
    assert replay(client, range="7d")["minutesFrom"] == "2026-11-20T21:00:00.000Z"


def test_what_cannot_be_replayed_says_why(client: ApiClient) -> None:
    problem = client.problem(422, "POST", "/api/alerts/backtest", json={"rule": "dead"})
    assert (problem["field"], "no past is stored" in problem["detail"]) == ("rule", True)
    assert client.problem(404, "POST", "/api/alerts/backtest", json={"rule": "unknown"})["detail"] == "no rule unknown"
    for body, field in (
        ({"range": "60d"}, "range"),
        ({"range": "30m", "end": "2026-11-23T19:00:00Z"}, None),
        ({"range": "1h", "end": "2020-01-01T00:00:00Z"}, "range"),
    ):
        answer = client.call("POST", "/api/alerts/backtest", json={"rule": "slow", **body})
        assert (answer.get_json(force=True).get("field"), answer.status_code) == (field, 422 if field else 200)


def test_reading_that_takes_too_long_ends_in_time(world: World, client: ApiClient) -> None:
    read = world.rollups.read_group

    def slow_read(*arguments: Any) -> dict[int, bytes]:
        world.now += 13_000
        return read(*arguments)

    world.rollups.read_group = slow_read  # type: ignore[method-assign]
    problem = client.problem(422, "POST", "/api/alerts/backtest", json={"rule": "slow"})
    assert "ask for a shorter time" in problem["detail"]


def test_of_agents_only_what_rules_ask_for_is_stored(client: ApiClient) -> None:
    each = {"name": "each", "per": "agent", "when": {"metric": "queue.depth", "aggregation": "max", "over": "5m", "above": 5}}
    assert replay(client, rule="each", document=each)["notes"] == [
        "of single agents queue.depth is stored only from the moment that a rule in force asks for it"
    ]


def test_baselines_before_the_oldest_hour_are_noted(world: World, client: ApiClient) -> None:
    when = {**SLOW["when"], "above": None, "baseline": {"of": "trailing_7d", "factor": 2}}
    document = {**SLOW, "when": {key: value for key, value in when.items() if value is not None} | {"above": 1}}
    assert "35 days" in replay(client, range="30d", document=document)["notes"][0]


CASE = {
    "name": "slow tier",
    "given": [{"metric": "task.latency_ms", "tags": {"tier": "fast"}, "values": "100x10 900x10"}],
    "expect": [{"at": "9m", "rule": "slow"}, {"at": "15m", "rule": "slow", "firing": [{"tier": "fast"}]}],
}


def run(client: ApiClient, *cases: dict[str, Any], **more: Any) -> Any:
    answer = client.call("POST", "/api/alerts/test", json={"tests": list(cases), **more})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_unit_tests_of_rules_pass_or_tell_what_was_found(client: ApiClient) -> None:
    wrong = {**CASE, "name": "wrong", "expect": [{"at": "15m", "rule": "slow"}, {"at": "1m", "rule": "unknown"}]}
    found = run(client, CASE, wrong)
    assert (found["passed"], found["failed"]) == (1, 1)
    assert found["tests"][0] == {"name": "slow tier", "passed": True, "failures": []}
    assert "rule unknown is not among the rules" in found["tests"][1]["failures"]
    assert any("found: {tier: fast}" in failure for failure in found["tests"][1]["failures"])


def test_rules_that_come_along_go_before_those_in_force(client: ApiClient) -> None:
    milder = {**SLOW, "when": {**SLOW["when"], "above": 2000}}
    assert run(client, CASE, rules=[milder])["failed"] == 1
    assert run(client, CASE, budgets={"tier=fast": {"usd_per_day": 5}})["failed"] == 0


def test_all_faults_of_tests_rules_and_budgets_are_told(client: ApiClient) -> None:
    body = {"tests": [{"nam": "x", "expect": []}], "rules": [{"name": "x"}], "budgets": {"tier=fast": {"usd": 1}}, "rulez": []}
    problem = client.problem(422, "POST", "/api/alerts/test", json=body)
    paths = {fault["path"] for fault in problem["faults"]}
    assert {"rulez", "tests[0].nam", "tests[0].name", "rules[0].when", "budgets['tier=fast'].usd"} <= paths
    assert client.problem(422, "POST", "/api/alerts/test", json={})["detail"] == "must be a mapping with tests"


def test_tests_that_would_take_too_long_are_refused_or_left_out(world: World, client: ApiClient) -> None:
    endless = {**CASE, "every": "15s", "expect": [{"at": "7d", "rule": "slow"}]}
    problem = client.problem(422, "POST", "/api/alerts/test", json={"tests": [endless]})
    assert problem["faults"][0]["path"] == "tests"
    started = world.now
    world.services.rules.rules = lambda _: setattr(world, "now", started + 20_000) or []  # type: ignore[method-assign,func-returns-value]
    found = run(client, CASE, rules=[SLOW])
    assert "was not run" in found["tests"][0]["failures"][0]


def test_an_audit_finds_what_rules_did(world: World, client: ApiClient) -> None:
    world.rollups.put_group("team", Resolution.HOUR, HOUR - 1, rollup({LATENCY: [100.0]}, MINUTE - 60), 0)
    gone = {"name": "gone", "when": {"metric": "task.latency_mss", "aggregation": "avg", "over": "5m", "above": 1}}
    own_rules(world, SLOW, gone, {**SLOW, "name": "calm"})
    incident(world, *(edge(tier="fast", kind=kind, at=BEGAN + at) for kind, at in ((EdgeKind.FIRING, 0), (EdgeKind.RESOLVED, 9))))
    found = client.get("/api/alerts/audit")
    assert (found["start"], found["end"], found["rules"]) == ("2026-10-24T20:00:30.000Z", "2026-11-23T20:00:30.000Z", 3)
    by_rule = {finding["rule"]: finding for finding in found["findings"]}
    assert by_rule["calm"]["fault"] == "never fired"
    assert by_rule["gone"]["fault"] == "stale"
    assert "task.latency_ms" in by_rule["gone"]["proposal"]
    assert "slow" not in by_rule


def test_an_audit_reaches_back_as_far_as_hours_do(client: ApiClient) -> None:
    assert client.get("/api/alerts/audit", since="2026-11-20T00:00:00Z")["start"] == "2026-11-20T00:00:00.000Z"
    for since in ("2026-01-01T00:00:00Z", "2026-11-24T00:00:00Z"):
        assert client.problem(422, "GET", f"/api/alerts/audit?since={since}")["field"] == "since"


def test_trials_are_for_tokens_of_the_whole_workspace(world: World) -> None:
    acme = world.client("read", tags="shard=acme")
    acme.problem(403, "POST", "/api/alerts/backtest", json={"rule": "slow"})
    acme.problem(403, "POST", "/api/alerts/test", json={"tests": []})
    acme.problem(403, "GET", "/api/alerts/audit")


def test_the_range_of_a_replay_ends_where_data_are_whole(world: World, client: ApiClient) -> None:
    world.seal(agent("a1"), time=NOW - DAY_MS)
    assert replay(client)["end"] == "2026-11-23T20:00:00.000Z"
    assert replay(client, end="2026-11-23T19:30:30Z")["end"] == "2026-11-23T19:30:30.000Z"
    assert MINUTE == NOW // MINUTE_MS - 1
