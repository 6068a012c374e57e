"""What was changed in the fleet within a day: agents' features as seal saw them, rollouts, rotations of keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import takewhile
from typing import Literal

from pydantic import Field

from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import FleetView, view
from functions.api.models import Answer, Asked, Moment, SelectorText
from functions.api.rollouts import visible
from functions.domain.errors import NotFound
from functions.domain.fleet_changes import KEPT_MS, FleetChange
from functions.domain.rollout import Rollout
from functions.domain.rotation import Rotation
from functions.domain.selector import Selector
from functions.domain.summary import select
from functions.domain.token import Scope

noun = Noun("changes")

MOST_HEADS = 50
"""Rollouts, and rotations, that one request looks at: the newest."""

type Agents = Collection[str] | None
"""Whose changes are meant; None: everybody's, those of agents that are gone among them."""


class ChangesAsked(Asked):
    """Whose changes."""

    tags: SelectorText = ""
    limit: int = Field(20, ge=1, le=200)


class ChangeAnswer(Answer):
    """One change."""

    kind: Literal["agents", "rollout", "rotation"]
    text: str = Field(description="`version prompt: v6 → v7`; a rollout's title; a rotation's provider.")
    id: str | None = Field(description="Of the rollout or rotation.")
    state: str | None = Field(description="Their phase.")
    at: Moment = Field(description="When the first agent was seen with it, or when it was started.")
    until: Moment = Field(description="When the last agent was seen with it; since when it is in its phase.")
    agents: int | None = Field(description="How many it concerns of those that were asked for; null where nobody knows.")
    named: list[str] = Field(description="Some of them, at most 5.")
    tags: dict[str, str] = Field(description="What all agents that it concerns share.")


class Changes(Answer):
    """Changes of the last day, newest first."""

    changes: list[ChangeAnswer]
    more: int = Field(description="Beyond the limit.")


@noun.endpoint("GET", "/api/changes", scope=Scope.READ, asks=ChangesAsked, answers=Changes)
def changes(call: Call, asked: ChangesAsked) -> Changes:
    """What was changed in the fleet within a day: models, versions, configurations, tags, agents that came or went; rollouts, rotations."""
    fleet = view(call)
    agents = _meant(call, fleet, asked.tags)
    found = [*_seen(fleet, agents), *_rollouts(call, agents), *_rotations(call)]
    found.sort(key=lambda one: (-one.until, one.kind, one.id or one.text))
    return Changes.model_construct(changes=found[: asked.limit], more=max(0, len(found) - asked.limit))


def _meant(call: Call, fleet: FleetView, tags: str) -> Agents:
    if not tags and not call.caller.scope_text:
        return None
    return {state.id for state in select(fleet.agents, Selector.parse(tags))}


def _seen(fleet: FleetView, agents: Agents) -> Iterator[ChangeAnswer]:
    for change in fleet.snapshot.changes if fleet.snapshot else ():
        named = [agent for agent in change.agents if agents is None or agent in agents]
        if named:
            yield _change(change, named, change.more if agents is None else 0)


def _change(change: FleetChange, named: list[str], more: int) -> ChangeAnswer:
    return ChangeAnswer.model_construct(
        kind="agents",
        text=change.text,
        id=None,
        state=None,
        at=change.at,
        until=change.until,
        agents=len(named) + more,
        named=named[:5],
        tags=change.tags,
    )


def _rollouts(call: Call, agents: Agents) -> Iterator[ChangeAnswer]:
    for head in _lately(call, call.services.rollouts.heads(call.caller.workspace, MOST_HEADS)):
        # A key's rollout is told as its rotation.
        if not head.channel and (count := head.members if agents is None else _members(call, head.id, agents)):
            yield _begun("rollout", head.title, head, count)


def _members(call: Call, rollout: str, agents: Collection[str]) -> int:
    """How many of some agents a rollout concerns; none, if the caller may not see it."""
    try:
        _, waves = visible(call, rollout)
    except NotFound:
        return 0
    return sum(member.agent in agents for wave in waves for member in wave.members)


def _rotations(call: Call) -> Iterator[ChangeAnswer]:
    # Rotations are the whole workspace's, whatever agents somebody looks at.
    if not call.caller.scope_text:
        for head in _lately(call, call.services.rotations.rotations(call.caller.workspace, MOST_HEADS)):
            yield _begun("rotation", head.provider, head, None)


def _lately[T: (Rollout, Rotation)](call: Call, heads: list[T]) -> Iterator[T]:
    return takewhile(lambda head: head.created >= call.now - KEPT_MS, heads)


def _begun(kind: Literal["rollout", "rotation"], text: str, head: Rollout | Rotation, agents: int | None) -> ChangeAnswer:
    return ChangeAnswer.model_construct(
        kind=kind,
        text=text,
        id=head.id,
        state=head.phase.value,
        at=head.created,
        until=max(head.created, head.since),
        agents=agents,
        named=[],
        tags={},
    )
