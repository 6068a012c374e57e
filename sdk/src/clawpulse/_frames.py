"""How records stand in a file: a mark, a kind, a length and a checksum before each, so that any damage is found and stepped over.

Pure: bytes in, bytes out. What the records mean is `_journal`'s.
"""

from __future__ import annotations

import struct
from typing import NamedTuple
from zlib import crc32

_MARK = b"\xc1\xaf"
_HEAD = struct.Struct("<2scII")
"""Mark, kind, length of the payload, CRC-32 of kind, length and payload."""
HEAD_BYTES = _HEAD.size


class Frame(NamedTuple):
    """A record that is whole."""

    kind: bytes
    payload: bytes
    offset: int
    """Where the frame begins, head and all."""

    @property
    def size(self) -> int:
        """Of the frame, head and all."""
        return HEAD_BYTES + len(self.payload)


class Scan(NamedTuple):
    """What can be read of a file."""

    frames: list[Frame]
    damaged: list[tuple[int, int]]
    """Stretches of bytes that are no frames."""


def frame(kind: bytes, payload: bytes) -> bytes:
    """A record's bytes. `kind` is one byte."""
    return _HEAD.pack(_MARK, kind, len(payload), _checksum(kind, payload)) + payload


def scan(data: bytes) -> Scan:
    """All frames that are whole. Never raises; after damage it goes on at the next frame."""
    frames: list[Frame] = []
    damaged: list[tuple[int, int]] = []
    at = lost = 0
    while at < len(data):
        found = _read(data, at)
        if found is None:
            following = data.find(_MARK, at + 1)
            at = following if following >= 0 else len(data)
            continue
        if lost < at:
            damaged.append((lost, at))
        frames.append(found)
        at = lost = at + found.size
    if lost < len(data):
        damaged.append((lost, len(data)))
    return Scan(frames, damaged)


def _read(data: bytes, at: int) -> Frame | None:
    if len(data) - at < HEAD_BYTES:
        return None
    mark, kind, length, checksum = _HEAD.unpack_from(data, at)
    begin = at + HEAD_BYTES
    if mark != _MARK or length > len(data) - begin:
        return None
    payload = data[begin : begin + length]
    return Frame(kind, payload, at) if _checksum(kind, payload) == checksum else None


def _checksum(kind: bytes, payload: bytes) -> int:
    return crc32(payload, crc32(kind + len(payload).to_bytes(4, "little")))
