"""A mergeable quantile sketch with a relative error of at most 1 %: DDSketch, as small as it can be.

Guarantee: `quantile(q)` is within 1 % of the value at rank floor(q (n - 1)) of everything added, for every q, every distribution
and every order of adding and merging; count, min and max are exact, the sum is a float's sum. Values closer to zero than
2.3e-308 count as zero.

How: bin i holds the values in (e^(0.02 (i-1)), e^(0.02 i)], so any value in it is within tanh(0.01) < 1 % of the bin's
middle. Negative values have bins of their own by magnitude. Bins are counts, so sketches add and subtract.

Cost: about 0.2 us a value, a byte a bin: some 200 bytes for 500 latencies. At most 2,048 bins on each side of zero, enough for
17 decades of values that fill every bin; past that the bins nearest to zero are collapsed into one, and quantiles that fall
into it lose the guarantee.

The format of the bytes is written down in sdk/SKETCH.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, exp, isfinite, isinf, log, tanh
from sys import float_info

from clawpulse import _sketch_bytes
from clawpulse._sketch_bytes import MAX_BINS, MAX_COUNT, MAX_INDEX, Parts

__all__ = ["BINS_PER_E", "MAX_BINS", "MAX_COUNT", "MAX_INDEX", "RELATIVE_ERROR", "Parts", "Sketch", "bin_value"]

RELATIVE_ERROR = 0.01
BINS_PER_E = 50
"""Bin of a magnitude: ceil(ln(magnitude) * BINS_PER_E)."""

_TINY = float_info.min
_HUGE = 1e292
"""Up to here 1e16 values cannot overflow the sum."""
_INF = float("inf")
_LOG_MAX = log(float_info.max)
_LOG_MIDDLE = log(1 - tanh(0.5 / BINS_PER_E))


def bin_value(index: int) -> float:
    """The magnitude that stands for a bin: at most 1 % from every value in it."""
    return exp(min(index / BINS_PER_E + _LOG_MIDDLE, _LOG_MAX))


class Sketch:
    """Counts of values by bin. `min` is inf and `max` -inf while there are no values."""

    __slots__ = ("_negative", "_positive", "_zero", "count", "max", "min", "sum")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Iterable[float] = ()) -> None:
        self.count = 0
        self.sum = 0.0
        self.min = _INF
        self.max = -_INF
        self._zero = 0
        self._positive: dict[int, int] = {}
        self._negative: dict[int, int] = {}
        for value in values:
            self.add(value)

    def add(self, value: float, weight: int = 1) -> None:
        """Take in a value, `weight` times. Raises ValueError for NaN, infinities and weights below 1."""
        if _TINY < value < _HUGE and weight > 0:
            bins, index = self._positive, ceil(log(value) * BINS_PER_E)
            try:
                bins[index] += weight
            except KeyError:
                bins[index] = weight
                if len(bins) > MAX_BINS:
                    _collapse(bins)
            self.sum += value * weight
        else:
            self._add_rare(value, weight)
        self.count += weight
        if value < self.min:
            self.min = float(value)
        if value > self.max:
            self.max = float(value)

    def extend(self, values: Sequence[float]) -> None:
        """Take in many values, faster than one by one. Raises ValueError for NaN and infinities."""
        if not values:
            return
        low, high, total = min(values), max(values), sum(values)
        # A NaN can hide from min and max, but not from the sum.
        if not (_TINY < low <= high < _HUGE and isfinite(total)):
            for value in values:
                self.add(value)
            return
        bins = self._positive
        get = bins.get
        if low == high:
            index = ceil(log(low) * BINS_PER_E)
            bins[index] = get(index, 0) + len(values)
        else:
            for value in values:
                index = ceil(log(value) * BINS_PER_E)
                bins[index] = get(index, 0) + 1
        if len(bins) > MAX_BINS:
            _collapse(bins)
        self.count += len(values)
        self.sum += total
        self.min = min(self.min, float(low))
        self.max = max(self.max, float(high))

    def _add_rare(self, value: float, weight: int) -> None:
        """Bin and sum of what is negative, zero, tiny, huge or refused."""
        if not -float_info.max <= value <= float_info.max:
            raise ValueError(f"a sketch holds finite numbers, not {value!r}")
        if weight < 1:
            raise ValueError(f"a weight is at least 1, not {weight!r}")
        if -_TINY <= value <= _TINY:
            self._zero += weight
        else:
            bins = self._positive if value > 0 else self._negative
            index = ceil(log(abs(value)) * BINS_PER_E)
            bins[index] = bins.get(index, 0) + weight
            if len(bins) > MAX_BINS:
                _collapse(bins)
        self.sum = _finite(self.sum + float(value) * weight)

    def merge(self, other: Sketch) -> None:
        """Take in all values of another sketch; `other` stays as it is."""
        if not other.count:
            return
        self.count += other.count
        self.sum = _finite(self.sum + other.sum)
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)
        self._zero += other._zero
        _merge(self._positive, other._positive)
        _merge(self._negative, other._negative)

    def subtract(self, other: Sketch) -> None:
        """Take out the values of a sketch that was merged in before.

        `min` and `max` are estimates from then on (1 %). Raises ValueError, and changes nothing, if the values are not all in
        here, which is so too when their bins were collapsed: build the sketch anew from its parts then.
        """
        if other._zero > self._zero or not (_holds(self._positive, other._positive) and _holds(self._negative, other._negative)):
            raise ValueError("cannot subtract a sketch that was not merged in")
        self.count -= other.count
        self.sum = _finite(self.sum - other.sum) if self.count else 0.0
        self._zero -= other._zero
        _subtract(self._positive, other._positive)
        _subtract(self._negative, other._negative)
        low, high = self.min, self.max
        middles = [value for value, _ in self._ends()]
        self.min = min(max(middles[0], low), high) if middles else _INF
        self.max = min(max(middles[-1], low), high) if middles else -_INF

    def quantile(self, q: float) -> float:
        """The value at rank floor(q (n - 1)), within 1 %. Raises ValueError when empty, or for q outside 0 to 1."""
        return self.quantiles((q,))[0]

    def quantiles(self, qs: Iterable[float]) -> list[float]:
        """Several quantiles in one walk over the bins, in the order asked for."""
        wanted = list(qs)
        if not all(0 <= q <= 1 for q in wanted):
            raise ValueError(f"a quantile is between 0 and 1, not {wanted!r}")
        if not self.count:
            raise ValueError("an empty sketch has no quantiles")
        found: dict[float, float] = {}
        bins, seen, value = self.bins(), 0, self.min
        for q in sorted(set(wanted)):
            rank = int(q * (self.count - 1))
            while seen <= rank:
                value, count = next(bins)
                seen += count
            found[q] = min(max(value, self.min), self.max)
        return [found[q] for q in wanted]

    def bins(self) -> Iterator[tuple[float, int]]:
        """Bins in ascending order: the value that stands for each, and its count."""
        for index in sorted(self._negative, reverse=True):
            yield -bin_value(index), self._negative[index]
        if self._zero:
            yield 0.0, self._zero
        for index in sorted(self._positive):
            yield bin_value(index), self._positive[index]

    def _ends(self) -> list[tuple[float, int]]:
        every = list(self.bins())
        return every[:1] + every[-1:]

    def to_bytes(self) -> bytes:
        """The sketch as bytes; `from_bytes` gives back an equal one."""
        return _sketch_bytes.encode(self.parts())

    @classmethod
    def from_bytes(cls, data: bytes) -> Sketch:
        """Read `to_bytes`. Raises ValueError, quickly and in little memory, for anything else."""
        return cls.from_parts(_sketch_bytes.decode(data))

    @staticmethod
    def peek(data: bytes) -> tuple[int, float, float, float]:
        """Count, sum, min and max of an encoded sketch, without decoding its bins. Raises ValueError."""
        return _sketch_bytes.peek(data)

    def parts(self) -> Parts:
        """What it holds, for code that works on many sketches at once; the dicts are the sketch's own, do not change them."""
        return Parts(self.count, self.sum, self.min, self.max, self._zero, self._positive, self._negative)

    @classmethod
    def from_parts(cls, parts: Parts) -> Sketch:
        """The sketch of some parts, whose dicts it makes its own."""
        sketch = cls()
        sketch.count, sketch.sum, sketch.min, sketch.max, sketch._zero, sketch._positive, sketch._negative = parts
        return sketch

    def copy(self) -> Sketch:
        """A sketch of the same values that goes its own way."""
        return Sketch.from_parts(self.parts()._replace(positive=dict(self._positive), negative=dict(self._negative)))

    def __len__(self) -> int:
        return self.count

    def __eq__(self, other: object) -> bool:
        return self.parts() == other.parts() if isinstance(other, Sketch) else NotImplemented

    def __repr__(self) -> str:
        return f"Sketch(count={self.count}, sum={self.sum!r}, min={self.min!r}, max={self.max!r})"


def _merge(bins: dict[int, int], other: Mapping[int, int]) -> None:
    if not bins:
        bins.update(other)
        return
    get = bins.get
    for index, count in other.items():
        bins[index] = get(index, 0) + count
    if len(bins) > MAX_BINS:
        _collapse(bins)


def _holds(bins: Mapping[int, int], other: Mapping[int, int]) -> bool:
    get = bins.get
    return all(get(index, 0) >= count for index, count in other.items())


def _subtract(bins: dict[int, int], other: Mapping[int, int]) -> None:
    for index, count in other.items():
        bins[index] -= count
        if not bins[index]:
            del bins[index]


def _collapse(bins: dict[int, int]) -> None:
    """Fold the lowest bins into the lowest one that stays. What stays does not depend on the order of adding."""
    indexes = sorted(bins)
    folded = indexes[:-MAX_BINS]
    bins[indexes[-MAX_BINS]] += sum(bins.pop(index) for index in folded)


def _finite(total: float) -> float:
    """A sum that overflowed stays at the largest float."""
    return (float_info.max if total > 0 else -float_info.max) if isinf(total) else total
