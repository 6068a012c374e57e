"""What a series is called: checks names and tags, and parts the tags into dimensions, which make the series, and attributes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from functions.domain.errors import InvalidInput, NotAllowed
from functions.domain.rollup import SeriesKey, TagPairs

MAX_NAME = 128
MAX_KEY = 64
MAX_VALUE = 256
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_OPERATORS = re.compile(r"[,=|!]")
_REMEMBERED = 4096


class Identity(NamedTuple):
    """A series, and the tags that are none of its dimensions."""

    key: SeriesKey
    attributes: TagPairs


class Naming:
    """The rules of a workspace and a token. Agents send the same names over and over, so what was found is remembered."""

    def __init__(self, dimensions: frozenset[str], scope: TagPairs) -> None:
        self.dimensions = dimensions
        self.scope = scope
        self._known: dict[tuple[str, TagPairs], Identity | str] = {}

    def identify(self, name: str, tags: Mapping[str, str]) -> Identity | str:
        """The series, or the reason why it can be none. Raises `NotAllowed` for a tag that contradicts the token's scope."""
        asked = (name, tuple(tags.items()))
        known = self._known.get(asked)
        if known is None:
            known = self._identify(name, tags)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[asked] = known
        return known

    def agent_tags(self, tags: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """The agent's own tags with the token's scope, and why some of them are left out; raises `InvalidInput` naming a tag, `NotAllowed`.

        What is a dimension is for the workspace to say, at any time: that a value is none for a dimension must not cost an agent its data.
        """
        for key, value in tags.items():
            if fault := tag_fault(key, value, ()):
                raise InvalidInput(fault, "tags")
        faults = {key: fault for key, value in tags.items() if (fault := tag_fault(key, value, self.dimensions))}
        return self._scoped({key: value for key, value in tags.items() if key not in faults}), list(faults.values())

    def _identify(self, name: str, tags: Mapping[str, str]) -> Identity | str:
        faults = (name_fault(name), *(tag_fault(key, value, self.dimensions) for key, value in tags.items()))
        if fault := next(filter(None, faults), None):
            return fault
        pairs = sorted(self._scoped(tags).items())
        return Identity(
            SeriesKey(name, tuple(pair for pair in pairs if pair[0] in self.dimensions)),
            tuple(pair for pair in pairs if pair[0] not in self.dimensions),
        )

    def _scoped(self, tags: Mapping[str, str]) -> dict[str, str]:
        for key, value in self.scope:
            if tags.get(key, value) != value:
                raise NotAllowed(f"tag {key}={tags[key]} contradicts the token, which is limited to {key}={value}")
        return {**tags, **dict(self.scope)}


@lru_cache(64)
def naming(dimensions: frozenset[str], scope: TagPairs) -> Naming:
    """The naming of some rules, with what it remembers."""
    return Naming(dimensions, scope)


def name_fault(name: str) -> str | None:
    """Why a text can be no name of a metric or event."""
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters"
    return None if _NAME.fullmatch(name) else f"{name!r} is no name: letters, digits and _ . / - after a letter or _"


@lru_cache(_REMEMBERED)
def key_fault(key: str) -> str | None:
    """Why a text can be no key of a tag or attribute."""
    if len(key) > MAX_KEY:
        return f"a tag's key has at most {MAX_KEY} characters"
    return None if _KEY.fullmatch(key) else f"{key!r} is no tag key: letters, digits and _ . - after a letter or _"


def tag_fault(key: str, value: str, dimensions: Collection[str]) -> str | None:
    """Why a tag is not possible."""
    if fault := key_fault(key):
        return fault
    if not 0 < len(value) <= MAX_VALUE:
        return f"tag {key}: a value has 1 to {MAX_VALUE} characters"
    if _CONTROL.search(value):
        return f"tag {key}: a value has no control characters"
    if key in dimensions and _OPERATORS.search(value):
        return f"tag {key}: the value of a dimension has none of , = | !"
    return None
