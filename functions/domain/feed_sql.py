"""Text of Timestream SQL: literals, names, and tag conditions that mean what `Selector.matches` means.

Everything that a caller sends goes through `text` or is a number; names go through `name`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from unicodedata import category

from functions.domain.errors import InvalidInput
from functions.domain.selector import Matcher, Selector

AGENT = "agent"


def text(value: str, where: str = "tags") -> str:
    """A string literal; raises `InvalidInput` for control characters and halves of surrogates, which no stored text contains."""
    if any(category(character) in ("Cc", "Cs") for character in value):
        raise InvalidInput("must not contain control characters", where)
    return "'" + value.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """A quoted name of a table or column."""
    return '"' + identifier.replace('"', '""') + '"'


def select(columns: Collection[str], source: str, conditions: Collection[str] = (), **clauses: str) -> str:
    """A SELECT; clauses are named `group_by`, `order_by`, `limit` and come in this order."""
    # The callers' texts inside went through `text`, which is what the rule wants to be sure of.
    parts = [f"SELECT {', '.join(columns)} FROM {source}"]  # noqa: S608
    parts += [f"WHERE {' AND '.join(conditions)}"] if conditions else []
    parts += [f"{key.replace('_', ' ').upper()} {clause}" for key, clause in clauses.items()]
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Override:
    """A tag that some agents have, but their records may not: set remotely, or an attribute that only the agent itself names.

    It counts where a record carries none, or the agent's own value, which a remote one replaces.
    """

    effective: str
    own: str
    """The agents' own value where it is another, empty otherwise."""
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagColumns:
    """Where the tags of a table's records are found."""

    columns: frozenset[str]
    """Columns that the table has; it gets one when the first record with it is written."""
    dimensions: frozenset[str]
    """Tags that have, or will have, a column; any other is looked for in `attributes`."""
    overrides: Mapping[str, Collection[Override]] = field(default_factory=dict)
    """By tag."""

    def value(self, key: str) -> str:
        """Expression of a tag's effective value, the empty string when absent."""
        stored = self._stored(key)
        cases = [_case(stored, override) for override in self.overrides.get(key, ())]
        return f"CASE {' '.join(cases)} ELSE {stored} END" if cases else stored

    def _stored(self, key: str) -> str:
        if key == AGENT or (key in self.dimensions and key in self.columns):
            return f"coalesce({name(key)}, '')"
        if key in self.dimensions or "attributes" not in self.columns:
            return "''"
        return f"""coalesce(json_extract_scalar("attributes", {text(f'$["{key}"]')}), '')"""

    def matches(self, selector: Selector) -> list[str]:
        """The selector's conditions, all of which must hold."""
        return [_condition(self.value(matcher.key), matcher) for matcher in selector.matchers]


def _case(stored: str, override: Override) -> str:
    agents = ", ".join(text(agent) for agent in override.agents)
    own = f" OR {stored} = {text(override.own)}" if override.own else ""
    return f"WHEN {name(AGENT)} IN ({agents}) AND ({stored} = ''{own}) THEN {text(override.effective)}"


def _condition(value: str, matcher: Matcher) -> str:
    match matcher.operator:
        case "=":
            return f"{value} = {text(matcher.value)}"
        case "!=":
            return f"{value} <> {text(matcher.value)}"
        case "=~":
            return f"regexp_like({value}, {_pattern(matcher.value)})"
        case "!~":
            return f"NOT regexp_like({value}, {_pattern(matcher.value)})"


_FOREIGN = re.compile(r"""\\[A-Za-z](?<!\\[dDwWsSbB]) | \{, | \[\^?\] | \[[^\]]*(\[|&&)""", re.VERBOSE)


def _pattern(pattern: str) -> str:
    """A pattern that means the same to the store's engine; raises `InvalidInput` for the few things that do not."""
    if found := _FOREIGN.search(pattern):
        raise InvalidInput(f"pattern {pattern!r}: {found[0]!r} is not possible for raw history", "tags")
    return text(f"^(?:{pattern})$")


def after(order: Collection[tuple[str, str, str]]) -> str:
    """Rows past a position, of (expression, `<` or `>`, literal) in the order of sorting."""
    (expression, comparison, literal), *rest = order
    past = f"{expression} {comparison} {literal}"
    return f"({past} OR ({expression} = {literal} AND {after(rest)}))" if rest else f"({past})"
