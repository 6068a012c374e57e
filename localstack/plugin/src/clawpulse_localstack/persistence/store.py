"""The file: items by table and key, objects by bucket and key. One transaction a snapshot."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (tab TEXT, key TEXT, item TEXT NOT NULL, PRIMARY KEY (tab, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, etag TEXT NOT NULL, properties TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (bucket, key)
);
"""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of a bucket: its content and what was set with it."""

    bucket: str
    key: str
    etag: str
    properties: Mapping[str, Any]
    body: bytes


class Store:
    """The only user of its file; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_SCHEMA)

    def put_items(self, changes: Iterable[tuple[str, str, Mapping[str, Any] | None]]) -> None:
        """Replace items by table and key; None deletes. All or nothing."""
        with self._transaction() as run:
            for table, key, item in changes:
                if item is None:
                    run("DELETE FROM items WHERE tab = ? AND key = ?", (table, key))
                else:
                    run("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", (table, key, json.dumps(item)))

    def tables(self) -> list[str]:
        """Names of the tables that have items here."""
        return [name for (name,) in self._rows("SELECT DISTINCT tab FROM items")]

    def items(self, table: str) -> Iterator[Mapping[str, Any]]:
        """All items of a table."""
        for (item,) in self._rows("SELECT item FROM items WHERE tab = ?", (table,)):
            yield json.loads(item)

    def forget_table(self, table: str) -> None:
        """Remove a deleted table's items."""
        with self._transaction() as run:
            run("DELETE FROM items WHERE tab = ?", (table,))

    def etags(self, bucket: str) -> dict[str, str]:
        """ETag by key of the bucket's objects here."""
        return dict(self._rows("SELECT key, etag FROM objects WHERE bucket = ?", (bucket,)))

    def put_objects(self, bucket: str, added: Iterable[StoredObject], removed: Iterable[str]) -> None:
        """Bring a bucket up to date. All or nothing."""
        with self._transaction() as run:
            for each in added:
                run(
                    "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
                    (bucket, each.key, each.etag, json.dumps(each.properties), each.body),
                )
            for key in removed:
                run("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))

    def objects(self) -> Iterator[StoredObject]:
        """All objects."""
        for bucket, key in self._rows("SELECT bucket, key FROM objects"):
            query = "SELECT etag, properties, body FROM objects WHERE bucket = ? AND key = ?"
            for etag, properties, body in self._rows(query, (bucket, key)):
                yield StoredObject(bucket, key, etag, json.loads(properties), body)

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        with self._lock:
            self._database.close()

    def _rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock:
            return self._database.execute(query, parameters).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database.execute
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")
