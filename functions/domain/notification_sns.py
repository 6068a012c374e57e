"""SNS: subject, a text for people and the webhook's document for programs, with attributes to filter by.

Limits: SNS's document "Publish": 262,144 bytes for the message with its attributes; a subject of fewer than 100 characters of ASCII,
without control characters, that begins with a letter, a digit or a punctuation mark.
"""

from __future__ import annotations

import json
from typing import Any

from functions.domain import notification_email, notification_webhook
from functions.domain.notification import Notification
from functions.domain.notification_text import fit, heading

_SUBJECT = 99
_ATTRIBUTE = 256
_PART = 40_000
"""Bytes, as JSON within JSON: a text and five copies of the document are below SNS's limit then."""
_PROGRAMS = ("http", "https", "lambda", "sqs", "firehose")


def render(notification: Notification, topic: str) -> dict[str, Any]:
    """Parameters of SNS's Publish. E-mail and SMS subscribers get the text, all programs the JSON."""
    message = {"default": _text(notification)} | dict.fromkeys(_PROGRAMS, _document(notification))
    attributes = {
        "kind": str(notification.kind),
        "severity": str(notification.severity),
        "workspace": notification.workspace,
        "incident": notification.incident,
    }
    return {
        "TopicArn": topic,
        "Subject": _subject(notification),
        "Message": json.dumps(message, ensure_ascii=False),
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": fit(value, _ATTRIBUTE) or "-"} for name, value in attributes.items()
        },
    }


def _text(notification: Notification) -> str:
    text = notification_email.render(notification).text
    return text if _size(text) <= _PART else fit(heading(notification), 1000)


def _document(notification: Notification) -> str:
    """The webhook's document, with as many alerts as there is room for."""
    found = notification_webhook.document(notification)
    while _size(text := json.dumps(found, ensure_ascii=False, separators=(",", ":"))) > _PART:
        found = notification_webhook.shrunk(found)
    return text


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def _subject(notification: Notification) -> str:
    text = fit(heading(notification), _SUBJECT, lambda character: character if " " <= character <= "~" else "?")
    # The mark of a cut is no ASCII.
    return text.replace("…", ".").strip()
