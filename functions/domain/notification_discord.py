"""Discord: a webhook message with one embed.

Limits: Discord's documents "Message Resource: Embed Limits" (title 256, description 4,096, 25 fields of 256 and 1,024, footer 2,048, 6,000
characters in all embeds together) and "Webhook Resource: Execute Webhook" (content 2,000, username 80, `allowed_mentions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from functions.domain.alert import Severity
from functions.domain.notification import Notification
from functions.domain.notification_text import (
    DASHBOARD,
    alert_detail,
    alert_name,
    facts,
    fit,
    good,
    heading,
    iso,
    lead,
    link,
    links,
    moment,
    more,
    sign,
)

_COLOURS = {Severity.INFO: 0x3B82F6, Severity.WARNING: 0xF59E0B, Severity.CRITICAL: 0xDC2626}
_GREEN = 0x16A34A
_TITLE = 250
_FACT = 150
_ALERTS = 6
_NAME, _DETAIL = 120, 250
_TIMELINE, _ENTRY = 4, 120
_LEAD, _HIGHLIGHTS = 700, 5
_MARKUP = frozenset("\\*_~`|>#-[]()<@:&.!+")


def render(notification: Notification, username: str = "") -> dict[str, Any]:
    """The body of a message; nobody is mentioned, whatever the texts say."""
    embed = {
        "title": f"{sign(notification)} {fit(heading(notification), _TITLE, _escape)}",
        "description": "\n".join(_description(notification)),
        "color": _GREEN if good(notification) else _COLOURS[notification.severity],
        "fields": list(_fields(notification)),
        "timestamp": iso(notification.at),
        "footer": {"text": fit(f"ClawPulse · {notification.incident}", 150)},
    }
    if url := link(notification.dashboard):
        embed["url"] = url
    return {"embeds": [embed], "allowed_mentions": {"parse": []}} | ({"username": username} if username else {})


def _description(notification: Notification) -> Iterator[str]:
    for label, text in facts(notification):
        yield f"**{label}** {fit(text, _FACT, _escape)}"
    if text := fit(lead(notification), _LEAD, _escape):
        yield text
    yield from (f"• {fit(entry, _ENTRY, _escape)}" for entry in notification.highlights[:_HIGHLIGHTS])
    for name, url in links(notification):
        # The title is the link to the dashboard.
        if name != DASHBOARD and len(url) <= 400:
            # A round bracket would end the link.
            yield f"[{name}]({url.replace('(', '%28').replace(')', '%29')})"


def _fields(notification: Notification) -> Iterator[dict[str, Any]]:
    for alert in notification.alerts[:_ALERTS]:
        name = fit(alert_name(alert), _NAME, _escape)
        yield {"name": f"{'🔴' if alert.firing else '🟢'} {name}", "value": fit(alert_detail(alert), _DETAIL, _escape)}
    if left := more(min(len(notification.alerts), _ALERTS), notification):
        yield {"name": left, "value": "See the dashboard."}
    if notification.timeline:
        entries = [f"{moment(entry.at)} {fit(entry.text, _ENTRY, _escape)}" for entry in notification.timeline[-_TIMELINE:]]
        yield {"name": "What changed", "value": "\n".join(entries)}


def _escape(character: str) -> str:
    return f"\\{character}" if character in _MARKUP else character
