"""Faults of a fleet repository, all at once, each with its place in a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from clawpulse.redaction import hide


class Fault(NamedTuple):
    """One thing that is wrong. As text: `agents/_base.yaml:3:5: model.primary: is missing`."""

    file: str
    """Relative to the root of the repository."""
    line: int
    """From 1, like `column`."""
    column: int
    path: str
    """Of the value or key within the file; empty for the file as a whole."""
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.path + ': ' if self.path else ''}{self.reason}"


class InvalidRepository(ValueError):
    """A repository with faults; `faults` has every one of them, by file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(map(_public, faults)))
        super().__init__("; ".join(map(str, self.faults)))


def _public(fault: Fault) -> Fault:
    """Faults are shown in logs and pull requests: they must not quote what they are about when that is a secret."""
    return fault._replace(path=hide(fault.path), reason=hide(fault.reason))


def nearest(word: str, known: Collection[str]) -> str:
    """A proposal, as the end of a sentence: the nearest known word, else all of them."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}" if known else ""


def kind(value: object) -> str:
    """What a wrong value is, for people: short texts and numbers as they stand."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = {True: "true", False: "false", None: "null"}[value] if isinstance(value, bool) or value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def below(path: str, key: Any) -> str:
    """The path of a key below another."""
    return f"{path}.{key}" if path else str(key)
