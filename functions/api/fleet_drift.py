"""How the fleet stands to the revision that was applied last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clawpulse.fleet import InvalidRepository, Repository, parse
from functions.api.endpoint import Call
from functions.api.fleet_repository import documents_of, in_service, said_of
from functions.domain.desired import hash_of
from functions.domain.errors import InvalidInput
from functions.domain.fleet import AgentState
from functions.domain.fleet_drift import Drift, DriftState, Facts, drift
from functions.domain.revision import Revision
from functions.domain.rollout import FINAL, UNMANAGED_TEXT, MemberState, Phase, Rollout, Wave

_TURNED = {Phase.REVERTING: "is being reverted", Phase.REVERTED: "was reverted", Phase.STOPPED: "was stopped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDrift:
    """One agent."""

    agent: AgentState
    facts: Facts
    drift: Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetDrift:
    """All of it."""

    revision: Revision | None
    rollout: Rollout | None
    agents: list[AgentDrift]
    settings: dict[str, Drift]
    """Documents of the workspace that the repository has, by name."""
    missing: list[str]
    """Agents that have a file in the repository and are not known."""


def fleet_drift(call: Call) -> FleetDrift:
    """How each agent, and each document of the workspace, stands. Raises `InvalidInput` when this release cannot read the revision."""
    agents = in_service(call)
    revision = call.services.revisions.latest(call.caller.workspace)
    repository = _repository(call, revision) if revision else None
    rollout, waves = _rollout(call, revision)
    waits, returned = _waiting(revision, rollout, waves), _returned(rollout)
    hashes = call.services.desired.hashes(call.caller.workspace)
    found: list[AgentDrift] = []
    for agent, state in agents.items():
        text = said_of(repository, state) if repository else None
        joined = revision and state.first_seen and state.first_seen > revision.at and agent not in hashes
        facts = Facts(
            wanted=hash_of(text) if text and text != UNMANAGED_TEXT else None,
            desired=hashes.get(agent),
            written=state.config_written,
            applied=state.config_applied,
            error=state.config_error,
            last_seen=state.last_seen,
            waits=waits.get(agent, "it is new: it gets its configuration once the revision is through" if joined else waits.get("", "")),
            returned=returned,
        )
        found.append(AgentDrift(agent=state, facts=facts, drift=drift(facts, call.now)))
    return FleetDrift(
        revision=revision,
        rollout=rollout,
        agents=found,
        settings=_settings(call, repository) if repository else {},
        missing=[agent for agent in repository.agents if agent not in agents] if repository else [],
    )


def _repository(call: Call, revision: Revision) -> Repository:
    try:
        return parse(call.services.revisions.files(call.caller.workspace, revision))
    except InvalidRepository as error:
        raise InvalidInput(
            f"this release does not understand revision {revision.number} any more; apply a new one: {error.faults[0]}"
        ) from None


def _rollout(call: Call, revision: Revision | None) -> tuple[Rollout | None, list[Wave]]:
    found = call.services.rollouts.read(call.caller.workspace, revision.rollout) if revision and revision.rollout else None
    return found or (None, [])


def _waiting(revision: Revision | None, rollout: Rollout | None, waves: list[Wave]) -> dict[str, str]:
    """Why agents have not been told yet, by agent; under "" why none has."""
    if revision and revision.version == 0 and rollout is None:
        return {"": f"revision {revision.number} was not carried through: apply it again"}
    if rollout is None or rollout.phase in FINAL | {Phase.REVERTING}:
        return {}
    return {
        member.agent: f"wave {wave.number + 1} of {rollout.waves} of the rollout {rollout.id} is to come ({rollout.phase.value})"
        for wave in waves
        for member in wave.members
        if member.state in (MemberState.WAITING, MemberState.SENT)
    }


def _returned(rollout: Rollout | None) -> str:
    if rollout is None or rollout.phase not in _TURNED:
        return ""
    return f"{_TURNED[rollout.phase]} by the rollout {rollout.id}"


def _settings(call: Call, repository: Repository) -> dict[str, Drift]:
    found: dict[str, Drift] = {}
    documents: Mapping[str, Any] = documents_of(repository)
    for name, document in documents.items():
        if call.services.fleet.settings(call.caller.workspace, name) == document:
            found[name] = Drift(DriftState.IN_SYNC, "is what the repository says")
        else:
            found[name] = Drift(DriftState.OVERRIDDEN, "was set otherwise since")
    return found
