"""How layers are put together: mappings deeply, `null` removes, lists replace, `key+` appends what is not there, `key-` removes.

A reference to a secret is one value, never merged into. Within one layer `key-` goes before `key+`, whatever their order in the file.
Removing from a list that is not there makes no empty one, for that may mean something else: `allow: []` allows nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clawpulse.fleet.faults import below, kind
from clawpulse.fleet.kinds import is_reference, list_key


class NotAList(ValueError):
    """A layer changes a list, and the layers before have something else there."""

    def __init__(self, path: str, found: Any) -> None:
        super().__init__(f"changes a list, but the layers before have {kind(found)} there")
        self.path = path


def merge(lower: Mapping[str, Any], layer: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """What a layer makes of what was there; both stay as they are. Raises `NotAList`."""
    made = dict(lower)
    for key in sorted(layer, key=_removals_first):
        value, (name, operator) = layer[key], list_key(key)
        if operator:
            if value and (name in made or operator == "+"):
                made[name] = _changed(made.get(name), operator, value, below(path, key))
        elif value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and not is_reference(value):
            there = made.get(key)
            made[key] = merge(there if isinstance(there, dict) and not is_reference(there) else {}, value, below(path, key))
        else:
            made[key] = value
    return made


def _removals_first(key: str) -> bool:
    return key.endswith("+")


def _changed(there: Any, operator: str, items: list[Any], path: str) -> list[Any]:
    if there is not None and not isinstance(there, list):
        raise NotAList(path, there)
    named = {_text(item) for item in items}
    if operator == "-":
        return [item for item in there or [] if _text(item) not in named]
    made = {_text(item): item for item in items}
    kept = list(there or [])
    known = set(map(_text, kept))
    return kept + [item for text, item in made.items() if text not in known]


def _text(value: Any) -> str:
    """JSON, by which values are compared: to Python 1 and true are one."""
    return json.dumps(value, sort_keys=True)
