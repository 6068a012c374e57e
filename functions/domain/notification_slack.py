"""Slack: a message of Block Kit.

Limits: Slack's documents "Blocks" (50 a message; header 150 characters, section 3,000, field 2,000 and 10 a section, context 10
elements), "chat.postMessage" (text of 40,000, 4,000 advised) and "Formatting message text" (`&`, `<`, `>` are escaped). Slack refuses
blocks of about 13,000 characters together with `msg_blocks_too_long`, which no document tells; we stay below 11,000.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from functions.domain.notification import Notification
from functions.domain.notification_text import alert_detail, alert_name, facts, fit, heading, lead, links, moment, more, sign, units

HEADER = 150
_BLOCKS = 11_000
FALLBACK = 3000
_FIELD = 250
_ALERTS = 8
_NAME, _DETAIL = 200, 400
_TIMELINE, _ENTRY = 5, 200
_LEAD = 1500
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def render(notification: Notification) -> dict[str, Any]:
    """`text` (what phones show) and `blocks`: with fewer alerts, if their texts would be too much for Slack."""
    text = f"{sign(notification)} {fit(heading(notification), FALLBACK, _escape)}"
    for shown in range(min(_ALERTS, len(notification.alerts)), -1, -1):
        blocks = list(_blocks(notification, shown))
        if units(json.dumps(blocks, ensure_ascii=False)) <= _BLOCKS:
            break
    return {"text": text, "blocks": blocks}


def _blocks(notification: Notification, shown: int) -> Iterator[dict[str, Any]]:
    title = f"{sign(notification)} {fit(heading(notification), HEADER - 3)}"
    yield {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}
    fields = [_mrkdwn(f"*{label}*\n{fit(text, _FIELD, _escape)}") for label, text in facts(notification)]
    yield {"type": "section", "fields": fields[:10]}
    if text := fit(lead(notification), _LEAD, _escape):
        yield {"type": "section", "text": _mrkdwn(text)}
    if notification.highlights:
        lines = "\n".join(f"• {fit(entry, _ENTRY, _escape)}" for entry in notification.highlights[:_TIMELINE])
        yield {"type": "section", "text": _mrkdwn(f"*Look at this first*\n{lines}")}
    for alert in notification.alerts[:shown]:
        mark = ":red_circle:" if alert.firing else ":large_green_circle:"
        name, detail = fit(alert_name(alert), _NAME, _escape), fit(alert_detail(alert), _DETAIL, _escape)
        yield {"type": "section", "text": _mrkdwn(f"{mark} *{name}*\n{detail}")}
    if left := more(shown, notification):
        yield _context(left)
    if notification.timeline:
        entries = [f"{moment(entry.at)}  {fit(entry.text, _ENTRY, _escape)}" for entry in notification.timeline[-_TIMELINE:]]
        yield {"type": "section", "text": _mrkdwn("*What changed*\n" + "\n".join(entries))}
    if shown_links := " · ".join(_links(notification)):
        yield _context(shown_links)


def _links(notification: Notification) -> Iterator[str]:
    for name, url in links(notification):
        # A link that cannot be shown whole is none. Three of this length fit into a context block's 3,000 characters.
        if len(escaped := "".join(map(_escape, url))) <= 950:
            yield f"<{escaped}|{name}>"


def _mrkdwn(text: str) -> dict[str, Any]:
    # Verbatim: Slack makes no links or mentions of what only looks like one.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _escape(character: str) -> str:
    return _ESCAPES.get(character, character)
