"""Inhibition: while one alert fires, others that are only its consequence are not told.

[{"source": "severity=critical,rule=dead-agent", "target": "severity=warning", "equal": ["agent"]}]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from functions.domain.errors import InvalidInput
from functions.domain.selector import Selector

type Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that `source` matches fires, those that `target` matches and that agree in the labels `equal` are not told."""

    source: Selector
    target: Selector
    equal: tuple[str, ...] = ()

    @classmethod
    def parse(cls, document: object, field: str) -> Inhibition:
        """Read one; raises `InvalidInput` naming the field."""
        if not isinstance(document, Mapping) or not {"source", "target"} <= document.keys() <= {"source", "target", "equal"}:
            raise InvalidInput("must be an object with source, target and, if need be, equal", field)
        texts = [document["source"], document["target"]]
        if not all(isinstance(text, str) for text in texts):
            raise InvalidInput("source and target are selectors, such as severity=critical", field)
        source, target = (Selector.parse(text, f"{field}.{key}") for text, key in zip(texts, ("source", "target"), strict=True))
        if not source.matchers or not target.matchers:
            raise InvalidInput("source and target need at least one condition each", field)
        equal = document.get("equal", [])
        if not isinstance(equal, list) or not all(isinstance(key, str) and key for key in equal):
            raise InvalidInput("must be a list of labels", f"{field}.equal")
        return cls(source, target, tuple(equal))

    def inhibits(self, source: Labels, target: Labels) -> bool:
        """Whether a firing alert keeps another from being told."""
        if not (self.source.matches(source) and self.target.matches(target)):
            return False
        return all(source.get(key, "") == target.get(key, "") for key in self.equal)


def parse_inhibitions(documents: object, field: str = "inhibitions") -> tuple[Inhibition, ...]:
    """Read the list of a workspace; None means none. Raises `InvalidInput`."""
    if documents is None:
        return ()
    if not isinstance(documents, list):
        raise InvalidInput("must be a list", field)
    return tuple(Inhibition.parse(document, f"{field}[{place}]") for place, document in enumerate(documents))


class Inhibitors:
    """The firing alerts that inhibit others, by what these must share with them: a storm of causes times one of consequences is much."""

    def __init__(self, rules: Sequence[Inhibition], firing: Iterable[tuple[str, Labels]]) -> None:
        self._sources: list[tuple[Inhibition, dict[tuple[str, ...], list[tuple[str, Labels]]]]] = [
            (rule, defaultdict(list)) for rule in rules
        ]
        for alert, labels in firing if rules else ():
            for rule, sources in self._sources:
                if rule.source.matches(labels):
                    sources[_shared(rule, labels)].append((alert, labels))

    def of(self, alert: str, labels: Labels) -> str | None:
        """The id of the firing alert that keeps this one from being told, or None.

        An alert never inhibits itself, nor one that inhibits it by the same rule: two that match both sides would silence each other.
        """
        for rule, sources in self._sources:
            for other, theirs in sources.get(_shared(rule, labels), ()) if rule.target.matches(labels) else ():
                if other != alert and not rule.inhibits(labels, theirs):
                    return other
        return None


def _shared(rule: Inhibition, labels: Labels) -> tuple[str, ...]:
    return tuple(labels.get(key, "") for key in rule.equal)
