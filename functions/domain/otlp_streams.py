"""Cumulative streams: what came on top since the point before, with what has to be remembered for that.

An exporter (a resource, with the agent that it speaks for) has one record. Of each stream it holds the last total of its newest
lives; a life is what lies between two resets, told by its start time. So a point that was seen, or is older than what is known of its
life, adds nothing, and repeated and reordered requests come to the same sums.

The first point of a stream counts from zero when nothing of it can have been before we knew the exporter: the stream began at most
`RECENT_NS` before that, or the exporter is known for longer than that and never spoke of the stream. Otherwise it is only where
counting begins: all that a process has counted for weeks would be a burst that never was.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import msgspec

from functions.domain.naming import MAX_NAME
from functions.domain.otlp_points import Meaning, Point, Refusals
from functions.domain.otlp_values import Value, difference, is_nothing
from functions.domain.rollup import TagPairs
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

RECENT_NS = 10 * MINUTE_MS * 1_000_000
MAX_STREAMS = 4_000
"""Of one exporter."""
MAX_LIVES = 3
KEEP_MS = 2 * DAY_MS
"""How long an exporter is remembered that says nothing; a process that comes back later begins anew."""
TOUCH_MS = 6 * HOUR_MS
"""A record this old is written even if nothing has changed, so that it stays."""
MAX_RECORD = 380_000
"""Bytes that the store takes."""


class Life(msgspec.Struct, array_like=True, gc=False):
    """A stream between two resets. Times in ns."""

    start: int
    time: int
    """Of the newest point."""
    total: Value


class Stream(msgspec.Struct, array_like=True, gc=False):
    """The newest lives, oldest first, and the start of the newest one that was forgotten."""

    lives: list[Life] = []
    forgotten: int = -1


class Pending(msgspec.Struct, array_like=True):
    """The batches that the last change made: to be written before the next change."""

    texts: list[bytes]
    scope: TagPairs


class Exporter(msgspec.Struct, array_like=True):
    """All that is remembered of an exporter."""

    epoch: str
    """Of the batches made of it; a fresh word for each record."""
    since: int
    """Time of the first point, ns."""
    touched: int
    """When this was written last, ms."""
    streams: dict[bytes, Stream] = {}
    pending: Pending | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Exporter)


def encode(exporter: Exporter) -> bytes:
    """As it is stored."""
    return zlib.compress(_ENCODER.encode(exporter), 1)


def decode(data: bytes) -> Exporter | None:
    """Read what is stored; None for what this release cannot read, which then begins anew."""
    try:
        return _DECODER.decode(zlib.decompress(data))
    except (zlib.error, msgspec.MsgspecError):
        return None


def begin(points: Iterable[Point], epoch: str, now: int) -> Exporter:
    """The record of an exporter that is not known yet."""
    return Exporter(epoch, min(point.time for point in points), now)


def advance(exporter: Exporter, points: Iterable[Point], refusals: Refusals) -> tuple[list[Point], bool]:
    """Take points into the record, in place: what they add, and whether the record says something new."""
    added: list[Point] = []
    changed = False
    for point in sorted(points, key=lambda point: (point.time, point.start)):
        before = len(added)
        changed = _take(exporter, point, added, refusals) or changed or len(added) > before
    return added, changed


def _take(exporter: Exporter, point: Point, added: list[Point], refusals: Refusals) -> bool:
    """Take one point; tells whether it made something known that was not."""
    key = point.stream
    stream = exporter.streams.get(key)
    if stream is None:
        if len(exporter.streams) >= MAX_STREAMS:
            refusals.add(f"{point.name[:MAX_NAME]} belongs to a new stream: an exporter has at most {MAX_STREAMS} cumulative ones")
            return False
        stream = exporter.streams[key] = Stream()
    life = next((life for life in stream.lives if life.start == point.start), None)
    if life is None:
        return _begin_life(exporter, stream, point, added)
    if point.time > life.time:
        more = difference(point.value, life.total)
        life.time, life.total = point.time, point.value
        added.extend(_addition(point, point.value if more is None else more))
        return more is None
    return False


def _begin_life(exporter: Exporter, stream: Stream, point: Point, added: list[Point]) -> bool:
    known = bool(stream.lives)
    if known and point.start <= stream.forgotten:
        return False
    if _counts_from_zero(exporter, stream, point):
        added.extend(_addition(point, point.value))
    stream.lives.append(Life(point.start, point.time, point.value))
    stream.lives.sort(key=lambda life: life.start)
    if len(stream.lives) > MAX_LIVES:
        stream.forgotten = stream.lives.pop(0).start
    return True


def _counts_from_zero(exporter: Exporter, stream: Stream, point: Point) -> bool:
    newest = stream.lives[-1].start if stream.lives else None
    if newest is not None and point.start > newest:
        return True
    began_here = point.start > 0 and point.start >= exporter.since - RECENT_NS
    return began_here or (newest is None and point.time > exporter.since + RECENT_NS)


def _addition(point: Point, value: Value) -> Iterator[Point]:
    if not is_nothing(value):
        yield msgspec.structs.replace(point, value=value, meaning=Meaning.MORE)
