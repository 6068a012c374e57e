"""How groups stand to their budgets: what the budgets function counted last, judged by the budgets as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import Field

from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import settings_of
from functions.api.models import Answer, Asked, Moment, SelectorText
from functions.domain import budget_acts, budget_use
from functions.domain.alert_budgets import DOCUMENT, parse_acts, parse_budgets
from functions.domain.budget_acts import Act, ActPhase, Acts, key_of
from functions.domain.budget_state import STALE_MS, BudgetState, Level, budget_states
from functions.domain.errors import InvalidInput
from functions.domain.selector import Selector
from functions.domain.token import Scope

noun = Noun("budgets")


class StateAsked(Asked):
    """Of which groups."""

    tags: SelectorText = ""


class ActAnswer(Answer):
    """What a budget does."""

    at: float = Field(description="From which share of the budget on.")
    does: str = Field(description="In words: `paused`, `model anthropic/claude-haiku-4-5`.")
    until: str = Field(description="`period`: lifted at its end; `raised`: only when somebody raises the budget.")
    state: ActPhase | None = Field(description="Where it stands; null when it does nothing now.")
    rollout: str | None = Field(description="Id of the rollout that did it, or that takes it back.")
    detail: str | None = Field(description="What it waits for.")


class BudgetAnswer(Answer):
    """One budget of one group."""

    group: str = Field(description="Plain tags; empty for the workspace.")
    budget: str = Field(description="`tokens_per_day`, `usd_per_month`, `cpu_percent`, …")
    start: Moment
    end: Moment
    used: float | None = Field(description="Tokens, USD or percent; null when unknown, which is not 0.")
    limit: float
    share: float | None
    forecast: float | None = Field(
        description="What will be used by the period's end at its rate so far; null before a twentieth of it, and of resources."
    )
    level: Level | None = Field(description="Null when unknown.")
    reason: str
    priced: float | None = Field(description="Of dollars: what part of `used` no task reported, but was priced from tokens.")
    unpriced_tasks: int = Field(description="Of dollars: tasks that nobody can price; in no sum.")
    agent: str | None = Field(description="Of a resource: the agent that uses most of it.")
    act: ActAnswer | None = Field(description="What it does when it is used up; null for nothing.")


class StateAnswer(Answer):
    """The budgets by group."""

    budgets: list[BudgetAnswer]
    as_of: Moment | None = Field(description="Up to when it is counted; null before the first time.")
    stale: bool = Field(description="Counted more than five minutes ago: more may be used by now.")


@dataclass(frozen=True, slots=True)
class Standing:
    """The budgets that a caller may see."""

    states: list[BudgetState]
    acts: Mapping[str, Act]
    notes: Mapping[str, str]
    as_of: int | None
    fault: str = ""
    """Why none can be told."""


@noun.endpoint("GET", "/api/budgets/state", scope=Scope.READ, asks=StateAsked, answers=StateAnswer)
def state(call: Call, asked: StateAsked) -> StateAnswer:
    """How groups stand to their budgets: used, limit, forecast, level, and what is done about it."""
    found = standing(call, Selector.parse(asked.tags))
    if found.fault:
        raise InvalidInput(found.fault, "budgets")
    return StateAnswer(
        budgets=[answer(one, found) for one in found.states],
        as_of=found.as_of,
        stale=bool(found.states) and (found.as_of is None or call.now - found.as_of > STALE_MS),
    )


def standing(call: Call, wanted: Selector) -> Standing:
    """Read and judge; a caller with a tag scope sees the groups inside of it."""
    store, workspace = call.services.fleet, call.caller.workspace
    document = store.settings(workspace, DOCUMENT)
    if not document:
        return Standing([], {}, {}, None)
    try:
        numbers, does = parse_budgets(document, settings_of(call).dimensions), parse_acts(document)
    except InvalidInput as error:
        return Standing([], {}, {}, None, f"the stored budgets are not valid any more: {error}")
    counted = budget_use.decode(store.settings(workspace, budget_use.DOCUMENT))
    visible = wanted & call.caller.tags
    states = [one for one in budget_states(numbers, does, counted, call.now) if visible.matches(dict(one.tags))]
    acts = _acts(store.settings(workspace, budget_acts.DOCUMENT)) if any(one.act for one in states) else {}
    return Standing(states, acts, counted.notes if counted else {}, counted.at if counted else None)


def answer(one: BudgetState, found: Standing) -> BudgetAnswer:
    """One budget, as it is shown."""
    return BudgetAnswer(
        group=one.group,
        budget=one.budget,
        start=one.start,
        end=one.end,
        used=one.used,
        limit=one.limit,
        share=one.share,
        forecast=one.forecast,
        level=one.level,
        reason=one.reason,
        priced=one.priced,
        unpriced_tasks=one.unpriced,
        agent=one.agent,
        act=_act(one, found),
    )


def _act(one: BudgetState, found: Standing) -> ActAnswer | None:
    if one.act is None:
        return None
    key = key_of(one.group, one.budget)
    done = found.acts.get(key)
    return ActAnswer(
        at=one.act.at,
        does=one.act.done,
        until=one.act.until,
        state=done.phase if done else None,
        rollout=(done.lift or done.rollout) if done else None,
        detail=(done.detail if done else "") or found.notes.get(key) or None,
    )


def _acts(document: Any) -> Mapping[str, Act]:
    try:
        return msgspec.convert(document or {}, Acts).acts
    except msgspec.ValidationError:
        return {}
