"""Kinds of values that a layer of the fleet repository has: each checks a value, and describes itself as JSON Schema for editors.

What is checked is a layer, not the document that layers make together: nothing is required, and `null`, which removes, is always possible.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from clawpulse.fleet.faults import below, kind, nearest

Report = Callable[[str, str], None]
"""Takes a path and what is wrong there."""
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/#-]{0,255}")
"""Names of secrets, as agents take them."""


def is_reference(value: object) -> bool:
    """Whether a value stands for a secret: `{"secret": "slack/bot"}`. It is one value: layers replace it as a whole."""
    return isinstance(value, dict) and value.keys() == {"secret"} and isinstance(value["secret"], str)


@dataclass(frozen=True)
class Kind(ABC):
    """What a value may be."""

    about: str
    """For people, in editors and in the field reference."""

    @abstractmethod
    def check(self, value: Any, path: str, report: Report) -> None:
        """Report what is wrong with a value that is not null."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""

    def described(self) -> dict[str, Any]:
        """As JSON Schema, with what people read."""
        return {"description": self.about, **self.schema()} if self.about else self.schema()


@dataclass(frozen=True)
class Text(Kind):
    """A text that has the form of a pattern."""

    pattern: str = r"[^\x00-\x1f]+"
    form: str = "text without control characters"
    longest: int = 256

    def check(self, value: Any, path: str, report: Report) -> None:
        """Text, not what YAML takes for a number or a truth."""
        if not isinstance(value, str):
            hint = "" if isinstance(value, (dict, list)) else ": put it in quotes"
            report(path, f"must be {self.form}, not {kind(value)}{hint}")
        elif len(value) > self.longest:
            report(path, f"has {len(value)} characters; at most {self.longest} are possible")
        elif not re.fullmatch(self.pattern, value):
            report(path, f"must be {self.form}, not {kind(value)}")

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}


@dataclass(frozen=True)
class Number(Kind):
    """A number from the least, or from above 0 without one, to the most."""

    least: float = 0
    most: float = 1e15
    whole: bool = False

    def check(self, value: Any, path: str, report: Report) -> None:
        """A number; true and false are none."""
        fits = isinstance(value, int if self.whole else (int, float)) and not isinstance(value, bool)
        if not fits or not self.least <= value <= self.most or value == 0:
            number = "a whole number" if self.whole else "a number"
            report(path, f"must be {number} {f'from {self.least:g}' if self.least else 'above 0'} to {self.most:,.0f}, not {kind(value)}")

    def schema(self) -> dict[str, Any]:
        """A number."""
        low = {"minimum": self.least} if self.least else {"exclusiveMinimum": 0}
        return {"type": "integer" if self.whole else "number", **low, "maximum": self.most}


@dataclass(frozen=True)
class Words(Kind):
    """One of some words."""

    words: tuple[str, ...]

    def check(self, value: Any, path: str, report: Report) -> None:
        """One of them as it stands."""
        if value not in self.words:
            hint = nearest(value, self.words) if isinstance(value, str) else ""
            report(path, f"must be one of {', '.join(self.words)}, not {kind(value)}{hint}")

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Either(Kind):
    """A mapping of one kind, or something else of another."""

    mapping: Kind
    other: Kind

    def check(self, value: Any, path: str, report: Report) -> None:
        """A mapping is taken for the one, everything else for the other."""
        (self.mapping if isinstance(value, dict) else self.other).check(value, path, report)

    def schema(self) -> dict[str, Any]:
        """Both."""
        return {"anyOf": [self.mapping.described(), self.other.described()]}


@dataclass(frozen=True)
class Flag(Kind):
    """True or false."""

    def check(self, value: Any, path: str, report: Report) -> None:
        """A truth."""
        if not isinstance(value, bool):
            report(path, f"must be true or false, not {kind(value)}")

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Items(Kind):
    """A list."""

    item: Kind
    most: int = 1_000

    def check(self, value: Any, path: str, report: Report) -> None:
        """A list of as many as are possible."""
        if not isinstance(value, list) or len(value) > self.most:
            report(path, f"must be a list of at most {self.most}, not {kind(value) if not isinstance(value, list) else len(value)}")
            return
        for number, item in enumerate(value):
            self.item.check(item, f"{path}[{number}]", report)

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {"type": "array", "items": self.item.described(), "maxItems": self.most}


