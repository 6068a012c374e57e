"""Readers of fields that policies have in common. Each notes what is wrong as a fault of the node, and gives something that will do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.alert_text import parse_duration

type Reader[T] = Callable[[Node, str], T]

MAX_DURATION_S = 7 * 86_400
MAX_LIST = 50
MAX_VALUE = 128
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def policy_node(document: object, example: str, faults: Faults) -> Node:
    """The document as a node; raises `InvalidDocument` when it is no mapping."""
    if isinstance(document, Mapping):
        return Node(document, "", faults)
    faults.add("", f"must be a mapping such as {example}, not {kind(document)}")
    faults.raise_any()
    return Node({}, "", faults)


def seconds(low: int, example: str) -> Reader[int]:
    """Whole seconds, or a duration as text, of at least so many; `example` is one that people would write."""

    def read(node: Node, key: str) -> int:
        value = node.raw(key)
        duration = parse_duration(value)
        found = duration // 1000 if duration is not None else value
        if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= MAX_DURATION_S:
            node.fault(key, f"must be seconds or a duration such as {example}, 10m, 2h, from {low} s to 7 days, not {kind(value)}")
            return low
        return found

    return read


def whole(low: int, high: int) -> Reader[int]:
    """A whole number within bounds."""
    return lambda node, key: node.whole(key, low, high, low)


def flag(node: Node, key: str) -> bool:
    """True or false."""
    value = node.raw(key)
    if not isinstance(value, bool):
        node.fault(key, f"must be true or false, not {kind(value)}")
    return value is not False


def texts(fits: Callable[[str], object], reason: str) -> Reader[tuple[str, ...]]:
    """A list of different texts that fit; `reason` says of one that does not what it is not."""

    def read(node: Node, key: str) -> tuple[str, ...]:
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

    return read


tag_keys = texts(_KEY.fullmatch, "is no tag key")
"""A list of tag keys."""
tag_values = texts(lambda text: len(text) <= MAX_VALUE, "is no value of a tag")
"""A list of values of a tag."""


def tag_key(node: Node, key: str) -> str:
    """A tag key; empty for none."""
    text = node.text(key, 64)
    if text and not _KEY.fullmatch(text):
        node.fault(key, f"{text!r} is no tag key")
    return text


def plain(struct: Any) -> dict[str, Any]:
    """The document of a policy's struct, every field given."""
    values = {key: getattr(struct, key) for key in struct.__struct_fields__}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
