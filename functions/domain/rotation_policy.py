"""Reads rotation policies from documents; all faults are told at once. docs/rotation.md explains each field.

    {"wave_size": 10, "cooldown_s": "30s", "abort_above": 0.02, "unused_s": "10m"}

Fields are those of `domain.rotation.RotationPolicy`; what is left out is as in the policy underneath.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.alert_text import parse_duration
from functions.domain.rollout import MAX_WAVE, Policy
from functions.domain.rotation import RotationPolicy

MAX_DURATION_S = 7 * 86_400
MAX_LIST = 50
MIN_UNUSED_S = 60
"""Reports take up to 45 seconds to be seen: a shorter time proves nothing."""
UNREADABLE_S = 300
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def parse_policy(document: object, base: RotationPolicy = RotationPolicy()) -> RotationPolicy:  # noqa: B008  it is frozen
    """A checked policy. Raises `InvalidDocument` with every fault."""
    faults = Faults()
    if not isinstance(document, Mapping):
        faults.add("", f"must be a mapping such as wave_size: 10, not {kind(document)}")
        faults.raise_any()
        return base
    node = Node(document, "", faults)
    node.keys(RotationPolicy.__struct_fields__)
    fields = {key: read(node, key) for key, read in _FIELDS.items() if key in node}
    faults.raise_any()
    return msgspec.structs.replace(base, **fields)


def policy_document(policy: RotationPolicy) -> dict[str, Any]:
    """The document of a policy, every field given."""
    values = {key: getattr(policy, key) for key in policy.__struct_fields__}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


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


def _seconds(low: int) -> Callable[[Node, str], int]:
    def read(node: Node, key: str) -> int:
        value = node.raw(key)
        duration = parse_duration(value)
        seconds = duration // 1000 if duration is not None else value
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not low <= seconds <= MAX_DURATION_S:
            node.fault(key, f"must be seconds or a duration such as 30s, 10m, 2h, from {low} s to 7 days, not {kind(value)}")
            return low
        return seconds

    return read


def _share(node: Node, key: str) -> float:
    value = node.number(key)
    if value is not None and not 0 <= value <= 1:
        node.fault(key, f"must be a share from 0 to 1 such as 0.02, not {value:g}")
    return value or 0.0


def _order_tag(node: Node, key: str) -> str:
    text = node.text(key, 64)
    if text and not _KEY.fullmatch(text):
        node.fault(key, f"{text!r} is no tag key")
    return text


def _order(node: Node, key: str) -> tuple[str, ...]:
    value = node.raw(key)
    if not isinstance(value, list) or len(value) > MAX_LIST:
        node.fault(key, f"must be a list of at most {MAX_LIST} texts")
        return ()
    for place, entry in enumerate(value):
        if not isinstance(entry, str) or len(entry) > 128:
            node.fault(f"{key}[{place}]", f"{kind(entry)} is no value of a tag")
        elif entry in value[:place]:
            node.fault(f"{key}[{place}]", f"{entry} is there already")
    return tuple(entry for entry in value if isinstance(entry, str))


def _flag(node: Node, key: str) -> bool:
    value = node.raw(key)
    if not isinstance(value, bool):
        node.fault(key, f"must be true or false, not {kind(value)}")
    return value is not False


_FIELDS: Mapping[str, Callable[[Node, str], Any]] = {
    "wave_size": lambda node, key: node.whole(key, 1, MAX_WAVE, 1),
    "cooldown_s": _seconds(0),
    "abort_above": _share,
    "order_tag": _order_tag,
    "order": _order,
    "apply_s": _seconds(10),
    "asleep_s": _seconds(30),
    "min_healthy": _share,
    "unused_s": _seconds(MIN_UNUSED_S),
    "retire": _flag,
    "drain_s": _seconds(MIN_UNUSED_S),
}
