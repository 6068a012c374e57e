"""Incidents: listed and searched, shown with all that happened, acknowledged and written about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from pydantic import Field

from functions.api.alert_view import part_for, scoping_rules, story_for, who
from functions.api.deliveries import DeliveryAnswer, shown
from functions.api.endpoint import Call, Noun, Reply
from functions.api.errors import new_errors_link
from functions.api.incident_cost import incident_cost
from functions.api.incident_view import IncidentAnswer, IncidentDetails, brief, details
from functions.api.models import Answer, Asked, Body, Instant, SelectorText, milliseconds
from functions.domain import alert_machine
from functions.domain import incident as domain
from functions.domain.alert_routes import labels_of
from functions.domain.delivery import KEEP_MS
from functions.domain.errors import Conflict, InvalidInput, NotFound
from functions.domain.incident import Incident
from functions.domain.postmortem import postmortem as draft
from functions.domain.rollout_story import span, with_rollouts
from functions.domain.selector import Selector
from functions.domain.times import DAY_MS
from functions.domain.token import Scope

noun = Noun("incidents")

USUAL_MS = 7 * DAY_MS
MAX_SINCE_MS = 400 * DAY_MS
MAX_NOTES = 200
MARKDOWN = "text/markdown; charset=utf-8"
_ATTEMPTS = 8
type NoteText = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]+$")]


class IncidentsAsked(Asked):
    """Which incidents."""

    since: Instant | None = Field(
        None, description="Opened since then; 7 days ago unless given, at most 400 days. Open ones are always in."
    )
    state: str | None = Field(None, pattern=r"^(open|closed)$", description="open or closed; both unless given.")
    q: str = Field("", max_length=256, description="Words that must all occur, in titles, rules, labels, reasons or notes.")
    tags: SelectorText = Field("", description="One of its alerts must have these labels.")
    limit: int = Field(100, ge=1, le=1000)


class IncidentAsked(Asked):
    """Which incident."""

    incident: str = Field(pattern=r"^[0-9a-f]{11}-[0-9a-f]{12}$", description="An incident's id.")


class NoteBody(Body):
    """What somebody writes about an incident."""

    text: NoteText


class Incidents(Answer):
    """Incidents, newest first."""

    incidents: list[IncidentAnswer]
    total: int = Field(description="How many there are beyond the limit, too.")


@noun.endpoint("GET", "/api/incidents", scope=Scope.READ, asks=IncidentsAsked, answers=Incidents)
def listing(call: Call, asked: IncidentsAsked) -> Incidents:
    """Incidents, newest first: those that are open, and those of the last days."""
    since = call.now - USUAL_MS if asked.since is None else milliseconds(asked.since)
    if since < call.now - MAX_SINCE_MS:
        raise InvalidInput("incidents are kept for 400 days", "since")
    workspace, store = call.caller.workspace, call.services.alerts
    at_hand = [found for found in store.incidents(workspace) if found.closed is None]
    known = {found.id: found for found in [*at_hand, *store.history(workspace, since)]}
    rules = scoping_rules(call)
    visible = [part for found in known.values() if (part := part_for(call.caller, found, rules)) and _is_asked(asked, part)]
    visible.sort(key=lambda found: (found.opened, found.id), reverse=True)
    return Incidents(incidents=[brief(found) for found in visible[: asked.limit]], total=len(visible))


@noun.endpoint("GET", "/api/incidents/{incident}", scope=Scope.READ, asks=IncidentAsked, answers=IncidentDetails)
def read(call: Call, asked: IncidentAsked) -> IncidentDetails:
    """One incident with its alerts, timeline, notes, and the messages about it, undelivered ones with the reason."""
    found, part = _visible(call, asked.incident)
    return _details(call, found, part)


@noun.endpoint("POST", "/api/incidents/{incident}/acknowledge", scope=Scope.OPERATE, asks=IncidentAsked, answers=IncidentDetails)
def acknowledge(call: Call, asked: IncidentAsked) -> IncidentDetails:
    """Say that somebody takes care: what fires now is not repeated, and channels are told. It ends with each alert's firing."""
    by = who(call)
    found = _changed(call, asked.incident, lambda incident: _acknowledge(incident, by, call.now))
    _mark_states(call, found)
    return _details(call, found, found)


