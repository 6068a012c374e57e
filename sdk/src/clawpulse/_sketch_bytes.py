"""The bytes of a sketch: sdk/SKETCH.md writes the format down.

Everything after the header is varints, and one bin is one byte as a rule: its gap to the bin before and its count share a
token, and counts too big for that follow at the end. So `bytes.translate` decodes a sketch in pure Python, and numpy
decodes ten thousand at once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate
from math import isfinite
from typing import NamedTuple

MAX_BINS = 2048
"""Bins kept on each side of zero."""
MAX_INDEX = 36_000
"""Beyond the index of any float."""
MAX_COUNT = 2**62

VERSION = 0x10
EMPTY = 0x08
UNIFORM = 0x01
ESCAPE = 8
"""A count that means: 8 or more, the rest stands among the extras."""

_EMPTY_BYTES = bytes([VERSION | EMPTY])
_GAPS = bytes((token & 0x7F) // 8 + 1 for token in range(256))
_COUNTS = bytes(token % 8 + 1 for token in range(256))
_FLOAT = struct.Struct("<d")
_FLOATS = struct.Struct("<ddd")


class Parts(NamedTuple):
    """What a sketch holds: `n` values, of which `zero` are zero; `positive` and `negative` map bin index to count."""

    n: int
    sum: float
    min: float
    max: float
    zero: int
    positive: dict[int, int]
    negative: dict[int, int]


def encode(parts: Parts) -> bytes:
    """The bytes of a sketch."""
    if not parts.n:
        return _EMPTY_BYTES
    uniform = parts.min == parts.max and parts.sum == parts.min * parts.n
    out = bytearray([VERSION | (UNIFORM if uniform else 0)])
    out += _FLOAT.pack(parts.min) if uniform else _FLOATS.pack(parts.min, parts.max, parts.sum)
    positive, negative = sorted(parts.positive), sorted(parts.negative)
    _put(out, (parts.n, parts.zero, len(positive), _first(positive), len(negative), _first(negative)))
    tokens: list[int] = []
    extras: list[int] = []
    _tokens(parts.positive, positive, tokens, extras)
    _tokens(parts.negative, negative, tokens, extras)
    _put(out, tokens)
    _put(out, extras)
    return bytes(out)


def _tokens(bins: dict[int, int], indexes: Sequence[int], tokens: list[int], extras: list[int]) -> None:
    """The tokens of one side's bins, and what of their counts does not go into them."""
    before = indexes[0] - 1 if indexes else 0
    for index in indexes:
        count = bins[index]
        if count >= ESCAPE:
            extras.append(count - ESCAPE)
            count = ESCAPE
        tokens.append((index - before) * 8 + count - 9)
        before = index


def decode(data: bytes) -> Parts:
    """The sketch of some bytes; raises ValueError for bytes that no sketch has."""
    low, high, total, position = _head(data)
    if position == 1:
        _check(len(data) == 1, "bytes after its end")
        return Parts(0, 0.0, low, high, 0, {}, {})
    (count, zero, n_positive, first_positive, n_negative, first_negative), position = _take(data, position, 6)
    _check(n_positive <= MAX_BINS and n_negative <= MAX_BINS, f"more than {MAX_BINS} bins")
    tokens, position = _take(data, position, n_positive + n_negative)
    gaps, counts = _split(tokens)
    n_extras = counts.count(ESCAPE)
    if n_extras:
        extras, position = _take(data, position, n_extras)
        rest = iter(extras)
        counts = [c if c != ESCAPE else ESCAPE + next(rest) for c in counts]
    _check(position == len(data), "bytes after its end")
    _check(0 < count <= MAX_COUNT and count == zero + sum(counts), "the counts do not add up")
    positive = _bins(first_positive, gaps[:n_positive], counts[:n_positive])
    negative = _bins(first_negative, gaps[n_positive:], counts[n_positive:])
    return Parts(count, _total(total, low, count), low, high, zero, positive, negative)


def peek(data: bytes) -> tuple[int, float, float, float]:
    """Count, sum, min and max, from the header alone; an empty sketch has min inf and max -inf."""
    low, high, total, position = _head(data)
    if position == 1:
        return 0, 0.0, low, high
    count = _take(data, position, 1)[0][0]
    _check(0 < count <= MAX_COUNT, "the counts do not add up")
    return count, _total(total, low, count), low, high


def _total(total: float | None, low: float, count: int) -> float:
    if total is None:
        total = low * count
    _check(isfinite(total), "its sum is not a finite number")
    return total


def _head(data: bytes) -> tuple[float, float, float | None, int]:
    """Min, max, sum (None: min times count), and where the varints begin (1: there are none, the sketch is empty)."""
    _check(len(data) > 0 and data[0] & 0xF0 == VERSION, "not a sketch of version 1")
    form = data[0] & 0x0F
    if form == EMPTY:
        return float("inf"), float("-inf"), None, 1
    _check(form in (0, UNIFORM), "a form that version 1 has not")
    fields = _FLOAT if form else _FLOATS
    _check(len(data) > fields.size, "cut short")
    floats = fields.unpack_from(data, 1)
    low, high = floats[0], floats[1 % len(floats)]
    _check(isfinite(low) and isfinite(high) and low <= high, "its min and max are no range")
    return low, high, None if form else floats[2], 1 + fields.size


def _first(indexes: Sequence[int]) -> int:
    """Zigzag of the first index: small numbers of either sign stay small."""
    first = indexes[0] if indexes else 0
    return first * 2 if first >= 0 else -first * 2 - 1


def _put(out: bytearray, numbers: Sequence[int]) -> None:
    if max(numbers, default=0) < 0x80:
        out += bytes(numbers)
        return
    for number in numbers:
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)


def _take(data: bytes, position: int, wanted: int) -> tuple[Sequence[int], int]:
    """So many varints, and where they end."""
    chunk = data[position : position + wanted]
    _check(len(chunk) == wanted, "cut short")
    if chunk.isascii():
        return chunk, position + wanted
    numbers = []
    for _ in range(wanted):
        number = shift = 0
        while True:
            _check(position < len(data), "cut short")
            byte = data[position]
            position += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            _check(shift < 63, "a number beyond 63 bits")
        numbers.append(number)
    return numbers, position


def _split(tokens: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Gaps and counts of tokens."""
    if isinstance(tokens, bytes):
        return tokens.translate(_GAPS), tokens.translate(_COUNTS)
    return [(token >> 3) + 1 for token in tokens], [token % 8 + 1 for token in tokens]


def _bins(first: int, gaps: Sequence[int], counts: Sequence[int]) -> dict[int, int]:
    if not gaps:
        return {}
    start = first // 2 if first % 2 == 0 else -(first // 2) - 1
    _check(abs(start) <= MAX_INDEX and start - 1 + sum(gaps) <= MAX_INDEX, "a bin beyond any float")
    indexes = accumulate(gaps, initial=start - 1)
    next(indexes)
    return dict(zip(indexes, counts))


def _check(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(f"these bytes are no sketch: {fault}")
