"""What changes when agents get other documents: value by value, and the same change of many agents as one.

A document is what an agent's desired configuration holds. Mappings are compared key by key, all else as a whole: a list is replaced, so its
items have no paths of their own. Secrets that somebody has written out are compared, and hidden: changes are shown in pull requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any, NamedTuple

from clawpulse.fleet.kinds import is_reference
from clawpulse.redaction import FIELD, HIDDEN, hide
from functions.domain.rollout import Reversibility

SHOWN = 400
"""Characters of a value that are shown."""
SHOWN_LINES = 60
"""Lines of a text's differences that are shown, each of at most `SHOWN_WIDTH` characters."""
SHOWN_WIDTH = 240
COMPARED_LINES = 4_000
"""Longer texts are not compared line by line: that takes too long."""
MAX_ORIGINS = 5
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_VERSION, _HOOKS = ("version",), "hooks"


class Change(NamedTuple):
    """One value that changes. Equal changes of different agents are equal."""

    path: tuple[str, ...]
    old: str | None
    """Canonical JSON without secrets, so that it may be that of `new`; None: there is nothing."""
    new: str | None


@dataclass(slots=True)
class Group:
    """A change, and everything that is the same for all agents that have it."""

    change: Change
    agents: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    """Where the new value stands, `file:line`: at most `MAX_ORIGINS`; empty for what is no longer there."""


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """All values that differ, in the order of their paths."""
    return sorted(_changes(old, new, ()))


def grouped(agents: Iterable[tuple[str, Sequence[Change], Mapping[str, str]]]) -> list[Group]:
    """Changes of agents, each with the origins of its new document (`Repository.origin`), as groups: those of most agents first."""
    groups: dict[Change, Group] = {}
    for agent, found, origins in agents:
        for change in found:
            group = groups.setdefault(change, Group(change))
            group.agents.append(agent)
            origin = origin_of(change.path, origins) if change.new is not None else None
            if origin and origin not in group.origins and len(group.origins) < MAX_ORIGINS:
                group.origins.append(origin)
    return sorted(groups.values(), key=lambda group: (-len(group.agents), group.change.path, group.agents))


def origin_of(path: Sequence[str], origins: Mapping[str, str]) -> str | None:
    """Where a value comes from: the origin of the longest part of its path that has one."""
    for length in range(len(path), 0, -1):
        found = origins.get(".".join(path[:length]))
        if found:
            return found
    return None


def reversibility(change: Change) -> Reversibility:
    """Whether going back undoes it: not for OpenClaw's version, and for hooks that say so, which run when their entry changes."""
    if change.path == _VERSION or (change.path[0] == _HOOKS and change.new is not None and _migrates(change)):
        return Reversibility.IRREVERSIBLE
    return Reversibility.REVERSIBLE


def irreversible(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether an agent cannot just go back from `new` to `old`."""
    return any(reversibility(change) is Reversibility.IRREVERSIBLE for change in changes(old, new))


def place(path: Sequence[str]) -> str:
    """A path as text: `files['AGENTS.md']`, `model.primary`."""
    parts = [f".{part}" if _WORD.fullmatch(part) else f"[{part!r}]" for part in path]
    return "".join(parts).removeprefix(".")


def shown(value: str | None) -> str | None:
    """A value for people, cut where it is long: it then ends in how much there is of it."""
    if value is None or len(value) <= SHOWN:
        return value
    return f"{value[:SHOWN]}… ({len(value):,} characters)"


def text_difference(change: Change) -> list[str] | None:
    """What is different in a text of several lines, as `diff -u` has it without its head; None for anything else, and for endless texts."""
    old, new = _text(change.old), _text(change.new)
    if old is None or new is None or "\n" not in old + new:
        return None
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > COMPARED_LINES:
        return None
    lines = [_cut(line) for line in list(unified_diff(before, after, lineterm="", n=1))[2:]]
    if not lines:
        return ["(only the ends of lines differ)"]
    more = len(lines) - SHOWN_LINES
    return lines if more <= 0 else [*lines[:SHOWN_LINES], f"… ({more} more lines)"]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Change]:
    for key in old.keys() | new.keys():
        here = (*path, key)
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if before is not _ABSENT and after is not _ABSENT and before == after and _json(before) == _json(after):
            continue
        if _goes_deeper(here, before, after):
            yield from _changes(_mapping(before), _mapping(after), here)
        else:
            yield Change(here, *(None if side is _ABSENT else _json(_public(key, side)) for side in (before, after)))


def _goes_deeper(path: tuple[str, ...], before: Any, after: Any) -> bool:
    """Into mappings on both sides, or on one where the other has nothing; an entry of hooks and a reference to a secret are one value."""
    if (len(path) == 2 and path[0] == _HOOKS) or is_reference(before) or is_reference(after):
        return False
    sides = [side for side in (before, after) if side is not _ABSENT]
    return all(isinstance(side, Mapping) and side for side in sides)


def _public(key: str, value: Any) -> Any:
    """A value without secrets."""
    if is_reference(value):
        return value
    if FIELD.search(key) and not isinstance(value, Mapping):
        return HIDDEN
    if isinstance(value, Mapping):
        return {name: _public(name, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_public("", inner) for inner in value]
    return hide(value) if isinstance(value, str) else value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _migrates(change: Change) -> bool:
    """Whether a hook that will run says that it is irreversible."""
    entry = json.loads(change.new or "null")
    entries = entry.values() if len(change.path) == 1 and isinstance(entry, dict) else [entry]
    return any(isinstance(one, dict) and one.get("irreversible") is True for one in entries)


def _text(value: str | None) -> str | None:
    if value is None:
        return None
    found = json.loads(value)
    return found if isinstance(found, str) else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _cut(line: str) -> str:
    return line if len(line) <= SHOWN_WIDTH else f"{line[:SHOWN_WIDTH]}…"


_ABSENT = object()
