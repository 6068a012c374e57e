"""Deliveries: a notification on its way to a channel, and every decision about it.

    pending ── claim (lease) ──▶ sent | pending again, later | undelivered | superseded

A lease covers a delivery and its **thread**, which is all messages about one incident to one channel: they go out one at a time, and
never an older one after a newer (a late `firing` after `resolved` would page somebody for nothing). All times are ms.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import msgspec

from functions.domain.notification import DeliveryFailed, Notification, Sent
from functions.domain.times import DAY_MS, HOUR_MS, SECOND_MS

MAX_AGE_MS = 6 * HOUR_MS
"""Nobody is told of anything older: the delivery is then `undelivered`."""
KEEP_MS = 30 * DAY_MS
"""How long a delivery can be looked at."""
LEASE_MS = 90 * SECOND_MS
"""Longer than the function may run: whoever holds a lease for longer is gone."""
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 900.0
"""The longest that SQS holds a message back."""
THREAD_BUSY_S = 5.0
_REMEMBERED = 10
_MAX_ID_PART = 100


class DeliveryState(StrEnum):
    """Where a delivery stands; only pending ones change any more."""

    PENDING = "pending"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    SUPERSEDED = "superseded"
    """A newer message about the incident went out first."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try that failed."""

    at: int
    reason: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One notification for one channel."""

    id: str
    channel: str
    """Name of the channel in the workspace's settings."""
    notification: Notification
    created: int
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    retry_at: int = 0
    """Not before this."""
    failures: list[Attempt] = []
    """The last ten, oldest first."""
    reason: str = ""
    """The last one."""
    ended: int | None = None
    """When it left `pending`."""
    reference: str = ""
    holder: str = ""
    held_until: int = 0
    version: int = 0
    """Goes up with every write, and is the condition of the next."""

    @property
    def thread(self) -> str:
        """The key of its thread."""
        return f"{self.notification.incident}|{self.channel}"


class Thread(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of the messages about one incident to one channel."""

    reference: str = ""
    """Of the first message."""
    last: int = 0
    """`at` of the newest notification that was sent."""
    holder: str = ""
    held_until: int = 0
    version: int = 0


class Claimed(NamedTuple):
    """Both leases are ours."""

    delivery: Delivery
    thread: Thread


class Busy(NamedTuple):
    """Somebody else is at it, or its time has not come: ask again in so many seconds."""

    again_in_s: float


class Settled(NamedTuple):
    """Nothing is to be done any more."""

    reason: str


type Claim = Claimed | Busy | Settled


def delivery_id(at: int, incident: str, version: int | str, channel: str) -> str:
    """The id of the message that version `version` of an incident (a rollout's notice) causes in a channel; ids sort by time."""
    digest = sha256(f"{incident}|{version}|{channel}".encode()).hexdigest()[:12]
    return f"{at:011x}-{channel[:_MAX_ID_PART]}-{digest}"


def first_id(at: int) -> str:
    """No delivery from then on has an id before this one."""
    return f"{max(at, 0):011x}"


def claim(delivery: Delivery, thread: Thread, holder: str, now: int) -> Claim:
    """Who may send it; what comes back is to be written on condition of the versions that were read."""
    if delivery.state is not DeliveryState.PENDING:
        return Settled(f"it is {delivery.state}")
    if delivery.retry_at > now:
        return Busy((delivery.retry_at - now) / SECOND_MS)
    if delivery.held_until > now and delivery.holder != holder:
        return Busy((delivery.held_until - now) / SECOND_MS)
    if thread.held_until > now and thread.holder != holder:
        return Busy(min(THREAD_BUSY_S, (thread.held_until - now) / SECOND_MS))
    lease = {"holder": holder, "held_until": now + LEASE_MS}
    return Claimed(
        msgspec.structs.replace(delivery, **lease, version=delivery.version + 1),
        msgspec.structs.replace(thread, **lease, version=thread.version + 1),
    )


def sent(claimed: Claimed, outcome: Sent, now: int) -> Claimed:
    """Both, after the message went out."""
    delivery, thread = claimed
    at = max(thread.last, delivery.notification.at)
    # The first message stays the thread's until the vendor has lost it: the adapter then gives a new reference.
    return Claimed(
        _ended(delivery, DeliveryState.SENT, now, reference=outcome.reference),
        _freed(thread, last=at, reference=outcome.reference or thread.reference),
    )


def failed(claimed: Claimed, fault: DeliveryFailed, now: int, chance: float) -> Claimed:
    """Both, after a try that failed: pending until a later time if that can help and is allowed, else undelivered."""
    delivery, thread = claimed
    tried = msgspec.structs.replace(
        delivery,
        attempts=delivery.attempts + 1,
        failures=[*delivery.failures, Attempt(at=now, reason=fault.reason)][-_REMEMBERED:],
        reason=fault.reason,
    )
    retry_at = now + round(pause_s(tried.attempts, chance, fault.retry_after_s) * SECOND_MS)
    if not fault.retryable:
        return Claimed(_ended(tried, DeliveryState.UNDELIVERED, now), _freed(thread))
    if retry_at > delivery.created + MAX_AGE_MS:
        reason = f"given up after {tried.attempts} tries in {MAX_AGE_MS // HOUR_MS} h: {fault.reason}"
        return Claimed(_ended(tried, DeliveryState.UNDELIVERED, now, reason=reason), _freed(thread))
    return Claimed(
        msgspec.structs.replace(tried, retry_at=retry_at, holder="", held_until=0, version=tried.version + 1),
        _freed(thread),
    )


def settled(claimed: Claimed, now: int) -> Claimed | None:
    """Both, if there is no use in sending it any more: a newer message went out already, or it is too old; None if it is still news."""
    delivery, thread = claimed
    if thread.last > delivery.notification.at:
        reason = "a newer message about the incident was sent first"
        return Claimed(_ended(delivery, DeliveryState.SUPERSEDED, now, reason=reason), _freed(thread))
    if now > delivery.created + MAX_AGE_MS:
        reason = f"not sent within {MAX_AGE_MS // HOUR_MS} h: {delivery.reason or 'no try came to an end'}"
        return Claimed(_ended(delivery, DeliveryState.UNDELIVERED, now, reason=reason), _freed(thread))
    return None


def pause_s(attempts: int, chance: float, asked: float | None = None) -> float:
    """Seconds until the next try: doubling, spread by `chance` (0 to 1) over its upper half, never before what the vendor asked for."""
    longest: float = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 16))
    return max(longest * (0.5 + chance / 2), min(asked or 0.0, MAX_AGE_MS / SECOND_MS))


def overdue(deliveries: Iterable[Delivery], now: int, grace_ms: int = 60 * SECOND_MS) -> list[Delivery]:
    """Those whose message must have been lost: pending, in nobody's hands, and due for longer than the grace."""
    return [
        delivery
        for delivery in deliveries
        if delivery.state is DeliveryState.PENDING
        and delivery.held_until <= now
        and max(delivery.created, delivery.retry_at, delivery.held_until) + grace_ms <= now
    ]


def _ended(delivery: Delivery, state: DeliveryState, now: int, **changes: str) -> Delivery:
    # What is shown for 30 days is no place for a link that opens something.
    notification = msgspec.structs.replace(delivery.notification, approve=None, report=None)
    return msgspec.structs.replace(
        delivery, notification=notification, state=state, ended=now, holder="", held_until=0, version=delivery.version + 1, **changes
    )


def _freed(thread: Thread, **changes: int | str) -> Thread:
    return msgspec.structs.replace(thread, holder="", held_until=0, version=thread.version + 1, **changes)
