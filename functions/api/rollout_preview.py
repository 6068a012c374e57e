"""What a dry run of a rollout tells beside its waves: what becomes of the documents, and what stands in its way now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from functions.api.endpoint import Call
from functions.api.models import Answer
from functions.domain.errors import Conflict, InvalidInput
from functions.domain.rollout import Wave
from functions.domain.rollout_change import Replaced, replaced
from functions.domain.rollout_freeze import FREEZES, frozen_wave, parse_freezes, unreadable
from functions.rollout_launch import refuse_taken

MOST_SHOWN = 20
MOST_BYTES = 1_000_000
"""Of all documents that are shown, both sides."""
_NAMED = 5


class DocumentChange(Answer):
    """A document that agents have, and what they shall have instead."""

    agents: int = Field(description="How many have it.")
    named: list[str] = Field(description="Some of them.")
    before: dict[str, Any]
    after: dict[str, Any]


class Obstacle(Answer):
    """What would refuse the rollout, or hold it, if it were started now."""

    kind: Literal["rollout", "freeze"] = Field(description="Another rollout that has its agents: refused; a freeze: the first wave waits.")
    text: str


def document_changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[list[DocumentChange], int]:
    """What becomes of agents' documents, that of most agents first, and how many more there are than are shown."""
    found = replaced(before, after)
    shown = found[: _fitting(found)]
    return [_change(one) for one in shown], len(found) - len(shown)


def obstacles(call: Call, waves: Sequence[Wave]) -> list[Obstacle]:
    """What is known now; that may be otherwise when the rollout is started."""
    return [*_rivals(call, waves), *_freeze(call, waves)] if waves else []


def _fitting(found: Sequence[Replaced]) -> int:
    left = MOST_BYTES
    for place, one in enumerate(found[:MOST_SHOWN]):
        left -= len(one.before) + len(one.after)
        if left < 0:
            return place
    return min(MOST_SHOWN, len(found))


def _change(one: Replaced) -> DocumentChange:
    return DocumentChange.model_construct(
        agents=len(one.agents), named=list(one.agents[:_NAMED]), before=json.loads(one.before), after=json.loads(one.after)
    )


def _rivals(call: Call, waves: Sequence[Wave]) -> list[Obstacle]:
    rollouts, workspace = call.services.rollouts, call.caller.workspace
    agents = {member.agent for wave in waves for member in wave.members}
    try:
        refuse_taken(rollouts, workspace, rollouts.registry(workspace), agents)
    except Conflict as error:
        return [Obstacle(kind="rollout", text=str(error))]
    return []


def _freeze(call: Call, waves: Sequence[Wave]) -> list[Obstacle]:
    document = call.services.fleet.settings(call.caller.workspace, FREEZES)
    if document is None:
        return []
    try:
        hold = frozen_wave(parse_freezes(document), waves[0], call.now)
    except InvalidInput as error:
        hold = unreadable(error)
    return [Obstacle(kind="freeze", text=hold.reason)] if hold else []
