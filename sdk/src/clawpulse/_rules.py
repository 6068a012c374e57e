"""Rules in files: all of them as one document for the API, and the way back from a fault's path to file, line and column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clawpulse._yaml import Document, Flaw, Unreadable, read

_BOOK = ("packs", "rules", "tests")
"""Lists that a document may have; one with none of them is a rule."""
_OF_TESTS = ("budgets",)
"""What else goes with tests."""
_RULE = re.compile(r"rules\[(\d+)\](.*)", re.S)
_PACK = re.compile(r"packs\[(\d+)\]")


@dataclass(frozen=True)
class Origin:
    """Where a rule, or a pack's name, was written."""

    document: Document
    path: str
    """Within its document; empty when the document is the rule."""


@dataclass
class Union:
    """What all files say together."""

    rules: list[Any] = field(default_factory=list)
    packs: list[Any] | None = None
    others: dict[str, Any] = field(default_factory=dict)
    """Whatever else stands at the top: the API says what is wrong with it."""
    rule_origins: list[Origin] = field(default_factory=list)
    pack_origins: list[Origin] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    tests: list[Document] = field(default_factory=list)
    """Documents that have tests; what is wrong with these, their own command tells."""

    def document(self, kept: Sequence[Any] = (), packs: Sequence[Any] | None = None) -> dict[str, Any]:
        """As the API takes it: the rules of the files first, so that their places stay, then those that are kept."""
        found = self.packs if self.packs is not None else packs
        return {**self.others, **({} if found is None else {"packs": list(found)}), "rules": [*self.rules, *kept]}

    def only(self, document: Document) -> Union:
        """The same rules, and of the rest only one document: what the API was sent of its tests."""
        return replace(self, documents=[document])

    def flaw(self, path: str, reason: str) -> Flaw | None:
        """A fault of that document with its place; None when it is not in these files."""
        rule, pack = _RULE.fullmatch(path), _PACK.fullmatch(path)
        if rule:
            return _at(self.rule_origins, int(rule[1]), rule[2], reason)
        if pack:
            return _at(self.pack_origins, int(pack[1]), "", reason)
        for document in self.documents:
            top = path.split(".")[0].split("[")[0]
            if isinstance(document.value, Mapping) and top in document.value:
                return Flaw(document.file, document.place(path), path, reason)
        return None


def gather(files: Iterable[str]) -> Union:
    """Read all files. Raises `Unreadable` with every flaw, `OSError`."""
    union = Union()
    flaws = [flaw for name in files for flaw in _add(union, name)]
    if flaws:
        raise Unreadable(flaws)
    return union


def _add(union: Union, name: str) -> list[Flaw]:
    """Add a file; what is wrong with it."""
    try:
        return [flaw for document in read(name) for flaw in take(union, document)]
    except Unreadable as error:
        return error.flaws


def take(union: Union, document: Document) -> list[Flaw]:
    """Add a document, which is a mapping with rules or one rule; what is wrong with it."""
    value = document.value
    if not isinstance(value, Mapping):
        return [Flaw(document.file, document.place(""), "", "must be a mapping with rules, or one rule")]
    union.documents.append(document)
    if not set(_BOOK) & value.keys():
        union.rules.append(value)
        union.rule_origins.append(Origin(document, ""))
        return []
    flaws = [
        Flaw(document.file, document.place(key), key, "must be a list")
        for key in _BOOK
        if key in value and not isinstance(value[key], list)
    ]
    if flaws:
        return flaws
    for key, items, origins in (("rules", union.rules, union.rule_origins), ("packs", _packs(union, value), union.pack_origins)):
        for number, item in enumerate(value.get(key, ())):
            items.append(item)
            origins.append(Origin(document, f"{key}[{number}]"))
    known = _BOOK + (_OF_TESTS if "tests" in value else ())
    union.others.update({key: item for key, item in value.items() if key not in known})
    if "tests" in value:
        union.tests.append(document)
    return []


def _packs(union: Union, value: Mapping[str, Any]) -> list[Any]:
    """The list of packs; one that is empty means none, and is not the same as no list."""
    if union.packs is None and "packs" in value:
        union.packs = []
    return [] if union.packs is None else union.packs


def _at(origins: Sequence[Origin], number: int, below: str, reason: str) -> Flaw | None:
    if number >= len(origins):
        return None
    origin = origins[number]
    path = (origin.path + below).lstrip(".")
    return Flaw(origin.document.file, origin.document.place(path), path, reason)