@dataclass(frozen=True)
class Fields(Kind):
    """A mapping with known keys. A list `key` may be written as `key+` (append) and `key-` (remove)."""

    fields: Mapping[str, Kind]

    def check(self, value: Any, path: str, report: Report) -> None:
        """A mapping without unknown keys."""
        if not isinstance(value, dict):
            report(path, f"must be a mapping with {', '.join(self.fields)}, not {kind(value)}")
            return
        for key, inner in value.items():
            at, (name, operator) = below(path, key), list_key(key)
            if key in self.fields:
                check_inner(self.fields[key], inner, at, report)
            elif not operator or name not in self.fields:
                report(at, "is not known" + nearest(key, self.fields))
            elif not isinstance(self.fields[name], Items):
                report(at, f"{name} is no list: + and - after a key are for lists")
            else:
                check_list_key(value, key, at, report)
                self.fields[name].check(inner, at, report)

    def schema(self) -> dict[str, Any]:
        """A closed object."""
        made = {key: nullable(field) for key, field in self.fields.items()}
        for key, field in self.fields.items():
            if isinstance(field, Items):
                made[f"{key}+"] = {**field.schema(), "description": f"Appends to {key} what is not in it yet."}
                made[f"{key}-"] = {**field.schema(), "description": f"Removes these from {key}."}
        return {"type": "object", "additionalProperties": False, "properties": made}


@dataclass(frozen=True)
class Named(Kind):
    """A mapping whose keys are names of one form, and its values of one kind."""

    key: Text
    value: Kind

    def check(self, value: Any, path: str, report: Report) -> None:
        """A mapping whose keys have that form."""
        if not isinstance(value, dict):
            report(path, f"must be a mapping, not {kind(value)}")
            return
        for key, inner in value.items():
            self.key.check(key, below(path, key), report)
            check_inner(self.value, inner, below(path, key), report)

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object", "propertyNames": self.key.schema(), "additionalProperties": nullable(self.value)}


@dataclass(frozen=True)
class Open(Kind):
    """A mapping of anything that JSON has; some of its keys may be known."""

    fields: Mapping[str, Kind] | None = None

    def check(self, value: Any, path: str, report: Report) -> None:
        """A mapping; `key+` and `key-` have lists."""
        if not isinstance(value, dict):
            report(path, f"must be a mapping, not {kind(value)}")
            return
        for key, inner in (self.fields or {}).items():
            if key in value:
                check_inner(inner, value[key], below(path, key), report)
        _check_open(value, path, report)

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object", "properties": {key: nullable(inner) for key, inner in (self.fields or {}).items()}}


@dataclass(frozen=True)
class Prompt(Kind):
    """A text, or the file of the repository that has it."""

    def check(self, value: Any, path: str, report: Report) -> None:
        """Text, or a mapping with `file` alone."""
        if isinstance(value, str):
            return
        if not isinstance(value, dict) or value.keys() != {"file"}:
            report(path, f"must be text, or a mapping such as file: prompts/agents.md, not {kind(value)}")
        elif reason := path_fault(value["file"]):
            report(f"{path}.file", reason)

    def schema(self) -> dict[str, Any]:
        """A string or an object."""
        file = {"type": "string", "description": "Path of a text file, from the root of the repository."}
        named = {"type": "object", "additionalProperties": False, "required": ["file"], "properties": {"file": file}}
        return {"anyOf": [{"type": "string"}, named]}


def path_fault(path: Any) -> str | None:
    """Why a value is no path of a text file of the repository, if it is none."""
    if not isinstance(path, str) or not path:
        return f"must be the path of a text file, not {kind(path)}"
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        return f"must be a path within the repository such as prompts/agents.md, not {kind(path)}"
    if any(part.startswith(".") for part in parts):
        return "must not begin with a dot, nor must a folder on the way: such files are not for agents"
    return None if path.isprintable() and len(path) <= 256 else "must have at most 256 characters, all of them printable"


def list_key(key: str) -> tuple[str, str]:
    """`allow+` as `("allow", "+")`; a key without either sign as `(key, "")`."""
    return (key[:-1], key[-1]) if len(key) > 1 and key[-1] in "+-" else (key, "")


def check_list_key(mapping: Mapping[str, Any], key: str, path: str, report: Report) -> None:
    """Report a list that is both replaced and changed in one mapping."""
    name = list_key(key)[0]
    if name in mapping:
        report(path, f"stands beside {name}, which replaces the list: keep one of them")


def nullable(field: Kind) -> dict[str, Any]:
    """The schema of a field of a layer: null removes what the layers before say."""
    described = field.described()
    about = described.pop("description", None)
    choices = described.get("anyOf") or [described]
    return {**({"description": about} if about else {}), "anyOf": [*choices, {"type": "null"}]}


def check_inner(field: Kind, value: Any, path: str, report: Report) -> None:
    """Check the value of a key, which may be null."""
    if value is not None:
        field.check(value, path, report)


def _check_open(value: Any, path: str, report: Report) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            at = below(path, key)
            if key in ("", "__proto__"):
                report(at, "no setting has such a name")
            if list_key(key)[1]:
                check_list_key(value, key, at, report)
                if not isinstance(inner, list):
                    report(at, f"must be a list, not {kind(inner)}: + and - after a key change lists")
            _check_open(inner, at, report)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_open(inner, f"{path}[{number}]", report)
