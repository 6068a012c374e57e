"""Differences of totals, and sketches of distributions."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse.sketch import Sketch
from functions.domain.otlp_values import Buckets, Exponential, Histogram, Number, Summary, difference, is_nothing, sketch_of, value_fault

BOUNDS = (0.0, 5.0, 10.0, 25.0, 100.0, 1000.0)
values = st.lists(st.floats(0.001, 5_000.0), min_size=1, max_size=60)


def explicit(found: list[float], *, bounds: tuple[float, ...] = BOUNDS, with_range: bool = False) -> Histogram:
    counts = [0] * (len(bounds) + 1)
    for value in found:
        counts[bisect_left(bounds, value)] += 1
    low, high = (min(found), max(found)) if with_range and found else (None, None)
    return Histogram(len(found), sum(found), bounds, tuple(counts), low, high)


def exponential(found: list[float], scale: int) -> Exponential:
    """As the specification has it: bucket i holds (base^i, base^(i+1)]."""
    sides: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for value in found:
        index = ceil(log2(abs(value)) * 2**scale) - 1 if value else 0
        if value:
            sides[value > 0][index] = sides[value > 0].get(index, 0) + 1
    return Exponential(len(found), sum(found), scale, found.count(0.0), _buckets(sides[True]), _buckets(sides[False]))


def _buckets(counts: dict[int, int]) -> Buckets:
    if not counts:
        return Buckets()
    first = min(counts)
    return Buckets(first, tuple(counts.get(index, 0) for index in range(first, max(counts) + 1)))


def made(value: Histogram | Exponential, factor: float = 1.0) -> Sketch:
    sketch = sketch_of(value, factor)
    assert isinstance(sketch, Sketch)
    assert Sketch.from_bytes(sketch.to_bytes()) == sketch
    return sketch


@given(values, st.booleans())
def test_a_sketch_of_a_histogram_has_its_count_its_sum_and_every_value_in_its_bucket(found: list[float], with_range: bool) -> None:
    sketch = made(explicit(found, with_range=with_range))
    assert (sketch.count, sketch.sum) == (len(found), sum(found))
    if with_range:
        assert (sketch.min, sketch.max) == (min(found), max(found))
    ranked = sorted(found)
    edges = [*pairwise((0.0, *BOUNDS[1:], max(1000.5, sum(found))))]
    for q in (0.0, 0.1, 0.5, 0.9, 0.99, 1.0):
        true = ranked[int(q * (len(ranked) - 1))]
        low, high = next((low, high) for low, high in edges if low < true <= high)
        # Beyond the last bound only the sum tells.
        assert low * 0.99 - 1e-9 <= sketch.quantile(q) <= high * 1.01


def test_a_single_observation_is_exact() -> None:
    sketch = made(explicit([812.0]))
    assert (sketch.min, sketch.max, sketch.sum) == (812.0, 812.0, 812.0)


@pytest.mark.parametrize(
    ("histogram", "expected"),
    [
        (Histogram(4, 40.0), [10.0] * 4),
        (Histogram(2, None, (1.0, 3.0), (0, 2, 0)), [3.0, 3.0]),
        (Histogram(2, None, (1.0,), (0, 2), None, 9.0), [9.0, 9.0]),
        (Histogram(2, 1000.0, (1.0,), (1, 1)), [0.5, 999.5]),
        (Histogram(2, None, (1.0,), (1, 1)), [0.5, 1.0]),
        (Histogram(2, -8.0, (-1.0, 1.0), (1, 1, 0)), [-1.0, 0.0]),
        (Histogram(4, 8.0, (0.0, 4.0), (2, 2, 0)), [0.0, 0.0, 1.0, 3.0]),
    ],
)
def test_where_values_stand_that_only_counts_tell_of(histogram: Histogram, expected: list[float]) -> None:
    sketch = made(histogram)
    assert [middle for middle, count in sketch.bins() for _ in range(count)] == pytest.approx(expected, rel=0.011)


def test_without_buckets_and_sum_there_is_no_sketch() -> None:
    assert sketch_of(Histogram(3, None)) == "has neither buckets nor a sum to tell where its values lie"


def test_values_beyond_what_can_be_added_up_are_told() -> None:
    assert "values lie between" in str(sketch_of(Histogram(1, 1e300)))
    assert "values lie between" in str(sketch_of(Exponential(2, None, -10, 0, Buckets(5, (2,)), Buckets())))


def test_a_factor_scales_values_and_sum() -> None:
    sketch = made(explicit([0.5, 2.0], bounds=(1.0, 4.0), with_range=True), 1000.0)
    assert (sketch.min, sketch.max, sketch.sum) == (500.0, 2000.0, 2500.0)


@given(st.lists(st.one_of(st.just(0.0), st.floats(0.01, 1e4), st.floats(-1e4, -0.01)), min_size=1, max_size=20), st.integers(3, 6))
def test_exponential_histograms_are_within_half_a_bucket_and_one_percent(found: list[float], scale: int) -> None:
    sketch = made(exponential(found, scale))
    base = 2.0 ** (2.0**-scale)
    error = (base - 1) / (base + 1) + 0.011
    assert (sketch.count, sketch.sum) == (len(found), sum(found))
    for q in (0.0, 0.5, 0.9, 1.0):
        true = sorted(found)[int(q * (len(found) - 1))]
        assert sketch.quantile(q) == pytest.approx(true, rel=error, abs=1e-9)


@given(values, values)
def test_what_came_on_top_of_an_explicit_histogram_is_the_rest(before: list[float], after: list[float]) -> None:
    more = difference(explicit(before + after), explicit(before))
    assert isinstance(more, Histogram)
    assert more.counts == explicit(after).counts
    assert (more.count, more.sum) == (len(after), pytest.approx(sum(after)))


@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=12), st.lists(st.floats(0.01, 1e4), min_size=1, max_size=12), st.integers(0, 3))
def test_what_came_on_top_of_an_exponential_histogram_is_the_rest_even_when_its_buckets_became_coarser(
    before: list[float], after: list[float], shift: int
) -> None:
    more = difference(exponential(before + after, 4 - shift), exponential(before, 4))
    assert isinstance(more, Exponential)
    left = exponential(after, 4 - shift)
    assert _filled(more.positive) == _filled(left.positive)
    assert (more.count, more.zero) == (len(after), 0)


def _filled(buckets: Buckets) -> dict[int, int]:
    return {buckets.offset + place: count for place, count in enumerate(buckets.counts) if count}


def test_less_than_before_is_a_new_beginning() -> None:
    assert difference(Number(3), Number(4)) is None
    assert difference(Summary(1, 5.0), Summary(2, 3.0)) is None
    assert difference(explicit([1.0]), explicit([1.0, 2.0])) is None


def test_other_buckets_than_before_leave_count_and_sum() -> None:
    more = difference(explicit([1.0, 2.0, 30.0], bounds=(5.0,)), explicit([1.0], bounds=(2.0,)))
    assert more == Histogram(2, 32.0)
    finer = difference(exponential([4.0, 8.0], 3), exponential([4.0], 2))
    assert finer == Histogram(1, 8.0)


def test_large_integers_are_exact() -> None:
    assert difference(Number(2**62 + 3), Number(2**62)) == Number(3)


def test_nothing_is_nothing() -> None:
    assert is_nothing(Number(0.0))
    assert is_nothing(Histogram(0, 0.0))
    assert not is_nothing(Number(-1))


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (Number(float("nan")), "is nan"),
        (Number(float("-inf")), "is -inf"),
        (Number(1e291), "finite numbers up to"),
        (Summary(1, float("nan")), "no finite number"),
        (Histogram(1, float("inf")), "no finite number"),
        (Histogram(2, 1.0, (1.0,), (1, 0)), "do not add up"),
        (Histogram(1, 1.0, (1.0, 2.0), (1, 0)), "one bucket more than bounds"),
        (Histogram(1, 1.0, (2.0, 1.0), (1, 0, 0)), "do not rise"),
        (Histogram(1, 1.0, (float("nan"),), (1, 0)), "do not rise"),
        (Histogram(3000, 1.0, tuple(map(float, range(2999))), (1,) * 3000), "more than 2048 buckets"),
        (Exponential(1, 1.0, 0, 0, Buckets(0, (1, 1)), Buckets()), "do not add up"),
    ],
)
def test_values_that_cannot_be(value: Number | Summary | Histogram | Exponential, fault: str) -> None:
    assert fault in (value_fault(value) or "")
