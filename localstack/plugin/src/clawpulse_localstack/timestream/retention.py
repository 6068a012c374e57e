"""Eviction: rows older than both stores keep them are deleted."""

from __future__ import annotations

import threading

from clawpulse_localstack.timestream.catalog import Catalog, Table
from clawpulse_localstack.timestream.clock import DAY_NS, HOUR_NS, Clock
from clawpulse_localstack.timestream.store import Store

INTERVAL_S = 300.0


def horizon(table: Table, now: int) -> int:
    """The oldest time (ns) that a table still holds: data moves from the memory to the magnetic store, whichever keeps longer counts."""
    return now - max(table.memory_hours * HOUR_NS, table.magnetic_days * DAY_NS)


class Evictor:
    """Evicts on request, and every few minutes once started."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="timestream-retention", daemon=True)

    def start(self) -> None:
        """Evict in the background until `close`."""
        self._thread.start()

    def evict(self, now: int) -> int:
        """Delete what has expired; returns how many rows went."""
        gone = 0
        with self._store.lock:
            for table in list(self._catalog.tables.values()):
                oldest = horizon(table, now) // 1000
                if oldest > 0:
                    gone += int(self._store.run(f"DELETE FROM {table.physical} WHERE time < make_timestamp({oldest})")[0][0])  # noqa: S608
        return gone

    def close(self) -> None:
        """Stop the background work and wait for it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def _loop(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            self.evict(self._clock())
