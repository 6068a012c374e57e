"""WhatsApp: a template message of the Cloud API.

Businesses may begin a conversation only with a template that Meta has approved; `functions/notify/README.md` has the one to submit.
Limits: Meta's documents "Template messages" and "Cloud API Error Codes": as many parameters as the template has (else 132000), none
empty, without new lines, tabs or more than four spaces in a row (132018), and 1,024 characters for the body as a whole (132005).
"""

from __future__ import annotations

from typing import Any

from functions.domain.notification import Notification
from functions.domain.notification_text import alert_detail, alert_name, fit, link, sign, state, summary

PARAMETERS = 4
_STATE, _TITLE, _SUMMARY, _DETAIL = 30, 200, 120, 400
"""Together 750: the template's own text has more than 250."""


def render(notification: Notification, to: str, template: str, language: str) -> dict[str, Any]:
    """The body of `POST /{phone number id}/messages`."""
    first = next(iter(notification.alerts), None)
    detail = f"{alert_name(first)}: {alert_detail(first)}" if first else notification.note or ""
    url = link(notification.approve or notification.dashboard)
    # A link goes last, and only as a whole.
    tail = f" {url}" if url and len(url) <= _DETAIL // 2 else ""
    values = [
        fit(f"{sign(notification)} {state(notification)}", _STATE),
        fit(notification.title, _TITLE),
        fit(summary(notification), _SUMMARY),
        fit(detail, _DETAIL - len(tail)) + tail,
    ]
    parameters = [{"type": "text", "text": value.strip() or "-"} for value in values]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {"name": template, "language": {"code": language}, "components": [{"type": "body", "parameters": parameters}]},
    }
