"""The sketch's promises over many distributions, with `ddsketch` as the oracle."""

from __future__ import annotations

import math
import random
import sys

import pytest
from ddsketch import DDSketch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clawpulse.sketch import MAX_BINS, RELATIVE_ERROR, Parts, Sketch, bin_value

QUANTILES = (0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1)

finite = st.floats(allow_nan=False, allow_infinity=False)
measured = st.floats(min_value=-1e12, max_value=1e12)
many = st.lists(finite, max_size=200)
# Sums that overflow stay at the largest float, so their order matters.
summable = st.lists(st.floats(-1e290, 1e290), max_size=200)


def draws(name: str, n: int, seed: int = 7) -> list[float]:
    source = random.Random(seed)
    make = {
        "lognormal": lambda: source.lognormvariate(6, 1.2),
        "pareto": lambda: source.paretovariate(1.1),
        "bimodal": lambda: source.gauss(120, 15) if source.random() < 0.7 else source.gauss(4_000, 300),
        "uniform": lambda: source.uniform(-50, 50),
        "constant": lambda: 3.25,
        "tokens": lambda: float(source.randrange(0, 8_000)),
        "costs": lambda: source.expovariate(1) / 1_000,
    }[name]
    return [make() for _ in range(n)]


def exact(values: list[float], q: float) -> float:
    return sorted(values)[int(q * (len(values) - 1))]


def assert_close(sketch: Sketch, values: list[float]) -> None:
    for q in QUANTILES:
        want = exact(values, q)
        assert abs(sketch.quantile(q) - want) <= RELATIVE_ERROR * abs(want) + sys.float_info.min, q


@pytest.mark.parametrize("name", ["lognormal", "pareto", "bimodal", "uniform", "constant", "tokens", "costs"])
def test_every_quantile_within_one_percent(name: str) -> None:
    values = draws(name, 5_000)
    sketch = Sketch(values)
    assert_close(sketch, values)
    assert (sketch.count, sketch.min, sketch.max) == (len(values), min(values), max(values))
    assert sketch.sum == pytest.approx(math.fsum(values))


@given(st.lists(finite, min_size=1, max_size=200))
@example([sys.float_info.max, sys.float_info.min, -sys.float_info.max, 5e-324, 0.0])
def test_every_quantile_of_any_floats(values: list[float]) -> None:
    assert_close(Sketch(values), values)


@pytest.mark.parametrize("name", ["lognormal", "pareto", "bimodal", "uniform"])
def test_as_good_as_ddsketch(name: str) -> None:
    values = draws(name, 2_000, seed=11)
    ours, oracle = Sketch(values), DDSketch(RELATIVE_ERROR)
    for value in values:
        oracle.add(value)
    for q in QUANTILES[1:-1]:
        # Both are within 1 % of the same value.
        assert ours.quantile(q) == pytest.approx(oracle.get_quantile_value(q), rel=2.05 * RELATIVE_ERROR)
    assert ours.count == oracle.count
    assert ours.sum == pytest.approx(oracle.sum)


@given(summable, summable)
def test_merging_equals_adding(left: list[float], right: list[float]) -> None:
    merged = Sketch(left)
    merged.merge(Sketch(right))
    together = Sketch(left + right)
    assert merged.parts()._replace(sum=0) == together.parts()._replace(sum=0)
    assert merged.sum == pytest.approx(together.sum, rel=1e-9, abs=1e285)


@given(st.lists(measured, max_size=60), st.lists(measured, max_size=60), st.lists(measured, max_size=60))
def test_merge_is_associative_and_commutative(a: list[float], b: list[float], c: list[float]) -> None:
    def joined(*parts: list[float]) -> Sketch:
        total = Sketch()
        for part in parts:
            total.merge(Sketch(part))
        return total

    left = joined(a, b)
    left.merge(Sketch(c))
    right = Sketch(a)
    right.merge(joined(b, c))
    for other in (right, joined(c, a, b)):
        assert left.parts()._replace(sum=0) == other.parts()._replace(sum=0)
        assert left.sum == pytest.approx(other.sum, rel=1e-9, abs=1e-3)


