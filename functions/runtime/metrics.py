"""Metrics of the system itself, as CloudWatch takes them from a function's log (embedded metric format)."""

from __future__ import annotations

import json

NAMESPACE = "ClawPulse"


def metric_line(name: str, value: float, unit: str, now: int) -> str:
    """The log line of one value; `now` is ms, `unit` one of CloudWatch's."""
    directive = {"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": [{"Name": name, "Unit": unit}]}
    return json.dumps({"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, name: value})
