"""The example of a policy: taken by the API, and in step with the manifests beside it."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.scaling import Target
from functions.domain.scaling_load import Shape
from functions.domain.scaling_policy import parse_policy
from functions.domain.scaling_simulate import simulate
from tests.api.world import World
from tests.scaling.loads import CYCLES, load, wanted
from tests.scaling.outside import nomad
from tests.scaling.outside.files import manifest, manifests

(DOCUMENT,) = manifests("policy.yaml")
POLICIES = {policy.name: policy for policy in parse_policy(DOCUMENT)}


def test_the_api_takes_it(world: World) -> None:
    assert world.client("operate").call("PUT", "/api/scaling-policy", json=DOCUMENT).status_code == 200


def test_bounds_are_the_same_everywhere() -> None:
    fast = POLICIES["fast"]
    keda: dict[str, Any] = manifest("keda/scaledobject.yaml", "ScaledObject")["spec"]
    hpa: dict[str, Any] = manifest("kubernetes/hpa.yaml", "HorizontalPodAutoscaler")["spec"]
    (scaling,) = nomad.read("nomad/agents.nomad.hcl")["job"][0]["agents-fast"]["group"][0]["agents"]["scaling"]
    bounds = {
        (keda["minReplicaCount"], keda["maxReplicaCount"]),
        (hpa["minReplicas"], hpa["maxReplicas"]),
        (scaling["min"], scaling["max"]),
    }
    assert bounds == {(fast.min, fast.max)}


def test_the_target_is_an_auto_scaling_group() -> None:
    assert POLICIES["batch"].target == Target(asg="clawpulse-batch", agents_per_instance=4)
    assert POLICIES["fast"].target is None


@pytest.mark.parametrize("group", ["fast", "batch"])
@pytest.mark.parametrize("shape", Shape)
def test_it_does_not_thrash(group: str, shape: Shape) -> None:
    found = simulate(wanted(load(shape, rate=2.0, peak=6.0), policy=POLICIES[group]))
    assert found.direction_changes <= 2 * CYCLES.get(shape, 3)
    assert found.points[-1].seen.waiting < 20 * POLICIES[group].max