def test_merge_leaves_the_other_alone() -> None:
    mine, other = Sketch(), Sketch([1.0, -2.0, 0.0])
    before = other.copy()
    mine.merge(other)
    mine.add(1.0)
    mine.add(-2.0)
    assert other == before
    mine.merge(mine.copy())
    assert mine.count == 10


@given(st.lists(measured, max_size=100), st.lists(measured, max_size=100))
def test_subtracting_what_was_merged(kept: list[float], gone: list[float]) -> None:
    window = Sketch(kept + gone)
    window.subtract(Sketch(gone))
    want = Sketch(kept)
    assert window.parts()[4:] == want.parts()[4:]
    assert window.count == want.count
    assert window.sum == pytest.approx(want.sum, rel=1e-9, abs=1e-2)
    if kept:
        assert_close(window, kept)
        assert window.min == pytest.approx(min(kept), rel=RELATIVE_ERROR)
        assert window.max == pytest.approx(max(kept), rel=RELATIVE_ERROR)
    else:
        assert window == Sketch()


def test_subtracting_what_is_not_in_there_changes_nothing() -> None:
    window = Sketch([1.0, 2.0, -3.0, 0.0])
    before = window.copy()
    for foreign in ([5.0], [1.0, 1.0], [-3.0, -3.0], [0.0, 0.0]):
        with pytest.raises(ValueError, match="not merged in"):
            window.subtract(Sketch(foreign))
        assert window == before


@given(many)
@example([0.0])
@example([1e300, -1e300, 1e-300, 0.0])
@example([7.0] * 300)
def test_bytes_round_trip(values: list[float]) -> None:
    sketch = Sketch(values)
    data = sketch.to_bytes()
    assert Sketch.from_bytes(data) == sketch
    assert Sketch.from_bytes(data).to_bytes() == data
    assert Sketch.peek(data) == (sketch.count, sketch.sum, sketch.min, sketch.max)


@given(st.dictionaries(st.integers(-35_000, 35_000), st.integers(1, 2**40), max_size=300))
def test_bytes_round_trip_for_any_bins(bins: dict[int, int]) -> None:
    count = sum(bins.values())
    sketch = Sketch.from_parts(Parts(2 * count + 3, 1.5, -4.0, 9.0, 3, bins, dict(bins)))
    assert Sketch.from_bytes(sketch.to_bytes()) == sketch


def test_bytes_are_few() -> None:
    assert len(Sketch(draws("lognormal", 500)).to_bytes()) <= 250
    assert len(Sketch(draws("pareto", 500)).to_bytes()) <= 400
    assert len(Sketch([812.5]).to_bytes()) <= 17
    assert len(Sketch().to_bytes()) == 1


@settings(max_examples=300)
@given(st.binary(max_size=120))
def test_rubbish_is_refused_or_a_sketch(data: bytes) -> None:
    try:
        sketch = Sketch.from_bytes(data)
    except ValueError:
        return
    assert Sketch.from_bytes(sketch.to_bytes()) == sketch


@settings(max_examples=300)
@given(st.lists(measured, min_size=1, max_size=40), st.data())
def test_a_changed_byte_is_refused_or_a_sketch(values: list[float], data: st.DataObject) -> None:
    good = bytearray(Sketch(values).to_bytes())
    good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        sketch = Sketch.from_bytes(bytes(good))
    except ValueError:
        return
    assert sketch.count == sum(sketch.parts().positive.values()) + sum(sketch.parts().negative.values()) + sketch.parts().zero
    if sketch.count:
        assert sketch.min <= sketch.quantile(0.5) <= sketch.max


