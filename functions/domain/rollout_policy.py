"""Reads rollout policies from documents; all faults are told at once. docs/rollouts.md explains each field.

    {"waves": ["1", "10%"], "bake_s": "15m", "approve": ["stage:prod"], "gate": {"min_tasks": 50}}

Fields are those of `domain.rollout.Policy`; what is left out is as in the policy underneath: the workspace's, else the default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.alert_text import parse_duration
from functions.domain.gate_policy import GatePolicy, parse_gate
from functions.domain.rollout import MAX_WAVE, Policy
from functions.domain.rollout_freeze import FREEZES, Freeze, frozen, frozen_wave, parse_freezes, read_time

__all__ = ["DOCUMENT", "FREEZES", "Freeze", "frozen", "frozen_wave", "parse_freezes", "parse_policy", "policy_document"]

DOCUMENT = "rollout-policy"
"""Its name in `FleetStore.settings`."""
MAX_DURATION_S = 7 * 86_400
MAX_LIST = 50
_SHARE = re.compile(r"[1-9][0-9]{0,6}|(?:[0-9]{1,2}(?:\.[0-9]{1,2})?|100(?:\.0{1,2})?)%")
_APPROVE = re.compile(r"start|wave:[0-9]{1,4}|stage:.{0,128}")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def parse_policy(document: object, base: Policy = Policy()) -> Policy:  # noqa: B008  it is frozen
    """A checked policy. Raises `InvalidDocument` with every fault."""
    faults = Faults()
    if not isinstance(document, Mapping):
        faults.add("", f"must be a mapping such as bake_s: 15m, not {kind(document)}")
        faults.raise_any()
        return base
    node = Node(document, "", faults)
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
    document = {**_plain(policy), "gate": _plain(policy.gate)}
    if policy.wave_size:
        del document["waves"]
    return document


def _plain(struct: Policy | GatePolicy) -> dict[str, Any]:
    values = {key: getattr(struct, key) for key in struct.__struct_fields__}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items() if value is not None}


def _gate(node: Node, base: GatePolicy) -> GatePolicy:
    inner = node.node("gate")
    return base if inner is None else parse_gate(inner, base)


def _seconds(low: int) -> Callable[[Node, str], int]:
    def read(node: Node, key: str) -> int:
        value = node.raw(key)
        duration = parse_duration(value)
        seconds = duration // 1000 if duration is not None else value
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not low <= seconds <= MAX_DURATION_S:
            node.fault(key, f"must be seconds or a duration such as 90s, 10m, 2h, from {low} s to 7 days, not {kind(value)}")
            return low
        return seconds

    return read


def _whole(low: int, high: int) -> Callable[[Node, str], int]:
    return lambda node, key: node.whole(key, low, high, low)


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


def _texts(node: Node, key: str, fits: Callable[[str], object], reason: str) -> tuple[str, ...]:
    value = node.raw(key)
    if not isinstance(value, list) or len(value) > MAX_LIST:
        node.fault(key, f"must be a list of at most {MAX_LIST} texts")
        return ()
    for place, entry in enumerate(value):
        if not isinstance(entry, str) or not fits(entry):
            node.fault(f"{key}[{place}]", f"{kind(entry)} {reason}")
        elif entry in value[:place]:
            node.fault(f"{key}[{place}]", f"{entry} is there already")
    return tuple(entry for entry in value if isinstance(entry, str))


def _order(node: Node, key: str) -> tuple[str, ...]:
    return _texts(node, key, lambda text: len(text) <= 128, "is no value of a tag")


def _sort_by(node: Node, key: str) -> tuple[str, ...]:
    return _texts(node, key, _KEY.fullmatch, "is no tag key")


def _approve(node: Node, key: str) -> tuple[str, ...]:
    return _texts(node, key, _APPROVE.fullmatch, "is none of start, wave:2 (the third wave), stage:prod")


def _order_tag(node: Node, key: str) -> str:
    text = node.text(key, 64)
    if text and not _KEY.fullmatch(text):
        node.fault(key, f"{text!r} is no tag key")
    return text


def _gates(node: Node, key: str) -> bool:
    value = node.raw(key)
    if not isinstance(value, bool):
        node.fault(key, f"must be true or false, not {kind(value)}")
    return value is not False


def _factor(node: Node, key: str) -> float:
    value = node.number(key)
    if value is not None and not 1 <= value <= 100:
        node.fault(key, "must be from 1 to 100")
    return value or 1.0


_FIELDS: Mapping[str, Callable[[Node, str], Any]] = {
    "waves": _waves,
    "wave_size": _whole(1, MAX_WAVE),
    "order_tag": _order_tag,
    "order": _order,
    "sort_by": _sort_by,
    "max_unavailable": _share,
    "apply_s": _seconds(1),
    "asleep_s": _seconds(1),
    "max_failed": _whole(0, MAX_WAVE),
    "bake_s": _seconds(0),
    "extend_s": _seconds(1),
    "max_extensions": _whole(0, 100),
    "unreadable_s": _seconds(0),
    "irreversible_bake": _factor,
    "approve": _approve,
    "not_before": read_time,
    "gates": _gates,
}
