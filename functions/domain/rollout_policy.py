"""Reads rollout policies from documents; all faults are told at once. docs/rollouts.md explains each field.

    {"waves": ["1", "10%"], "bake_s": "15m", "approve": ["stage:prod"], "gate": {"min_tasks": 50}}

Fields are those of `domain.rollout.Policy`; what is left out is as in the policy underneath: the workspace's, else the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.gate_policy import GatePolicy, parse_gate
from functions.domain.policy_fields import MAX_LIST, Reader, flag, plain, policy_node, seconds, tag_key, tag_keys, tag_values, texts, whole
from functions.domain.rollout import MAX_WAVE, Policy
from functions.domain.rollout_freeze import FREEZES, Freeze, frozen, frozen_wave, parse_freezes, read_time

__all__ = ["DOCUMENT", "FREEZES", "Freeze", "frozen", "frozen_wave", "parse_freezes", "parse_policy", "policy_document"]

DOCUMENT = "rollout-policy"
"""Its name in `FleetStore.settings`."""
_SHARE = re.compile(r"[1-9][0-9]{0,6}|(?:[0-9]{1,2}(?:\.[0-9]{1,2})?|100(?:\.0{1,2})?)%")
_APPROVE = re.compile(r"start|wave:[0-9]{1,4}|stage:.{0,128}")
_SUCH_AS = "90s"


def parse_policy(document: object, base: Policy = Policy()) -> Policy:  # noqa: B008  it is frozen
    """A checked policy. Raises `InvalidDocument` with every fault."""
    faults = Faults()
    node = policy_node(document, "bake_s: 15m", faults)
    node.keys(Policy.__struct_fields__)
    if "waves" in node and "wave_size" in node:
        node.fault("wave_size", "and waves exclude each other")
    fields = {key: read(node, key) for key, read in _FIELDS.items() if key in node}
    if "gate" in node:
        fields["gate"] = _gate(node, base.gate)
    if "waves" in node:
        fields["wave_size"] = None
    faults.raise_any()
    return msgspec.structs.replace(base, **fields)


def policy_document(policy: Policy) -> dict[str, Any]:
    """The document of a policy, every field given."""
    document = {key: value for key, value in {**plain(policy), "gate": plain(policy.gate)}.items() if value is not None}
    if policy.wave_size:
        del document["waves"]
    return document


def _gate(node: Node, base: GatePolicy) -> GatePolicy:
    inner = node.node("gate")
    return base if inner is None else parse_gate(inner, base)


def _share(node: Node, key: str) -> str:
    text = _share_text(node.raw(key))
    if text is None:
        node.fault(key, f"must be a number from 1 on or percents such as 25%, not {kind(node.raw(key))}")
    return text or "1"


def _share_text(value: object) -> str | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    whole = isinstance(text, str) and _SHARE.fullmatch(text) and text.strip("0.%")
    return str(text) if whole else None


def _waves(node: Node, key: str) -> tuple[str, ...]:
    value = node.raw(key)
    entries = value if isinstance(value, list) and 0 < len(value) <= MAX_LIST else []
    if not entries:
        node.fault(key, f"must be a list of 1 to {MAX_LIST} numbers and percents such as 5 and 25%")
    texts = [_share_text(entry) for entry in entries]
    for place, text in enumerate(texts):
        if text is None:
            node.fault(f"{key}[{place}]", f"must be a number from 1 on or percents such as 25%, not {kind(entries[place])}")
    _check_growth(node, key, texts)
    return tuple(text for text in texts if text)


def _check_growth(node: Node, key: str, texts: list[str | None]) -> None:
    """Numbers, and percents, grow. Whether 5 is more than 10% depends on the fleet."""
    last = {True: 0.0, False: 0.0}
    for place, text in enumerate(texts):
        if text is not None:
            percents, amount = text.endswith("%"), float(text.rstrip("%"))
            if amount <= last[percents]:
                node.fault(f"{key}[{place}]", f"{text} is not more than what comes before it: each says how many have been told by then")
            last[percents] = amount


def _factor(node: Node, key: str) -> float:
    value = node.number(key)
    if value is not None and not 1 <= value <= 100:
        node.fault(key, "must be from 1 to 100")
    return value or 1.0


_FIELDS: Mapping[str, Reader[Any]] = {
    "waves": _waves,
    "wave_size": whole(1, MAX_WAVE),
    "order_tag": tag_key,
    "order": tag_values,
    "sort_by": tag_keys,
    "max_unavailable": _share,
    "apply_s": seconds(1, _SUCH_AS),
    "asleep_s": seconds(1, _SUCH_AS),
    "max_failed": whole(0, MAX_WAVE),
    "bake_s": seconds(0, _SUCH_AS),
    "extend_s": seconds(1, _SUCH_AS),
    "max_extensions": whole(0, 100),
    "unreadable_s": seconds(0, _SUCH_AS),
    "irreversible_bake": _factor,
    "approve": texts(_APPROVE.fullmatch, "is none of start, wave:2 (the third wave), stage:prod"),
    "not_before": read_time,
    "gates": flag,
}
