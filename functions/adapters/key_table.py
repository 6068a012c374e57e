"""How desired keys lie in the fleet table: one item an agent, one attribute a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PREFIX = "k_"


def partition(workspace: str) -> str:
    """Partition key."""
    return f"{workspace}|keys"


def attribute(provider: str) -> str:
    """Name of a provider's attribute."""
    return _PREFIX + provider


def request(table: str, workspace: str, agent: str) -> dict[str, object]:
    """Read those of one agent."""
    return {"TableName": table, "Key": {"p": {"S": partition(workspace)}, "s": {"S": agent}}}


def keys_in(item: Mapping[str, Any] | None) -> dict[str, str]:
    """Fingerprints by provider."""
    return {name.removeprefix(_PREFIX): value["S"] for name, value in (item or {}).items() if name.startswith(_PREFIX)}
