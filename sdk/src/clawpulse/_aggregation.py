"""Values of one series and minute on their way to the wire: points while they are few, a sketch from the third on.

Count, sum, min, max and the newest value of a sketch are those of its values; only quantiles are within 1 %.
"""

from __future__ import annotations

from math import fsum
from typing import NamedTuple

from clawpulse._runs import Run, joined, merged
from clawpulse.sketch import Sketch
from clawpulse.wire import MAX_SKETCH, Aggregate, Item, Pairs, Point

MINUTE_MS = 60_000
FEW = 2
"""So many values of a series and minute stay points."""
_CHUNK = 500
"""Values that make a sketch below the limit whatever they are: three bytes a bin at most."""


class Piece(NamedTuple):
    """One thing that travels, and which of the caller's records it is made of."""

    item: Item
    runs: tuple[Run, ...]
    points: int


class _Part(NamedTuple):
    """A sketch with the newest of its values."""

    sketch: Sketch
    time: int
    last: float
    runs: tuple[Run, ...]


class SeriesMinute:
    """The values of one series within one minute."""

    __slots__ = ("_parts", "name", "numbers", "since", "tags", "times", "values")

    def __init__(self, name: str, tags: Pairs, since: float) -> None:
        self.name, self.tags, self.since = name, tags, since
        self.times: list[int] = []
        self.values: list[float] = []
        self.numbers: list[int] = []
        self._parts: list[_Part] = []

    @property
    def weight(self) -> int:
        """Pieces it makes, at most."""
        return len(self._parts) + (1 if self._parts or len(self.values) > FEW else len(self.values))

    def add(self, time: int, value: float, number: int) -> None:
        """Take in a value."""
        self.times.append(time)
        self.values.append(value)
        self.numbers.append(number)
        if len(self.values) >= _CHUNK:
            self._fold()

    def pieces(self) -> list[Piece]:
        """All of it."""
        if not self._parts and len(self.values) <= FEW:
            rows = zip(self.times, self.values, self.numbers)
            return [Piece(Point(self.name, value, time, self.tags), ((number, number + 1),), 1) for time, value, number in rows]
        self._fold()
        return [
            Piece(Aggregate(self.name, part.time, part.last, part.sketch.to_bytes(), self.tags), part.runs, part.sketch.count)
            for part in self._parts
        ]

    def _fold(self) -> None:
        """Turn the values into a sketch, in one with those before if that does not get too long for the wire."""
        if not self.values:
            return
        part = self._part()
        if self._parts:
            both = _together(self._parts[-1], part)
            if len(both.sketch.to_bytes()) <= MAX_SKETCH:
                self._parts.pop()
                part = both
        self._parts.append(part)
        self.times, self.values, self.numbers = [], [], []

    def _part(self) -> _Part:
        # Of several values of the newest time, the one that came last.
        time, at = max(zip(self.times, range(len(self.times))))
        sketch = Sketch(())
        sketch.extend(self.values)
        sketch.sum = fsum(self.values)
        return _Part(sketch, time, self.values[at], joined(self.numbers))


def _together(one: _Part, other: _Part) -> _Part:
    sketch = one.sketch.copy()
    sketch.merge(other.sketch)
    newest = other if other.time >= one.time else one
    return _Part(sketch, newest.time, newest.last, merged((*one.runs, *other.runs)))
