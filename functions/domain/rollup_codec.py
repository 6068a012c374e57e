"""Rollups as bytes, for the stores.

A version byte, then zlib over msgpack: names and tag sets once, the scalars of all rows in one packed column, the sketches as they
are. So a reader that wants counts, sums or the newest values never touches a sketch (`rows`).

In a large rollup the sketches are nearly all of it, and readers want those of one metric: there they are compressed apart, name by name,
and nobody unpacks what he does not need (`read`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Annotated, Final, NamedTuple

import msgspec

from clawpulse.sketch import Sketch
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs

VERSION = b"\x01"
SPLIT = b"\x02"
"""Version of rollups whose sketches are compressed name by name."""
SPLIT_ROWS = 200
"""From so many rows on; below that, one piece is smaller."""
_SCALARS = struct.Struct("<qddddq")
"""count, sum, min, max, last, last_time: little-endian like a sketch's own head, which zlib then finds again."""
_LEVEL = 3


class Row(NamedTuple):
    """One series of an encoded rollup, its sketch still encoded (`Sketch.from_bytes`)."""

    key: SeriesKey
    count: int  # type: ignore[assignment]  # hides a tuple's own method, which nobody needs here
    sum: float
    min: float
    max: float
    last: float
    last_time: int
    """ms."""
    sketch: bytes


type _Index = Annotated[int, msgspec.Meta(ge=0)]


class _Table(msgspec.Struct, array_like=True, gc=False):
    """What is inside: row i is series `names[name_of[i]]` with `tag_sets[tags_of[i]]`."""

    names: list[str]
    tag_sets: list[TagPairs]
    name_of: list[_Index]
    tags_of: list[_Index]
    scalars: bytes
    sketches: list[bytes]
    """In the order of rows; of a split rollup, one block a name."""


class Table:
    """An encoded rollup, read as columns. Row i is series `names[name_of[i]]` with `tag_sets[tags_of[i]]`."""

    SCALARS: Final = ("count", "sum", "min", "max", "last", "last_time")

    def __init__(self, data: bytes) -> None:
        """Raises `ValueError` for bytes that `encode` did not write, as far as can be seen without the sketches."""
        if data[:1] not in (VERSION, SPLIT):
            raise ValueError(f"not an encoded rollup: version {data[:1]!r} is unknown")
        with _faults():
            self._split = data[:1] == SPLIT
            head, blocks = _SPLIT_DECODER.decode(data[1:]) if self._split else (data[1:], [])
            table = _DECODER.decode(zlib.decompress(head))
            self._sketches = blocks if self._split else table.sketches
            self._check(table)
        self.names, self.tag_sets = table.names, table.tag_sets
        self.name_of, self.tags_of = table.name_of, table.tags_of
        self.scalars = table.scalars
        """Packed, little-endian: int64, four doubles, int64 a row, as `SCALARS` says."""

    def sketches(self, name: str) -> list[bytes]:
        """Encoded sketches of a metric's rows, in their order; raises `ValueError` for damaged bytes."""
        if name not in self.names:
            return []
        number = self.names.index(name)
        if not self._split:
            return [sketch for of, sketch in zip(self.name_of, self._sketches, strict=True) if of == number]
        with _faults():
            found = _BLOCK_DECODER.decode(zlib.decompress(self._sketches[number]))
            if len(found) != self.name_of.count(number):
                raise ValueError("sketches are missing")
        return found

    def rows(self, names: Collection[str] | None = None, *, sketches: bool = True) -> Iterator[Row]:
        """The rows, or only those of some names; without sketches, theirs are empty bytes."""
        wanted = [names is None or name in names for name in self.names]
        blobs = [self.sketches(name) if sketches and want else [] for name, want in zip(self.names, wanted, strict=True)]
        streams = [chain(block, repeat(b"")) for block in blobs]
        columns = zip(self.name_of, self.tags_of, _SCALARS.iter_unpack(self.scalars), strict=True)
        for name, tags, (count, total, low, high, last, last_time) in columns:
            if wanted[name]:
                key = SeriesKey(self.names[name], self.tag_sets[tags])
                yield Row(key, count, total, low, high, last, last_time, next(streams[name]))

    def _check(self, table: _Table) -> None:
        amount = len(table.name_of)
        blocks = len(table.names) if self._split else amount
        if (len(table.tags_of), len(table.scalars), len(self._sketches)) != (amount, amount * _SCALARS.size, blocks):
            raise ValueError("its columns differ in length")
        if amount and (max(table.name_of) >= len(table.names) or max(table.tags_of) >= len(table.tag_sets)):
            raise ValueError("a row of no series")


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Table)
_SPLIT_DECODER = msgspec.msgpack.Decoder(tuple[bytes, list[bytes]])
_BLOCK_DECODER = msgspec.msgpack.Decoder(list[bytes])


def encode(rollup: Rollup) -> bytes:
    """A rollup as bytes; the order of its series does not matter to readers."""
    names: dict[str, int] = {}
    tag_sets: dict[TagPairs, int] = {}
    table = _Table(
        names=list(_number((key.name for key in rollup), names)),
        tag_sets=list(_number((key.tags for key in rollup), tag_sets)),
        name_of=[names[key.name] for key in rollup],
        tags_of=[tag_sets[key.tags] for key in rollup],
        scalars=b"".join(map(_pack, rollup.values())),
        sketches=[aggregate.sketch.to_bytes() for aggregate in rollup.values()],
    )
    return _split(table) if len(rollup) >= SPLIT_ROWS else VERSION + zlib.compress(_ENCODER.encode(table), _LEVEL)


def _split(table: _Table) -> bytes:
    blocks: list[list[bytes]] = [[] for _ in table.names]
    for name, sketch in zip(table.name_of, table.sketches, strict=True):
        blocks[name].append(sketch)
    table.sketches = []
    head = zlib.compress(_ENCODER.encode(table), _LEVEL)
    return SPLIT + _ENCODER.encode((head, [zlib.compress(_ENCODER.encode(block), _LEVEL) for block in blocks]))


def decode(data: bytes, names: Collection[str] | None = None) -> Rollup:
    """The rollup back, or only its series of some names; raises `ValueError` for bytes that `encode` did not write."""
    return {row.key: Aggregate(Sketch.from_bytes(row.sketch), row.last, row.last_time) for row in rows(data, names)}


def rows(data: bytes, names: Collection[str] | None = None) -> list[Row]:
    """The rows, or only those of some names; raises `ValueError` for bytes that `encode` did not write."""
    return list(Table(data).rows(names))


@contextmanager
def _faults() -> Iterator[None]:
    """Whatever is wrong with the bytes is one kind of error."""
    try:
        yield
    except (zlib.error, msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"not an encoded rollup: {error}") from None


def _pack(aggregate: Aggregate) -> bytes:
    sketch = aggregate.sketch
    return _SCALARS.pack(sketch.count, sketch.sum, sketch.min, sketch.max, aggregate.last, aggregate.last_time)


def _number[K](keys: Iterable[K], into: dict[K, int]) -> dict[K, int]:
    """Give each distinct key the next number."""
    for key in keys:
        into.setdefault(key, len(into))
    return into
