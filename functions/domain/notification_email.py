"""E-mail: subject, text and HTML.

Limits: RFC 5322 (a header line of 998 characters; ours is far below), SES's document "SendEmail" (API v2): header values of the `Headers`
parameter are printable ASCII of at most 995 characters. Addresses come from the channel's settings, never from texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any, NamedTuple

from functions.domain.notification import Notification, dedup_key
from functions.domain.notification_text import alert_detail, alert_name, facts, fit, heading, lead, links, moment, more, sign

SUBJECT = 200
_TITLE = 500
_FACT = 2000
_ALERTS = 50
_NAME, _DETAIL = 300, 1000
_TIMELINE, _ENTRY = 30, 500
_CELL = "padding:4px 12px 4px 0;vertical-align:top"


class Mail(NamedTuple):
    """A message without addresses."""

    subject: str
    text: str
    html: str
    headers: dict[str, str]
    """Make mail programs show an incident's messages as one conversation."""


def render(notification: Notification) -> Mail:
    """The message. Its subject is one clean line: nothing in a title can begin a new header."""
    # The subject begins alike in all messages of an incident, and has its id for programs that sort by subject.
    title = fit(notification.title, SUBJECT - 60)
    subject = f"[{fit(heading(notification).partition(':')[0], 30)}] {title}"
    reference = f"<{_local_part(dedup_key(notification))}@clawpulse.invalid>"
    headers = {"References": reference, "In-Reply-To": reference, "X-Auto-Response-Suppress": "All", "Auto-Submitted": "auto-generated"}
    return Mail(subject, "\n".join(_text(notification)) + "\n", _html(notification), headers)


def _text(notification: Notification) -> Iterator[str]:
    yield fit(heading(notification), _TITLE)
    yield ""
    if text := fit(lead(notification), _FACT):
        yield from (text, "")
    yield from (f"{label}: {fit(text, _FACT)}" for label, text in facts(notification))
    yield ""
    if notification.highlights:
        yield "Look at this first:"
        yield from (f"- {fit(entry, _ENTRY)}" for entry in notification.highlights)
    for alert in notification.alerts[:_ALERTS]:
        yield f"- {'' if alert.firing else '(over) '}{fit(alert_name(alert), _NAME)}"
        yield f"  {fit(alert_detail(alert), _DETAIL)}"
    if left := more(min(len(notification.alerts), _ALERTS), notification):
        yield left
    if notification.timeline:
        yield "\nWhat changed:"
        yield from (f"- {moment(entry.at)}  {fit(entry.text, _ENTRY)}" for entry in notification.timeline[-_TIMELINE:])
    yield from (f"\n{name}: {url}" for name, url in links(notification))


def _html(notification: Notification) -> str:
    rows = [(label, fit(text, _FACT, escape)) for label, text in facts(notification)]
    alerts = [
        (f"{'🔴' if alert.firing else '🟢'} {fit(alert_name(alert), _NAME, escape)}", fit(alert_detail(alert), _DETAIL, escape))
        for alert in notification.alerts[:_ALERTS]
    ]
    changes = [(moment(entry.at), fit(entry.text, _ENTRY, escape)) for entry in notification.timeline[-_TIMELINE:]]
    left = more(min(len(notification.alerts), _ALERTS), notification)
    first = "".join(f"<li>{fit(entry, _ENTRY, escape)}</li>" for entry in notification.highlights)
    text = fit(lead(notification), _FACT, escape)
    linked = " · ".join(f'<a href="{escape(url)}">{name}</a>' for name, url in links(notification))
    return "".join(
        [
            '<!doctype html><html><head><meta charset="utf-8"></head><body style="font-family:sans-serif;font-size:14px">',
            f'<h2 style="font-size:18px">{sign(notification)} {fit(heading(notification), _TITLE, escape)}</h2>',
            f"<p>{text}</p>" if text else "",
            _table(rows),
            f"<h3>Look at this first</h3><ol>{first}</ol>" if first else "",
            _table(alerts),
            f"<p>{left}</p>" if left else "",
            f"<h3>What changed</h3>{_table(changes)}" if changes else "",
            f"<p>{linked}</p>" if linked else "",
            "</body></html>",
        ]
    )


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f'<tr><td style="{_CELL}"><b>{first}</b></td><td style="{_CELL}">{second}</td></tr>' for first, second in rows)
    return f"<table>{cells}</table>" if rows else ""


def _local_part(text: str) -> str:
    """A text as the left side of a message id."""
    return "".join(character if character.isascii() and character.isalnum() else "." for character in text)


def request(mail: Mail, *, sender: str, to: list[str], configuration_set: str) -> dict[str, Any]:
    """Parameters of SES's SendEmail."""

    def text(value: str) -> dict[str, str]:
        return {"Data": value, "Charset": "UTF-8"}

    simple = {
        "Subject": text(mail.subject),
        "Body": {"Text": text(mail.text), "Html": text(mail.html)},
        "Headers": [{"Name": name, "Value": value} for name, value in mail.headers.items()],
    }
    found = {"FromEmailAddress": sender, "Destination": {"ToAddresses": to}, "Content": {"Simple": simple}}
    return found | ({"ConfigurationSetName": configuration_set} if configuration_set else {})
