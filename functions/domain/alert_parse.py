"""Reads alert rules from documents: a mapping `rules: [...]`, or one rule. All faults are told at once, each with its path.

The language is written down in functions/alerts/packs/README.md and, for editors, in functions/alerts/rules.schema.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from functions.domain.alert import Severity
from functions.domain.alert_faults import Fault, Faults, InvalidDocument, Node, kind
from functions.domain.alert_parse_when import parse_condition
from functions.domain.alert_rules import Condition, Override, Policy, Rule
from functions.domain.alert_text import parse_duration
from functions.domain.errors import InvalidInput
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.times import DAY_MS

MAX_RULES = 500
MAX_OVERRIDES = 100
MAX_LABELS = 20
MAX_PER = 5
MAX_HOLD_MS = 7 * DAY_MS
NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
KEY_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$"
RULE_KEYS = (
    *("name", "description", "severity", "select", "per", "when", "for", "keep_firing_for", "no_data", "missing_series", "unreadable"),
    *("labels", "runbook", "owner", "expires", "overrides"),
)
OVERRIDE_KEYS = ("select", "above", "below", "clear", "factor", "clear_factor")
_GROUP = "group"


def parse_rules(document: object) -> tuple[Rule, ...]:
    """The rules of a document. Raises `InvalidDocument` with every fault."""
    faults = Faults()
    rules = _rules(document, faults)
    faults.raise_any()
    return tuple(rules)


def check_rules(document: object) -> tuple[Fault, ...]:
    """Every fault of a document; none when it is sound."""
    try:
        parse_rules(document)
    except InvalidDocument as error:
        return error.faults
    return ()


def _rules(document: object, faults: Faults) -> list[Rule]:
    if not isinstance(document, Mapping):
        faults.add("", f"must be a mapping with rules, or one rule, not {kind(document)}")
        return []
    root = Node(document, "", faults)
    if "rules" not in document:
        return [rule for rule in [_rule(root)] if rule]
    root.keys(("rules",), ("rules",))
    nodes = root.nodes("rules", MAX_RULES)
    rules = [_rule(node) for node in nodes]
    seen: set[object] = set()
    for node in nodes:
        name = node.raw("name")
        if isinstance(name, str) and name in seen:
            node.fault("name", f"{name} is the name of a rule above")
        seen.add(name if isinstance(name, str) else None)
    return [rule for rule in rules if rule]


def _rule(node: Node) -> Rule | None:
    """One rule; None when something is wrong with it, which is noted then."""
    before = len(node.faults.found)
    node.keys(RULE_KEYS, ("name", "when"))
    name = node.text("name", 63)
    if name and not re.fullmatch(NAME_PATTERN, name):
        node.fault("name", "must be lower-case letters, digits and dashes, at most 63")
    per = _per(node)
    when = node.node("when")
    condition = parse_condition(when, per) if when else None
    overrides = tuple(_override(entry, condition) for entry in node.nodes("overrides", MAX_OVERRIDES))
    values: dict[str, Any] = {
        "description": node.text("description", 1000),
        "severity": Severity(node.choice("severity", [severity.value for severity in Severity], Severity.WARNING)),
        "select": _selector(node, "select"),
        "for_ms": _duration(node, "for"),
        "keep_firing_ms": _duration(node, "keep_firing_for"),
        "no_data": _policy(node, "no_data", ("keep", "resolve", "fire"), Policy.KEEP),
        "missing_series": _policy(node, "missing_series", ("keep", "resolve", "fire"), Policy.KEEP_A_DAY),
        "unreadable": _policy(node, "unreadable", ("keep", "fire"), Policy.KEEP),
        "labels": _labels(node),
        "runbook": _runbook(node),
        "owner": node.text("owner") or None,
        "expires": _expires(node),
    }
    if condition is None or len(node.faults.found) > before:
        return None
    values |= {"digest": _digest(node, _DECIDING), "baseline_id": _digest(node, ("select", "per", "when"), _BOUNDS)}
    return Rule(name=name, per=per, when=condition, overrides=overrides, **values)


def _per(node: Node) -> tuple[str, ...]:
    value = node.raw("per")
    if value is None or value == _GROUP:
        return ()
    keys = value if isinstance(value, list) else [value]
    for key in keys:
        if not isinstance(key, str) or not re.fullmatch(KEY_PATTERN, key):
            node.fault("per", f"must be group, agent, a tag key or a list of tag keys, not {kind(value)}")
            return ()
    if not 1 <= len(keys) <= MAX_PER or len(set(keys)) < len(keys):
        node.fault("per", f"must have 1 to {MAX_PER} different tag keys")
    elif len(keys) > 1 and {AGENT, _GROUP} & set(keys):
        node.fault("per", "agent and group stand alone: an agent is one series, whatever its tags")
    return tuple(sorted(keys))


def _override(node: Node, condition: Condition | None) -> Override:
    node.keys(OVERRIDE_KEYS, ("select",))
    numbers = {key: node.number(key) for key in OVERRIDE_KEYS[1:]}
    if condition is not None:
        _check_override(node, condition)
    if not any(key in node for key in OVERRIDE_KEYS[1:]):
        node.fault("", "changes nothing: give above, below, clear, factor or clear_factor")
    above, below = numbers["above"], numbers["below"]
    return Override(
        select=_selector(node, "select"),
        limit=above if above is not None else below,
        clear=numbers["clear"],
        factor=numbers["factor"],
        clear_factor=numbers["clear_factor"],
    )


def _check_override(node: Node, condition: Condition) -> None:
    bound = condition.bound
    wrong = "below" if bound.direction == "above" else "above"
    if wrong in node:
        node.fault(wrong, f"the rule asks for {bound.direction}")
    for key in ("factor", "clear_factor"):
        if key in node and bound.baseline is None:
            node.fault(key, "the rule has no baseline")


def _selector(node: Node, key: str) -> Selector:
    text = node.raw(key)
    if text is None or text == "":
        return Selector()
    if not isinstance(text, str):
        node.fault(key, f"must be a selector such as env=prod,tier!=batch, not {kind(text)}")
        return Selector()
    try:
        return Selector.parse(text)
    except InvalidInput as error:
        node.fault(key, error.reason)
        return Selector()


def _duration(node: Node, key: str) -> int:
    value = node.raw(key)
    ms = 0 if value is None else parse_duration(value)
    if ms is None or ms > MAX_HOLD_MS:
        node.fault(key, f"must be a duration such as 30s, 5m, 2h, at most 7d, not {kind(value)}")
        return 0
    return ms


def _policy(node: Node, key: str, known: tuple[str, ...], default: Policy) -> Policy:
    return Policy(node.choice(key, known, default)) if key in node else default


def _labels(node: Node) -> TagPairs:
    labels = node.node("labels")
    if labels is None:
        return ()
    entries = node.raw("labels")
    if len(entries) > MAX_LABELS:
        node.fault("labels", f"must be at most {MAX_LABELS}")
    labels.keys(list(entries))
    for key in entries:
        if not isinstance(key, str) or not re.fullmatch(KEY_PATTERN, key):
            labels.fault(str(key), "is no label key: letters, digits, _ . - and a letter first")
    return tuple(sorted((key, labels.text(key)) for key in entries if isinstance(key, str)))


def _runbook(node: Node) -> str | None:
    link = node.text("runbook", 1000)
    if link and not re.match(r"https?://[^\s/]", link):
        node.fault("runbook", "must be a link that begins with https:// or http://")
    return link or None


def _expires(node: Node) -> int | None:
    """A date or a time, UTC unless it says otherwise; YAML readers may have made a date of it already."""
    value = node.raw("expires")
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else value)
    except (TypeError, ValueError):
        node.fault("expires", f"must be a date such as 2027-03-01, or a time such as 2027-03-01T08:00:00Z, not {kind(value)}")
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


_DECIDING = ("select", "per", "when", "overrides")
_BOUNDS = frozenset(("above", "below", "clear", "min_points", "factor", "clear_factor", "at_least"))


def _digest(node: Node, keys: tuple[str, ...], without: frozenset[str] = frozenset()) -> str:
    """Of these parts of a sound document as they are written, so that a new release reads no change into an old rule."""
    parts = {key: _strip(node.raw(key), without) for key in keys if key in node}
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _strip(value: Any, without: frozenset[str]) -> Any:
    """A value without some keys at any depth."""
    if isinstance(value, Mapping):
        return {key: _strip(item, without) for key, item in value.items() if key not in without}
    return value
