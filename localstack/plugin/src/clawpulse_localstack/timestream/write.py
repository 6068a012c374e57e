"""WriteRecords: what can be written is written, the rest is reported by index.

Upserts follow AWS: a record is the same record by time, dimensions and measure name; a higher version replaces it, the same values are
accepted again (so retries are safe), other values under the same or a lower version are rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from clawpulse_localstack.timestream import names
from clawpulse_localstack.timestream.catalog import Catalog, Column, Columns, Kind, Table
from clawpulse_localstack.timestream.clock import DAY_NS, HOUR_NS, MINUTE_NS, Clock, iso
from clawpulse_localstack.timestream.errors import TimestreamError, constraint
from clawpulse_localstack.timestream.records import Point, Rejected, resolve
from clawpulse_localstack.timestream.store import Store

_ARROW = {"DOUBLE": pa.float64(), "BIGINT": pa.int64(), "VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "TIMESTAMP": pa.timestamp("us")}

SAME_VERSION = (
    "A record already exists with the same time, dimensions, measure name, and record version. A higher record version must be specified "
    "in order to update the measure value. Specifying record version is supported by the latest SDKs."
)
LOWER_VERSION = "The record version {} is lower than the existing version {}. A higher version is required to update the measure value."
SOME_REJECTED = "One or more records have been rejected. See RejectedRecords for details."


@dataclass(slots=True)
class State:
    """What is known of one key: stored, or from earlier in the request."""

    version: int
    digest: int
    row: int | None = None
    point: Point | None = None
    """Set when this request writes it."""


@dataclass(slots=True)
class Plan:
    """What a request does."""

    rejected: list[dict[str, Any]] = field(default_factory=list)
    memory: int = 0
    magnetic: int = 0
    added: Columns = field(default_factory=dict)

    def reject(self, index: int, reason: str, existing: int | None = None) -> None:
        """Report a record."""
        self.rejected.append({"RecordIndex": index, "Reason": reason} | ({} if existing is None else {"ExistingVersion": existing}))


@dataclass(frozen=True, slots=True)
class Window:
    """The times that a table takes, nanoseconds: low <= time < high; the memory store begins at `memory`."""

    low: int
    memory: int
    high: int

    @classmethod
    def of(cls, table: Table, now: int) -> Window:
        """The window at a moment. Without magnetic store writes the memory store is all there is."""
        memory = now - table.memory_hours * HOUR_NS
        magnetic = bool(table.magnetic_writes["EnableMagneticStoreWrites"])
        return cls(min(memory, now - table.magnetic_days * DAY_NS) if magnetic else memory, memory, now + names.FUTURE_MINUTES * MINUTE_NS)

    def check(self, time_ns: int) -> None:
        """Raise `Rejected` for a time outside."""
        if not self.low <= time_ns < self.high:
            raise Rejected(
                f"The record timestamp is outside the time range [{iso(self.low)}, {iso(self.high)}) of the data ingestion window."
            )


def verdict(known: State | None, version: int, digest: int) -> str | None:
    """Why a record may not replace what is known of its key, or None."""
    if known is None or version > known.version or digest == known.digest:
        return None
    return SAME_VERSION if version == known.version else LOWER_VERSION.format(version, known.version)


class Writer:
    """Writes requests, one after the other."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock

    def write_records(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The operation; returns once the records are durable."""
        database, table_name = names.resource_name(request, "DatabaseName"), names.resource_name(request, "TableName")
        records = request.get("Records") or []
        if not records:
            raise constraint("[]", "records", "Member must have length greater than or equal to 1")
        if len(records) > names.MAX_RECORDS:
            raise constraint(f"[{len(records)} records]", "records", f"Member must have length less than or equal to {names.MAX_RECORDS}")
        with self._store.lock:
            table = self._catalog.table(database, table_name)
            return self._write(table, request.get("CommonAttributes") or {}, records)

    def _write(self, table: Table, common: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        plan, window = Plan(), Window.of(table, self._clock())
        points = self._resolve(table, common, records, window, plan)
        states = self._known(table, [point for _, point in points])
        for index, point in points:
            _upsert(states, plan, index, point, window)
        self._store_all(table, plan, states)
        if plan.rejected:
            plan.rejected.sort(key=lambda rejected: rejected["RecordIndex"])
            raise TimestreamError("RejectedRecordsException", SOME_REJECTED, {"RejectedRecords": plan.rejected})
        return {"RecordsIngested": {"Total": plan.memory + plan.magnetic, "MemoryStore": plan.memory, "MagneticStore": plan.magnetic}}

    def _resolve(
        self, table: Table, common: Mapping[str, Any], records: Sequence[Mapping[str, Any]], window: Window, plan: Plan
    ) -> list[tuple[int, Point]]:
        columns, points = self._catalog.columns(table), []
        for index, record in enumerate(records):
            try:
                point = resolve(common, record, index)
                window.check(point.time_ns)
                plan.added |= extend(columns | plan.added if plan.added else columns, point)
                points.append((index, point))
            except Rejected as rejected:
                plan.reject(index, str(rejected))
        return points

    def _known(self, table: Table, points: Sequence[Point]) -> dict[int, State]:
        if not points:
            return {}
        found = self._store.existing(table.physical, [point.key for point in points], [point.time_ns // 1000 for point in points])
        return {key: State(version, digest, row) for key, version, digest, row in found}

    def _store_all(self, table: Table, plan: Plan, states: Mapping[int, State]) -> None:
        if plan.added:
            self._catalog.add_columns(table, plan.added.values())
        written = {key: state for key, state in states.items() if state.point is not None}
        if written:
            rows = arrow(self._catalog.columns(table), written)
            with self._store.transaction():
                self._store.replace(table.physical, [state.row for state in written.values() if state.row is not None], rows)


def _upsert(states: dict[int, State], plan: Plan, index: int, point: Point, window: Window) -> None:
    key, digest = point.key, point.digest
    known = states.get(key)
    if reason := verdict(known, point.version, digest):
        plan.reject(index, reason, known.version if known else None)
        return
    if point.time_ns >= window.memory:
        plan.memory += 1
    else:
        plan.magnetic += 1
    if known is None or point.version > known.version:
        states[key] = State(point.version, digest, known.row if known else None, point)


def extend(columns: Columns, point: Point) -> Columns:
    """The columns and the measure name that a record adds to its table. Raises `Rejected` when it does not fit."""
    wanted = [(Kind.SERIES, point.measure_name, point.series_type)]
    wanted += [(Kind.DIMENSION, name, "VARCHAR") for name in point.dimensions]
    wanted += [(Kind.MEASURE, name, kind) for name, (kind, _) in point.values.items()]
    missing = [want for want in wanted if not _fits(columns, *want)]
    if not missing:
        return {}
    first = 1 + max((column.position for column in columns.values()), default=-1)
    added = {(kind, name): Column(kind, name, type_, first + place) for place, (kind, name, type_) in enumerate(missing)}
    _check_counts(columns | added)
    return added


def _fits(columns: Columns, kind: Kind, name: str, type_: str) -> bool:
    other = {Kind.DIMENSION: Kind.MEASURE, Kind.MEASURE: Kind.DIMENSION}.get(kind)
    if other and (other, name) in columns:
        raise Rejected(f"The {kind} name '{name}' is already the name of a {other}.")
    known = columns.get((kind, name))
    if known and known.type != type_:
        raise Rejected(f"The type {type_.upper()} of the measure '{name}' does not match its existing type {known.type.upper()}.")
    return known is not None


_LIMITS = {
    Kind.DIMENSION: ("dimensions", names.MAX_DIMENSIONS),
    Kind.MEASURE: ("measures", names.MAX_MEASURES_PER_TABLE),
    Kind.SERIES: ("measure names", names.MAX_MEASURE_NAMES),
}


def _check_counts(columns: Columns) -> None:
    for kind, (what, limit) in _LIMITS.items():
        if sum(column.kind is kind for column in columns.values()) > limit:
            raise Rejected(f"The table would have more than the maximum of {limit} {what}.")


def arrow(columns: Columns, written: Mapping[int, State]) -> pa.Table:
    """Rows by column. Columns that no row has are left out: they become NULL."""
    points = [state.point for state in written.values() if state.point is not None]
    data = {
        "time": pa.array([point.time_ns // 1000 for point in points], pa.timestamp("us")),
        "measure_name": pa.array([point.measure_name for point in points], pa.string()),
        "key": pa.array(list(written), pa.uint64()),
        "version": pa.array([point.version for point in points], pa.int64()),
        "digest": pa.array([state.digest for state in written.values()], pa.uint64()),
    }
    for name in {name for point in points for name in point.dimensions}:
        data[columns[Kind.DIMENSION, name].physical] = pa.array([point.dimensions.get(name) for point in points], pa.string())
    for name in {name for point in points for name in point.values}:
        column = columns[Kind.MEASURE, name]
        data[column.physical] = pa.array([point.values.get(name, (None, None))[1] for point in points], _ARROW[column.type])
    return pa.table(data)
