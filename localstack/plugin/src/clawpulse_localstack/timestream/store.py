"""The DuckDB side: one file, one writer, many readers.

The connection's own database is in memory and holds the SQL macros; the file is attached as `store`, so that the file has data only. Once
everything is loaded, file access and settings are locked: whatever SQL gets through, it can read nothing but these tables.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from clawpulse_localstack.timestream.sql.macros import MACROS

MEMORY_LIMIT = "1GB"

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS store.catalog;
CREATE SCHEMA IF NOT EXISTS store.data;
CREATE TABLE IF NOT EXISTS store.catalog.databases (name VARCHAR, body VARCHAR);
CREATE TABLE IF NOT EXISTS store.catalog.tables (id INTEGER, body VARCHAR);
CREATE TABLE IF NOT EXISTS store.catalog.columns (table_id INTEGER, position INTEGER, kind VARCHAR, name VARCHAR, type VARCHAR);
"""

Existing = tuple[int, int, int, int]
"""Key, version, digest of the values, row id."""


class Store:
    """The file. Methods that write want `lock` held."""

    def __init__(self, path: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT, "autoinstall_known_extensions": "false"})
        self._prepare(path)
        self._writer = self._connection.cursor()

    def _prepare(self, path: str) -> None:
        run = self._connection.execute
        run("LOAD icu; LOAD json; SET GLOBAL TimeZone = 'UTC'")
        run(f"ATTACH {text(path)} AS store (STORAGE_VERSION 'v1.4.0')")
        run(f"SET GLOBAL temp_directory = {text(path + '.tmp')}")
        run(_SCHEMA)
        run(MACROS)
        run("SET GLOBAL enable_external_access = false; SET GLOBAL lock_configuration = true")

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A cursor of its own, with its own snapshot; the caller closes it."""
        return self._connection.cursor()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement of ours on the writer's cursor."""
        with self.lock:
            return list(self._writer.execute(sql, list(parameters)).fetchall())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; returns once the write-ahead log has it."""
        with self.lock:
            self._writer.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def existing(self, table: str, keys: Sequence[int], times: Sequence[int]) -> list[Existing]:
        """The rows of these keys. Times (microseconds) narrow the scan to the row groups that can hold them."""
        wanted, span = ",".join(map(str, sorted(set(keys)))), f"make_timestamp({min(times)}) AND make_timestamp({max(times)})"
        where = f"time BETWEEN {span} AND list_contains([{wanted}]::UBIGINT[], key)"
        return list(self.run(f"SELECT key, version, digest, rowid FROM {table} WHERE {where}"))  # noqa: S608

    def replace(self, table: str, superseded: Sequence[int], rows: pa.Table) -> None:
        """Remove rows by id and add the new ones; wants a transaction."""
        if superseded:
            self._writer.execute(f"DELETE FROM {table} WHERE rowid IN ({','.join(map(str, superseded))})")  # noqa: S608
        self._writer.register("incoming", rows)
        try:
            self._writer.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")  # noqa: S608
        finally:
            self._writer.unregister("incoming")

    def close(self) -> None:
        """Write the log into the file and let go of it."""
        with self.lock:
            self._writer.execute("CHECKPOINT store")
            self._writer.close()
            self._connection.close()


def text(value: str) -> str:
    """A SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
