"""Documents of many agents taken apart into layers that are merged to them again: what all have in common, a tier, a shard, and the rest.

The layers are those of the fleet repository, and merged as there (`clawpulse.fleet.merging`). A document that has None in it, or a key that
ends in `+` or `-`, cannot be said in layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from clawpulse.fleet.kinds import is_reference
from clawpulse.fleet.merging import merge

type Document = Mapping[str, Any]
type Tags = Mapping[str, str]

TIER, SHARD = "tier", "shard"
_FEW = 2
"""A tier or shard of fewer agents has no layer: theirs are as good a place."""

_WHOLE = ("hooks",)
"""Entries below are shared whole or not at all: half a hook would be a fault for agents to come."""


@dataclass(slots=True)
class Layers:
    """Parts of documents; those of groups by the value of their tag. Empty ones are left out."""

    base: dict[str, Any] = field(default_factory=dict)
    tiers: dict[str, dict[str, Any]] = field(default_factory=dict)
    shards: dict[str, dict[str, Any]] = field(default_factory=dict)
    agents: dict[str, dict[str, Any]] = field(default_factory=dict)


def layers(documents: Mapping[str, Document], tags: Mapping[str, Tags], *, tiers: Iterable[str], shards: Iterable[str]) -> Layers:
    """The layers of documents by agent; only these tiers and shards may have one. An empty document is that of an agent without any."""
    made = Layers(base=_shared(list(documents.values())))
    below: dict[str, dict[str, Any]] = dict.fromkeys(documents, made.base)
    for tag, allowed, found in ((TIER, frozenset(tiers), made.tiers), (SHARD, frozenset(shards), made.shards)):
        for value, members in _members(documents, tags, tag).items():
            shared = _shared([_missing(below[agent], documents[agent]) for agent in members]) if value in allowed else {}
            if shared and len(members) >= _FEW:
                found[value] = shared
                below |= {agent: merge(below[agent], shared) for agent in members}
    changes = {agent: change(below[agent], document) for agent, document in documents.items()}
    made.agents = {agent: found for agent, found in changes.items() if found}
    return made


def change(below: Document, wanted: Document) -> dict[str, Any]:
    """The layer that leads from one document to another."""
    made: dict[str, Any] = dict.fromkeys(key for key in below if key not in wanted)
    for key, value in wanted.items():
        there = below.get(key)
        if key in below and same(there, value):
            continue
        made[key] = change(there, value) if _merges(there) and _merges(value) else value
    return made


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same kind: True is not 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def _shared(documents: Sequence[Document]) -> dict[str, Any]:
    """What all of them that are not empty have in common; nothing if most are empty, which would have to take it back."""
    full = [document for document in documents if document]
    return _common(full) if len(full) > len(documents) / 2 else {}


def _common(documents: Sequence[Document], *path: str) -> dict[str, Any]:
    first, *others = documents
    made: dict[str, Any] = {}
    for key, value in first.items():
        values = [other[key] for other in others if key in other]
        if len(values) < len(others):
            continue
        if all(same(value, other) for other in values):
            made[key] = value
        elif path != _WHOLE and all(map(_merges, [value, *values])):
            inside = _common([value, *values], *path, key)
            made |= {key: inside} if inside else {}
    return made


def _missing(below: Document, wanted: Document) -> dict[str, Any]:
    """What a document has beyond what is below, without taking anything back."""
    return {key: value for key, value in change(below, wanted).items() if value is not None} if wanted else {}


def _members(documents: Mapping[str, Document], tags: Mapping[str, Tags], tag: str) -> dict[str, list[str]]:
    """Agents by the value of a tag."""
    found: dict[str, list[str]] = {}
    for agent in documents:
        value = tags.get(agent, {}).get(tag)
        if value:
            found.setdefault(value, []).append(agent)
    return found


def _merges(value: Any) -> TypeGuard[Document]:
    """Whether it is merged into; a reference to a secret is one value."""
    return isinstance(value, Mapping) and not is_reference(value)
