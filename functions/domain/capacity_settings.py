"""How tiers are planned: the settings document `capacity` (docs/capacity.md).

    {"agent_usd_per_month": 12.5, "tiers": {"nightly": {"kind": "batch"}, "smart": {"concurrency": 4, "agent_usd_per_month": 40}}}

What a tier does not say, the top of the document says for it, and otherwise the usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from clawpulse._capacity import BATCH, HEADROOM, LATENCY
from functions.domain.alert_faults import Faults, Node

DOCUMENT: Final = "capacity"
"""Its name in `FleetStore.settings`."""
MAX_TIERS: Final = 200
BATCH_TIERS: Final = frozenset(("batch",))
"""Tiers that are batch by their name, unless the document says otherwise."""
_KEYS: Final = ("kind", "utilization", "headroom", "concurrency", "agent_usd_per_month")
_TARGETS: Final = {"latency": LATENCY, "batch": BATCH}

type TierKind = Literal["latency", "batch"]


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """How one tier is planned; None: not said."""

    kind: TierKind | None = None
    """Whether somebody waits for the answers."""
    utilization: float | None = None
    headroom: float = HEADROOM
    concurrency: float | None = None
    """Tasks that an agent works on at a time."""
    agent_usd_per_month: float | None = None
    """What an agent costs beside its tokens: host, licence."""

    @property
    def target(self) -> float:
        """The utilisation to plan for."""
        return _TARGETS[self.kind or "latency"] if self.utilization is None else self.utilization


@dataclass(frozen=True, slots=True)
class CapacitySettings:
    """Of the workspace."""

    usual: TierPolicy
    tiers: Mapping[str, TierPolicy]

    def of(self, tier: str | None) -> TierPolicy:
        """How a tier is planned."""
        found = self.tiers.get(tier or "", self.usual)
        return replace(found, kind="batch" if tier in BATCH_TIERS else "latency") if found.kind is None else found


def parse_settings(document: object) -> CapacitySettings:
    """Read the document; raises `InvalidDocument` with every fault."""
    faults = Faults()
    if not isinstance(document, Mapping):
        faults.add("", "must be a mapping")
        faults.raise_any()
        return CapacitySettings(TierPolicy(), {})
    top = Node(document, "", faults)
    top.keys((*_KEYS, "tiers"))
    usual, tiers = _policy(top, TierPolicy()), {}
    named = top.node("tiers")
    if named is not None:
        if len(named.given()) > MAX_TIERS:
            top.fault("tiers", f"must have at most {MAX_TIERS}")
        for tier in sorted(named.given()):
            node = named.node(tier)
            if node is None:
                named.fault(tier, "has no value: give one or leave the key out") if named.raw(tier) is None else None
                continue
            node.keys(_KEYS)
            tiers[tier] = _policy(node, usual)
    faults.raise_any()
    return CapacitySettings(usual, tiers)


def _policy(node: Node, usual: TierPolicy) -> TierPolicy:
    kind = node.choice("kind", tuple(_TARGETS), "")
    return TierPolicy(
        kind=usual.kind if kind not in ("latency", "batch") else kind,  # type: ignore[arg-type]
        utilization=_between(node, "utilization", 0.01, 1, None if kind else usual.utilization),
        headroom=_between(node, "headroom", 1, 100, usual.headroom) or HEADROOM,
        concurrency=_between(node, "concurrency", 1, 1e6, usual.concurrency),
        agent_usd_per_month=_between(node, "agent_usd_per_month", 0, 1e9, usual.agent_usd_per_month),
    )


def _between(node: Node, key: str, low: float, high: float, usual: float | None) -> float | None:
    value = node.number(key)
    if value is None:
        return usual
    if not low <= value <= high:
        node.fault(key, f"must be from {low:g} to {high:g}")
        return usual
    return value
