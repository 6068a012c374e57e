"""The wire: points and events, and the batch they travel in. sdk/WIRE.md writes it down, wire.schema.json checks it.

A batch is columnar: a series (name and tags) is named once, its times and values stand in columns. `encode` is pure and
deterministic: the same input gives the same bytes, so a retry can never look like another batch.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Union

VERSION = 1
PATH = "/v1/batches"
MAX_POINTS = 1_000
MAX_BYTES = 1_000_000
"""Of a batch before gzip."""
MAX_TAGS = 20
MAX_ATTRIBUTES = 20
MAX_PAYLOAD = 4_096
"""Bytes of JSON."""
MAX_SKETCH = 2_048
"""Bytes of a sketch."""
MAX_MINUTES = 300
"""Minutes that the points of one batch may lie in."""
MAX_SERIES = 100
"""Names of metrics and events in one batch."""
MAX_VALUE = 1e290
"""Size of a value."""
MAX_NAME = 128
MAX_TAG_KEY = 64
MAX_TAG_VALUE = 256
MAX_AGENT = 128

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
TAG_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]*")
HASH = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""Of a configuration."""
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Pairs = tuple[tuple[str, str], ...]
"""Tags sorted by key."""


class Point(NamedTuple):
    """One value of a metric at `time` (ms since 1970)."""

    name: str
    value: float
    time: int
    tags: Pairs = ()
    attributes: Mapping[str, str] = {}


class Event(NamedTuple):
    """Something that happened at `time` (ms since 1970); counts as a point of value 1."""

    name: str
    time: int
    tags: Pairs = ()
    attributes: Mapping[str, str] = {}
    payload: Mapping[str, Any] | None = None


class Aggregate(NamedTuple):
    """Points of one series and minute as one sketch (`Sketch.to_bytes()`), and the newest value; `time` is in that minute."""

    name: str
    time: int
    last: float
    sketch: bytes
    tags: Pairs = ()


class Header(NamedTuple):
    """What a batch says of its sender. (agent, epoch, seq) is the batch's id."""

    agent: str
    epoch: str
    seq: int
    time: int
    """The client's clock when the batch was cut, ms since 1970."""
    tags: Mapping[str, str] = {}
    info: Mapping[str, Any] = {}


Item = Union[Point, Event, Aggregate]


def document(header: Header, items: Iterable[Item]) -> dict[str, Any]:
    """The batch as JSON would read it. Parts without content are left out; no items make a heartbeat."""
    every = list(items)
    points = [item for item in every if isinstance(item, Point)]
    events = [item for item in every if isinstance(item, Event)]
    aggregates = [item for item in every if isinstance(item, Aggregate)]
    batch: dict[str, Any] = {"v": VERSION, **header._asdict(), "tags": dict(header.tags), "info": dict(header.info)}
    columns = {
        "series": [_series(rows, header.time) for rows in _by_series(points)],
        "sketches": [_sketch(aggregate, header.time) for aggregate in aggregates],
        "events": [_events(rows, header.time) for rows in _by_series(events)],
    }
    batch.update({name: rows for name, rows in columns.items() if rows})
    return batch


def to_json(batch: Mapping[str, Any]) -> bytes:
    """The JSON of a batch. Raises ValueError for NaN and infinities, which JSON does not have."""
    return json.dumps(batch, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def compress(plain: bytes) -> bytes:
    """Gzip, the same bytes each time."""
    return gzip.compress(plain, compresslevel=5, mtime=0)


def encode(header: Header, items: Iterable[Item]) -> bytes:
    """The body of a post: gzip of the batch's JSON."""
    return compress(to_json(document(header, items)))


def _by_series(rows: Sequence[Any]) -> Iterable[list[Any]]:
    """Rows of one series that have the same attributes, so that no column has holes."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        groups.setdefault((row.name, row.tags, *sorted(row.attributes)), []).append(row)
    return groups.values()


def _series(points: Sequence[Point], now: int) -> dict[str, Any]:
    return {**_columns(points, now), "values": [point.value for point in points], **_attributes(points)}


def _events(events: Sequence[Event], now: int) -> dict[str, Any]:
    column = {**_columns(events, now), **_attributes(events)}
    if any(event.payload is not None for event in events):
        column["payloads"] = [event.payload for event in events]
    return column


def _sketch(aggregate: Aggregate, now: int) -> dict[str, Any]:
    import base64

    return {
        "name": aggregate.name,
        "tags": dict(aggregate.tags),
        "time": aggregate.time - now,
        "last": aggregate.last,
        "sketch": base64.b64encode(aggregate.sketch).decode(),
    }


def _columns(rows: Sequence[Any], now: int) -> dict[str, Any]:
    return {"name": rows[0].name, "tags": dict(rows[0].tags), "times": [row.time - now for row in rows]}


def _attributes(rows: Sequence[Any]) -> dict[str, Any]:
    keys = sorted(rows[0].attributes)
    return {"attributes": {key: [row.attributes[key] for row in rows] for key in keys}} if keys else {}
