"""Desired configurations: operators set them, agents fetch them. `domain.desired` says how the two sides stay in step."""

from __future__ import annotations

import json
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from functions.api.endpoint import Call, Noun, Reply
from functions.api.fleet_view import known_tags
from functions.api.models import AgentId, Answer, Asked, Moment
from functions.domain import desired as domain
from functions.domain.desired import MAX_BYTES, Desired
from functions.domain.errors import ClawPulseError, Conflict, NotAllowed, NotFound, PreconditionFailed
from functions.domain.rollout import UNMANAGED_TEXT
from functions.domain.selector import parse_tags
from functions.domain.series import AGENT
from functions.domain.token import Scope

noun = Noun("desired")

HASH_HEADER = "X-ClawPulse-Config"
_READERS = 8


class DesiredAsked(Asked):
    """Of which agent."""

    agent: AgentId


class IfMatch(BaseModel):
    """What must be there."""

    model_config = ConfigDict(frozen=True)

    if_match: str | None = Field(None, alias="If-Match", description="Do it only if this ETag is there, or one of these, or `*`: any.")


class Conditions(IfMatch):
    """What must be there, or that nothing must be."""

    if_none_match: Literal["*"] | None = Field(None, alias="If-None-Match", description="Do it only if none is set.")


class Document(RootModel[dict[str, Any]]):
    """Any JSON object."""


class DesiredAnswer(Answer):
    """The configuration that operators want an agent to have."""

    agent: str
    hash: str = Field(description="The first 32 hex digits of the SHA-256 of the document's bytes as `GET /v1/config` gives them.")
    time: Moment = Field(description="When it was set.")
    by: str = Field(description="Id of the token that set it.")
    document: dict[str, Any]


@noun.endpoint("GET", "/api/agents/{agent}/desired", scope=Scope.READ, asks=DesiredAsked, answers=DesiredAnswer)
def read(call: Call, asked: DesiredAsked) -> Reply:
    """The configuration that an agent should have."""
    _need_inside(call, asked.agent)
    return _reply(asked.agent, _existing(call, asked.agent))


@noun.endpoint(
    "PUT",
    "/api/agents/{agent}/desired",
    scope=Scope.OPERATE,
    asks=DesiredAsked,
    heeds=Conditions,
    takes=Document,
    answers=DesiredAnswer,
    max_body=MAX_BYTES,
)
def replace(call: Call, asked: DesiredAsked, heeded: Conditions, body: Document) -> Reply:
    """Set the configuration that an agent should have; the agent need not be known yet. Setting the same again changes nothing."""
    _need_inside(call, asked.agent)
    wanted = domain.desired(body.root, time=call.now, by=call.caller.token_id)
    before = call.services.desired.get(call.caller.workspace, asked.agent)
    seen = before.hash if before else None
    if not domain.meets(seen, heeded.if_match) or (seen and heeded.if_none_match):
        raise _not_met(seen)
    if before and before.hash == wanted.hash:
        return _reply(asked.agent, before)
    _keep(call, before)
    if not call.services.desired.put(call.caller.workspace, asked.agent, wanted, seen):
        raise _overtaken(heeded.if_match or heeded.if_none_match)
    return _reply(asked.agent, wanted)


@noun.endpoint("DELETE", "/api/agents/{agent}/desired", scope=Scope.OPERATE, asks=DesiredAsked, heeds=IfMatch, status=204)
def clear(call: Call, asked: DesiredAsked, heeded: IfMatch) -> Reply:
    """Want no configuration any more. The agent keeps what it has."""
    _need_inside(call, asked.agent)
    before = _existing(call, asked.agent)
    seen = before.hash
    if not domain.meets(seen, heeded.if_match):
        raise _not_met(seen)
    _keep(call, before)
    if not call.services.desired.drop(call.caller.workspace, asked.agent, seen):
        raise _overtaken(heeded.if_match)
    return Reply(body=None, status=204)


@noun.endpoint("GET", "/v1/config", scope=Scope.INGEST, asks=DesiredAsked, may_miss=True)
def fetch(call: Call, asked: DesiredAsked) -> Reply:
    """For agents: the document alone, its bytes as they were hashed."""
    scope = parse_tags(call.caller.scope_text)
    tags = (known_tags(call, asked.agent) or {}) if scope else {}
    for key, value in scope.items():
        if tags.get(key, value) != value:
            raise NotAllowed(f"the agent {asked.agent} has {key}={tags[key]}; the token is limited to {key}={value}")
    found = _existing(call, asked.agent)
    return Reply(body=found.text, headers={"ETag": _tag(found.hash), HASH_HEADER: found.hash})


def texts(call: Call, agents: Collection[str]) -> dict[str, str]:
    """Canonical texts of what agents should have; that of nothing where nothing is set. A document is read once, whoever has it."""
    hashes = call.services.desired.hashes(call.caller.workspace)
    holders = {hashes[agent]: agent for agent in agents if agent in hashes}
    with ThreadPoolExecutor(_READERS) as pool:
        known = dict(zip(holders, pool.map(lambda agent: _text(call, agent), holders.values()), strict=True))
    # One that was changed in this moment is read by itself.
    stale = {hash for hash, text in known.items() if domain.hash_of(text) != hash}
    return {
        agent: UNMANAGED_TEXT if agent not in hashes else _text(call, agent) if hashes[agent] in stale else known[hashes[agent]]
        for agent in agents
    }


def _text(call: Call, agent: str) -> str:
    found = call.services.desired.get(call.caller.workspace, agent)
    return found.text if found else UNMANAGED_TEXT


def _keep(call: Call, before: Desired | None) -> None:
    """Keep what is replaced: the agent still has it in force, and tells no more of that than its hash (`agent_configuration`)."""
    if before:
        call.services.rollouts.put_documents(call.caller.workspace, {before.hash: before.text})


def _need_inside(call: Call, agent: str) -> None:
    """Raise `NotFound` for an agent outside of the token's tag scope, and for one of which nobody knows whether it is inside."""
    if call.caller.scope_text and not call.caller.tags.matches({AGENT: agent, **(known_tags(call, agent) or {})}):
        raise NotFound(f"no agent {agent}")


def _existing(call: Call, agent: str) -> Desired:
    found = call.services.desired.get(call.caller.workspace, agent)
    if found is None:
        raise NotFound(f"no configuration is set for the agent {agent}")
    return found


def _reply(agent: str, found: Desired) -> Reply:
    answer = DesiredAnswer(agent=agent, hash=found.hash, time=found.time, by=found.by, document=json.loads(found.text))
    return Reply(body=answer, headers={"ETag": _tag(found.hash)})


def _tag(found: str) -> str:
    return f'"{found}"'


def _not_met(there: str | None) -> PreconditionFailed:
    return PreconditionFailed(f"what is set now is {there}, not what the condition names" if there else "no configuration is set")


def _overtaken(conditional: str | None) -> ClawPulseError:
    """What to tell a writer whom another one has overtaken since we looked."""
    reason = "somebody else changed the configuration in this moment; look at it and try again"
    return PreconditionFailed(reason) if conditional else Conflict(reason)
