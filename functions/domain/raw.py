"""Raw history: the records that a batch leaves for drill-down.

All metrics of one task are one record; any other point is one, and each event. A record's key is made of its series, the batch and the
point's place in the batch as posted, so a repeated batch makes the same records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from functions.domain import tasks
from functions.domain.batch import CheckedBatch, Column
from functions.domain.cost_intake import TOKENS_CACHE_READ, TOKENS_CACHE_WRITE
from functions.domain.dimensions import RESERVED
from functions.domain.rollup import TagPairs

MAX_RECORD = 2_048
"""Bytes that the store takes."""
_OVERHEAD: Final = 160
"""Names of columns, numbers."""
_MAX_KEY: Final = 60
TASK_ID: Final = "task_id"
_MEASURES: Final = {
    tasks.LATENCY: "latency_ms",
    tasks.TOKENS_IN: "tokens_in",
    tasks.TOKENS_OUT: "tokens_out",
    TOKENS_CACHE_READ: "tokens_cache_read",
    TOKENS_CACHE_WRITE: "tokens_cache_write",
    tasks.COST: "cost_usd",
    tasks.ERRORS: "errors",
}
_STATUSES: Final = {tasks.STARTED: "started", tasks.COMPLETED: "completed", tasks.FAILED: "failed", tasks.LATENCY: "completed"}
_RANK: Final = {"": 0, "started": 1, "completed": 2, "failed": 3}
_ERROR_TEXTS: Final = ("err", "error", "message")


class RawRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One multi-measure record for raw history. A struct, because a batch has hundreds."""

    table: str
    """`points`, `tasks` or `events`."""
    measure: str
    time_us: int
    dimensions: Mapping[str, str]
    """Beside those that all records of a batch share. Records of one series share the mapping itself."""
    values: Mapping[str, float | str]


class _Task(msgspec.Struct, gc=False):
    """What a batch tells of one task."""

    ordinal: int
    time: int
    tagged: Mapping[str, str]
    """The dimensions that were taken in last; most points of a task bring the same."""
    dimensions: dict[str, str]
    measures: dict[str, float | str]
    attributes: dict[str, str]
    status: str = ""
    error: str = ""

    def reach(self, status: str) -> None:
        """Note a status; the furthest one stays."""
        if _RANK[status] > _RANK[self.status]:
            self.status = status


