"""Rotations of API keys: started, watched and steered. What they do is decided elsewhere (`domain.rotation_step`).

A key that is sent here goes into Vault, where its rotation takes it from, before anything is stored; what is stored, logged and answered
has its fingerprint.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import msgspec
from pydantic import Field

from functions.api import newest, paging
from functions.api.address import remember
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import view
from functions.api.keys import settings_of
from functions.api.models import Answer, Asked, Cursor
from functions.api.rollout_view import EntryAnswer, entry
from functions.api.rollouts import Comments, names_for
from functions.api.rotation_view import RotationAnswer, RotationDetails, brief, details
from functions.api.rotation_wanted import RotationWanted, rotation_of, source_of
from functions.domain.alert_faults import Fault
from functions.domain.errors import ClawPulseError, Conflict, InvalidInput, NotFound, StoreError
from functions.domain.key_fingerprint import PROVIDER_PATTERN
from functions.domain.key_settings import ProviderSettings
from functions.domain.rollout import Action
from functions.domain.rotation import FINAL_ROTATION, Alias, Rotation, RotationPhase, StoredKey
from functions.domain.rotation_consequences import consequences
from functions.domain.rotation_view import agent_of
from functions.domain.token import Scope
from functions.rotation_launch import Parts, abandon, apart, command, launch
from functions.rotation_source import Parts as SourceParts
from functions.rotation_source import Wanted, check_source, discard, new_key

noun = Noun("rotations")

type RotationAction = Literal[Action.PAUSE, Action.RESUME, Action.ABORT]


class RotationsAsked(Asked):
    """Which rotations."""

    state: str | None = Field(
        None,
        max_length=160,
        pattern=newest.states_pattern(RotationPhase),
        description="Phases, separated by commas; `open` and `over` stand for several.",
    )
    provider: str | None = Field(None, max_length=32, pattern=rf"^{PROVIDER_PATTERN}$")
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


class RotationAsked(Asked):
    """Which rotation."""

    rotation: str = Field(pattern=r"^k[0-9a-z]{8,20}$", description="A rotation's id.")


class ActionAsked(RotationAsked):
    """What of which rotation."""

    action: RotationAction


class Rotations(Answer):
    """A page of rotations, newest first."""

    rotations: list[RotationAnswer]
    next: str | None


class RotationLog(Answer):
    """Who did what, oldest first."""

    entries: list[EntryAnswer]


class Unconfirmed(Conflict):
    """An emergency that nobody has confirmed; `faults` are its consequences."""

    def __init__(self, told: list[str]) -> None:
        super().__init__("this is an emergency rotation: look at its consequences, and send confirm: true")
        self.faults = [Fault("confirm", sentence) for sentence in told]


@noun.endpoint("GET", "/api/rotations", scope=Scope.READ, asks=RotationsAsked, answers=Rotations)
def listing(call: Call, asked: RotationsAsked) -> Rotations:
    """Rotations, newest first."""
    call.caller.need_whole_workspace("rotations")
    question = paging.fingerprint("rotations", asked.state, asked.provider)
    phases = newest.phases_of(asked.state, RotationPhase, FINAL_ROTATION)
    found, more = newest.page(
        asked.cursor,
        question,
        partial(call.services.rotations.rotations, call.caller.workspace),
        lambda one: one.phase in phases and asked.provider in (None, one.provider),
        asked.limit,
    )
    names, queue = names_for(call), call.services.rotations.rotation_queue(call.caller.workspace)
    return Rotations.model_construct(rotations=[brief(one, queue, names) for one in found], next=more)


@noun.endpoint("POST", "/api/rotations", scope=Scope.OPERATE, takes=RotationWanted, answers=RotationDetails, status=201, may_miss=True)
def start(call: Call, body: RotationWanted) -> RotationDetails:
    """Start a rotation; it queues while another one is under way. An emergency that is not confirmed is told its consequences (409)."""
    call.caller.need_whole_workspace("a rotation")
    workspace = call.caller.workspace
    settings = settings_of(call, body.provider)
    if settings is None:
        raise InvalidInput("is no provider that key-settings names", "provider")
    wanted = source_of(body)
    check_source(settings, workspace, wanted)
    rotation = rotation_of(call, body)
    if body.emergency and not body.confirm and not body.dry_run:
        raise Unconfirmed(_consequences(call, rotation))
    remember(call)
    key = new_key(_sources(call), workspace, rotation.id, settings, wanted, call.now)
    begun = _launched(call, settings, wanted, rotation, key)
    return _details(call, begun)


@noun.endpoint("GET", "/api/rotations/{rotation}", scope=Scope.READ, asks=RotationAsked, answers=RotationDetails)
def read(call: Call, asked: RotationAsked) -> RotationDetails:
    """One rotation: preflight, how far the agents are, error rates, when it will be over, and what may be asked of it."""
    return _details(call, _existing(call, asked.rotation))


@noun.endpoint("GET", "/api/rotations/{rotation}/audit", scope=Scope.READ, asks=RotationAsked, answers=RotationLog)
def audit(call: Call, asked: RotationAsked) -> RotationLog:
    """What happened to a rotation, and who did it."""
    rotation = _existing(call, asked.rotation)
    names = names_for(call)
    end = newest.log_end(rotation.since, call.now, over=rotation.phase in FINAL_ROTATION)
    entries = call.services.rollouts.audit(call.caller.workspace, rotation.created, end, rotation.id)
    return RotationLog.model_construct(entries=[entry(one, names) for one in entries])


@noun.endpoint("POST", "/api/rotations/{rotation}/{action}", scope=Scope.OPERATE, asks=ActionAsked, takes=Comments, answers=RotationDetails)
def act(call: Call, asked: ActionAsked, body: Comments) -> RotationDetails:
    """Pause, resume or abort; 409 says what is possible now."""
    call.caller.need_whole_workspace("steering a rotation")
    remember(call)
    workspace = call.caller.workspace
    done = command(_parts(call), workspace, asked.rotation, asked.action, by=call.caller.token_id, now=call.now, detail=body.comment)
    return _details(call, done)


def _consequences(call: Call, rotation: Rotation) -> list[str]:
    services, workspace = call.services, call.caller.workspace
    current = services.vault.read(workspace, rotation.provider, Alias.CURRENT, rotation.shard)
    meant = msgspec.structs.replace(rotation, old=current.fingerprint if current else None)
    assigned = services.keys.all_keys(workspace)
    agents = {
        state.id: agent_of(state, rotation.provider, assigned.get(state.id, {}).get(rotation.provider))
        for state in view(call).agents
        if not state.retired
    }
    running = next(iter(services.rotations.rotation_queue(workspace)), None)
    own = apart(services.vault, workspace, rotation.provider, agents)
    return consequences(meant, agents, call.now, apart=own, running=running)


def _launched(call: Call, settings: ProviderSettings, wanted: Wanted, rotation: Rotation, key: StoredKey) -> Rotation:
    try:
        return launch(_parts(call), call.caller.workspace, rotation, key, now=call.now)
    except ClawPulseError as error:
        if isinstance(error, StoreError):
            abandon(_parts(call), call.caller.workspace, rotation.id)
        discard(_sources(call), settings, key, wanted)
        raise


def _parts(call: Call) -> Parts:
    services = call.services
    return Parts(vault=services.vault, rotations=services.rotations, executions=services.rotation_executions)


def _sources(call: Call) -> SourceParts:
    return SourceParts(call.services.vault, call.services.key_provider)


def _existing(call: Call, rotation: str) -> Rotation:
    call.caller.need_whole_workspace("rotations")
    found = call.services.rotations.rotation(call.caller.workspace, rotation)
    if found is None:
        raise NotFound(f"no rotation {rotation}")
    return found


def _details(call: Call, rotation: Rotation) -> RotationDetails:
    services, workspace = call.services, call.caller.workspace
    rollout = services.rollouts.read(workspace, rotation.rollout) if rotation.rollout else None
    return details(rotation, services.rotations.rotation_queue(workspace), rollout, names_for(call), call.now)
