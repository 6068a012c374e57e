"""Values of OTLP data points: what a stream has counted so far, the difference of two of them, and the sketch of a distribution.

A histogram tells how many values lie between two bounds, not where. Its sketch has the exact count, the exact sum where one is
given, and every value in the bucket that it was in: quantiles are within that bucket. A bucket's values are spread over it evenly;
those of a histogram with one filled bucket stand at their mean, so a single observation is exact. Buckets of an exponential
histogram are narrow: their middle is within (base - 1) / (base + 1) of each value, 1 % of a sketch on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import msgspec

from clawpulse.sketch import Sketch
from functions.domain.wire import MAX_VALUE

MAX_BUCKETS = 2_048
"""Of one histogram."""
SCALES = range(-10, 21)
"""Of exponential histograms: coarser ones have all numbers in one bucket, finer ones are finer than a float."""
_SPREAD = 16
"""Places that the values of a bucket are spread over."""
_MAX_POWER = 963.0
"""2 to the power of it is the largest value that we take."""
_MAX_SHIFT = 63


class Number(msgspec.Struct, frozen=True, array_like=True, tag=0, gc=False):
    """A gauge, or what a counter has counted."""

    value: float | int


class Summary(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """Count and sum of a summary; its quantiles are gauges."""

    count: int
    sum: float


class Histogram(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """Counts of values up to each bound, and beyond the last; no counts at all when only count and sum are known."""

    count: int
    sum: float | None
    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None


class Buckets(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Neighbouring buckets of an exponential histogram; the first has the index `offset`."""

    offset: int = 0
    counts: tuple[int, ...] = ()


