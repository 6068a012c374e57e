"""Databases, tables and their columns: held in memory, every change in the file first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from clawpulse_localstack.timestream.errors import not_found
from clawpulse_localstack.timestream.store import Store


class Kind(StrEnum):
    """What a column of a table is."""

    DIMENSION = "dimension"
    MEASURE = "measure"
    SERIES = "measure_name"
    """No column: a measure name that the table has seen, with the type of its records."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, or one measure name. Its place in the table is its physical name."""

    kind: Kind
    name: str
    type: str
    position: int

    @property
    def physical(self) -> str:
        """The column's name in DuckDB, which folds case where Timestream does not."""
        return f"c{self.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database; times in nanoseconds since 1970."""

    name: str
    created: int
    updated: int
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table's properties; times in nanoseconds since 1970."""

    id: int
    database: str
    name: str
    created: int
    updated: int
    memory_hours: int
    magnetic_days: int
    magnetic_writes: Mapping[str, Any] = field(default_factory=lambda: {"EnableMagneticStoreWrites": False})
    schema: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def physical(self) -> str:
        """The table's name in DuckDB."""
        return f"store.data.t{self.id}"


Columns = dict[tuple[Kind, str], Column]


class Catalog:
    """Names to properties. Reads are lock-free: entries are replaced, never changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.databases: dict[str, Database] = {}
        self.tables: dict[tuple[str, str], Table] = {}
        self._columns: dict[int, Columns] = {}
        self._next_id = 1
        self._load()

    def _load(self) -> None:
        for (body,) in self._store.run("SELECT body FROM store.catalog.databases"):
            database = Database(**json.loads(body))
            self.databases[database.name] = database
        for (body,) in self._store.run("SELECT body FROM store.catalog.tables"):
            table = Table(**json.loads(body))
            self.tables[table.database, table.name] = table
            self._columns[table.id] = {}
            self._next_id = max(self._next_id, table.id + 1)
        for table_id, position, kind, name, type_ in self._store.run("SELECT * FROM store.catalog.columns ORDER BY table_id, position"):
            self._columns[table_id][Kind(kind), name] = Column(Kind(kind), name, type_, position)

    def database(self, name: str) -> Database:
        """One database, or `ResourceNotFoundException`."""
        if name not in self.databases:
            raise not_found(f"The database {name} does not exist.")
        return self.databases[name]

    def table(self, database: str, name: str) -> Table:
        """One table, or `ResourceNotFoundException`."""
        self.database(database)
        if (database, name) not in self.tables:
            raise not_found(f"The table {name} does not exist.")
        return self.tables[database, name]

    def tables_of(self, database: str) -> list[Table]:
        """The tables of one database."""
        return [table for table in list(self.tables.values()) if table.database == database]

    def columns(self, table: Table) -> Columns:
        """The columns and measure names of a table; not to be changed."""
        return self._columns.get(table.id, {})

    def put_database(self, database: Database) -> None:
        """Create or replace a database."""
        with self._store.transaction():
            self._store.run("DELETE FROM store.catalog.databases WHERE name = ?", [database.name])
            self._store.run("INSERT INTO store.catalog.databases VALUES (?, ?)", [database.name, _json(database)])
        self.databases[database.name] = database

    def drop_database(self, name: str) -> None:
        """Forget an empty database."""
        self._store.run("DELETE FROM store.catalog.databases WHERE name = ?", [name])
        del self.databases[name]

    def create_table(self, table: Table) -> Table:
        """Add a table under the next free id."""
        table = replace(table, id=self._next_id)
        with self._store.transaction():
            self._store.run(
                f"CREATE TABLE {table.physical} (time TIMESTAMP, measure_name VARCHAR, key UBIGINT, version BIGINT, digest UBIGINT)"
            )
            self._store.run("INSERT INTO store.catalog.tables VALUES (?, ?)", [table.id, _json(table)])
        self._next_id += 1
        self._columns[table.id] = {}
        self.tables[table.database, table.name] = table
        return table

    def put_table(self, table: Table) -> None:
        """Replace a table's properties."""
        self._store.run("UPDATE store.catalog.tables SET body = ? WHERE id = ?", [_json(table), table.id])
        self.tables[table.database, table.name] = table

    def drop_table(self, table: Table) -> None:
        """Remove a table with its data."""
        with self._store.transaction():
            self._store.run(f"DROP TABLE {table.physical}")
            self._store.run("DELETE FROM store.catalog.tables WHERE id = ?", [table.id])
            self._store.run("DELETE FROM store.catalog.columns WHERE table_id = ?", [table.id])
        del self.tables[table.database, table.name]
        del self._columns[table.id]

    def add_columns(self, table: Table, added: Iterable[Column]) -> None:
        """Extend a table; what it has is kept."""
        added = list(added)
        with self._store.transaction():
            for column in added:
                if column.kind is not Kind.SERIES:
                    self._store.run(f"ALTER TABLE {table.physical} ADD COLUMN {column.physical} {column.type}")
                self._store.run(
                    "INSERT INTO store.catalog.columns VALUES (?, ?, ?, ?, ?)",
                    [table.id, column.position, column.kind, column.name, column.type],
                )
        self._columns[table.id] = self._columns[table.id] | {(column.kind, column.name): column for column in added}


def _json(record: Database | Table) -> str:
    return json.dumps({name: getattr(record, name) for name in record.__slots__})
