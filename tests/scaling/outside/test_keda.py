"""KEDA against the real API: the manifest is valid, and what its scaler reads leads to the desired count, or to none."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.domain.times import MINUTE_MS
from tests.api.test_scaling import POLICY, decision, put, signals
from tests.api.world import World
from tests.cli.real import served
from tests.scaling.outside import hpa
from tests.scaling.outside.files import ROOT, faults, manifest
from tests.scaling.outside.keda import MetricsApi, ScalerError, located, replicas_without_hpa, secrets

FILE = "keda/scaledobject.yaml"
HOST = re.compile(r"https://[^/]+/live")
SPEC: dict[str, Any] = manifest(FILE, "ScaledObject")["spec"]

type Ask = Callable[..., MetricsApi]


@pytest.fixture
def ask(world: World) -> Iterator[Ask]:
    """The manifest's trigger against the real API, with a real token; keywords replace parts of its metadata."""
    world.fleet.put_settings("team", "scaling-policy", POLICY)
    with served(world) as url:
        secret = manifest(FILE, "Secret")
        secret["stringData"]["token"] = world.token("read", tags="tier=fast")
        found = secrets(manifest(FILE, "TriggerAuthentication"), secret)

        def made(token: str = "", **metadata: str) -> MetricsApi:
            trigger = copy.deepcopy(SPEC["triggers"][0])
            trigger["metadata"] |= metadata
            trigger["metadata"]["url"] = HOST.sub(url, trigger["metadata"]["url"])
            return MetricsApi.of(trigger, {"token": token} if token else found)

        yield made


def followed(scaler: MetricsApi, current: int, **more: float) -> int:
    """Replicas after KEDA asked once and its HPA has acted."""
    try:
        value = scaler.value()
    except ScalerError:
        return replicas_without_hpa(SPEC, current, None)
    spec = hpa.of_scaled_object(SPEC, scaler.target)
    return hpa.replicas(spec, round(value * 1000), replicas_without_hpa(SPEC, current, scaler.active()), **more)


@pytest.mark.parametrize(
    ("file", "kind"), [("keda.yaml", "ScaledObject"), ("keda.yaml", "TriggerAuthentication"), ("kubernetes.yaml", "Secret")]
)
def test_the_manifest_is_what_clusters_take(file: str, kind: str) -> None:
    assert faults(file, kind, manifest(FILE, kind)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("pollingInterval",), "15s"),
        (("minReplicas",), 2),
        (("maxReplicaCount",), 0),
        (("triggers", 0, "metadata", "targetValue"), 1),
        (("triggers", 0, "metricType"), "Utilization"),
        (("advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleUp", "stabilizationWindow"), 0),
    ],
)
def test_the_schema_sees_what_clusters_refuse(path: tuple[Any, ...], value: object) -> None:
    document = copy.deepcopy(manifest(FILE, "ScaledObject"))
    inner = document["spec"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert len(faults("keda.yaml", "ScaledObject", document)) == 1


@pytest.mark.parametrize(("current", "desired"), [(2, 3), (7, 7), (9, 4), (20, 30), (40, 2), (5, 40)])
def test_the_count_follows_what_is_desired(ask: Ask, world: World, current: int, desired: int) -> None:
    put(world, decision(desired=desired))
    assert followed(ask(), current) == desired


def test_an_hpa_takes_no_step_of_less_than_its_tolerance(ask: Ask, world: World) -> None:
    """Not what one would wish, but what Kubernetes does: docs/scaling.md says what helps."""
    put(world, decision(desired=21))
    assert followed(ask(), 20) == 20
    assert followed(ask(), 20, tolerance=0.0) == 21


def test_503_changes_nothing(ask: Ask, world: World) -> None:
    put(world, decision(desired=9))
    assert followed(ask(), 5) == 9
    world.now += 10 * MINUTE_MS
    with pytest.raises(ScalerError, match="api returned 503"):
        ask().value()
    assert followed(ask(), 5) == 5


def test_a_group_that_is_new_changes_nothing(ask: Ask) -> None:
    with pytest.raises(ScalerError, match="api returned 503"):
        ask().value()
    assert followed(ask(), 5) == 5


def test_a_wrong_token_changes_nothing(ask: Ask, world: World) -> None:
    put(world, decision())
    with pytest.raises(ScalerError, match="api returned 401"):
        ask(token="cp_wrong_token").value()
    assert followed(ask(token="cp_wrong_token"), 5) == 5


@pytest.mark.parametrize("location", ["latencyP95Ms", "nothing.of.the.kind", "signals", "reason", "stale"])
def test_what_is_no_number_is_an_error_and_not_zero(ask: Ask, world: World, location: str) -> None:
    put(world, decision(signals=signals(queue=31.0, latency=None)))
    with pytest.raises(ScalerError, match="valueLocation"):
        ask(valueLocation=location).value()


def test_zero_is_a_value_that_keeps_the_least(ask: Ask, world: World) -> None:
    put(world, decision(signals=signals(queue=0.0)))
    scaler = ask(valueLocation="queueDepth", activationTargetValue="5")
    assert (scaler.value(), scaler.active()) == (0.0, False)
    assert replicas_without_hpa(SPEC, 5, scaler.active()) == 5, "the HPA's, not KEDA's, as the least is not 0"


def test_paths_of_the_documents_lead_to_numbers(ask: Ask, world: World) -> None:
    """Each GJSON path in the table of docs/scaling.md."""
    table = (ROOT / "docs/scaling.md").read_text().split("| `valueLocation` |")[1].split("\n\n")[0]
    paths = re.findall(r"^\| `(.+?)` \|", table, re.M)
    assert len(paths) >= 5
    put(world, decision(signals=signals(queue=31.0, saturation=0.85, latency=900.0)))
    for path in paths:
        assert ask(valueLocation=path.replace("\\|", "|")).value() >= 0, path


def test_quantities_are_numbers_too() -> None:
    assert [located(f'{{"v":"{text}"}}', "v") for text in ("7", "850m", "2k")] == [7.0, 0.85, 2000.0]