class Exponential(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """Bucket i holds the magnitudes in (base^i, base^(i+1)] with base = 2^(2^-scale)."""

    count: int
    sum: float | None
    scale: int
    zero: int
    positive: Buckets
    negative: Buckets
    low: float | None = None
    high: float | None = None


type Distribution = Histogram | Exponential
type Value = Number | Summary | Histogram | Exponential


def difference(new: Value, old: Value) -> Value | None:
    """What came on top of `old` until `new`; None when `new` is less, so that counting has begun anew."""
    if isinstance(new, Number) and isinstance(old, Number):
        return Number(new.value - old.value) if new.value >= old.value else None
    if isinstance(new, Number) or isinstance(old, Number) or new.count < old.count:
        return None
    if isinstance(new, Summary) or isinstance(old, Summary):
        return Summary(new.count - old.count, (new.sum or 0.0) - (old.sum or 0.0))
    return _of_distributions(new, old)


def is_nothing(value: Value) -> bool:
    """Whether nothing was counted."""
    return not (value.value if isinstance(value, Number) else value.count)


def _of_distributions(new: Distribution, old: Distribution) -> Distribution:
    count = new.count - old.count
    total = None if new.sum is None or old.sum is None else new.sum - old.sum
    low = new.low if old.low is None or (new.low is not None and new.low < old.low) else None
    high = new.high if old.high is None or (new.high is not None and new.high > old.high) else None
    if isinstance(new, Histogram) and isinstance(old, Histogram) and new.bounds == old.bounds and len(new.counts) == len(old.counts):
        counts = tuple(a - b for a, b in zip(new.counts, old.counts, strict=True))
        if min(counts, default=0) >= 0:
            return Histogram(count, total, new.bounds, counts, low, high)
    if isinstance(new, Exponential) and isinstance(old, Exponential) and (shift := old.scale - new.scale) >= 0:
        positive, negative = _less(new.positive, old.positive, shift), _less(new.negative, old.negative, shift)
        if positive is not None and negative is not None and new.zero >= old.zero:
            return Exponential(count, total, new.scale, new.zero - old.zero, positive, negative, low, high)
    # Other buckets than before: how many there are more is certain, where they lie only on average.
    return Histogram(count, total, low=low, high=high)


def _less(new: Buckets, old: Buckets, shift: int) -> Buckets | None:
    """`new` without `old`, whose buckets are finer by `shift` powers of two; None when that is not possible."""
    left = list(new.counts)
    for place, count in enumerate(old.counts):
        if count:
            at = ((old.offset + place) >> min(shift, _MAX_SHIFT)) - new.offset
            if not 0 <= at < len(left) or left[at] < count:
                return None
            left[at] -= count
    return Buckets(new.offset, tuple(left))


def sketch_of(value: Distribution, factor: float = 1.0) -> Sketch | str:
    """The sketch of a distribution, its values times `factor`; or why there can be none."""
    weighted = list(_exponential(value) if isinstance(value, Exponential) else _explicit(value))
    if not weighted:
        return "has neither buckets nor a sum to tell where its values lie"
    if _beyond(value, weighted):
        return f"values lie between -{MAX_VALUE} and {MAX_VALUE}"
    sketch = Sketch()
    for middle, count in weighted:
        sketch.add(_within(middle, value.low, value.high) * factor, count)
    parts = sketch.parts()
    return Sketch.from_parts(
        parts._replace(
            sum=parts.sum if value.sum is None else value.sum * factor,
            min=parts.min if value.low is None else value.low * factor,
            max=parts.max if value.high is None else value.high * factor,
        )
    )


def mean(value: Distribution) -> float | None:
    """Sum over count; None without a sum."""
    return None if value.sum is None or not value.count else value.sum / value.count


def _beyond(value: Distribution, weighted: list[tuple[float, int]]) -> bool:
    """Whether a number is larger than what we add up."""
    numbers = [middle for middle, _ in weighted] + [number for number in (mean(value), value.low, value.high) if number is not None]
    return max(map(abs, numbers)) > MAX_VALUE


def _within(middle: float, low: float | None, high: float | None) -> float:
    middle = middle if low is None else max(middle, low)
    return middle if high is None else min(middle, high)


def _explicit(value: Histogram) -> Iterator[tuple[float, int]]:
    """Values that stand for those in the buckets, and how many."""
    filled = [(place, count) for place, count in enumerate(value.counts) if count]
    average = mean(value)
    if len(filled) <= 1:
        low, high = _edges(value, filled[0][0]) if filled else (None, None)
        middle = average if average is not None else high if high is not None else low
        if middle is not None:
            yield _within(middle, low, high), value.count
        return
    seen = 0.0
    for place, count in filled:
        low, high = _edges(value, place)
        if low is None or high is None:
            yield _open_end(value, seen, low if high is None else high, count, above=high is None), count
            continue
        for middle, share in _spread(low, high, count):
            seen += middle * share
            yield middle, share


def _edges(value: Histogram, place: int) -> tuple[float | None, float | None]:
    """Where a bucket begins and ends; None for an end that nobody knows."""
    low = value.bounds[place - 1] if place else value.low
    high = value.bounds[place] if place < len(value.bounds) else value.high
    if low is None and high is not None:
        # Below the first bound: durations and sizes, which begin at zero, unless the bound says otherwise.
        low = 0.0 if high > 0 else high
    if low is not None and high is not None and high < low:
        return low, low
    return low, high


def _open_end(value: Histogram, seen: float, bound: float | None, count: int, *, above: bool) -> float:
    """Where the values beyond the last bound stand: what the sum leaves for them, if that is beyond it."""
    edge = bound or 0.0
    if value.sum is None or not above:
        return edge
    return max(edge, (value.sum - seen) / count)


def _spread(low: float, high: float, count: int) -> Iterator[tuple[float, int]]:
    places = min(count, _SPREAD)
    for place in range(places):
        share = count // places + (place < count % places)
        yield low + (high - low) * (place + 0.5) / places, share


def _exponential(value: Exponential) -> Iterator[tuple[float, int]]:
    average = mean(value)
    if value.count == 1 and average is not None:
        yield average, 1
        return
    for buckets, sign in ((value.negative, -1.0), (value.positive, 1.0)):
        for place, count in enumerate(buckets.counts):
            if count:
                power = (buckets.offset + place + 0.5) * 2.0**-value.scale
                yield (sign * 2.0**power if power <= _MAX_POWER else sign * float("inf")), count
    if value.zero:
        yield 0.0, value.zero


def value_fault(value: Value) -> str | None:
    """Why a value is none that can be counted."""
    if isinstance(value, Number):
        return None if abs(value.value) <= MAX_VALUE else f"is {value.value}: values are finite numbers up to {MAX_VALUE}"
    numbers = [value.sum] if isinstance(value, Summary) else [value.sum, value.low, value.high]
    if not all(number is None or isfinite(number) for number in numbers):
        return "has a sum, min or max that is no finite number"
    return None if isinstance(value, Summary) else _buckets_fault(value)


def _buckets_fault(value: Distribution) -> str | None:
    counts = value.counts if isinstance(value, Histogram) else (*value.positive.counts, *value.negative.counts, value.zero)
    if len(counts) > MAX_BUCKETS:
        return f"has more than {MAX_BUCKETS} buckets"
    if counts and sum(counts) != value.count:
        return "has bucket counts that do not add up to its count"
    if isinstance(value, Exponential) and value.scale not in SCALES:
        return f"has a scale beyond {SCALES[0]} to {SCALES[-1]}"
    if isinstance(value, Histogram) and value.counts:
        if len(value.counts) != len(value.bounds) + 1:
            return "has not one bucket more than bounds"
        if not all(map(isfinite, value.bounds)) or any(a >= b for a, b in zip(value.bounds, value.bounds[1:], strict=False)):
            return "has bounds that do not rise"
    return None
