"""Deliveries: messages on their way to channels, and what became of them."""

from __future__ import annotations

from pydantic import Field

from functions.api.endpoint import Call, Noun
from functions.api.models import Answer, Asked, Instant, Moment, milliseconds
from functions.domain.delivery import KEEP_MS, Delivery, DeliveryState
from functions.domain.errors import InvalidInput
from functions.domain.notification import NotificationKind
from functions.domain.times import DAY_MS
from functions.domain.token import Scope

noun = Noun("deliveries")

STATE_PATTERN = rf"^({'|'.join(DeliveryState)})(,({'|'.join(DeliveryState)}))*$"


class DeliveriesAsked(Asked):
    """Which deliveries."""

    state: str | None = Field(None, pattern=STATE_PATTERN, max_length=64, description=f"Separated by commas: {', '.join(DeliveryState)}.")
    since: Instant | None = Field(None, description="Made since then; a day ago unless given, at most 30 days.")
    limit: int = Field(200, ge=1, le=1000)


class Failure(Answer):
    """One try that failed."""

    at: Moment
    reason: str = Field(description="The vendor's words.")


class DeliveryAnswer(Answer):
    """One message to one channel."""

    id: str
    channel: str
    incident: str
    kind: NotificationKind
    title: str
    created: Moment
    state: DeliveryState
    reason: str = Field(description="Why the last try failed, or why it was not sent; empty without.")
    attempts: int = Field(description="Tries that failed.")
    failures: list[Failure] = Field(description="The last ten, oldest first.")
    retry_at: Moment | None = Field(description="When it is tried again, while it is pending.")
    ended: Moment | None
    reference: str = Field(description="What the vendor calls it.")


class Deliveries(Answer):
    """Deliveries, newest first."""

    deliveries: list[DeliveryAnswer]
    total: int = Field(description="How many there are beyond the limit, too.")


@noun.endpoint("GET", "/api/deliveries", scope=Scope.READ, asks=DeliveriesAsked, answers=Deliveries)
def deliveries(call: Call, asked: DeliveriesAsked) -> Deliveries:
    """Messages to channels and what became of them, undelivered ones with the reason."""
    call.caller.need_whole_workspace("what was sent to channels")
    since = call.now - DAY_MS if asked.since is None else milliseconds(asked.since)
    if since < call.now - KEEP_MS:
        raise InvalidInput("deliveries are kept for 30 days", "since")
    states = asked.state.split(",") if asked.state else list(DeliveryState)
    found = [one for one in call.services.deliveries.recent(call.caller.workspace, since) if one.state in states]
    return Deliveries.model_construct(deliveries=[shown(one) for one in found[::-1][: asked.limit]], total=len(found))


def shown(delivery: Delivery) -> DeliveryAnswer:
    """A delivery as the API shows it."""
    notification = delivery.notification
    return DeliveryAnswer.model_construct(
        id=delivery.id,
        channel=delivery.channel,
        incident=notification.incident,
        kind=notification.kind,
        title=notification.title,
        created=delivery.created,
        state=delivery.state,
        reason=delivery.reason,
        attempts=delivery.attempts,
        failures=[Failure.model_construct(at=attempt.at, reason=attempt.reason) for attempt in delivery.failures],
        retry_at=delivery.retry_at if delivery.state is DeliveryState.PENDING and delivery.retry_at else None,
        ended=delivery.ended,
        reference=delivery.reference,
    )
