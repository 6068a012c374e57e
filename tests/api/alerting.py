"""Alerts, incidents and messages as evaluation and dispatch would have left them, for the tests of the API."""

from __future__ import annotations

from typing import Any

import msgspec

from functions.domain import incident as incidents
from functions.domain.alert import AlertState, Edge, EdgeKind, Phase, Severity, episode_id
from functions.domain.delivery import Delivery, DeliveryState, delivery_id
from functions.domain.dispatch import Change
from functions.domain.incident import Incident
from functions.domain.notification import Notification, NotificationKind
from functions.domain.times import MINUTE_MS
from tests.api.world import NOW, World

BEGAN = NOW - 10 * MINUTE_MS
SLOW = {
    "name": "slow",
    "severity": "critical",
    "per": "tier",
    "owner": "ada",
    "runbook": "https://example.org/slow",
    "when": {"metric": "task.latency_ms", "aggregation": "p95", "over": "5m", "above": 500},
}
DEAD = {"name": "dead", "per": "agent", "when": {"field": "heartbeat_age_s", "above": 35}, "labels": {"team": "search"}}


def own_rules(world: World, *rules: dict[str, Any]) -> None:
    world.fleet.put_settings("team", "rules", {"packs": [], "rules": list(rules or (SLOW, DEAD))})


def edge(rule: str = "slow", kind: EdgeKind = EdgeKind.FIRING, at: int = BEGAN, tags: dict[str, str] | None = None, **series: str) -> Edge:
    episode = episode_id(rule, series, BEGAN - MINUTE_MS)
    return Edge(
        id=f"{episode}:{kind}",
        kind=kind,
        rule=rule,
        series=series,
        episode=episode,
        at=at,
        since=BEGAN - MINUTE_MS,
        severity=Severity.CRITICAL if rule == "slow" else Severity.WARNING,
        labels={**(tags or {}), **series},
        value=812.0,
        threshold=500.0,
        reason="p95 is 812 ms, above 500 ms" if kind is EdgeKind.FIRING else "p95 is 100 ms",
        runbook="https://example.org/slow" if rule == "slow" else None,
        owner="ada" if rule == "slow" else None,
    )


def state(world: World, rule: str = "slow", phase: Phase = Phase.FIRING, told: Edge | None = None, **series: str) -> AlertState:
    """Put the state of an alert."""
    fires = phase in (Phase.FIRING, Phase.RECOVERING)
    told = told or (edge(rule, **series) if fires else None)
    made = AlertState(
        rule=rule,
        series=series,
        phase=phase,
        since=BEGAN,
        firing_since=BEGAN if fires else None,
        episode=told.episode if told else "",
        value=812.0,
        threshold=500.0,
        reason="p95 is 812 ms, above 500 ms",
        told=told,
        version=1,
        evaluated=NOW - 15_000,
    )
    assert world.alerts.claim("team", [(made, None)]) == [True]
    return made


def incident(world: World, *edges: Edge, workspace: str = "team", archived: bool = False, **changes: Any) -> Incident:
    """Put an incident of these edges, open while one of them fires."""
    edges = edges or (edge(tier="fast"),)
    made = incidents.open_incident("all", {"rule": edges[0].rule}, edges[0])
    for one in edges:
        incidents.apply_edge(made, one)
    if not made.firing:
        made.closed = max(member.ended or 0 for member in made.members.values())
    made = msgspec.structs.replace(made, version=1, **changes)
    assert world.alerts.save(workspace, Change(incident=made))
    if archived:
        made.version = 2
        assert world.alerts.save(workspace, Change(incident=made, archived=True))
    return made


def delivery(world: World, incident: Incident, kind: NotificationKind = NotificationKind.FIRING, **changes: Any) -> Delivery:
    """Put a message about an incident."""
    notification = Notification(
        kind=kind, workspace="team", incident=incident.id, title="slow", severity=Severity.CRITICAL, at=BEGAN, started=BEGAN
    )
    number = len(world.deliveries.recent("team", 0))
    made = Delivery(id=delivery_id(BEGAN, incident.id, number, "chat"), channel="chat", notification=notification, created=BEGAN, **changes)
    assert world.deliveries.create("team", made)
    return made


SENT = {"state": DeliveryState.SENT, "ended": BEGAN + 2_000, "reference": "m1"}
REFUSED = {"state": DeliveryState.UNDELIVERED, "ended": BEGAN + 3_000, "reason": "400: no such channel", "attempts": 1}
