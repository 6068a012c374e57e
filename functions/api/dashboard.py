"""The fleet at a glance: every agent, and the totals."""

from __future__ import annotations

import msgspec
from pydantic import Field

from functions.api import paging
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import view
from functions.api.instances import Instance, instance
from functions.api.models import Answer, Asked, Cursor, Moment, SelectorText
from functions.api.summary import Summary, SummaryAsked, summarise
from functions.domain.fleet import AgentState, Status
from functions.domain.selector import Selector
from functions.domain.summary import select
from functions.domain.token import Scope

noun = Noun("dashboard")

HEALTH_PATTERN = rf"^({'|'.join(Status)})(,({'|'.join(Status)}))*$"


class InstancesAsked(Asked):
    """Which agents."""

    tags: SelectorText = ""
    health: str | None = Field(None, pattern=HEALTH_PATTERN, max_length=64, description="Colours, separated by commas.")
    limit: int = Field(1000, ge=1, le=5000)
    cursor: Cursor | None = None


class Instances(Answer):
    """A page of agents, by id."""

    instances: list[Instance]
    total: int = Field(description="How many there are on all pages.")
    as_of: Moment | None = Field(description="When the snapshot was taken; null before the first.")
    stale: bool = Field(description="The snapshot is older than a minute: what this says may have changed.")
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a page of agents ended."""

    agent: str


@noun.endpoint("GET", "/api/dashboard/instances", scope=Scope.READ, asks=InstancesAsked, answers=Instances)
def instances(call: Call, asked: InstancesAsked) -> Instances:
    """Every agent that the selector means, with tags, health and rates."""
    question = paging.fingerprint("instances", asked.tags, asked.health)
    start = paging.read(asked.cursor, question, Place).agent if asked.cursor else ""
    fleet = view(call)
    chosen = _with_health(select(fleet.agents, Selector.parse(asked.tags)), asked.health)
    rest = [state for state in chosen if state.id > start]
    page = rest[: asked.limit]
    desired = call.services.desired.hashes(call.caller.workspace)
    keys = call.services.keys.all_keys(call.caller.workspace)
    return Instances.model_construct(
        instances=[instance(state, fleet.time or call.now, desired.get(state.id), keys.get(state.id, {})) for state in page],
        total=len(chosen),
        as_of=fleet.time,
        stale=fleet.stale(call.now),
        next=paging.write(question, Place(page[-1].id)) if len(rest) > len(page) else None,
    )


@noun.endpoint("GET", "/api/dashboard/summary", scope=Scope.READ, asks=SummaryAsked, answers=Summary)
def summary(call: Call, asked: SummaryAsked) -> Summary:
    """Counts by health, error rate, latency, tokens, cost and load of the agents that the selector means, and of each tier."""
    return summarise(call, asked)


def _with_health(agents: list[AgentState], wanted: str | None) -> list[AgentState]:
    if wanted is None:
        return agents
    colours = wanted.split(",")
    return [state for state in agents if state.health.status in colours]
