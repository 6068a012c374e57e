"""The rules of a workspace: the packs that ClawPulse brings, and its own (settings document `rules`).

    {"packs": ["fleet", "cost"], "rules": [{…}, …]}

`packs` left out means all of them. A rule of one's own with the name of a shipped one takes its place. Documents are checked when they are
stored; should a later release not understand one, the others still count, and `faults` tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from functions.domain.alert_faults import InvalidDocument
from functions.domain.alert_parse import parse_rules
from functions.domain.alert_rules import Rule
from functions.ports import FleetStore

DOCUMENT = "rules"
PACKS = Path(__file__).parent.parent / "alerts" / "packs"


@dataclass(frozen=True, slots=True)
class Book:
    """What a workspace's documents come to."""

    rules: tuple[Rule, ...]
    packs: tuple[str, ...]
    """Those that are in force."""
    faults: tuple[str, ...] = ()
    """Sentences about rules that were left out."""
    shipped: frozenset[str] = field(default_factory=frozenset)
    """Names of rules that come from packs."""


class RuleBook:
    """`RuleReader`; parses again only what has changed."""

    def __init__(self, fleet: FleetStore) -> None:
        self._fleet = fleet
        self._known: dict[str, tuple[Any, Book]] = {}

    def rules(self, workspace: str) -> Sequence[Rule]:
        """All rules that can be evaluated, by name."""
        return self.book(workspace).rules

    def book(self, workspace: str) -> Book:
        """The rules, and where they come from. Raises `StoreUnavailable`."""
        document = self._fleet.settings(workspace, DOCUMENT)
        known = self._known.get(workspace)
        if known is None or known[0] != document:
            known = self._known[workspace] = (document, book_of(document))
        return known[1]


def book_of(document: Mapping[str, Any] | None) -> Book:
    """Read a document, rule by rule: one that is not understood costs only itself."""
    given = document or {}
    names = given.get("packs")
    packs = tuple(pack_names() if not isinstance(names, list) else (name for name in names if name in pack_names()))
    rules = {rule.name: rule for name in packs for rule in pack(name)}
    shipped, faults = set(rules), list[str]()
    own = given.get("rules") or []
    if not isinstance(own, list):
        faults.append("the stored rules are no list, only those of packs hold")
        own = []
    for place, one in enumerate(own):
        try:
            (rule,) = parse_rules({"rules": [one]})
        except InvalidDocument as error:
            faults.append(f"the stored rule {_name_of(one, place)} is left out: {error}")
            continue
        rules[rule.name] = rule
        shipped.discard(rule.name)
    return Book(tuple(rules[name] for name in sorted(rules)), packs, tuple(faults), frozenset(shipped))


@cache
def pack_names() -> tuple[str, ...]:
    """The packs that ClawPulse brings."""
    return tuple(sorted(path.stem for path in PACKS.glob("*.yaml")))


@cache
def pack(name: str) -> tuple[Rule, ...]:
    """The rules of a pack; raises `InvalidDocument`, which the tests rule out."""
    return parse_rules(pack_document(name))


@cache
def pack_document(name: str) -> Any:
    """A pack as it was written."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((PACKS / f"{name}.yaml").read_text("utf-8"), Loader=loader)  # noqa: S506  both are safe loaders


def _name_of(one: object, place: int) -> str:
    return repr(one["name"])[:80] if isinstance(one, Mapping) and "name" in one else f"number {place + 1}"
