"""PagerDuty: an event of the Events API v2.

Limits: PagerDuty's documents "Send an Alert Event" (summary 1,024, dedup_key 255, severities critical, error, warning, info) and "Events
API v2 Overview" (512 KB an event).
"""

from __future__ import annotations

from typing import Any

from functions.domain.notification import Notification, NotificationKind, dedup_key
from functions.domain.notification_text import alert_detail, alert_name, fit, heading, iso, links, moment, more, pairs

_SUMMARY = 1024
_FIELD = 255
_ALERTS = 50
_NAME, _DETAIL = 300, 1000
_TIMELINE, _ENTRY = 30, 500


def render(notification: Notification, routing_key: str, source: str) -> dict[str, Any]:
    """The event. What goes on, flaps or is a test is a `trigger`, too: PagerDuty adds it to the alert of the same key."""
    action = "resolve" if notification.kind.ends else "acknowledge" if notification.kind is NotificationKind.ACKNOWLEDGED else "trigger"
    event: dict[str, Any] = {"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key(notification)}
    return event if action != "trigger" else event | _trigger(notification, source)


def resolve(notification: Notification, routing_key: str) -> dict[str, Any]:
    """The event that ends what a trigger began."""
    return {"routing_key": routing_key, "event_action": "resolve", "dedup_key": dedup_key(notification)}


def _trigger(notification: Notification, source: str) -> dict[str, Any]:
    payload = {
        "summary": fit(heading(notification), _SUMMARY),
        "source": source,
        "severity": str(notification.severity),
        "timestamp": iso(notification.at),
        "group": fit(notification.workspace, _FIELD),
        "class": fit(notification.alerts[0].rule if notification.alerts else notification.title, _FIELD) or "alert",
        "custom_details": _details(notification),
    }
    return {
        "payload": payload,
        "client": "ClawPulse",
        "links": [{"href": url, "text": name} for name, url in links(notification)],
    }


def _details(notification: Notification) -> dict[str, Any]:
    shown = notification.alerts[:_ALERTS]
    found: dict[str, Any] = {
        "incident": fit(notification.incident, _FIELD),
        "started": iso(notification.started),
        "firing": notification.firing,
        "resolved": notification.resolved,
        "owner": fit(notification.owner or "", _FIELD),
        "labels": fit(pairs(notification.labels), _DETAIL),
        "note": fit(notification.note or "", _DETAIL),
        "alerts": [f"{fit(alert_name(alert), _NAME)}: {fit(alert_detail(alert), _DETAIL)}" for alert in shown],
        "changes": [f"{moment(entry.at)} {fit(entry.text, _ENTRY)}" for entry in notification.timeline[-_TIMELINE:]],
        "more": more(len(shown), notification),
    }
    return {key: value for key, value in found.items() if value not in ("", [])}
