"""Reads scaling policies from documents; all faults are told at once. docs/scaling.md explains each field.

    {"defaults": {"max": 20, "latency": false},
     "groups": {"fast": {"tags": "tier=fast", "min": 2, "queue": {"up": 3, "up_for_s": "2m"}, "target": {"asg": "agents-fast"}}}}

What a group leaves out is as in `defaults`, and what they leave out as in `GroupPolicy`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.errors import InvalidInput
from functions.domain.policy_fields import Reader, flag, policy_node, seconds, whole
from functions.domain.scaling import SCALING, GroupPolicy, ScalingSignal, Signal, Target, TellingSignal
from functions.domain.selector import Selector

DOCUMENT = "scaling-policy"
"""Its name in `FleetStore.settings`."""
MAX_GROUPS = 50
MAX_AGENTS = 10_000
MAX_LEVEL = 1e9
MIN_UP = 0.001
"""Counts are chosen by what is used over what may be: of a level that is next to nothing everything is too much."""
MAX_STABILISE_S = 3600
MAX_STALE_S = 3600
MIN_STALE_S = 60
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ASG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_STEP = re.compile(r"[1-9][0-9]{0,4}|(?:[1-9][0-9]{0,2}|1000)%")
_USUAL = GroupPolicy(name="", tags="")


def parse_policy(document: object) -> tuple[GroupPolicy, ...]:
    """The groups' policies, by name. Raises `InvalidDocument` with every fault."""
    faults = Faults()
    node = policy_node(document, "groups: {fast: {tags: tier=fast}}", faults)
    node.keys(("defaults", "groups"))
    defaults = node.node("defaults")
    base = _USUAL if defaults is None else _group(defaults, "", _USUAL, named=False)
    groups = node.node("groups")
    names = sorted(groups.given()) if groups else []
    if len(names) > MAX_GROUPS:
        node.fault("groups", f"must be at most {MAX_GROUPS}")
    found = [_named(groups, name, base) for name in names[:MAX_GROUPS]] if groups else []
    faults.raise_any()
    return tuple(group for group in found if group is not None)


def _named(groups: Node, name: str, base: GroupPolicy) -> GroupPolicy | None:
    if not NAME.fullmatch(name):
        groups.fault(name, "is no name of a group: small letters, digits and hyphens")
        return None
    node = groups.node(name)
    if node is None:
        if groups.raw(name) is None:
            groups.fault(name, "must be a mapping such as {tags: tier=fast}")
        return None
    return _group(node, name, base, named=True)


def _group(node: Node, name: str, base: GroupPolicy, *, named: bool) -> GroupPolicy:
    known = [key for key in GroupPolicy.__struct_fields__ if key != "name" and (named or key not in ("tags", "target"))]
    node.keys(known, ("tags",) if named else ())
    fields = {key: read(node, key) for key, read in _FIELDS.items() if key in node and key in known}
    signals = {str(signal): _signal(node, signal, getattr(base, signal)) for signal in Signal}
    group = msgspec.structs.replace(base, name=name, **fields, **signals)
    if group.min > group.max:
        node.fault("min" if "min" in node else "max", f"min {group.min} is more than max {group.max}")
    return group


def _signal(node: Node, signal: Signal, base: ScalingSignal | TellingSignal | None) -> ScalingSignal | TellingSignal | None:
    if node.raw(signal) is None:
        return base
    if node.raw(signal) is False:
        return None
    inner = node.node(signal)
    usual: Any = base or getattr(_USUAL, signal)
    if inner is None:
        return base
    return _scaling(inner, usual) if signal in SCALING else _telling(inner, usual)


def _scaling(node: Node, base: ScalingSignal) -> ScalingSignal:
    node.keys(ScalingSignal.__struct_fields__)
    found = msgspec.structs.replace(base, **{key: read(node, key) for key, read in _SCALING.items() if key in node})
    if found.down >= found.up:
        node.fault("down" if "down" in node else "up", f"down {found.down:g} must be below up {found.up:g}, or the count would never rest")
    if found.up_cooldown_s >= found.down_cooldown_s:
        key = "up_cooldown_s" if "up_cooldown_s" in node else "down_cooldown_s"
        node.fault(key, f"growing ({found.up_cooldown_s} s) must cool down in less time than shrinking ({found.down_cooldown_s} s)")
    return found


def _telling(node: Node, base: TellingSignal) -> TellingSignal:
    node.keys(TellingSignal.__struct_fields__)
    found = msgspec.structs.replace(base, **{key: read(node, key) for key, read in _TELLING.items() if key in node})
    if "clear" not in node and base.clear == base.above:
        found = msgspec.structs.replace(found, clear=found.above)
    if found.clear > found.above:
        node.fault("clear" if "clear" in node else "above", f"clear {found.clear:g} must not be more than above {found.above:g}")
    return found


def _level(low: float) -> Reader[float]:
    def within(node: Node, key: str) -> float:
        value = node.number(key)
        if value is not None and not low <= value <= MAX_LEVEL:
            node.fault(key, f"must be from {low:g} to {MAX_LEVEL:g}, not {value:g}")
        return value if value is not None and low <= value <= MAX_LEVEL else low

    return within


def _step(node: Node, key: str) -> str:
    value = node.raw(key)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and _STEP.fullmatch(text):
        return text
    node.fault(key, f"must be a number of agents from 1 on or percents from 1% to 1000%, not {kind(value)}")
    return "1"


def _within(low: int, high: int, example: str) -> Reader[int]:
    """Seconds within bounds narrower than those of all policies."""
    read = seconds(low, example)

    def bounded(node: Node, key: str) -> int:
        found = read(node, key)
        if found > high:
            node.fault(key, f"must be at most {high} s")
        return min(found, high)

    return bounded


def _selector(node: Node, key: str) -> str:
    text = node.text(key, 1024)
    try:
        Selector.parse(text)
    except InvalidInput as error:
        node.fault(key, error.reason)
    return text


def _target(node: Node, key: str) -> Target | None:
    inner = node.node(key)
    if inner is None:
        return None
    inner.keys(Target.__struct_fields__, ("asg",))
    name = inner.text("asg", 255)
    if name and not _ASG.fullmatch(name):
        inner.fault("asg", "is no name of an Auto Scaling group")
    return Target(asg=name, agents_per_instance=inner.whole("agents_per_instance", 1, 1000, 1))


_FIELDS: Mapping[str, Reader[Any]] = {
    "tags": _selector,
    # A group without agents reports no queue: from 0 it would never grow again.
    "min": whole(1, MAX_AGENTS),
    "max": whole(1, MAX_AGENTS),
    "step_up": _step,
    "step_down": _step,
    "stabilise_up_s": _within(0, MAX_STABILISE_S, "90s"),
    "stabilise_down_s": _within(0, MAX_STABILISE_S, "5m"),
    "stale_after_s": _within(MIN_STALE_S, MAX_STALE_S, "3m"),
    "target": _target,
}
_SCALING: Mapping[str, Reader[Any]] = {
    "up": _level(MIN_UP),
    "up_for_s": seconds(0, "60s"),
    "up_cooldown_s": seconds(0, "90s"),
    "down": _level(0),
    "down_for_s": seconds(0, "5m"),
    "down_cooldown_s": seconds(1, "5m"),
    "must_agree": flag,
}
_TELLING: Mapping[str, Reader[Any]] = {
    "above": _level(0),
    "for_s": seconds(0, "2m"),
    "clear": _level(0),
    "clear_for_s": seconds(0, "10m"),
}
