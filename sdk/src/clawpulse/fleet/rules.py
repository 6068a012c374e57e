"""Alert rules of a repository: all files of `alerts/` as one document, with the way back to the place of each rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clawpulse.fleet.faults import Fault, kind
from clawpulse.fleet.layers import Source, read_documents

if TYPE_CHECKING:
    from clawpulse._rules import Origin, Union


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

        documents = read_documents(path, text, faults)
        self._union = self._union or Union()
        first = len(self._union.rules)
        for document in documents or ():
            faults.extend(Fault(flaw.file, *flaw.place, flaw.path, flaw.reason) for flaw in take(self._union, document))
        for rule, origin in list(zip(self._union.rules, self._union.rule_origins))[first:]:
            faults.extend(_rule_faults(rule, origin))

    def fault(self, path: str, reason: str) -> Fault:
        """A fault of the whole document, with its place."""
        flaw = self._union.flaw(path, reason) if self._union else None
        return Fault(flaw.file, *flaw.place, flaw.path, flaw.reason) if flaw else Fault("alerts", 1, 1, path, reason)


def _rule_faults(rule: Any, origin: Origin) -> list[Fault]:
    source = Source(origin.document.file, origin.document)
    if not isinstance(rule, dict):
        return [source.fault(origin.path, f"must be a mapping, not {kind(rule)}")]
    missing = [key for key in ("name", "when") if key not in rule]
    return [source.fault(f"{origin.path}.{key}".lstrip("."), "is missing") for key in missing]
