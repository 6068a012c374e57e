"""Alert rules of a repository: all files of `alerts/` as one document, with the way back to the place of each rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clawpulse.fleet.faults import Fault, below, kind
from clawpulse.fleet.kinds import Report
from clawpulse.fleet.sources import read_sources

if TYPE_CHECKING:
    from clawpulse._rules import Union


class Rules:
    """Rules of files that are added one by one. Only their shape is checked: the server knows rules."""

    def __init__(self) -> None:
        self._union: Union | None = None

    @property
    def document(self) -> dict[str, Any] | None:
        """As `PUT /api/rules` takes it; None without a file."""
        return None if self._union is None else self._union.document()

    def add(self, path: str, text: str, faults: list[Fault]) -> None:
        """Take a file in; its faults are appended."""
        from clawpulse._rules import Union, take

        self._union = self._union or Union()
        for source in read_sources(path, text, faults) or ():
            source.find_literals(faults)
            first = len(self._union.rules)
            flaws = take(self._union, source.document) if source.document else []
            faults += [Fault(flaw.file, *flaw.place, flaw.path, flaw.reason) for flaw in flaws]
            for rule, origin in list(zip(self._union.rules, self._union.rule_origins))[first:]:
                _check_rule(rule, origin.path, source.reporter(faults))

    def fault(self, path: str, reason: str) -> Fault:
        """A fault of the whole document, with its place."""
        flaw = self._union.flaw(path, reason) if self._union else None
        return Fault(flaw.file, *flaw.place, flaw.path, flaw.reason) if flaw else Fault("alerts", 1, 1, path, reason)


def _check_rule(rule: Any, path: str, report: Report) -> None:
    if not isinstance(rule, dict):
        report(path, f"must be a mapping, not {kind(rule)}")
        return
    for key in ("name", "when"):
        if key not in rule:
            report(below(path, key), "is missing")
