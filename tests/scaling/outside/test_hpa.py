"""Kubernetes' HPA against the real API: what the external metrics API answers, and what the manifest makes of it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.scaling_formats import FIGURES, quantity
from functions.domain.times import MINUTE_MS
from tests.api.test_scaling import POLICY, decision, put, signals
from tests.api.world import ApiClient, World
from tests.scaling.outside import hpa
from tests.scaling.outside.files import faults, manifest, manifests

HPA = manifest("kubernetes/hpa.yaml", "HorizontalPodAutoscaler")
METRIC: dict[str, Any] = HPA["spec"]["metrics"][0]["external"]["metric"]
API = "/apis/external.metrics.k8s.io/v1beta1"


@pytest.fixture
def client(world: World) -> ApiClient:
    world.fleet.put_settings("team", "scaling-policy", POLICY)
    put(world, decision(desired=9))
    put(world, decision("acme", desired=5), tags="shard=acme,tier=smart")
    return world.client("read")


def asked(client: ApiClient, metric: str = METRIC["name"], **labels: str) -> Any:
    """What the HPA controller asks, and the answer when that is 200."""
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    answer = client.call("GET", f"{API}/namespaces/agents/{metric}", query_string={"labelSelector": selector} if selector else {})
    if answer.status_code != 200:
        raise hpa.MetricsError(answer.status_code)
    assert answer.content_type == "application/json"
    return answer.json


def test_the_manifest_is_what_kubernetes_takes() -> None:
    assert faults("kubernetes.yaml", "HorizontalPodAutoscaler", HPA) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("minReplicas",), 0),
        (("metrics", 0, "external", "target", "averageValue"), 1),
        (("metrics", 0, "external", "target", "averageValue"), "1 agent"),
        (("metrics", 0, "external", "metric", "selector", "labels"), {}),
        (("behavior", "scaleDown", "stabilizationWindowSeconds"), 7200),
    ],
)
def test_the_schema_sees_what_kubernetes_refuses(path: tuple[Any, ...], value: object) -> None:
    document = copy.deepcopy(HPA)
    inner = document["spec"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert faults("kubernetes.yaml", "HorizontalPodAutoscaler", document)


def test_the_answer_is_an_external_metric_value_list(client: ApiClient, world: World) -> None:
    put(world, decision(signals=signals(queue=31.25, saturation=0.85, latency=900.1, cost=0.0, rate_limited=1e12)), version=2)
    for figure in FIGURES:
        if figure.baseline:
            continue
        answer = asked(client, figure.name, group="fast")
        assert faults("kubernetes.yaml", "ExternalMetricValueList", answer) == [], figure.name
        assert [(item["metricName"], item["metricLabels"]) for item in answer["items"]] == [(figure.name, {"group": "fast"})]


def test_the_group_is_found_by_discovery(client: ApiClient) -> None:
    found = json.loads(client.call("GET", API).text)
    assert METRIC["name"] in {resource["name"] for resource in found["resources"]}
    assert all(resource["namespaced"] and resource["verbs"] == ["get"] for resource in found["resources"])


@pytest.mark.parametrize(("current", "replicas"), [(2, 9), (9, 9), (30, 9), (10, 9)])
def test_the_count_follows_what_is_desired(client: ApiClient, current: int, replicas: int) -> None:
    assert hpa.replicas(HPA["spec"], hpa.usage(asked(client, **METRIC["selector"]["matchLabels"])), current, tolerance=0.09) == replicas


def test_without_a_selector_all_groups_are_added_up(client: ApiClient) -> None:
    assert hpa.usage(asked(client)) == 14_000


def test_stale_data_changes_nothing(client: ApiClient, world: World) -> None:
    world.now += 10 * MINUTE_MS
    with pytest.raises(hpa.MetricsError, match="503"):
        asked(client, **METRIC["selector"]["matchLabels"])


def test_the_manifest_of_the_proxy_asks_for_what_there_is(client: ApiClient) -> None:
    documents = {document["kind"]: document for document in manifests("kubernetes/external-metrics.yaml")}
    service, group = documents["Service"], documents["APIService"]["spec"]
    assert documents["APIService"]["metadata"]["name"] == f"{group['version']}.{group['group']}"
    assert f"/apis/{group['group']}/{group['version']}" == API
    assert group["service"] == {"name": service["metadata"]["name"], "namespace": service["metadata"]["namespace"], "port": 443}
    template = documents["Deployment"]["spec"]["template"]
    assert template["metadata"]["labels"] == documents["Deployment"]["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    (container,) = template["spec"]["containers"]
    assert container["ports"][0]["containerPort"] == service["spec"]["ports"][0]["targetPort"] == 8443
    conf = documents["ConfigMap"]["data"]["default.conf.template"]
    assert f"location {API} " in conf
    assert f"/live{API};" in conf
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in template["spec"]["volumes"]}


@given(st.floats(0, 1e12))
def test_quantities_are_read_back_to_a_thousandth(value: float) -> None:
    text = quantity(value)
    assert hpa.milli(text) == pytest.approx(value * 1000, abs=0.51, rel=1e-12)
