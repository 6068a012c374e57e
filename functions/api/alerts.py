"""Alerts: every series of every rule that is pending, fires, or did."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from pydantic import Field

from functions.api import paging
from functions.api.alert_view import Labels, labels_of_state
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import load_snapshot
from functions.api.models import Answer, Asked, Cursor, Moment, SelectorText
from functions.domain.alert import AlertState, Data, Phase, series_id
from functions.domain.alert_machine import OPEN
from functions.domain.alert_rules import Rule, selected
from functions.domain.dispatch import Setup
from functions.domain.inhibition import Inhibitors
from functions.domain.selector import Selector
from functions.domain.silence import silenced_by
from functions.domain.token import Scope
from functions.runtime.alert_setup import read_setup

noun = Noun("alerts")

PHASE_PATTERN = rf"^({'|'.join(Phase)})(,({'|'.join(Phase)}))*$"
UNREST = ",".join((Phase.PENDING, Phase.FIRING, Phase.RECOVERING))
RULE_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"


class AlertsAsked(Asked):
    """Which alerts."""

    state: str = Field(UNREST, pattern=PHASE_PATTERN, max_length=64, description=f"Phases, separated by commas: {', '.join(Phase)}.")
    tags: SelectorText = ""
    rule: str | None = Field(None, pattern=RULE_PATTERN, description="Only of this rule.")
    limit: int = Field(1000, ge=1, le=2000)
    cursor: Cursor | None = None


class AlertAnswer(Answer):
    """One series of one rule."""

    id: str
    rule: str
    series: dict[str, str] = Field(description="Tags that tell the series; none for a group as a whole.")
    labels: dict[str, str] = Field(description="What routes, silences and `tags` match.")
    severity: str
    phase: Phase
    since: Moment = Field(description="Since when in this phase.")
    fired_at: Moment | None = Field(description="When it began to fire, while it does.")
    value: float | None
    threshold: float | None = Field(description="What the value is compared with, baseline and factor worked in.")
    reason: str
    data: Data = Field(description="What the last evaluation rested on.")
    evaluated: Moment
    flapping: bool
    acknowledged_by: str | None
    silenced_by: str | None = Field(description="Id of the silence that hides it now.")
    inhibited_by: str | None = Field(description="Id of the firing alert that it follows from, and is not told for.")
    incident: str | None = Field(description="Id of the incident that it fires in.")
    runbook: str | None
    owner: str | None


class Alerts(Answer):
    """A page of alerts, by id."""

    alerts: list[AlertAnswer]
    total: int = Field(description="How many there are on all pages.")
    next: str | None


class Place(msgspec.Struct, array_like=True, frozen=True):
    """Where a page of alerts ended."""

    alert: str


@dataclass(frozen=True, slots=True)
class _Known:
    """An alert's state with what else decides how it is shown."""

    id: str
    state: AlertState
    rule: Rule | None
    labels: Labels


@noun.endpoint("GET", "/api/alerts", scope=Scope.READ, asks=AlertsAsked, answers=Alerts)
def alerts(call: Call, asked: AlertsAsked) -> Alerts:
    """Alerts with their value, threshold and reason; those that are pending or fire, unless asked for others."""
    question = paging.fingerprint("alerts", asked.model_dump(exclude={"limit", "cursor"}))
    start = paging.read(asked.cursor, question, Place).alert if asked.cursor else ""
    known = _known(call)
    chosen = [found for found in known if _is_asked(asked, found)]
    rest = [found for found in chosen if found.id > start]
    page = rest[: asked.limit]
    return Alerts.model_construct(
        alerts=_answers(call, page, known) if page else [],
        total=len(chosen),
        next=paging.write(question, Place(page[-1].id)) if len(rest) > len(page) else None,
    )


def _known(call: Call) -> list[_Known]:
    """All alerts that the caller may see, by id."""
    workspace = call.caller.workspace
    rules = {rule.name: rule for rule in call.services.rules.rules(workspace)}
    snapshot = load_snapshot(call)
    agents = {agent: state.tags for agent, state in snapshot.agents.items()} if snapshot else {}
    found = []
    for state in call.services.alerts.states(workspace):
        rule = rules.get(state.rule)
        labels = labels_of_state(state, rule, agents)
        if call.caller.tags.matches({**selected(rule), **labels}):
            found.append(_Known(series_id(state.rule, state.series), state, rule, labels))
    return sorted(found, key=lambda one: one.id)


def _is_asked(asked: AlertsAsked, found: _Known) -> bool:
    if found.state.phase not in asked.state.split(",") or asked.rule not in (None, found.state.rule):
        return False
    return Selector.parse(asked.tags).matches(found.labels)


def _answers(call: Call, page: list[_Known], known: list[_Known]) -> list[AlertAnswer]:
    setup, _ = read_setup(call.services.fleet, call.services.alerts, call.caller.workspace)
    inhibitors = Inhibitors(setup.inhibitions, ((found.id, found.labels) for found in known if found.state.phase in OPEN))
    incidents = {
        alert: incident.id
        for incident in call.services.alerts.incidents(call.caller.workspace)
        for alert, member in incident.members.items()
        if member.firing
    }
    return [_answer(found, setup, inhibitors, incidents.get(found.id), call.now) for found in page]


def _answer(found: _Known, setup: Setup, inhibitors: Inhibitors, incident: str | None, now: int) -> AlertAnswer:
    state, told = found.state, found.state.told
    silence = silenced_by(setup.silences, found.labels, now)
    return AlertAnswer.model_construct(
        id=found.id,
        rule=state.rule,
        series=state.series,
        labels=found.labels,
        severity=found.labels["severity"],
        phase=state.phase,
        since=state.since,
        fired_at=state.firing_since,
        value=state.value,
        threshold=state.threshold,
        reason=state.reason,
        data=state.data,
        evaluated=state.evaluated,
        flapping=state.flapping,
        acknowledged_by=state.acknowledged_by,
        silenced_by=silence.id if silence else None,
        inhibited_by=inhibitors.of(found.id, found.labels) if state.phase in OPEN else None,
        incident=incident,
        runbook=told.runbook if told else found.rule.runbook if found.rule else None,
        owner=told.owner if told else found.rule.owner if found.rule else None,
    )
