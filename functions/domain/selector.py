"""Selectors: which agents or series a request speaks of.

Text form: comma-separated matchers, all of which must hold: `env=prod,tier!=batch,region=~eu-.*,team!~x|y`.
A matcher with an absent tag compares with the empty string, so `tier=` selects what has no tier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from functions.domain.errors import InvalidInput

type Operator = Literal["=", "!=", "=~", "!~"]

_MATCHER = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*(=~|!~|!=|=)\s*([^,]*?)\s*")
MAX_TEXT = 1024
MAX_PATTERN = 256


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one tag."""

    key: str
    operator: Operator
    value: str

    def matches(self, tags: Mapping[str, str]) -> bool:
        """Whether tags satisfy the condition."""
        have = tags.get(self.key, "")
        match self.operator:
            case "=":
                return have == self.value
            case "!=":
                return have != self.value
            case "=~":
                return re.fullmatch(self.value, have) is not None
            case "!~":
                return re.fullmatch(self.value, have) is None

    def __str__(self) -> str:
        return f"{self.key}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class Selector:
    """A conjunction of matchers; the empty one selects everything."""

    matchers: tuple[Matcher, ...] = ()

    @classmethod
    def parse(cls, text: str, field: str = "tags") -> Selector:
        """Read the text form; raises `InvalidInput` that quotes the part which does not fit."""
        if len(text) > MAX_TEXT:
            raise InvalidInput(f"a selector has at most {MAX_TEXT} characters", field)
        return cls(tuple(_parse_matcher(part, field) for part in text.split(",") if part.strip()))

    @classmethod
    def exact(cls, tags: Mapping[str, str]) -> Selector:
        """The selector of exactly these tag values."""
        return cls(tuple(Matcher(key, "=", value) for key, value in sorted(tags.items())))

    def matches(self, tags: Mapping[str, str]) -> bool:
        """Whether tags satisfy all matchers."""
        return all(matcher.matches(tags) for matcher in self.matchers)

    def keys(self) -> frozenset[str]:
        """The tag keys it looks at."""
        return frozenset(matcher.key for matcher in self.matchers)

    def __and__(self, other: Selector) -> Selector:
        return Selector(self.matchers + tuple(m for m in other.matchers if m not in self.matchers))

    def __str__(self) -> str:
        return ",".join(map(str, self.matchers))


def _parse_matcher(text: str, field: str) -> Matcher:
    found = _MATCHER.fullmatch(text)
    if not found:
        raise InvalidInput(f"{text.strip()!r} is not of the form key=value, key!=value, key=~pattern or key!~pattern", field)
    key, operator, value = found.groups()
    if operator in ("=~", "!~"):
        _check_pattern(value, field)
    return Matcher(key, operator, value)  # type: ignore[arg-type]


_UNSAFE = re.compile(r"[(\\][?0-9]|[*+}]\s*[)*+{]|\)\s*[*+{]")


def _check_pattern(pattern: str, field: str) -> None:
    """Refuse what does not compile, and what can backtrack without bound: repeated groups, references, look-around."""
    if len(pattern) > MAX_PATTERN:
        raise InvalidInput(f"a pattern has at most {MAX_PATTERN} characters", field)
    try:
        re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"pattern {pattern!r} is not valid: {error}", field) from None
    if _UNSAFE.search(pattern):
        raise InvalidInput(f"pattern {pattern!r}: repeated groups, back references and look-around are not allowed", field)


def parse_tags(text: str, field: str = "tags") -> dict[str, str]:
    """Read `k=v,k=v` as plain tags; raises `InvalidInput` for anything but equality."""
    selector = Selector.parse(text, field)
    if any(m.operator != "=" or not m.value for m in selector.matchers):
        raise InvalidInput("only key=value is possible here", field)
    return {m.key: m.value for m in selector.matchers}
