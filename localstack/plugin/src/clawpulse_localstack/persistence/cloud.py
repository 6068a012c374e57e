"""Follows the tables, writes snapshots, restores them, and sweeps what has expired."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from clawpulse_localstack.config import PluginConfig
from clawpulse_localstack.dynamodb import tables
from clawpulse_localstack.dynamodb.writes import touched
from clawpulse_localstack.persistence import buckets
from clawpulse_localstack.persistence.store import Store

LOG = logging.getLogger(__name__)
TABLES_SECONDS = 5.0
BUCKETS_SECONDS = 60.0
SWEEP_SECONDS = 60.0
_RESTORE_CHUNK = 500


class Cloud:
    """Nothing is followed or written before `restore`: a half-deployed cloud must not replace a good snapshot."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._changed: dict[tuple[str, str], tables.Key] = {}
        self._stopping = threading.Event()
        self._saving = threading.RLock()

    def note(self, operation: str, request: Mapping[str, Any]) -> None:
        """Remember what a successful request may have changed. The caller holds the tables' lock."""
        if self._store is None:
            return
        for name, attributes in touched(operation, request):
            if table := tables.find(name):
                self._remember(name, tables.key_of(table, attributes))
        if operation == "DeleteTable":
            name = str(request["TableName"]).rpartition("/")[2]
            self._changed = {place: key for place, key in self._changed.items() if place[0] != name}
            self._store.forget_table(name)

    def restore(self) -> dict[str, int]:
        """Fill tables and buckets from the snapshot, then keep it up to date. Repeating it changes nothing."""
        if self._store is not None:
            return {"items": 0, "objects": 0}
        store = Store(PluginConfig.from_env().state / "cloud.sqlite")
        counts = {"items": sum(_restore_table(store, name) for name in store.tables()), "objects": buckets.restore(store)}
        self._store = store
        self._start(self.save_tables, TABLES_SECONDS)
        self._start(self.save_buckets, BUCKETS_SECONDS)
        return counts

    def save_tables(self) -> int:
        """Write the items that changed since the last time; returns how many. What cannot be written stays remembered."""
        with self._saving:
            with tables.LOCK:
                if self._store is None or not self._changed:
                    return 0
                changed, self._changed = self._changed, {}
                found = {name: tables.find(name) for name, _ in changed}
                rows = [(name, text, tables.read(table, key)) for (name, text), key in changed.items() if (table := found[name])]
            try:
                self._store.put_items(rows)
            except Exception:
                with tables.LOCK:
                    self._changed = changed | self._changed
                raise
            return len(rows)

    def save_buckets(self) -> None:
        """Write the objects that changed since the last time."""
        with self._saving:
            if self._store is not None:
                buckets.save(self._store)

    def sweep(self, now: float | None = None) -> int:
        """Delete items whose time to live is over; returns how many."""
        count = 0
        with tables.LOCK:
            for table in tables.every():
                for key in tables.sweep(table, time.time() if now is None else now):
                    self._remember(table.name, key)
                    count += 1
        return count

    def start_sweeping(self) -> None:
        """Sweep each minute."""
        self._start(self.sweep, SWEEP_SECONDS)

    def close(self) -> None:
        """Write the last changes; nothing is followed any more."""
        self._stopping.set()
        with self._saving:
            self.save_tables()
            store, self._store = self._store, None
            if store:
                store.close()

    def _remember(self, table: str, key: tables.Key) -> None:
        if self._store is not None:
            self._changed[table, json.dumps(key, sort_keys=True)] = key

    def _start(self, work: Callable[[], Any], seconds: float) -> None:
        def run() -> None:
            while not self._stopping.wait(seconds):
                try:
                    work()
                except Exception:  # the next round may succeed, and nothing is forgotten meanwhile
                    LOG.exception("%s failed", work.__name__)

        threading.Thread(target=run, daemon=True, name=f"clawpulse-{work.__name__}").start()


def _restore_table(store: Store, name: str) -> int:
    """Fill a table in portions, so that it stays usable meanwhile; what has expired is left out."""
    rows, now = list(store.items(name)), time.time()
    for start in range(0, len(rows), _RESTORE_CHUNK):
        with tables.LOCK:
            table = tables.find(name)
            if table is None:  # the template no longer has it; its items stay in the snapshot
                return 0
            for item in rows[start : start + _RESTORE_CHUNK]:
                tables.write(table, item)
    with tables.LOCK:
        if table := tables.find(name):
            tables.sweep(table, now)
    return len(rows)


CLOUD = Cloud()
