"""What a spool's files say: the records of a stream, written one by one.

A stream is what one process had to deliver, in segments (files) that are only ever appended to:

    H  opens a segment: who writes it, the next sequence number and record number, the counters not sent yet
    P  points and events as they were recorded, numbered from `first`; they wait for their batch
    C  a batch was cut: its sequence number, the numbers of the records in it; counts only if the B that follows is there
    B  that batch, the bytes that are posted
    A  a batch is done with: delivered, or refused for good
    D  all segments up to one, and all records below a number, were dropped to make room

Pure: bytes out, each record checked by `_frames`. `_replay` reads them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clawpulse._frames import frame, scan
from clawpulse._spool import Batch
from clawpulse.wire import Event, Point

VERSION = 1


class Opening(NamedTuple):
    """Who writes a segment, and where the numbers stand."""

    url: str
    agent: str
    epoch: str
    tags: Mapping[str, str]
    info: Mapping[str, Any]
    aggregate: bool
    seq: int = 0
    number: int = 0
    at: int = 0
    """The wall clock, ms."""
    counts: Mapping[str, int] = {}
    uncut: Sequence[Sequence[int]] | None = None
    """The numbers of the records that are in no batch yet; None if that is not the writer's to say."""


def opening_frame(opening: Opening) -> bytes:
    """Opens a segment."""
    return frame(b"H", _json({"v": VERSION, **opening._asdict()}))


def rows_frame(first: int, records: Sequence[Any], at: int, counts: Mapping[str, int] | None) -> bytes:
    """Records as they came, at the wall clock's `at` ms; `counts` are the counters that wait, None if as before."""
    head = _json({"first": first, "size": len(records), "at": at, "counts": counts})
    return frame(b"P", head + b"\n" + zlib.compress(_json([_row(record) for record in records]), 1))


def cut_frame(batch: Batch, size: int, counts: Mapping[str, int]) -> bytes:
    """That a batch was cut, which the next `size` bytes are; the counters that wait from then on."""
    return frame(b"C", _json({"seq": batch.seq, "size": size, "counts": counts, "runs": batch.runs}))


def batch_frame(batch: Batch, number: int) -> bytes:
    """A batch, cut while the next record's number was `number`."""
    head = _json({"seq": batch.seq, "number": number, "points": batch.points, "counts": batch.counts})
    return frame(b"B", head + b"\n" + batch.body)


def done_frame(seq: int, counts: Mapping[str, int] | None) -> bytes:
    """That a batch is done with."""
    return frame(b"A", _json({"seq": seq, "counts": counts}))


def dropped_frame(segment: int, number: int, counts: Mapping[str, int] | None) -> bytes:
    """That segments up to this one and records below this number are given up."""
    return frame(b"D", _json({"segment": segment, "number": number, "counts": counts}))


def body_of(data: bytes) -> bytes | None:
    """The batch in the bytes of a B; None if they are damaged."""
    frames = scan(data).frames
    return frames[0].payload.partition(b"\n")[2] if len(frames) == 1 and frames[0].kind == b"B" else None


def _row(record: Any) -> list[Any]:
    """A point has five fields, an event a sixth: its payload."""
    if isinstance(record, Point):
        return [record.name, record.value, record.time, record.tags, record.attributes]
    return [record.name, None, record.time, record.tags, record.attributes, record.payload]


def record_of(row: Sequence[Any]) -> Point | Event:
    """The record of a row of P."""
    name, value, time, pairs, attributes, *payload = row
    tags = tuple((key, text) for key, text in pairs)
    return Event(name, time, tags, attributes, payload[0]) if payload else Point(name, value, time, tags, attributes)


def _json(content: Any) -> bytes:
    # With escapes: what is no proper text, a lone surrogate, must come back as it was.
    return json.dumps(content, separators=(",", ":")).encode()
