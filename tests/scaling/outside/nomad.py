"""Nomad's autoscaler as it behaves. Source: hashicorp/nomad-autoscaler, policy/nomad/validate*.go, agent/config/config.go,
plugins/builtin/{apm/prometheus,strategy/pass-through}."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import hcl2

from tests.scaling.outside.files import MANIFESTS

_OPTIONS = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False)
_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+")
_POLICY = {"cooldown", "cooldown_on_scale_up", "evaluation_interval", "on_check_error", "check", "target", "schedule"}
_CHECK = {"source", "query", "query_window", "query_window_offset", "on_error", "group", "strategy", "schedule"}
_PASS_THROUGH = {"max_scale_up", "max_scale_down"}


def read(name: str) -> dict[str, Any]:
    """A file in HCL: blocks as lists, labels as keys."""
    found: dict[str, Any] = _plain(hcl2.loads((MANIFESTS / name).read_text(), serialization_options=_OPTIONS))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return json.loads(value) if isinstance(value, str) and value.startswith('"') else value


def check(scaling: Mapping[str, Any]) -> list[str]:
    """What is wrong with the block `scaling` of a job's group."""
    (policy,) = scaling["policy"]
    found = [] if 0 <= scaling["min"] <= scaling["max"] else ["scaling.min must be smaller than scaling.max"]
    found += [f"policy.{key} is not known" for key in policy.keys() - _POLICY]
    for key in ("cooldown", "cooldown_on_scale_up", "evaluation_interval"):
        found += [f"policy.{key} must have time.Duration format"] if not _DURATION.fullmatch(policy.get(key, "1s")) else []
    if policy.get("on_check_error", "fail") not in ("fail", "ignore"):
        found.append("invalid value for on_check_error")
    if not policy.get("check"):
        found.append("empty checks")
    for one in policy.get("check", []):
        for name, body in one.items():
            found += [f"{name}: {fault}" for fault in _check(body)]
    return found


def _check(body: Mapping[str, Any]) -> list[str]:
    found = [f"{key} is not known" for key in body.keys() - _CHECK]
    if not isinstance(body.get("query"), str) or not body["query"]:
        found.append("query can't be empty")
    if not _DURATION.fullmatch(body.get("query_window", "1m")):
        found.append("query_window must have time.Duration format")
    strategies = [name for one in body.get("strategy", []) for name in one]
    if len(strategies) != 1:
        found.append("exactly one strategy")
    for one in body.get("strategy", []):
        found += [f"pass-through: {key} is not known" for key in one.get("pass-through", {}).keys() - _PASS_THROUGH]
    return found


def pass_through(count: int, metrics: Sequence[float], least: int, most: int) -> int:
    """The count after the strategy; without any metric nothing is done."""
    return min(most, max(least, int(metrics[-1]))) if metrics else count
