"""Alerts as callers may see them: what labels an alert has, and whether these lie inside of a token's tag scope."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from functions.api.caller import Caller
from functions.api.endpoint import Call
from functions.domain.alert import AlertState, Severity
from functions.domain.alert_routes import labels_of
from functions.domain.alert_rules import Rule, selected
from functions.domain.incident import Incident, Member
from functions.domain.selector import Selector
from functions.domain.series import AGENT

type Labels = dict[str, str]


def labels_of_state(state: AlertState, rule: Rule | None, agents: Mapping[str, Mapping[str, str]]) -> Labels:
    """What routes, silences and token scopes match: as it was told, or as it would be told now. `agents` has the tags of each."""
    if state.told is not None:
        return labels_of(state.told)
    tags = agents.get(state.series.get(AGENT, ""), {})
    labels = dict(rule.labels) if rule else {}
    severity = rule.severity if rule else Severity.WARNING
    return {**tags, **labels, **state.series, "rule": state.rule, "severity": str(severity)}


def scoping_rules(call: Call) -> dict[str, Rule]:
    """The rules that `part_for` asks; none for a token of the whole workspace, who sees all."""
    return {rule.name: rule for rule in call.services.rules.rules(call.caller.workspace)} if call.caller.scope_text else {}


def part_for(caller: Caller, incident: Incident, rules: Mapping[str, Rule]) -> Incident | None:
    """What a caller may see of an incident: all of it, or its members inside of the token's tag scope, or nothing.

    Timeline, notes and what it is hidden for speak of all members: who does not see all of these does not see any of that.
    """
    if not caller.scope_text:
        return incident
    inside = {alert: member for alert, member in incident.members.items() if _inside(caller.tags, member, rules)}
    if len(inside) == len(incident.members) and not incident.unlisted:
        return incident
    if not inside:
        return None
    return msgspec.structs.replace(incident, members=inside, unlisted=0, timeline=[], notes=[], hidden=None)


def story_for(caller: Caller, incident: Incident) -> Incident:
    """An incident without changes in the fleet that may concern agents outside of the caller's tag scope."""
    if not caller.scope_text:
        return incident
    inside = [entry for entry in incident.timeline if entry.tags is None or caller.tags.matches(entry.tags)]
    return msgspec.structs.replace(incident, timeline=inside)


def _inside(scope: Selector, member: Member, rules: Mapping[str, Rule]) -> bool:
    return scope.matches({**selected(rules.get(member.edge.rule)), **labels_of(member.edge)})


def who(call: Call) -> str:
    """The caller, as others are told of him: the token's name, and its id."""
    record = call.services.tokens.get(call.caller.token_id) or {}
    name = record.get("name")
    return f"{name} ({call.caller.token_id})" if name else call.caller.token_id
