"""Texts of notifications: cleaned, escaped, cut; and the sentences that all channels share.

Vendors count characters in different ways. `units` counts as JavaScript does (UTF-16), which is never less than what others count.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from functions.domain.alert import Severity
from functions.domain.notification import Notification, NotificationKind, NotifiedAlert
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

ELLIPSIS = "…"
REDACTED = "[redacted]"
MAX_URL = 2000
DASHBOARD = "Dashboard"
_LATEST_MS = 253_402_300_799_000
"""The last second of the year 9999."""
# Control characters, lone surrogates, and marks that reorder or hide what follows: a text must look like what it says.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_SHORTEST_SECRET = 6
_MARKS = re.compile(r"[^\w %,.()/+-]|_")
_LABEL, _FIGURES = 60, 9

type Escape = Callable[[str], str]
"""One character as the medium wants it."""


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def line(text: object) -> str:
    """Any text as one clean line."""
    return _SPACES.sub(" ", _UNWANTED.sub(" ", str(text))).strip()


def fit(text: object, limit: int, escape: Escape = str) -> str:
    """One clean, escaped line of at most `limit` units; what is too long ends in `…`, never within an escape."""
    pieces: list[str] = []
    room = limit
    for character in line(text):
        piece = escape(character)
        room -= units(piece)
        if room < 0:
            return _shortened(pieces, limit)
        pieces.append(piece)
    return "".join(pieces)


def _shortened(pieces: list[str], limit: int) -> str:
    size = sum(map(units, pieces))
    while pieces and size + 1 > limit:
        size -= units(pieces.pop())
    return "".join(pieces) + ELLIPSIS if limit else ""


def link(url: str | None) -> str | None:
    """A URL that may be linked to: http or https, nothing in it that ends a link early; None for anything else."""
    if not url or len(url) > MAX_URL:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not host or not url.isprintable() or "\\" in url:
        return None
    try:
        safe = quote(url, safe="%/:=&?~#+!$,;@[]-._")
    except UnicodeEncodeError:
        return None
    return safe if len(safe) <= MAX_URL else None


def moment(time: int) -> str:
    """A time (ms) for people, in UTC."""
    return datetime.fromtimestamp(min(max(time, 0), _LATEST_MS) / SECOND_MS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(time: int) -> str:
    """A time (ms) in RFC 3339."""
    return datetime.fromtimestamp(min(max(time, 0), _LATEST_MS) / SECOND_MS, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def span(length: int) -> str:
    """A length of time (ms) for people: its largest unit and the next smaller one."""
    found: list[str] = []
    rest = max(length, 0)
    for name, size in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS), ("s", SECOND_MS)):
        count, rest = divmod(rest, size)
        if count:
            found.append(f"{count} {name}")
        elif found:
            break
    return " ".join(found[:2]) or "0 s"


_WORDS = {
    NotificationKind.FIRING: "Firing",
    NotificationKind.UPDATE: "Still firing",
    NotificationKind.RESOLVED: "Resolved",
    NotificationKind.ACKNOWLEDGED: "Acknowledged",
    NotificationKind.FLAPPING: "Flapping",
    NotificationKind.TEST: "Test",
    NotificationKind.ROLLOUT_APPROVAL: "Rollout waits for approval",
    NotificationKind.ROLLOUT_HELD: "Rollout held",
    NotificationKind.ROLLOUT_REVERTING: "Rollout turned around",
    NotificationKind.ROLLOUT_SUCCEEDED: "Rollout succeeded",
    NotificationKind.ROLLOUT_REVERTED: "Rollout taken back",
    NotificationKind.ROLLOUT_STOPPED: "Rollout stopped",
    NotificationKind.ROTATION_HELD: "Key rotation held",
    NotificationKind.ROTATION_ABORTING: "Key rotation turned around",
    NotificationKind.ROTATION_SUCCEEDED: "Key rotated",
    NotificationKind.ROTATION_ABORTED: "Key rotation taken back",
    NotificationKind.ROTATION_REFUSED: "Key rotation did not begin",
    NotificationKind.ROTATION_DUE: "Key should be rotated",
    NotificationKind.REPORT_READY: "Report",
}
_GOOD = frozenset({NotificationKind.RESOLVED, NotificationKind.ROLLOUT_SUCCEEDED, NotificationKind.ROTATION_SUCCEEDED})
_SIGNS = {Severity.INFO: "🔵", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}


def state(notification: Notification) -> str:
    """The word for its kind."""
    return _WORDS[notification.kind]


def sign(notification: Notification) -> str:
    """A coloured dot: severity while it fires, green when it is over."""
    return "🟢" if good(notification) else _SIGNS[notification.severity]


def good(notification: Notification) -> bool:
    """Whether all is well from now on."""
    return notification.kind in _GOOD


def heading(notification: Notification) -> str:
    """`Firing: p95 latency doubled`, not cut."""
    return f"{state(notification)}: {notification.title}"


def counts(notification: Notification) -> str:
    """How many alerts, in words."""
    parts = [f"{count} {word}" for count, word in ((notification.firing, "firing"), (notification.resolved, "resolved")) if count]
    return ", ".join(parts) or "no alerts"


def facts(notification: Notification) -> list[tuple[str, str]]:
    """What is known of the incident, as label and text; not escaped, not cut."""
    if notification.kind.of_report:
        figures = [(label, text) for name, text in notification.figures.items() if (label := _label(name)) and line(text)]
        return [*figures[:_FIGURES], ("Workspace", notification.workspace)]
    lasted = span(notification.at - notification.started)
    subject = _subject(notification)
    found = [
        ("Severity", str(notification.severity)),
        (subject.capitalize(), notification.incident if subject else ""),
        ("Alerts", "" if subject else counts(notification)),
        ("Since", f"{moment(notification.started)}, {'lasted' if notification.kind.ends else 'for'} {lasted}"),
        ("Workspace", notification.workspace),
        ("Owner", notification.owner or ""),
        ("Acknowledged by" if notification.kind is NotificationKind.ACKNOWLEDGED else "By", notification.by or ""),
        ("Labels", pairs(notification.labels)),
        ("Note", notification.note or ""),
    ]
    return [(label, text) for label, text in found if line(text)]


def _label(text: str) -> str:
    """A text as a label, which no medium escapes: only what marks nothing up in any of them."""
    return fit(_MARKS.sub(" ", line(text)), _LABEL)


def links(notification: Notification) -> list[tuple[str, str]]:
    """Where it leads, as name and URL; what may not be linked to is left out."""
    found = (
        ("Open the report", notification.report),
        ("Approve or abort", notification.approve),
        ("Runbook", notification.runbook),
        (DASHBOARD, notification.dashboard),
    )
    return [(name, safe) for name, url in found if (safe := link(url))]


def lead(notification: Notification) -> str:
    """What a report comes to, in sentences; empty for all others."""
    return line(notification.note or "") if notification.kind.of_report else ""


def summary(notification: Notification) -> str:
    """Severity, how many alerts or which rollout or rotation, workspace; not escaped, not cut."""
    subject = _subject(notification)
    what = f"{subject} {notification.incident}" if subject else counts(notification)
    return f"{notification.severity}, {what}, {notification.workspace}"


def _subject(notification: Notification) -> str:
    """What it tells of, if that is no incident."""
    if notification.kind.of_rotation:
        return "key" if notification.kind is NotificationKind.ROTATION_DUE else "rotation"
    if notification.kind.of_report:
        return "report"
    return "rollout" if notification.kind.of_rollout else ""


def pairs(tags: Mapping[str, str]) -> str:
    """Tags as a text."""
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))


def alert_name(alert: NotifiedAlert) -> str:
    """Rule and series."""
    return f"{alert.rule} ({pairs(alert.series)})" if alert.series else alert.rule


def alert_detail(alert: NotifiedAlert) -> str:
    """Why and since when; the figures where there is no reason that has them."""
    figures = f"value {_number(alert.value)}, threshold {_number(alert.threshold)}"
    return f"{line(alert.reason) or figures}; {'since' if alert.firing else 'until'} {moment(alert.since)}"


def more(shown: int, notification: Notification) -> str:
    """What is left off; empty if nothing is."""
    left = max(len(notification.alerts), notification.firing + notification.resolved) - shown
    return f"… and {left} more alerts" if left > 0 else ""


def without(text: str, *secrets: str) -> str:
    """A vendor's words without our secrets."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, REDACTED)
    return text


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g}"
