"""KEDA's metrics-api scaler as it behaves, with a real GJSON. Source: kedacore/keda 2.20, pkg/scalers/metrics_api_scaler.go,
pkg/scalers/authentication, pkg/scaling/executor/scale_scaledobjects.go."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pygjson

KNOWN = {"targetValue", "activationTargetValue", "url", "format", "valueLocation", "unsafeSsl", "authMode", "authModes", "timeout"}
_QUANTITY = re.compile(r"([+-]?[0-9]*\.?[0-9]+)([numkMGTPE]|[KMGTPE]i)?")
_SUFFIXES = {None: 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


class ScalerError(Exception):
    """The scaler has no value; KEDA then gives the HPA an error, and changes nothing itself."""


@dataclass(frozen=True)
class MetricsApi:
    """One trigger."""

    url: str
    location: str
    target: float
    activation: float
    token: str

    @classmethod
    def of(cls, trigger: Mapping[str, Any], secrets: Mapping[str, str]) -> MetricsApi:
        """From a trigger of a ScaledObject and what its authentication found; refuses what KEDA would not understand."""
        metadata = trigger["metadata"]
        assert trigger["type"] == "metrics-api"
        assert metadata.keys() <= KNOWN, metadata.keys() - KNOWN
        assert metadata.get("format", "json") == "json"
        assert float(metadata["targetValue"]) > 0, "no targetValue given in metadata"
        assert metadata["authMode"] == "bearer"
        assert secrets["token"], "bearer token is required when bearer auth is enabled"
        activation = float(metadata.get("activationTargetValue", "0"))
        return cls(metadata["url"], metadata["valueLocation"], float(metadata["targetValue"]), activation, secrets["token"])

    def value(self) -> float:
        """Ask, and find the value; raises `ScalerError` for any status but 200 and for anything that is no number."""
        request = urllib.request.Request(self.url, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                body = answer.read().decode()
        except urllib.error.HTTPError as error:
            error.close()
            raise ScalerError(f"api returned {error.code}") from None
        return located(body, self.location)

    def active(self) -> bool:
        """Whether the group is to have any agent at all."""
        return self.value() > self.activation


def located(body: str, location: str) -> float:
    """What a GJSON path finds, as a number: a JSON number, or a string that is a quantity."""
    found = pygjson.get(body, location)
    if found.type_ is str:
        quantity = _QUANTITY.fullmatch(found.to_str())
        if quantity is None:
            raise ScalerError(f"valueLocation {location!r} points to a string that is not parseable as a Quantity")
        return float(quantity[1]) * _SUFFIXES[quantity[2]]
    if found.type_ not in (int, float):
        raise ScalerError(f"valueLocation {location!r} must point to a numeric value or a string parseable as a Quantity")
    return found.to_float()


def secrets(authentication: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, str]:
    """What a TriggerAuthentication finds in a Secret."""
    found = {}
    for reference in authentication["spec"]["secretTargetRef"]:
        assert reference["name"] == secret["metadata"]["name"]
        found[reference["parameter"]] = secret["stringData"][reference["key"]]
    return found


def replicas_without_hpa(spec: Mapping[str, Any], current: int, active: bool | None) -> int:
    """The count that KEDA's own executor sets; `active` None: the only trigger had an error."""
    least = spec.get("minReplicaCount", 0)
    if active:
        return max(1, least) if current == 0 else current
    if active is None:
        assert "fallback" not in spec
        return current
    if current > 0 and least == 0:
        return 0
    return max(current, least)
