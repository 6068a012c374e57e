"""PagerDuty: the Events API v2. The incident's key makes all of its events one alert there.

A test opens an alert of severity info and closes it at once. PagerDuty's documents: "Send an Alert Event", "Events API v2 Overview" (202
accepted, 400 not to be tried again, 429 and 5xx to be tried again).
"""

from __future__ import annotations

import json
from typing import Any

from functions.adapters.channels.answers import failure, json_of
from functions.adapters.channels.tools import Tools
from functions.domain.notification import NotificationKind, Sent
from functions.domain.notification_pagerduty import render, resolve
from functions.ports import Message

_ACCEPTED = 202


def send(message: Message, tools: Tools) -> Sent:
    """Send the event."""
    key = message.secret.strip()
    reference = _enqueue(message, tools, render(message.notification, key, message.channel.text("source")))
    if message.notification.kind is NotificationKind.TEST:
        _enqueue(message, tools, resolve(message.notification, key))
    return Sent(reference)


def _enqueue(message: Message, tools: Tools, event: dict[str, Any]) -> str:
    url = f"{message.channel.text('api')}/v2/enqueue"
    answer = tools.http.send("POST", url, {"Content-Type": "application/json"}, json.dumps(event).encode())
    said = json_of(answer)
    if answer.status != _ACCEPTED:
        errors = said.get("errors")
        words = [said.get("message"), *(errors if isinstance(errors, list) else [])]
        raise failure(message, answer, "; ".join(str(word) for word in words if word))
    return str(said.get("dedup_key", ""))
