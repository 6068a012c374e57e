"""Tells channels of a report: a delivery each, once, with a link that opens it without a token.

A link's secret is in its message alone; the record has a hash of it before there is a message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from functions.domain.delivery import Delivery, DeliveryState, delivery_id
from functions.domain.report import Report
from functions.domain.report_notice import notification
from functions.domain.report_record import SECRET_BYTES, shared
from functions.domain.rollout_notices import ADDRESS
from functions.ports import DeliveryStore, Dispatcher, KeptReport, ReportStore, SettingsReader

PATH = "shared/reports"
"""Of shared links, below the API's address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The use case over its ports."""

    store: ReportStore
    settings: SettingsReader
    deliveries: DeliveryStore
    queue: Dispatcher
    """Takes `{"workspace", "delivery"}`."""
    random: Callable[[int], bytes]

    def tell(self, workspace: str, report: Report, kept: KeptReport, now: int) -> KeptReport | None:
        """Queue a message for each of the record's channels; the record with their ids, or None when somebody else has it by now."""
        ids, waiting = [], []
        for channel in kept.record.channels:
            id = delivery_id(kept.record.created, kept.record.id, "report", channel)
            found = self.deliveries.read(workspace, id)
            if found is None:
                linked = self._linked(workspace, kept)
                if linked is None:
                    return None
                kept, link = linked
                found = self._created(
                    workspace, Delivery(id=id, channel=channel, notification=notification(report, kept.record, link), created=now)
                )
            ids.append(id)
            if found.state is DeliveryState.PENDING:
                waiting.append(id)
        if waiting:
            self.queue.send([({"workspace": workspace, "delivery": id}, 0) for id in waiting])
        return self.store.save(workspace, msgspec.structs.replace(kept.record, deliveries=tuple(ids)), kept.seen)

    def _linked(self, workspace: str, kept: KeptReport) -> tuple[KeptReport, str | None] | None:
        """The record with one more link, and its address; no link while the API's address is unknown."""
        address = (self.settings.settings(workspace, ADDRESS) or {}).get("url")
        if not address:
            return kept, None
        record, text = shared(kept.record, workspace, self.random(SECRET_BYTES), now=kept.record.made or kept.record.created)
        after = self.store.save(workspace, record, kept.seen)
        return (after, f"{address}/{PATH}/{text}") if after else None

    def _created(self, workspace: str, delivery: Delivery) -> Delivery:
        return delivery if self.deliveries.create(workspace, delivery) else self.deliveries.read(workspace, delivery.id) or delivery
