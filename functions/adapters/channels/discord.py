"""Discord: a webhook. The end of an incident and its acknowledgement edit its first message, all else is a message of its own.

Discord's documents: "Webhook Resource" (Execute Webhook with `wait`, Edit Webhook Message), "Rate Limits" (429 with `retry_after` in
seconds), "Opcodes and Status Codes" (10008 unknown message).
"""

from __future__ import annotations

import json

from functions.adapters.channels.answers import failure, json_of
from functions.adapters.channels.tools import Tools
from functions.domain.notification import DeliveryFailed, NotificationKind, Sent
from functions.domain.notification_discord import render
from functions.ports import Answer, Message

_EDITING = frozenset({NotificationKind.RESOLVED, NotificationKind.ACKNOWLEDGED})
_UNKNOWN_MESSAGE = 10008


def send(message: Message, tools: Tools) -> Sent:
    """Post the message, or edit the incident's first one."""
    url = message.secret.strip().rstrip("/")
    if not url.startswith(("https://", "http://")) or "?" in url:
        raise DeliveryFailed("the channel's secret must be the URL of a Discord webhook", retryable=False)
    if message.thread and message.notification.kind in _EDITING:
        answer = _exchange(message, tools, "PATCH", f"{url}/messages/{message.thread}", username="")
        if answer.status == 200:
            return Sent(message.thread)
        if json_of(answer).get("code") != _UNKNOWN_MESSAGE:
            raise _failure(message, answer)
    answer = _exchange(message, tools, "POST", f"{url}?wait=true", message.channel.text("username"))
    if answer.status != 200:
        raise _failure(message, answer)
    return Sent(str(json_of(answer).get("id", "")))


def _exchange(message: Message, tools: Tools, method: str, url: str, username: str) -> Answer:
    body = json.dumps(render(message.notification, username)).encode()
    return tools.http.send(method, url, {"Content-Type": "application/json"}, body)


def _failure(message: Message, answer: Answer) -> DeliveryFailed:
    said = json_of(answer)
    wait = said.get("retry_after")
    words = f"{said['message']} {json.dumps(said['errors']) if 'errors' in said else ''}" if "message" in said else ""
    return failure(
        message,
        answer,
        words,
        hidden=[message.secret.rstrip("/").rpartition("/")[2]],
        retry_after_s=float(wait) if isinstance(wait, int | float) else None,
    )