class _Writer:
    """Turns the columns of one batch into records."""

    def __init__(self, batch: CheckedBatch, dimensions: frozenset[str], common: Mapping[str, str]) -> None:
        self._own = {key: value for key, value in batch.info.tags.items() if key in dimensions}
        self._room = MAX_RECORD - _OVERHEAD - _size(common)
        self._dimensions: dict[TagPairs, tuple[dict[str, str], int]] = {}
        self._tasks: dict[str, _Task] = {}
        self._batch = batch

    def records(self) -> list[RawRecord]:
        """All records."""
        records: list[RawRecord] = []
        for column in self._batch.columns:
            if column.part == "events":
                records += self._events(column)
            elif column.identity.key.name in _MEASURES:
                records += self._task_points(column)
            else:
                records += self._points(column, range(len(column.times)))
        records += [self._task(task_id, task) for task_id, task in self._tasks.items()]
        return records

    def _dimensions_of(self, column: Column) -> tuple[dict[str, str], int]:
        """Dimensions of a column's records, and the room that they leave."""
        tags = column.identity.key.tags
        known = self._dimensions.get(tags)
        if known is None:
            effective = {**self._own, **dict(tags)}
            possible = {key: value for key, value in effective.items() if key not in RESERVED and len(key) <= _MAX_KEY}
            dimensions = _shorten(possible, self._room // 2)
            self._dimensions[tags] = known = (dimensions, self._room - _size(dimensions))
        return known

    def _points(self, column: Column, chosen: Iterable[int]) -> list[RawRecord]:
        name, (dimensions, room) = column.identity.key.name, self._dimensions_of(column)
        attributes = _Attributes(column, room)
        records = []
        for i in chosen:
            values: dict[str, float | str] = {"value": column.values[i]}
            if text := attributes.text(i):
                values["attributes"] = text
            time_us = column.times[i] * 1000 + (column.ordinal + column.places[i]) % 1000
            records.append(RawRecord(table="points", measure=name, time_us=time_us, dimensions=dimensions, values=values))
        return records

    def _task_points(self, column: Column) -> list[RawRecord]:
        """Gather the metrics of tasks; points that name no task are points like any other."""
        name = column.identity.key.name
        measure, status, last = _MEASURES[name], _STATUSES.get(name, ""), name == tasks.LATENCY
        stray = []
        for i, (task, value) in enumerate(zip(self._met(column), column.values, strict=True)):
            if task is None:
                stray.append(i)
                continue
            measures = task.measures
            measures[measure] = value if last or measure not in measures else value + measures[measure]  # type: ignore[operator]
            if status or name == tasks.ERRORS:
                task.reach(status or ("failed" if value > 0 else ""))
        return self._points(column, stray) if stray else []

    def _events(self, column: Column) -> list[RawRecord]:
        name, (dimensions, room) = column.identity.key.name, self._dimensions_of(column)
        attributes = _Attributes(column, room // 2)
        told = self._met(column) if name in _STATUSES else [None] * len(column.times)
        records = []
        for i, (task_id, task) in enumerate(zip(_task_ids(column), told, strict=True)):
            payload = bytes(column.payloads[i]) if column.payloads else b"null"
            values: dict[str, float | str] = {} if task_id is None else {TASK_ID: task_id}
            if text := attributes.text(i):
                values["attributes"] = text
            if payload != b"null" or not values:
                values["payload"] = _short_payload(payload, room - _size(values))
            if task is not None:
                task.reach(_STATUSES[name])
                task.error = task.error or (_error_text(payload) if name == tasks.FAILED else "")
            time_us = column.times[i] * 1000 + (column.ordinal + column.places[i]) % 1000
            records.append(RawRecord(table="events", measure=name, time_us=time_us, dimensions=dimensions, values=values))
        return records

    def _met(self, column: Column) -> list[_Task | None]:
        """The task of each point, which now knows the point's time and tags."""
        dimensions, _ = self._dimensions_of(column)
        others = _Attributes(column, self._room, without=TASK_ID)
        known = self._tasks
        met: list[_Task | None] = []
        for i, (task_id, time) in enumerate(zip(_task_ids(column), column.times, strict=True)):
            if task_id is None:
                met.append(None)
                continue
            task = known.get(task_id)
            if task is None:
                ordinal = (column.ordinal + column.places[i]) % 1000
                known[task_id] = task = _Task(ordinal, time, dimensions, dict(dimensions), {}, {})
            elif task.tagged is not dimensions:
                task.tagged = dimensions
                task.dimensions.update(dimensions)
            if time > task.time:
                task.time = time
            if others.any:
                task.attributes.update(others.of(i))
            met.append(task)
        return met

    def _task(self, task_id: str, task: _Task) -> RawRecord:
        error = task.dimensions.pop("error", "") or task.attributes.pop("error", "") or task.error
        values: dict[str, float | str] = {TASK_ID: task_id}
        if task.status:
            values["status"] = task.status
        if error:
            values["error"] = error
        values.update(task.measures)
        if task.attributes:
            room = self._room - _size(task.dimensions) - _size(values)
            values["attributes"] = _json(_shorten(task.attributes, room))
        time_us = task.time * 1000 + task.ordinal
        dimensions = task.tagged if task.dimensions == task.tagged else task.dimensions
        return RawRecord(table="tasks", measure="task", time_us=time_us, dimensions=dimensions, values=values)


def raw_records(batch: CheckedBatch, dimensions: frozenset[str], common: Mapping[str, str]) -> list[RawRecord]:
    """The records of a batch; `common` are the dimensions that the writer adds to each."""
    return _Writer(batch, dimensions, common).records()


class _Attributes:
    """The attributes of a column's points."""

    def __init__(self, column: Column, room: int, without: str = "") -> None:
        self._fixed = {key: value for key, value in column.identity.attributes if key != without}
        self._columns = {key: cells for key, cells in column.attributes.items() if key != without}
        self._room = room
        self._same = self._text(self._fixed) if not self._columns else ""
        self.any = bool(self._fixed or self._columns)

    def of(self, i: int) -> dict[str, str]:
        """A point's attributes."""
        return {**self._fixed, **{key: value for key, cells in self._columns.items() if (value := cells[i]) is not None}}

    def text(self, i: int) -> str:
        """JSON of a point's attributes; empty for none."""
        return self._text(self.of(i)) if self._columns else self._same

    def _text(self, attributes: dict[str, str]) -> str:
        if not attributes:
            return ""
        text = _json(attributes)
        return text if _bytes(text) <= self._room else _json(_shorten(attributes, self._room))


def _task_ids(column: Column) -> list[str | None]:
    """The task that each point belongs to."""
    cells = column.attributes.get(TASK_ID)
    fixed = dict(column.identity.attributes).get(TASK_ID)
    if cells is None:
        return [fixed] * len(column.times)
    return [fixed if cell is None else cell or None for cell in cells]


def _error_text(payload: bytes) -> str:
    """What a failure's payload says went wrong, if it says so where most do."""
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ""
    texts = [found.get(key) for key in _ERROR_TEXTS] if isinstance(found, dict) else [found]
    return next((text[:128] for text in texts if isinstance(text, str) and text), "")


def _short_payload(payload: bytes, room: int) -> str:
    """The payload, or if it is too long for the store, JSON that says so and has its beginning."""
    if len(payload) <= room:
        return payload.decode()
    for length in (room - 32, room // 2, room // 8):
        text = _json({"truncated": payload[: max(length, 0)].decode(errors="ignore")})
        if _bytes(text) <= room:
            return text
    return '{"truncated":""}'


def _shorten(texts: dict[str, str], room: int) -> dict[str, str]:
    """The texts, the long ones cut until all fit; those that do not fit even so are left out from the end."""
    if _size(texts) <= room:
        return texts
    for length in (128, 64, 32, 16):
        texts = {key: value if len(value) <= length else value[: length - 1] + "…" for key, value in texts.items()}
        if _size(texts) <= room:
            return texts
    while texts and _size(texts) > room:
        texts.popitem()
    return texts


def _json(value: dict[str, str]) -> str:
    return msgspec.json.encode(value).decode()


def _size(texts: Mapping[str, float | str]) -> int:
    """Bytes of names and values; a little more than JSON adds is allowed for."""
    return sum(len(key) + 8 + (_bytes(value) if isinstance(value, str) else 8) for key, value in texts.items())


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