@given(st.lists(measured, max_size=40), st.data())
def test_cut_short_or_too_long_is_refused(values: list[float], data: st.DataObject) -> None:
    good = Sketch(values).to_bytes()
    with pytest.raises(ValueError, match="no sketch"):
        Sketch.from_bytes(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(ValueError, match="no sketch"):
        Sketch.from_bytes(good + b"\0")


def test_hostile_sizes_are_refused() -> None:
    head = b"\x11" + b"\0" * 8
    huge = b"\xff" * 8 + b"\x7f"
    for varints in (b"\x01\x00" + huge, huge + b"\0\0\0\0\0", b"\x01\0\x01" + huge + b"\0\0\0", b"\xff" * 30, b"\x01\0\x01\0\0\0" + huge):
        with pytest.raises(ValueError, match="no sketch"):
            Sketch.from_bytes(head + varints)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**400)])
def test_what_is_no_finite_number_is_refused(value: float) -> None:
    sketch = Sketch([1.0])
    with pytest.raises(ValueError, match="finite"):
        sketch.add(value)
    assert sketch == Sketch([1.0])


@given(st.lists(measured, max_size=80), st.lists(measured.map(abs), max_size=80))
def test_extending_equals_adding(some: list[float], positive: list[float]) -> None:
    for values in (some, positive):
        one, many = Sketch(some), Sketch(some)
        for value in values:
            one.add(value)
        many.extend(values)
        assert one.parts()._replace(sum=0) == many.parts()._replace(sum=0)
        assert one.sum == pytest.approx(many.sum, rel=1e-9, abs=1e-2)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_extending_by_what_is_no_finite_number_is_refused(odd: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Sketch().extend([1.0, odd, 2.0])


def test_weights() -> None:
    weighted = Sketch()
    weighted.add(2.5, 3)
    weighted.add(-1.0, 2)
    weighted.add(0.0, 4)
    assert weighted == Sketch([2.5] * 3 + [-1.0] * 2 + [0.0] * 4)
    for weight in (0, -1):
        with pytest.raises(ValueError, match="weight"):
            weighted.add(1.0, weight)


def test_an_empty_sketch_has_no_quantiles() -> None:
    with pytest.raises(ValueError, match="empty"):
        Sketch().quantile(0.5)
    for q in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            Sketch([1.0]).quantile(q)


def test_quantiles_come_in_the_order_asked_for() -> None:
    sketch = Sketch(range(1_000))
    assert sketch.quantiles((0.99, 0.5, 0.5)) == [sketch.quantile(0.99), sketch.quantile(0.5), sketch.quantile(0.5)]


def test_bins_stay_bounded_and_the_upper_quantiles_good() -> None:
    source = random.Random(3)
    values = [10 ** source.uniform(-300, 300) * source.choice((1, -1)) for _ in range(12_000)]
    whole, halves = Sketch(values), Sketch(values[:6_000])
    halves.merge(Sketch(values[6_000:]))
    assert halves.parts()._replace(sum=0) == whole.parts()._replace(sum=0)
    assert len(whole.parts().positive) == len(whole.parts().negative) == MAX_BINS
    assert Sketch.from_bytes(whole.to_bytes()) == whole
    for q in (0.001, 0.1, 0.9, 0.999):
        assert whole.quantile(q) == pytest.approx(exact(values, q), rel=RELATIVE_ERROR)


def test_the_sum_of_huge_values_stays_a_number() -> None:
    sketch = Sketch([1.7e308] * 3)
    assert sketch.sum == sys.float_info.max
    sketch.merge(sketch.copy())
    assert sketch.sum == sys.float_info.max
    assert Sketch.from_bytes(sketch.to_bytes()) == sketch


def test_a_bin_is_within_one_percent_of_its_edges() -> None:
    for index in (-30_000, -50, 0, 1, 700, 35_000):
        low, high = math.exp((index - 1) / 50), math.exp(index / 50)
        assert abs(bin_value(index) - low) <= RELATIVE_ERROR * low
        assert abs(bin_value(index) - high) <= RELATIVE_ERROR * high
