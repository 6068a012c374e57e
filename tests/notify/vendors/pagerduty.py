"""PagerDuty, after its documents "Send an Alert Event" and "Events API v2 Overview"."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tests.notify.vendors.base import Refused, Reply, Request, Vendor, is_text

KEY = "R0123456789ABCDEFGHIJKLMNOPQRSTU"
_MEMBERS = {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
_PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}


class PagerDuty(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, list[str]] = {}
        """The actions of each alert, by its key; one that was resolved and triggered again is another alert."""
        self.open: set[str] = set()

    def check(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", "/v2/enqueue"):
            return Reply(404, "")
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise invalid("content type")
        if len(request.body) > 512 * 1024:
            raise Refused(Reply(413, {"status": "invalid event", "message": "too large"}))
        event = json.loads(request.body.decode())
        if event.get("routing_key") != KEY:
            raise invalid("'routing_key' is invalid")
        if event.keys() - _MEMBERS:
            raise invalid(f"unknown: {sorted(event.keys() - _MEMBERS)}")
        action, key = event.get("event_action"), event.get("dedup_key")
        if action not in ("trigger", "acknowledge", "resolve"):
            raise invalid("'event_action' is invalid")
        if not is_text(key, 255):
            raise invalid("'dedup_key' is invalid")
        if action == "trigger":
            check_trigger(event)
        self._apply(action, key)
        return Reply(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _apply(self, action: str, key: str) -> None:
        # Acknowledging or resolving what is not open is accepted, and dropped.
        if action == "trigger" or key in self.open:
            self.alerts.setdefault(key, []).append(action)
        (self.open.discard if action == "resolve" else self.open.add if action == "trigger" else lambda _key: None)(key)


def check_trigger(event: dict[str, Any]) -> None:
    payload = event.get("payload", {})
    fine = {
        "members": not payload.keys() - _PAYLOAD,
        "summary": is_text(payload.get("summary"), 1024),
        "source": is_text(payload.get("source"), 255),
        "severity": payload.get("severity") in ("critical", "error", "warning", "info"),
        "timestamp": datetime.fromisoformat(payload.get("timestamp", "")).tzinfo is not None,
        "class": is_text(payload.get("class", "x"), 255),
        "group": is_text(payload.get("group", "x"), 255),
        "custom_details": isinstance(payload.get("custom_details", {}), dict),
        "links": all(link.keys() <= {"href", "text"} and link["href"].startswith("http") for link in event.get("links", [])),
    }
    if wrong := [name for name, good in fine.items() if not good]:
        raise invalid(*wrong)


def invalid(*errors: str) -> Refused:
    return Refused(Reply(400, {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}))


RATE_LIMITED = Reply(429, {"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly"})
