"""Webhook: the whole notification as JSON, signed.

The signature is `v1=` and the hex HMAC-SHA256, with the channel's key, of timestamp, a full stop, and the body's bytes. Receivers refuse
timestamps older than five minutes and delivery ids that they know: then a recorded request is worth nothing.
"""

from __future__ import annotations

import hmac
import json
from typing import Any

from functions.domain.notification import Notification, NotifiedAlert, TimelineEntry
from functions.domain.notification_text import fit, iso, link
from functions.domain.times import SECOND_MS

VERSION = 1
MAX_BYTES = 256_000
_ALERTS, _TIMELINE, _LABELS = 50, 30, 50
_SHORT, _LONG = 256, 1000
_HIGHLIGHTS = 10


def document(notification: Notification) -> dict[str, Any]:
    """The document, with texts cleaned and cut; programs decide by `kind` and `incident`."""
    return {
        "v": VERSION,
        "kind": str(notification.kind),
        "workspace": fit(notification.workspace, _SHORT),
        "incident": fit(notification.incident, _SHORT),
        "title": fit(notification.title, _LONG),
        "severity": str(notification.severity),
        "at": iso(notification.at),
        "started": iso(notification.started),
        "firing": notification.firing,
        "resolved": notification.resolved,
        "labels": _tags(notification.labels),
        "owner": _optional(notification.owner),
        "by": _optional(notification.by),
        "note": _optional(notification.note),
        "runbook": link(notification.runbook),
        "dashboard": link(notification.dashboard),
        "approve": link(notification.approve),
        **_report(notification),
        "alerts": [_alert(alert) for alert in notification.alerts[:_ALERTS]],
        "timeline": [_entry(entry) for entry in notification.timeline[-_TIMELINE:]],
    }


def render(notification: Notification) -> bytes:
    """The body. Should it be too large, its alerts lose those at the end: the counts still tell of them."""
    found = document(notification)
    while len(body := json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()) > MAX_BYTES:
        found = shrunk(found)
    return body


def shrunk(found: dict[str, Any]) -> dict[str, Any]:
    """A smaller document: the first half of the alerts and the newer half of the timeline; if it has none, without labels and links."""
    alerts, timeline = found["alerts"], found["timeline"]
    if not alerts and not timeline:
        return (
            found
            | {"labels": {}, "runbook": None, "dashboard": None, "approve": None}
            | ({"report": None, "figures": {}, "highlights": []} if "report" in found else {})
        )
    return found | {"alerts": alerts[: len(alerts) // 2], "timeline": timeline[(len(timeline) + 1) // 2 :]}


def headers(body: bytes, key: str, delivery: str, now: int) -> dict[str, str]:
    """What a receiver needs to believe the body; `now` is ms."""
    timestamp = str(now // SECOND_MS)
    return {
        "Content-Type": "application/json",
        "X-ClawPulse-Delivery": delivery,
        "X-ClawPulse-Timestamp": timestamp,
        "X-ClawPulse-Signature": signature(body, key, timestamp),
    }


def signature(body: bytes, key: str, timestamp: str) -> str:
    """The signature of a body at a time."""
    return "v1=" + hmac.digest(key.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def _report(notification: Notification) -> dict[str, Any]:
    """What only messages about reports have."""
    if not notification.kind.of_report:
        return {}
    highlights = [fit(entry, _SHORT) for entry in notification.highlights[:_HIGHLIGHTS]]
    return {"figures": _tags(notification.figures), "highlights": highlights, "report": link(notification.report)}


def _alert(alert: NotifiedAlert) -> dict[str, Any]:
    return {
        "rule": fit(alert.rule, _SHORT),
        "series": _tags(alert.series),
        "firing": alert.firing,
        "since": iso(alert.since),
        "reason": fit(alert.reason, _LONG),
        "value": _finite(alert.value),
        "threshold": _finite(alert.threshold),
    }


def _entry(entry: TimelineEntry) -> dict[str, str]:
    return {"at": iso(entry.at), "text": fit(entry.text, _LONG)}


def _tags(tags: dict[str, str]) -> dict[str, str]:
    return {fit(key, _SHORT): fit(value, _SHORT) for key, value in sorted(tags.items())[:_LABELS]}


def _optional(text: str | None) -> str | None:
    return None if text is None else fit(text, _LONG)


def _finite(value: float | None) -> float | None:
    # JSON knows no infinity.
    return value if value is not None and abs(value) < float("inf") else None
