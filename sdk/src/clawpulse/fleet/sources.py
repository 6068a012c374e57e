"""YAML files of a repository as they were read: what is in them, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clawpulse.fleet import literals
from clawpulse.fleet.faults import Fault, kind
from clawpulse.fleet.kinds import Report

if TYPE_CHECKING:  # PyYAML is needed only by who reads a repository.
    from clawpulse._yaml import Document, Place

MAX_FAULTS = 1_000
"""Nobody reads more, and looking for more takes time."""
_LAST = re.compile(r"(\.[^.\[]*|\[[^\[\]]*\]?|[^.\[]+)$")


class TooMany(Exception):
    """There are more faults than are looked for; those that were found are in the list that they were to be added to."""


@dataclass
class Source:
    """A YAML file, or one document of it."""

    file: str
    document: Document | None
    """None when nothing is in it."""

    @property
    def value(self) -> Any:
        """What is in it."""
        return {} if self.document is None else self.document.value

    def fault(self, path: str, reason: str) -> Fault:
        """Something that is wrong at a path; it stands where that leads, or the nearest part of it that is there."""
        near = path
        while near and near not in self._places:
            near = _LAST.sub("", near, count=1)
        line, column = self._places[near]
        return Fault(self.file, line, column, path, reason)

    def find_literals(self, faults: list[Fault]) -> None:
        """Append what no text may have: secrets, for one."""
        literals.find(self.value, "", self.reporter(faults))

    def reporter(self, faults: list[Fault]) -> Report:
        """Appends what is wrong at a path. It raises `TooMany`."""

        def report(path: str, reason: str) -> None:
            if len(faults) >= MAX_FAULTS:
                raise TooMany
            faults.append(self.fault(path, reason))

        return report

    @cached_property
    def _places(self) -> dict[str, Place]:
        from clawpulse._yaml import Place, places

        if self.document is None:
            return {"": Place(1, 1)}
        return {**places(self.document.node), "": self.document.place("")}


def read_source(path: str, text: str, faults: list[Fault]) -> Source | None:
    """A YAML file with at most one document, which is a mapping; None when it cannot be read."""
    sources = read_sources(path, text, faults)
    if sources is None:
        return None
    second = "begins a second document: put it into a file of its own"
    faults += [source.fault("", second) for source in sources[1:]]
    source = sources[0] if sources else Source(path, None)
    if isinstance(source.value, dict):
        return source
    faults.append(source.fault("", f"must be a mapping, not {kind(source.value)}"))
    return None


def read_sources(path: str, text: str, faults: list[Fault]) -> list[Source] | None:
    """The documents of a YAML file; None when it cannot be read."""
    from clawpulse._yaml import Unreadable, parse

    try:
        # Aliases may make a text no larger than people write it.
        return [Source(path, document) for document in parse(path, text, len(text) + 1_000)]
    except Unreadable as error:
        faults += [Fault(flaw.file, *flaw.place, flaw.path, flaw.reason) for flaw in error.flaws]
        return None


def most(faults: Iterable[Fault]) -> list[Fault]:
    """As many as are told, and that there are more."""
    found = sorted(set(faults))
    if len(found) < MAX_FAULTS:
        return found
    return [*found[:MAX_FAULTS], Fault("", 1, 1, "", f"there may be more: only {MAX_FAULTS:,} faults are told")]
