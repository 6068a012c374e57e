"""The arithmetic of Kubernetes' HorizontalPodAutoscaler for an external metric with a target of type AverageValue.

Source: kubernetes/kubernetes, pkg/controller/podautoscaler: replica_calculator.go (GetExternalPerPodMetricReplicas), horizontal.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil
from typing import Any

TOLERANCE = 0.1
"""The cluster's default."""


class MetricsError(Exception):
    """FailedGetExternalMetric: the count stays."""


def milli(quantity: str) -> int:
    """A quantity in thousandths, as the HPA reckons."""
    found = re.fullmatch(r"([0-9]+)(m?)", quantity)
    assert found, quantity
    return int(found[1]) * (1 if found[2] else 1000)


def usage(answer: Mapping[str, Any]) -> int:
    """The sum of all values that the metrics API answers, in thousandths."""
    if not answer["items"]:
        raise MetricsError("no metrics returned from external metrics API")
    return sum(milli(item["value"]) for item in answer["items"])


def replicas(spec: Mapping[str, Any], usage_milli: int, current: int, tolerance: float = TOLERANCE) -> int:
    """The count for what was measured; `behavior` has to allow it at once."""
    (metric,) = spec["metrics"]
    target = milli(metric["external"]["target"]["averageValue"])
    count = current
    if abs(1.0 - usage_milli / (target * current)) > tolerance:
        count = ceil(usage_milli / target)
    return min(spec["maxReplicas"], max(spec["minReplicas"], _behaved(spec["behavior"], current, count)))


def _behaved(behavior: Mapping[str, Any], current: int, count: int) -> int:
    """Without stabilisation, and with what one period's policies allow."""
    rules = behavior["scaleUp" if count > current else "scaleDown"]
    assert rules["stabilizationWindowSeconds"] == 0
    steps = [rule["value"] if rule["type"] == "Pods" else ceil(current * rule["value"] / 100) for rule in rules["policies"]]
    return min(count, current + max(steps)) if count > current else max(count, current - max(steps))


def of_scaled_object(spec: Mapping[str, Any], target: float) -> dict[str, Any]:
    """The HPA that KEDA makes of a ScaledObject with one metrics-api trigger."""
    (trigger,) = spec["triggers"]
    assert trigger.get("metricType", "AverageValue") == "AverageValue"
    return {
        "minReplicas": max(1, spec.get("minReplicaCount", 0)),
        "maxReplicas": spec["maxReplicaCount"],
        "metrics": [{"external": {"target": {"averageValue": f"{round(target * 1000)}m"}}}],
        "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
    }
