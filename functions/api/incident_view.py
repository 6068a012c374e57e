"""Incidents as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from functions.api.deliveries import DeliveryAnswer
from functions.api.models import Answer, Moment
from functions.domain.alert import Severity
from functions.domain.alert_routes import labels_of
from functions.domain.incident import Incident, Member, title


class IncidentAnswer(Answer):
    """An incident in a line."""

    id: str
    title: str
    severity: Severity
    state: str = Field(description="open or closed.")
    opened: Moment
    closed: Moment | None
    route: str = Field(description="Name of the route that its messages take.")
    group: dict[str, str] = Field(description="Labels that its alerts share, as the route groups by them.")
    firing: int = Field(description="Alerts that fire now.")
    alerts: int = Field(description="All that ever fired in it.")
    acknowledged_by: list[str] = Field(description="Who acknowledged what fires; empty when something waits for somebody.")
    hidden: str | None = Field(description="Why nobody is told: a silence, or the alert that it follows from.")
    flapping: bool


class MemberAnswer(Answer):
    """One alert of an incident."""

    alert: str
    rule: str
    series: dict[str, str]
    labels: dict[str, str]
    severity: Severity
    firing: bool
    since: Moment = Field(description="Since when the condition held.")
    fired_at: Moment
    ended: Moment | None
    value: float | None = Field(description="When it fired.")
    threshold: float | None
    reason: str
    end_reason: str
    acknowledged_by: str | None
    runbook: str | None
    owner: str | None


class Happened(Answer):
    """Something that happened before or during the incident."""

    at: Moment
    text: str


class NoteAnswer(Answer):
    """What somebody wrote."""

    at: Moment
    by: str
    text: str


class IncidentDetails(IncidentAnswer):
    """All that is known of an incident."""

    members: list[MemberAnswer] = Field(description="Those that fire first, then by time.")
    unlisted: int = Field(description="Alerts beyond those that are listed.")
    timeline: list[Happened]
    notes: list[NoteAnswer]
    deliveries: list[DeliveryAnswer] = Field(description="Messages about it, oldest first; kept for 30 days.")
    partial: bool = Field(description="The token sees only some of its alerts, and nothing that speaks of the others.")
    new_errors: str | None = Field(description="Where the errors first seen in its time are listed; null for a token with a tag scope.")


def brief(incident: Incident) -> IncidentAnswer:
    """An incident in a line."""
    return IncidentAnswer.model_construct(**_brief(incident))


def details(incident: Incident, deliveries: list[DeliveryAnswer], *, partial: bool, new_errors: str | None) -> IncidentDetails:
    """All of an incident."""
    members = sorted(incident.members.items(), key=lambda item: (not item[1].firing, item[1].edge.at, item[0]))
    return IncidentDetails.model_construct(
        **_brief(incident),
        members=[_member(alert, member) for alert, member in members],
        unlisted=incident.unlisted,
        timeline=[Happened.model_construct(at=entry.at, text=entry.text) for entry in incident.timeline],
        notes=[NoteAnswer.model_construct(at=note.at, by=note.by, text=note.text) for note in incident.notes],
        deliveries=deliveries,
        partial=partial,
        new_errors=new_errors,
    )


def _brief(incident: Incident) -> dict[str, Any]:
    firing = incident.firing
    names = [member.acknowledged_by for member in firing]
    return {
        "id": incident.id,
        "title": title(incident),
        "severity": incident.severity,
        "state": "open" if incident.closed is None else "closed",
        "opened": incident.opened,
        "closed": incident.closed,
        "route": incident.route,
        "group": incident.group,
        "firing": len(firing) + (incident.unlisted if incident.closed is None else 0),
        "alerts": len(incident.members) + incident.unlisted,
        "acknowledged_by": list(dict.fromkeys(name for name in names if name)) if all(names) else [],
        "hidden": incident.hidden,
        "flapping": incident.flapping,
    }


def _member(alert: str, member: Member) -> MemberAnswer:
    edge = member.edge
    return MemberAnswer.model_construct(
        alert=alert,
        rule=edge.rule,
        series=edge.series,
        labels=labels_of(edge),
        severity=edge.severity,
        firing=member.firing,
        since=edge.since,
        fired_at=edge.at,
        ended=member.ended,
        value=edge.value,
        threshold=edge.threshold,
        reason=edge.reason,
        end_reason=member.end_reason,
        acknowledged_by=member.acknowledged_by,
        runbook=edge.runbook,
        owner=edge.owner,
    )
