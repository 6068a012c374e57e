"""How many agents groups should have, as the API tells it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from functions.domain.scaling import Action, Decision, Memory, Signal, SignalState, Told, Vote, Zone
from functions.domain.scaling_state import GroupState, Setting
from functions.domain.times import HOUR_MS, MINUTE_MS
from tests.api.world import NOW, World

POLICY: dict[str, Any] = {"groups": {"fast": {"tags": "tier=fast", "min": 2, "max": 20}, "acme": {"tags": "shard=acme,tier=smart"}}}
EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1"


def signals(**values: float | None) -> list[SignalState]:
    return [
        SignalState(signal=signal, zone=Zone.SILENT if value is None else Zone.MIDDLE, since=NOW, value=value, level=value)
        for signal, value in ((Signal(name), value) for name, value in values.items())
    ]


def decision(group: str = "fast", time: int = NOW - 20_000, before: int = 5, desired: int = 7, **more: Any) -> Decision:
    given: dict[str, Any] = {"signals": signals(queue=31.0, saturation=0.85, latency=None), **more}
    return Decision(
        group=group,
        time=time,
        action=Action.GROW if desired > before else Action.HOLD,
        before=before,
        desired=desired,
        current=5,
        wanted=12,
        min=2,
        max=20,
        reason="from 5 to 7: 31 tasks wait",
        memory=Memory(time=time, desired=desired, changed=time, episodes={Signal.RATE_LIMITED: time}),
        **given,
    )


def put(world: World, made: Decision, tags: str = "tier=fast", version: int = 1, **more: Any) -> None:
    state = GroupState(group=made.group, tags=tags, decided=made.time + 5_000, decision=made, version=version, stale_after_s=180, **more)
    assert world.scaling.save_scaling("team", state, made)


@pytest.fixture
def decided(world: World) -> World:
    world.fleet.put_settings("team", "scaling-policy", POLICY)
    put(world, decision(), target=Setting(asg="agents", capacity=7, action=Action.GROW, error="no such group"))
    put(world, decision("acme", desired=5), tags="shard=acme,tier=smart")
    return world


def test_a_group_is_flat_numbers(decided: World) -> None:
    found = decided.client("read").get("/api/scaling/fast")
    assert (found["desired"], found["current"], found["wanted"], found["min"], found["max"]) == (7, 5, 12, 2, 20)
    assert (found["queueDepth"], found["saturation"], found["latencyP95Ms"]) == (31.0, 0.85, None)
    assert (found["stale"], found["asOf"], found["changed"]) == (False, "2026-11-23T20:00:10.000Z", "2026-11-23T20:00:10.000Z")
    assert found["target"] == {"asg": "agents", "capacity": 7, "done": None, "error": "no such group"}
    assert found["paging"] == ["rate_limited"]
    assert found["signals"][0]["vote"] == Vote.NONE


def test_what_is_stale_is_answered_with_503_and_never_with_a_number(decided: World) -> None:
    decided.now += 3 * MINUTE_MS
    client = decided.client("read")
    for path in ("/api/scaling/fast", "/api/scaling-metrics", f"{EXTERNAL}/namespaces/default/desired"):
        answer = client.call("GET", path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")
        assert "200 s old" in answer.get_json(force=True)["detail"]
    listed = {one["group"]: one for one in client.get("/api/scaling")["groups"]}
    assert [(one["stale"], one["desired"], one["queueDepth"]) for one in listed.values()] == [(True, None, None)] * 2


def test_a_group_that_is_new_is_503_and_one_that_is_not_there_404(decided: World) -> None:
    decided.fleet.put_settings("team", "scaling-policy", {"groups": {"new": {"tags": "tier=new"}}})
    client = decided.client("read")
    assert "nothing has been decided" in client.problem(503, "GET", "/api/scaling/new")["detail"]
    assert client.problem(404, "GET", "/api/scaling/nobody")["detail"] == "no group nobody in the scaling policy"
    assert [one["group"] for one in client.get("/api/scaling")["groups"]] == ["acme", "fast", "new"]


def test_a_token_with_a_tag_scope_sees_the_groups_inside_of_it(decided: World) -> None:
    client = decided.client("read", tags="shard=acme")
    assert [one["group"] for one in client.get("/api/scaling")["groups"]] == ["acme"]
    client.problem(404, "GET", "/api/scaling/fast")
    client.problem(404, "GET", "/api/scaling/fast/history")
    client.problem(403, "GET", "/api/scaling-policy")
    assert 'group="fast"' not in client.call("GET", "/api/scaling-metrics").text
    items = client.get(f"{EXTERNAL}/namespaces/default/desired")["items"]
    assert [item["metricLabels"] for item in items] == [{"group": "acme"}]


def test_the_history_has_changes_or_all(decided: World) -> None:
    told = Told(signal=Signal.RATE_LIMITED, began=True, at=NOW, since=NOW, text="9 rate limits")
    put(decided, decision(time=NOW - 10_000, before=7), version=2)
    put(decided, decision(time=NOW - 5_000, before=7, told=[told]), version=3)
    client = decided.client("read")
    found = client.get("/api/scaling/fast/history", range="1h")["decisions"]
    assert [(one["before"], one["desired"], len(one["told"])) for one in found] == [(7, 7, 1), (5, 7, 0)]
    assert len(client.get("/api/scaling/fast/history", every="true")["decisions"]) == 3
    assert len(client.get("/api/scaling/fast/history", every="true", limit=1)["decisions"]) == 1
    decided.now += 2 * HOUR_MS
    assert client.get("/api/scaling/fast/history")["decisions"] == []


def test_prometheus_reads_the_metrics(decided: World) -> None:
    put(decided, decision("acme", time=NOW - 10 * MINUTE_MS), tags="shard=acme,tier=smart", version=2)
    answer = decided.client("read").call("GET", "/api/scaling-metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {sample.labels["group"]: sample.value for sample in families["clawpulse_scaling_desired"].samples} == {"fast": 7.0}
    assert {sample.labels["group"]: sample.value for sample in families["clawpulse_scaling_stale"].samples} == {"acme": 1.0, "fast": 0.0}
    assert "clawpulse_scaling_latency_p95_ms" not in families, "nobody reports it, which is not 0"


def test_without_groups_the_metrics_are_empty(world: World) -> None:
    assert world.client("read").call("GET", "/api/scaling-metrics").text == ""
    assert world.client("read").get("/api/scaling") == {"groups": []}


def test_kubernetes_external_metrics(decided: World) -> None:
    client = decided.client("read")
    resources = json.loads(client.call("GET", EXTERNAL).text)
    assert (resources["kind"], resources["groupVersion"]) == ("APIResourceList", "external.metrics.k8s.io/v1beta1")
    assert {"desired", "queue_depth"} <= {resource["name"] for resource in resources["resources"]}
    found = client.get(f"{EXTERNAL}/namespaces/agents/saturation", labelSelector="group=fast")
    assert found == {
        "kind": "ExternalMetricValueList",
        "apiVersion": "external.metrics.k8s.io/v1beta1",
        "metadata": {},
        "items": [
            {"metricName": "saturation", "metricLabels": {"group": "fast"}, "timestamp": "2026-11-23T20:00:10Z", "value": "850m"},
        ],
    }


def test_kubernetes_is_told_what_is_wrong(decided: World) -> None:
    client, path = decided.client("read"), f"{EXTERNAL}/namespaces/agents"
    assert "not known" in client.problem(503, "GET", f"{path}/latency_p95_ms?labelSelector=group%3Dfast")["detail"]
    assert "no group" in client.problem(404, "GET", f"{path}/desired?labelSelector=group%3Dother")["detail"]
    assert client.problem(422, "GET", f"{path}/desired?labelSelector=group~fast")["field"] == "labelSelector"
    assert client.call("GET", f"{path}/nonsense").status_code in (400, 404)


@pytest.mark.parametrize(
    ("selector", "groups"),
    [
        ("group in (fast, acme)", ["acme", "fast"]),
        ("group notin (fast)", ["acme"]),
        ("group!=fast", ["acme"]),
        ("group", ["acme", "fast"]),
        ("group==fast,group", ["fast"]),
    ],
)
def test_label_selectors(decided: World, selector: str, groups: list[str]) -> None:
    found = decided.client("read").get(f"{EXTERNAL}/namespaces/x/desired", labelSelector=selector)
    assert [item["metricLabels"]["group"] for item in found["items"]] == groups


def test_a_policy_is_replaced_as_a_whole(world: World) -> None:
    client = world.client("operate")
    assert client.get("/api/scaling-policy") == {}
    assert client.call("PUT", "/api/scaling-policy", json=POLICY).json == POLICY
    assert client.get("/api/scaling-policy") == POLICY


def test_every_fault_of_a_policy_is_told(world: World) -> None:
    document = {
        "groups": {"fast": {"tags": "rack=7"}, "slow": {"tags": "tier=slow", "min": 9, "max": 3, "queue": {"up_cooldown_s": "10m"}}}
    }
    faults = world.client("operate").call("PUT", "/api/scaling-policy", json=document).get_json(force=True)["faults"]
    assert [fault["path"] for fault in faults] == ["groups.slow.queue.up_cooldown_s", "groups.slow.min"]
    document["groups"].pop("slow")
    (fault,) = world.client("operate").call("PUT", "/api/scaling-policy", json=document).get_json(force=True)["faults"]
    assert fault["path"] == "groups.fast.tags"
    assert "rack is no dimension" in fault["reason"]
    document["groups"]["fast"] |= {"latency": False, "rate_limited": False, "cost": False}
    assert world.client("operate").call("PUT", "/api/scaling-policy", json=document).status_code == 200
