"""Notifications: one message about one incident to one channel, before any medium gives it a shape.

    incident changed ──▶ Notification ──▶ `notification_<kind>.render` (pure) ──▶ request document ──▶ `adapters/channels/<kind>` ──▶ vendor

Texts in a notification come from rules, tags and people: whatever they are, renderers clean, escape and cut them (`notification_text`).
All times are ms.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec

from functions.domain.alert import Severity
from functions.domain.errors import ClawPulseError

MAX_DEDUP_KEY = 255
ROLLOUT = "rollout_"
"""How the kinds begin that tell of rollouts; the rest is the event (`rollout.Notice`)."""
ROTATION = "rotation_"
"""Likewise those that tell of rotations of keys."""
REPORT = "report_"
"""Likewise those that tell of reports."""


class NotificationKind(StrEnum):
    """Why the message is sent."""

    FIRING = "firing"
    UPDATE = "update"
    """The incident goes on: alerts came or went, or the repeat interval is over."""
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    FLAPPING = "flapping"
    """Changes so often that its messages are held back from now on."""
    TEST = "test"
    ROLLOUT_APPROVAL = "rollout_approval"
    """A rollout waits for somebody to approve it."""
    ROLLOUT_HELD = "rollout_held"
    ROLLOUT_REVERTING = "rollout_reverting"
    ROLLOUT_SUCCEEDED = "rollout_succeeded"
    ROLLOUT_REVERTED = "rollout_reverted"
    ROLLOUT_STOPPED = "rollout_stopped"
    ROTATION_HELD = "rotation_held"
    """A rotation of a key waits for somebody to decide."""
    ROTATION_ABORTING = "rotation_aborting"
    ROTATION_SUCCEEDED = "rotation_succeeded"
    ROTATION_ABORTED = "rotation_aborted"
    ROTATION_REFUSED = "rotation_refused"
    """It did not begin: the new key, Vault or the fleet was not as it has to be."""
    ROTATION_DUE = "rotation_due"
    """A key is older than it should get; there is no rotation then, and `incident` names the provider."""
    REPORT_READY = "report_ready"
    """A report was made; `incident` is its id."""

    @property
    def of_rollout(self) -> bool:
        """Whether it tells of a rollout: there are no alerts then, and `incident` is the rollout's id."""
        return self.value.startswith(ROLLOUT)

    @property
    def of_rotation(self) -> bool:
        """Likewise whether it tells of a rotation, or a key."""
        return self.value.startswith(ROTATION)

    @property
    def of_report(self) -> bool:
        """Likewise whether it tells of a report."""
        return self.value.startswith(REPORT)

    @property
    def ends(self) -> bool:
        """Whether what it tells of is over."""
        rollouts = (self.ROLLOUT_SUCCEEDED, self.ROLLOUT_REVERTED, self.ROLLOUT_STOPPED)
        return self in (self.RESOLVED, *rollouts, self.ROTATION_SUCCEEDED, self.ROTATION_ABORTED, self.ROTATION_REFUSED)


class NotifiedAlert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert of the incident."""

    rule: str
    series: dict[str, str] = {}
    firing: bool = True
    """False when it is over."""
    since: int
    """Since when the condition held; of one that is over, until when."""
    reason: str = ""
    value: float | None = None
    threshold: float | None = None


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that changed before or during the incident."""

    at: int
    text: str
    tags: dict[str, str] | None = None
    """Of a change in the fleet: the tags that all agents concerned share; None for what is about the incident's own alerts."""


class Notification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a channel may tell."""

    kind: NotificationKind
    workspace: str
    incident: str
    """Id, of a rollout or rotation if that is what it tells of; messages with the same one belong together."""
    title: str
    severity: Severity
    at: int
    """Of the change that is told. Of two messages about an incident, the later one counts."""
    started: int
    """When the incident began."""
    alerts: list[NotifiedAlert] = []
    """The most important first; may be fewer than the counts say."""
    firing: int = 0
    """How many alerts fire now."""
    resolved: int = 0
    """How many are over."""
    labels: dict[str, str] = {}
    """Those that all alerts of the incident share."""
    runbook: str | None = None
    dashboard: str | None = None
    approve: str | None = None
    """Link that lets whoever has it approve, or abort, without a token: kept no longer than until the message is sent."""
    figures: dict[str, str] = {}
    """Of a report: its headline, as label and text."""
    highlights: list[str] = []
    """Of a report: what must not be missed, the gravest first."""
    report: str | None = None
    """Link that opens the report without a token: kept no longer than until the message is sent."""
    timeline: list[TimelineEntry] = []
    """Oldest first."""
    owner: str | None = None
    by: str | None = None
    """Who acknowledged, or asked for the test."""
    note: str | None = None


class Sent(NamedTuple):
    """The channel took the message."""

    reference: str = ""
    """What the vendor calls it: later messages about the incident answer it or edit it. Empty where the vendor knows no such thing."""


class DeliveryFailed(ClawPulseError):
    """The message was not taken. `reason` has the vendor's words, without secrets."""

    def __init__(self, reason: str, *, retryable: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        """Whether trying again later may help."""
        self.retry_after_s = retry_after_s
        """When the vendor wants to be asked again, if it said so."""


def dedup_key(notification: Notification) -> str:
    """What makes messages of one incident belong together at the vendor; at most 255 characters."""
    key = f"clawpulse/{notification.workspace}/{notification.incident}"
    if len(key) <= MAX_DEDUP_KEY and key.isascii() and key.isprintable():
        return key
    return f"clawpulse/{sha256(key.encode(errors='replace')).hexdigest()}"