@noun.endpoint(
    "POST", "/api/incidents/{incident}/notes", scope=Scope.OPERATE, asks=IncidentAsked, takes=NoteBody, answers=IncidentDetails, status=201
)
def note(call: Call, asked: IncidentAsked, body: NoteBody) -> IncidentDetails:
    """Write something about an incident, closed ones too."""
    by = who(call)
    found = _changed(call, asked.incident, lambda incident: _note(incident, by, body.text, call.now))
    return _details(call, found, found)


@noun.endpoint("GET", "/api/incidents/{incident}/postmortem", scope=Scope.READ, asks=IncidentAsked, content_type=MARKDOWN)
def postmortem(call: Call, asked: IncidentAsked) -> Reply:
    """A draft of a postmortem in Markdown, from what is known: to be completed by people."""
    found, part = _visible(call, asked.incident)
    if part is not found:
        return Reply(body=draft(part, [], call.now))
    recent = call.services.deliveries.recent(call.caller.workspace, _first(call, found))
    return Reply(body=draft(_story(call, found), recent, call.now, incident_cost(call, found)))


def _visible(call: Call, incident: str) -> tuple[Incident, Incident]:
    """An incident, and what the caller may see of it; raises `NotFound`."""
    found = call.services.alerts.incident(call.caller.workspace, incident)
    part = part_for(call.caller, found, scoping_rules(call)) if found else None
    if found is None or part is None:
        raise NotFound(f"no incident {incident}")
    return found, part


def _details(call: Call, found: Incident, part: Incident) -> IncidentDetails:
    """An incident with its messages, which speak of all its alerts."""
    messages = _deliveries(call, found) if part is found else []
    story = _story(call, found) if part is found else part
    return details(story, messages, partial=part is not found, new_errors=new_errors_link(call, found))


def _story(call: Call, found: Incident) -> Incident:
    """An incident with the rollouts of its time, as far as the caller may see them."""
    return story_for(call.caller, with_rollouts(found, call.services.rollouts.audit(call.caller.workspace, *span(found, call.now))))


def _deliveries(call: Call, found: Incident) -> list[DeliveryAnswer]:
    recent = call.services.deliveries.recent(call.caller.workspace, _first(call, found))
    return [shown(delivery) for delivery in recent if delivery.notification.incident == found.id]


def _first(call: Call, found: Incident) -> int:
    return max(found.opened, call.now - KEEP_MS)


def _is_asked(asked: IncidentsAsked, found: Incident) -> bool:
    if asked.state and (found.closed is None) != (asked.state == "open"):
        return False
    selector = Selector.parse(asked.tags)
    if asked.tags and not any(selector.matches(labels_of(member.edge)) for member in found.members.values()):
        return False
    text = "\n".join(domain.searchable(found)).casefold()
    return all(word in text for word in asked.q.casefold().split())


def _changed(call: Call, id: str, change: Callable[[Incident], bool]) -> Incident:
    """Apply a change, which tells whether it changed anything, to the newest version of an incident, whoever else writes meanwhile."""
    for _ in range(_ATTEMPTS):
        found, part = _visible(call, id)
        if part is not found:
            call.caller.need_whole_workspace("an incident with alerts outside of the token's limits")
        if not change(found):
            return found
        found.version += 1
        if call.services.alerts.amend(call.caller.workspace, found):
            return found
    raise Conflict("the incident is being changed by others all the time; try again")


def _acknowledge(incident: Incident, by: str, now: int) -> bool:
    if not incident.firing:
        raise Conflict("nothing of this incident fires any more, so there is nothing to acknowledge")
    return domain.acknowledge(incident, by, now)


def _note(incident: Incident, by: str, text: str, now: int) -> bool:
    if len(incident.notes) >= MAX_NOTES:
        raise Conflict(f"an incident has at most {MAX_NOTES} notes")
    domain.add_note(incident, by, text, now)
    return True


def _mark_states(call: Call, incident: Incident) -> None:
    """Put the names of who acknowledged on the alerts themselves; the evaluator may be faster, so look again."""
    names = {member.edge.episode: member.acknowledged_by for member in incident.firing if member.acknowledged_by}
    for _ in range(_ATTEMPTS):
        states = call.services.alerts.states(call.caller.workspace)
        marked = [
            msgspec.structs.replace(after, version=state.version + 1)
            for state in states
            if (by := names.get(state.episode)) and (after := alert_machine.acknowledge(state, by)).acknowledged_by != state.acknowledged_by
        ]
        if all(call.services.alerts.claim(call.caller.workspace, [(state, None) for state in marked])):
            return
    raise Conflict("the incident is acknowledged; its alerts are being changed by others all the time: try again")
