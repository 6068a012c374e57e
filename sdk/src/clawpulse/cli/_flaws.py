"""How faults of files are shown: a line each, `file:line:column: field: reason`, or JSON; they end a command with exit code 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clawpulse._yaml import Flaw
from clawpulse.cli import _output as out
from clawpulse.cli._api import CommandError


class FaultyFiles(CommandError):
    """Files have faults, which have been shown; tells what was changed all the same."""

    def __init__(self, count: int, changed: Sequence[str] = ()) -> None:
        rest = f"replaced before that: {', '.join(changed)}" if changed else "nothing was changed"
        super().__init__(f"{count} {'fault' if count == 1 else 'faults'}; {rest}")


def lines(flaws: Iterable[Flaw]) -> None:
    """Print each in a line."""
    for flaw in flaws:
        print(out.plain(flaw))


def as_document(flaw: Flaw) -> Mapping[str, Any]:
    """One as programs get it."""
    return {"file": flaw.file, "line": flaw.place.line, "column": flaw.place.column, "path": flaw.path, "reason": flaw.reason}
