"""Reads rotation policies from documents; all faults are told at once. docs/rotation.md explains each field.

    {"wave_size": 10, "cooldown_s": "30s", "abort_above": 0.02, "unused_s": "10m"}

Fields are those of `domain.rotation.RotationPolicy`; what is left out is as in the policy underneath.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from functions.domain.alert_faults import Faults, Node
from functions.domain.policy_fields import Reader, flag, plain, policy_node, seconds, tag_key, tag_values, whole
from functions.domain.rollout import MAX_WAVE, Policy
from functions.domain.rotation import RotationPolicy

MIN_UNUSED_S = 60
"""Reports take up to 45 seconds to be seen: a shorter time proves nothing."""
UNREADABLE_S = 300
_SUCH_AS = "30s"


def parse_policy(document: object, base: RotationPolicy = RotationPolicy()) -> RotationPolicy:  # noqa: B008  it is frozen
    """A checked policy. Raises `InvalidDocument` with every fault."""
    faults = Faults()
    node = policy_node(document, "wave_size: 10", faults)
    node.keys(RotationPolicy.__struct_fields__)
    fields = {key: read(node, key) for key, read in _FIELDS.items() if key in node}
    faults.raise_any()
    return msgspec.structs.replace(base, **fields)


def policy_document(policy: RotationPolicy) -> dict[str, Any]:
    """The document of a policy, every field given."""
    return plain(policy)


def to_rollout_policy(policy: RotationPolicy, *, at_once: bool = False) -> Policy:
    """The policy of the rollout that brings a key to the agents; `at_once`: to all of them, for what they have now is no good any more."""
    return Policy(
        waves=("100%",),
        wave_size=None if at_once else policy.wave_size,
        order_tag=policy.order_tag,
        order=() if at_once else policy.order,
        apply_s=policy.apply_s,
        asleep_s=policy.asleep_s,
        max_failed=MAX_WAVE if at_once else 0,
        bake_s=0 if at_once else policy.cooldown_s,
        max_extensions=0,
        unreadable_s=UNREADABLE_S,
        gates=not at_once,
    )


def _share(node: Node, key: str) -> float:
    value = node.number(key)
    if value is not None and not 0 <= value <= 1:
        node.fault(key, f"must be a share from 0 to 1 such as 0.02, not {value:g}")
    return value or 0.0


_FIELDS: Mapping[str, Reader[Any]] = {
    "wave_size": whole(1, MAX_WAVE),
    "cooldown_s": seconds(0, _SUCH_AS),
    "abort_above": _share,
    "order_tag": tag_key,
    "order": tag_values,
    "apply_s": seconds(10, _SUCH_AS),
    "asleep_s": seconds(30, _SUCH_AS),
    "min_healthy": _share,
    "unused_s": seconds(MIN_UNUSED_S, _SUCH_AS),
    "retire": flag,
    "drain_s": seconds(MIN_UNUSED_S, _SUCH_AS),
}
