"""What people are told of rollouts and rotations: notices become deliveries, one a channel, by way of alerts' store and queue.

A delivery's id is made of the id of what it is about and the notice's key: a repeat, as after a crash, queues it again, and never sends it
twice. The link of an approval is made together with the delivery that carries it; nobody else ever sees its secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from functions.domain import approval_link
from functions.domain.delivery import Delivery, DeliveryState, delivery_id
from functions.domain.errors import InvalidInput
from functions.domain.rollout import HoldCause, Notice, Rollout
from functions.domain.rollout_notices import ADDRESS, APPROVAL, DOCUMENT, NoticeSettings, Subject, notification, parse_notices, subject_of
from functions.domain.rotation import Rotation
from functions.ports import DeliveryStore, Dispatcher, LinkStore, SettingsReader

CHANNELS = "channels"
"""Name of the settings document."""


class Notices:
    """The use case."""

    def __init__(
        self,
        fleet: SettingsReader,
        deliveries: DeliveryStore,
        queue: Dispatcher,
        links: LinkStore,
        random: Callable[[int], bytes],
    ) -> None:
        """`queue` takes `{"workspace", "delivery"}`; `random` gives so many unpredictable bytes."""
        self._fleet = fleet
        self._deliveries = deliveries
        self._queue = queue
        self._links = links
        self._random = random

    def send(self, workspace: str, told: Rollout | Rotation) -> None:
        """Queue `told.notices` for all channels that shall hear of them. To be repeated as a whole after `StoreUnavailable`."""
        self.tell(workspace, subject_of(told), told.notices, told if isinstance(told, Rollout) else None)

    def tell(self, workspace: str, subject: Subject, notices: Sequence[Notice], rollout: Rollout | None = None) -> None:
        """Queue notices about anything; `rollout` is the one that an approval is asked for."""
        if not notices:
            return
        known = self._fleet.settings(workspace, CHANNELS) or {}
        settings = self._settings(workspace)
        queued = [
            delivery.id
            for notice in notices
            for channel in settings.channels_for(subject.kind(notice), known)
            if (delivery := self._delivery(workspace, subject, notice, channel, settings, rollout)).state is DeliveryState.PENDING
        ]
        if queued:
            self._queue.send([({"workspace": workspace, "delivery": delivery}, 0) for delivery in queued])

    def _settings(self, workspace: str) -> NoticeSettings:
        document = self._fleet.settings(workspace, DOCUMENT) or {}
        try:
            return parse_notices(document)
        except InvalidInput:
            # Of a later release, or a hand in the table: better all are told than nobody.
            return NoticeSettings()

    def _delivery(
        self, workspace: str, subject: Subject, notice: Notice, channel: str, settings: NoticeSettings, rollout: Rollout | None
    ) -> Delivery:
        """The delivery that is there, or is put now."""
        id = delivery_id(notice.at, subject.id, notice.key, channel)
        found = self._deliveries.read(workspace, id)
        if found is not None:
            return found
        link = self._link(workspace, rollout, notice, channel, settings) if rollout else None
        made = Delivery(id=id, channel=channel, notification=notification(workspace, subject, notice, link), created=notice.at)
        # Somebody who was faster put one with a link of its own; that one goes out.
        return made if self._deliveries.create(workspace, made) else self._deliveries.read(workspace, id) or made

    def _link(self, workspace: str, rollout: Rollout, notice: Notice, channel: str, settings: NoticeSettings) -> str | None:
        """The address at which this notice's approval can be given; None for other notices, and while the API's address is unknown."""
        if notice.event != APPROVAL or rollout.hold is None or rollout.hold.cause is not HoldCause.APPROVAL:
            return None
        url = settings.url or _url(self._fleet.settings(workspace, ADDRESS))
        if url is None:
            return None
        link, text = approval_link.create(workspace, rollout, channel, now=notice.at, random=self._random(approval_link.RANDOM_BYTES))
        self._links.put(workspace, link)
        return f"{url}/approve/{text}"


def _url(document: Mapping[str, Any] | None) -> str | None:
    return str(document["url"]) if document and document.get("url") else None
