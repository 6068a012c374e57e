"""Who is told of rollouts, and of rotations of keys: the settings document `rollout-notices`.

    {"channels": ["oncall", "chat"], "events": ["approval", "held", "reverting", "reverted", "succeeded"], "url": "https://pulse.example.org/live"}

All members optional. Without `channels` every channel is told; without `events` of what somebody should look at. A rotation that turns
around or is taken back counts as a rollout that does; one that did not begin, and a key that is too old, as one that is held.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from functions.domain.alert import Severity
from functions.domain.alert_faults import Faults, Node, nearest
from functions.domain.channels import MAX_CHANNELS
from functions.domain.notification import ROLLOUT, ROTATION, Notification, NotificationKind
from functions.domain.rollout import Notice, Rollout
from functions.domain.rotation import Rotation

DOCUMENT = "rollout-notices"
"""Its name in `FleetStore.settings`."""
ADDRESS = "api-address"
"""Name of the document `{"url": …}`: the address by which the API was called last."""
APPROVAL = "approval"
EVENTS = tuple(kind.removeprefix(ROLLOUT) for kind in NotificationKind if kind.of_rollout)
USUAL_EVENTS = frozenset({APPROVAL, "held", "reverting", "reverted"})
MAX_URL = 512
_SEVERITIES = {
    "reverting": Severity.CRITICAL,
    "aborting": Severity.CRITICAL,
    "succeeded": Severity.INFO,
    "stopped": Severity.INFO,
}
_COUNTS_AS = {"aborting": "reverting", "aborted": "reverted", "refused": "held", "due": "held"}
"""Events of rotations, as the document names those of rollouts."""
_CLOSING = frozenset({"pagerduty"})
"""Kinds of channels at which something stays open until it is told that it is over."""


class NoticeSettings(NamedTuple):
    """The document, checked."""

    channels: Collection[str] | None = None
    """None: all that there are."""
    events: Collection[str] = USUAL_EVENTS
    url: str | None = None
    """The API's address for links, without a slash at its end; None: the one by which it was called last."""

    def channels_for(self, kind: NotificationKind, known: Mapping[str, Any]) -> list[str]:
        """The channels that are told of an event, of all that there are (the document `channels`)."""
        chosen = [name for name in known if self.channels is None or name in self.channels]
        event = kind.value.removeprefix(ROTATION if kind.of_rotation else ROLLOUT)
        if _COUNTS_AS.get(event, event) in self.events:
            return chosen
        # Whatever it was that ended: a page that was opened for it must not stay open.
        return [name for name in chosen if kind.ends and _kind(known[name]) in _CLOSING]


class Subject(NamedTuple):
    """What notices are about."""

    id: str
    title: str
    created: int
    kinds: str = ROTATION
    """How the kinds of its notifications begin."""

    def kind(self, notice: Notice) -> NotificationKind:
        """The kind of a notice's notification."""
        return NotificationKind(f"{self.kinds}{notice.event}")


def subject_of(told: Rollout | Rotation) -> Subject:
    """A rollout, or a rotation, as a subject."""
    if isinstance(told, Rollout):
        return Subject(told.id, told.title, told.created, ROLLOUT)
    return Subject(told.id, f"key of {told.provider}", told.created)


def parse_notices(document: Mapping[str, Any], known: Collection[str] | None = None) -> NoticeSettings:
    """The checked document; raises `InvalidDocument` with every fault. Channels must be `known`, unless that is None."""
    faults = Faults()
    node = Node(document, "", faults)
    node.keys(("channels", "events", "url"))
    channels = _words(document.get("channels"), "channels", known, MAX_CHANNELS, faults)
    events = _words(document.get("events"), "events", EVENTS, len(EVENTS), faults)
    url = _url(node)
    faults.raise_any()
    return NoticeSettings(channels, USUAL_EVENTS if events is None else events, url)


def notification(workspace: str, subject: Subject, notice: Notice, approve: str | None = None) -> Notification:
    """What a channel is told; `approve` is the link of an approval."""
    return Notification(
        kind=subject.kind(notice),
        workspace=workspace,
        incident=subject.id,
        title=subject.title,
        severity=_SEVERITIES.get(notice.event, Severity.WARNING),
        at=notice.at,
        started=subject.created,
        approve=approve,
        note=notice.text,
    )


def _words(value: object, path: str, known: Collection[str] | None, most: int, faults: Faults) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > most:
        faults.add(path, f"must be a list of at most {most}")
        return None
    for place, word in enumerate(value):
        if not isinstance(word, str) or (known is not None and word not in known):
            faults.add(f"{path}[{place}]", "is not known" + nearest(str(word)[:80], known or ()))
    return [word for word in value if isinstance(word, str)]


def _url(node: Node) -> str | None:
    text = node.text("url", MAX_URL)
    if not text:
        return None
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        fits = False
    if not fits or not text.isascii() or not text.isprintable() or " " in text:
        node.fault("url", "must be the API's address with its stage, such as https://host/live")
        return None
    return text.rstrip("/")


def _kind(channel: object) -> str:
    return str(channel.get("kind")) if isinstance(channel, Mapping) else ""
