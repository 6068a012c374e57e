"""Single agents: what is known of one, and what operators set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from functions.api.endpoint import Call, Noun, Reply
from functions.api.fleet_view import is_remnant, load_snapshot, mark_edit, overlaid, settings_of
from functions.api.instances import Instance, instance
from functions.api.models import AgentId, Answer, Asked, Body, TagKey, Tags, TagValue
from functions.domain.errors import Conflict, InvalidInput, NotFound
from functions.domain.fleet import AgentState, effective_tags
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.token import Scope

noun = Noun("agents")

MAX_REMOTE_TAGS = 20
type Label = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


class AgentAsked(Asked):
    """Which agent."""

    agent: AgentId


class AgentEdit(Body):
    """What operators set; absent fields stay as they are."""

    name: Label | None = Field(None, description="Shown instead of the agent's own name; null to go back to that.")
    owner: Label | None = Field(None, description="Null removes it.")
    tags: Annotated[dict[TagKey, TagValue | None], Field(max_length=MAX_REMOTE_TAGS)] = Field(
        {}, description="Remote tags to set, which win over the agent's own; null removes one. Others stay."
    )
    retired: bool = Field(False, description="Out of service on purpose: grey, never alerts.")
    expected: bool | None = Field(None, description="True: known and wanted; false: known and not wanted; null: nobody said.")


class AgentExpected(Body):
    """An agent that is to come."""

    id: AgentId
    name: Label | None = None
    owner: Label | None = None
    tags: Tags = Field(default_factory=dict, description="Remote tags.")


class Links(Answer):
    """Where its history is."""

    series: str
    tasks: str
    events: str


class AgentDetails(Instance):
    """All that is known of one agent."""

    local_tags: dict[str, str] = Field(description="What it says of itself.")
    remote_tags: dict[str, str] = Field(description="What operators set.")
    token_tags: dict[str, str] = Field(description="Tag scope of the token it posts with.")
    links: Links


@noun.endpoint("POST", "/api/agents", scope=Scope.OPERATE, takes=AgentExpected, answers=AgentDetails, status=201)
def expect(call: Call, body: AgentExpected) -> AgentDetails:
    """Announce an agent before it comes: it is shown as expected, and is no shadow when it does."""
    workspace, fleet = call.caller.workspace, call.services.fleet
    call.caller.need_inside({AGENT: body.id, **body.tags}, "the agent")
    known = fleet.agent(workspace, body.id)
    if known is not None and not is_remnant(known):
        raise Conflict(f"the agent {body.id} is in the inventory already: PATCH /api/agents/{body.id} changes it")
    mark_edit(call)
    record = fleet.update_agent(
        workspace, body.id, {"expected": True, "name": body.name, "owner": body.owner, "remote_tags": dict(body.tags) or None}
    )
    return _details(call, _state(call, body.id, record))


@noun.endpoint("GET", "/api/agents/{agent}", scope=Scope.READ, asks=AgentAsked, answers=AgentDetails)
def read(call: Call, asked: AgentAsked) -> AgentDetails:
    """All that is known of one agent."""
    return _details(call, visible(call, asked.agent)[0])


@noun.endpoint("PATCH", "/api/agents/{agent}", scope=Scope.OPERATE, asks=AgentAsked, takes=AgentEdit, answers=AgentDetails)
def edit(call: Call, asked: AgentAsked, body: AgentEdit) -> AgentDetails:
    """Set remote tags, name, owner, or whether the agent is retired or expected."""
    state, record = visible(call, asked.agent)
    changes = _changes(body, record)
    if "remote_tags" in changes:
        tags = effective_tags(state.local_tags, changes["remote_tags"] or {}, state.scope)
        call.caller.need_inside({AGENT: asked.agent, **tags}, "the agent with these tags")
    if changes:
        mark_edit(call)
        record = call.services.fleet.update_agent(call.caller.workspace, asked.agent, changes)
    return _details(call, _state(call, asked.agent, record))


@noun.endpoint("DELETE", "/api/agents/{agent}", scope=Scope.ADMIN, asks=AgentAsked, status=204)
def forget(call: Call, asked: AgentAsked) -> Reply:
    """Forget an agent: its record, its desired configuration and keys, and its place in the fleet.

    It is back, as a new one, when it posts again. History stays.
    """
    visible(call, asked.agent)
    mark_edit(call)
    call.services.desired.drop(call.caller.workspace, asked.agent)
    for provider, assigned in call.services.keys.keys_of(call.caller.workspace, asked.agent).items():
        call.services.keys.assign(call.caller.workspace, asked.agent, provider, None, assigned)
    call.services.fleet.forget_agent(call.caller.workspace, asked.agent)
    return Reply(body=None, status=204)


def visible(call: Call, agent: str) -> tuple[AgentState, Mapping[str, Any]]:
    """The agent and its record; raises `NotFound` likewise for one that is unknown and one outside of the caller's tag scope."""
    record = call.services.fleet.agent(call.caller.workspace, agent)
    if record is not None and not is_remnant(record):
        state = _state(call, agent, record)
        if call.caller.tags.matches({AGENT: agent, **state.tags}):
            return state, record
    raise NotFound(f"no agent {agent}")


def _state(call: Call, agent: str, record: Mapping[str, Any]) -> AgentState:
    snapshot = load_snapshot(call)
    known = snapshot.agents.get(agent) if snapshot else None
    return overlaid(agent, known, record, settings_of(call), call.now)


def _changes(body: AgentEdit, record: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the record to set; only those that were sent."""
    changes: dict[str, Any] = {field: getattr(body, field) for field in body.model_fields_set - {"tags"}}
    if body.tags:
        merged = {**record.get("remote_tags", {}), **body.tags}
        remote = {key: value for key, value in merged.items() if value is not None}
        if len(remote) > MAX_REMOTE_TAGS:
            raise InvalidInput(f"an agent has at most {MAX_REMOTE_TAGS} remote tags", "tags")
        changes["remote_tags"] = remote or None
    return changes


def _details(call: Call, state: AgentState) -> AgentDetails:
    workspace, services = call.caller.workspace, call.services
    found = instance(state, call.now, services.desired.hash_of(workspace, state.id), services.keys.keys_of(workspace, state.id))
    common = {name: getattr(found, name) for name in Instance.model_fields}
    chosen = Selector.exact({AGENT: state.id})
    return AgentDetails.model_construct(
        **common,
        local_tags=state.local_tags,
        remote_tags=state.remote_tags,
        token_tags=state.scope,
        links=Links(
            series=f"/api/series?metric=task.latency_ms&aggregation=p95&tags={chosen}",
            tasks=f"/api/tasks?agent={state.id}",
            events=f"/api/events?agent={state.id}",
        ),
    )
