"""Deliveries in memory."""

from __future__ import annotations

from threading import Lock

from functions.domain.delivery import Claimed, Delivery, Thread, first_id


class MemoryDeliveries:
    """A `DeliveryStore`."""

    def __init__(self) -> None:
        self._deliveries: dict[tuple[str, str], Delivery] = {}
        self._threads: dict[tuple[str, str], Thread] = {}
        self._lock = Lock()

    def create(self, workspace: str, delivery: Delivery) -> bool:
        with self._lock:
            if (workspace, delivery.id) in self._deliveries:
                return False
            self._deliveries[workspace, delivery.id] = delivery
        return True

    def read(self, workspace: str, delivery: str) -> Delivery | None:
        return self._deliveries.get((workspace, delivery))

    def thread(self, workspace: str, delivery: Delivery) -> Thread:
        return self._threads.get((workspace, delivery.thread), Thread())

    def save(self, workspace: str, after: Claimed) -> bool:
        with self._lock:
            stored = self._deliveries.get((workspace, after.delivery.id))
            thread = self._threads.get((workspace, after.delivery.thread), Thread())
            if stored is None or (stored.version, thread.version) != (after.delivery.version - 1, after.thread.version - 1):
                return False
            self._deliveries[workspace, after.delivery.id] = after.delivery
            self._threads[workspace, after.delivery.thread] = after.thread
        return True

    def recent(self, workspace: str, since: int) -> list[Delivery]:
        return [delivery for (space, key), delivery in sorted(self._deliveries.items()) if space == workspace and key >= first_id(since)]
