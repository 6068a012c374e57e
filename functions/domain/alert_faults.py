"""Faults of a document, all at once: each has a path such as `rules[0].when.above`, which leads to the place in the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

from functions.domain.errors import InvalidInput


class Fault(NamedTuple):
    """One thing that is wrong."""

    path: str
    """Of the value, or of the key that is unknown or missing; empty for the document as a whole."""
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class InvalidDocument(InvalidInput):
    """A document with faults; `faults` has every one of them, the text the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(faults[0].reason + more, faults[0].path or None)
        self.faults = tuple(faults)

    def below(self, path: str) -> InvalidDocument:
        """The faults of this document as those of one that has it at a path."""
        return InvalidDocument([Fault(f"{path}.{fault.path}" if fault.path else path, fault.reason) for fault in self.faults])


@dataclass(slots=True)
class Faults:
    """Collects faults while a document is read."""

    found: list[Fault] = field(default_factory=list)

    def add(self, path: str, reason: str) -> None:
        """Note a fault."""
        self.found.append(Fault(path, reason))

    def raise_any(self) -> None:
        """Raise `InvalidDocument` when there are any, in the order of their paths' coming."""
        if self.found:
            raise InvalidDocument(self.found)


class Node:
    """One mapping of a document, read key by key. A wrong value is noted as a fault and read as if it were not there."""

    def __init__(self, value: Mapping[Any, Any], path: str, faults: Faults) -> None:
        self.path, self.faults = path, faults
        self._value = value

    def __contains__(self, key: str) -> bool:
        return self._value.get(key) is not None

    def given(self) -> set[str]:
        """The keys that there are."""
        return set(map(str, self._value))

    def at(self, key: str) -> str:
        """The path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def fault(self, key: str, reason: str) -> None:
        """Note that the value of a key is wrong."""
        self.faults.add(self.at(key) if key else self.path, reason)

    def keys(self, known: Collection[str], required: Collection[str] = ()) -> None:
        """Refuse unknown keys, proposing the nearest known one, and note missing and empty ones."""
        for key, value in self._value.items():
            if key not in known:
                self.fault(str(key), "is not known" + nearest(str(key), known))
            elif value is None:
                self.fault(str(key), "has no value: give one or leave the key out")
        for key in required:
            if key not in self._value:
                self.fault(key, "is missing")

    def raw(self, key: str) -> Any:
        """The value as it stands, None when absent."""
        return self._value.get(key)

    def text(self, key: str, limit: int = 256, default: str = "") -> str:
        """A text of at most `limit` characters."""
        value = self._value.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.fault(key, f"must be text, not {kind(value)}" + ("" if isinstance(value, Mapping | list) else ": put it in quotes"))
        elif not 0 < len(value) <= limit:
            self.fault(key, f"must have 1 to {limit} characters")
        else:
            return value
        return default

    def number(self, key: str) -> float | None:
        """A finite number."""
        value = self._value.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
            self.fault(key, f"must be a number, not {kind(value)}")
            return None
        return float(value)

    def whole(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number between `low` and `high`."""
        value = self._value.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(key, f"must be a whole number from {low} to {high}")
            return default
        return value

    def choice(self, key: str, known: Collection[str], default: str) -> str:
        """One of some words."""
        value = self._value.get(key)
        if value is None:
            return default
        if not isinstance(value, str) or value not in known:
            hint = nearest(value, known) if isinstance(value, str) else ""
            self.fault(key, f"must be one of {', '.join(known)}, not {kind(value)}{hint}")
            return default
        return value

    def node(self, key: str) -> Node | None:
        """A mapping below a key."""
        value = self._value.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.fault(key, f"must be a mapping, not {kind(value)}")
            return None
        return Node(value, self.at(key), self.faults)

    def nodes(self, key: str, most: int) -> list[Node]:
        """A list of mappings below a key."""
        value = self._value.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            self.fault(key, f"must be a list of at most {most}")
            return []
        return [
            Node(item, f"{self.at(key)}[{number}]", self.faults)
            for number, item in enumerate(value)
            if self._is_mapping(item, f"{key}[{number}]")
        ]

    def _is_mapping(self, item: object, key: str) -> bool:
        if not isinstance(item, Mapping):
            self.fault(key, f"must be a mapping, not {kind(item)}")
        return isinstance(item, Mapping)


def nearest(word: str, known: Collection[str]) -> str:
    """A proposal, as the end of a sentence: the nearest known word, else all of them."""
    if not known:
        return "; there are none"
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}"


def kind(value: object) -> str:
    """What a wrong value is, for people: short texts, numbers and dates are quoted as they stand."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
