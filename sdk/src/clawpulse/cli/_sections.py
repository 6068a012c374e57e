"""The file of `clawpulse channels apply`: sections, each a document of the API, and the way back from a fault's path to its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clawpulse._yaml import Document, Flaw, Unreadable, read
from clawpulse.cli._api import Fault

ROUTES = {
    "channels": "api/channels",
    "routes": "api/routes",
    "inhibitions": "api/inhibitions",
    "dead_man": "api/dead-man",
    "budgets": "api/budgets",
}
"""Sections, in the order in which they are put in force."""
_LISTS = ("routes", "inhibitions")
"""Documents that may be given as the list that they are about."""


@dataclass(frozen=True)
class Section:
    """One document, and where it stands."""

    name: str
    document: dict[str, Any]
    source: Document
    path: str
    """Of the document in the file; empty for a list, whose own name faults begin with."""

    @property
    def route(self) -> str:
        """Where the API has it."""
        return ROUTES[self.name]

    def flaw(self, fault: Fault) -> Flaw:
        """A fault with its place."""
        joint = "" if not self.path or not fault.path or fault.path.startswith("[") else "."
        path = f"{self.path}{joint}{fault.path}"
        return Flaw(self.source.file, self.source.place(path), path, fault.reason)


def sections(file: str) -> dict[str, Section]:
    """The sections of a file, in the order of `ROUTES`. Raises `Unreadable` with every flaw, `OSError`."""
    documents = read(file)
    flaws = [flaw for document in documents for flaw in _flaws(document)]
    if flaws:
        raise Unreadable(flaws)
    found: dict[str, Section] = {}
    for document in documents:
        for name, value in document.value.items():
            if name in found:
                raise Unreadable([Flaw(file, document.place(name), name, "stands there twice")])
            listed = isinstance(value, list)
            found[name] = Section(name, {name: value} if listed else value, document, "" if listed else name)
    return {name: found[name] for name in ROUTES if name in found}


def _flaws(document: Document) -> Iterator[Flaw]:
    if not isinstance(document.value, Mapping):
        yield Flaw(document.file, document.place(""), "", f"must be a mapping with {', '.join(ROUTES)}")
        return
    for name, value in document.value.items():
        if name not in ROUTES:
            yield Flaw(document.file, document.place(name), name, f"is not known; known are {', '.join(ROUTES)}")
        elif not isinstance(value, Mapping) and not (name in _LISTS and isinstance(value, list)):
            yield Flaw(document.file, document.place(name), name, f"must be a mapping{' or a list' if name in _LISTS else ''}")
