"""What somebody wants changed, and what that makes of the documents that agents have.

    patch ── checked as a layer of the fleet repository is ──▶ merged into each agent's document ──▶ what it shall have

A patch is a JSON merge patch (RFC 7396) of the fields that a document has; as in layers, `key+` appends to a list, `key-` removes from it.
Secrets never travel this way: a patch refers to them by name, `{"secret": "slack/bot"}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clawpulse.fleet.fields import DOCUMENT
from clawpulse.fleet.kinds import Fields
from clawpulse.fleet.literals import find
from clawpulse.fleet.merging import NotAList, merge
from functions.domain.alert_faults import Faults
from functions.domain.desired import canonical
from functions.domain.errors import InvalidInput, TooLarge
from functions.domain.fleet_diff import Change, changes, place, reversibility
from functions.domain.rollout import Reversibility

MAX_TITLE = 200
_PATCH = "patch"
_VALUE = 60


class Changed(NamedTuple):
    """What a patch makes of the documents of some agents."""

    targets: dict[str, str]
    """Canonical texts by agent, also of those that do not change."""
    found: dict[Change, int]
    """Each change of a value, and of how many agents."""

    @property
    def irreversible(self) -> list[str]:
        """The changes that going back does not undo, in words."""
        return [
            f"{_text(change)} on {amount} agent{'s' * (amount > 1)}"
            for change, amount in self.found.items()
            if reversibility(change) is Reversibility.IRREVERSIBLE
        ]

    @property
    def title(self) -> str:
        """The change in a line, for people."""
        found = [_text(change) for change in self.found]
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return found[0][: MAX_TITLE - len(more)] + more if found else "no change"


class Replaced(NamedTuple):
    """A document that some agents have, and what they shall have instead: canonical texts."""

    before: str
    after: str
    agents: tuple[str, ...]
    """In order."""


def replaced(before: Mapping[str, str], after: Mapping[str, str]) -> list[Replaced]:
    """What becomes of which document, that of most agents first; what stays as it is is left out. Both are texts by agent, of the same."""
    found: dict[tuple[str, str], list[str]] = {}
    for agent in sorted(before):
        if before[agent] != after[agent]:
            found.setdefault((before[agent], after[agent]), []).append(agent)
    return [Replaced(*texts, tuple(agents)) for texts, agents in sorted(found.items(), key=lambda one: (-len(one[1]), one[1]))]


def check_patch(patch: Mapping[str, Any]) -> None:
    """Raise `InvalidDocument` with everything that no agent's document may have: unknown fields, wrong values, secrets written out."""
    faults = Faults()
    Fields("", DOCUMENT).check(patch, _PATCH, faults.add)
    find(patch, _PATCH, faults.add)
    files = patch.get("files")
    for name, value in files.items() if isinstance(files, dict) else ():
        if isinstance(value, dict):
            faults.add(f"{_PATCH}.files.{name}", "must be text: there is no repository here whose file it could name")
    faults.raise_any()


def changed(documents: Mapping[str, str], patch: Mapping[str, Any]) -> Changed:
    """What agents' documents (canonical texts, by agent) become. Raises `TooLarge` and `InvalidInput`, naming the agent."""
    targets: dict[str, str] = {}
    found: dict[Change, int] = {}
    made: dict[str, tuple[str, Sequence[Change]]] = {}
    for agent, text in documents.items():
        # Most agents of a fleet have one of a few documents.
        if text not in made:
            made[text] = _changed(agent, text, patch)
        targets[agent] = made[text][0]
        for change in made[text][1]:
            found[change] = found.get(change, 0) + 1
    return Changed(targets, dict(sorted(found.items(), key=lambda entry: (-entry[1], entry[0].path))))


def _changed(agent: str, text: str, patch: Mapping[str, Any]) -> tuple[str, Sequence[Change]]:
    before = json.loads(text)
    try:
        after = merge(before, patch)
        return canonical(after), changes(before, after)
    except NotAList as error:
        raise InvalidInput(f"the agent {agent} has no list there", f"{_PATCH}.{error.path}") from None
    except TooLarge as error:
        raise TooLarge(f"the agent {agent} would have too much: {error.reason}", _PATCH) from None
    except InvalidInput as error:
        raise InvalidInput(error.reason, _PATCH) from None


def _text(change: Change) -> str:
    where = place(change.path)
    if change.new is None:
        return f"{where} removed"
    if change.old is None:
        return f"{where}: {_short(change.new)}"
    return f"{where} changed" if max(len(change.old), len(change.new)) > _VALUE else f"{where}: {_short(change.old)} → {_short(change.new)}"


def _short(value: str) -> str:
    text = value[1:-1] if value.startswith('"') else value
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"
