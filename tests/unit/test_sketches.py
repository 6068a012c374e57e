"""The vectorised merge holds what the sketch's own merge promises."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawpulse.sketch import MAX_BINS, Sketch
from functions.domain.sketches import decode_many, merge_encoded, merge_grouped

VALUES = st.lists(st.one_of(st.floats(-1e300, 1e300), st.floats(0.1, 1000), st.just(0.0), st.integers(-5, 5).map(float)), max_size=40)


def pure(sketches):
    total = Sketch()
    for sketch in sketches:
        total.merge(sketch)
    return total


def same(one: Sketch, other: Sketch) -> bool:
    a, b = one.parts(), other.parts()
    # A float's sum depends on the order of adding; its error is bounded by the largest magnitude that took part.
    slack = 1e-9 * max((abs(a.min), abs(a.max)), default=0) * max(a.n, 1) if a.n else 0
    return a._replace(sum=0) == b._replace(sum=0) and (a.sum == b.sum or math.isclose(a.sum, b.sum, rel_tol=1e-9, abs_tol=slack))


@given(st.lists(VALUES, max_size=8))
def test_merging_encoded_sketches_equals_merging_sketches(parts):
    sketches = [Sketch(values) for values in parts]
    assert same(merge_encoded([s.to_bytes() for s in sketches]), pure(sketches))


@given(st.lists(st.tuples(VALUES, st.integers(0, 4)), max_size=12))
def test_each_group_gets_its_own_sketches(parts):
    sketches, groups = [Sketch(values) for values, _ in parts], [group for _, group in parts]
    merged = merge_grouped([s.to_bytes() for s in sketches], groups, 5)
    for group in range(5):
        assert same(merged[group], pure(s for s, g in zip(sketches, groups, strict=True) if g == group))


@given(st.lists(VALUES, max_size=8), st.randoms())
def test_the_order_of_coming_changes_no_bin(parts, shuffler):
    blobs = [Sketch(values).to_bytes() for values in parts]
    shuffled = blobs[:]
    shuffler.shuffle(shuffled)
    assert same(merge_encoded(blobs), merge_encoded(shuffled))


def test_results_encode_to_the_bytes_of_the_pure_merge():
    rng = random.Random(7)
    sketches = [Sketch(float(rng.randrange(1, 10_000)) for _ in range(200)) for _ in range(50)]
    assert merge_encoded([s.to_bytes() for s in sketches]).to_bytes() == pure(sketches).to_bytes()


def test_counts_beyond_a_token_and_beyond_a_byte():
    sketches = [Sketch() for _ in range(3)]
    for sketch, weight in zip(sketches, (7, 8, 2**40), strict=True):
        sketch.add(12.5, weight)
        sketch.add(-3.0, weight)
    assert merge_encoded([s.to_bytes() for s in sketches]) == pure(sketches)


def test_more_bins_than_a_sketch_holds_collapse_as_in_the_pure_merge():
    low = Sketch(1.0201 ** (i - 3000) for i in range(1500))
    high = Sketch(1.0201**i for i in range(1500))
    merged = merge_encoded([low.to_bytes(), high.to_bytes()])
    assert merged == pure([low, high]) or same(merged, pure([low, high]))
    assert len(merged.parts().positive) == MAX_BINS


def test_sums_that_overflow_stay_finite():
    sketches = [Sketch([1.7e308]), Sketch([1.7e308])]
    assert merge_encoded([s.to_bytes() for s in sketches]) == pure(sketches)


def test_nothing_merges_to_an_empty_sketch():
    assert merge_encoded([]) == Sketch()
    assert merge_encoded([Sketch().to_bytes()]) == Sketch()
    assert merge_grouped([], [], 2) == [Sketch(), Sketch()]


def test_one_decoding_serves_several_groupings():
    sketches = [Sketch([1.0, 2.0]), Sketch([3.0]), Sketch([5.0])]
    decoded = decode_many([s.to_bytes() for s in sketches])
    import numpy as np

    assert decoded.merge(np.array([0, 1, 2]), 3) == sketches
    assert decoded.merge(np.array([0, 0, 0]), 1) == [pure(sketches)]


GOOD = Sketch([1.0, 2.5, 2.5, -7.0]).to_bytes()


@pytest.mark.parametrize(
    "bad",
    [b"", b"\x00", b"\x10", GOOD[:-1], GOOD + b"\x00", GOOD[:20], b"\x18\x00", GOOD[:25] + b"\x00" * 6, GOOD[:9] + b"\xff" * 8 + GOOD[17:]],
)
def test_bytes_that_are_no_sketch_are_refused(bad):
    with pytest.raises(ValueError, match="no sketch"):
        merge_encoded([GOOD, bad, GOOD])
    with pytest.raises(ValueError, match="no sketch"):
        Sketch.from_bytes(bad)


def test_a_first_bin_after_a_gap_is_where_the_pure_decoder_has_it():
    data = GOOD[:32] + b"\x08" + GOOD[33:]
    assert Sketch.from_bytes(data).parts().positive == {1: 1, 47: 2}
    assert same(merge_encoded([GOOD, data]), pure([Sketch.from_bytes(GOOD), Sketch.from_bytes(data)]))


@given(st.binary(max_size=60), st.integers(0, 60))
def test_whatever_the_pure_decoder_refuses_is_refused_here_too(noise, at):
    data = GOOD[:at] + noise + GOOD[at + len(noise) :]
    try:
        expected = Sketch.from_bytes(data)
    except ValueError:
        with pytest.raises(ValueError, match="no sketch"):
            merge_encoded([GOOD, data])
    else:
        assert same(merge_encoded([data]), expected)
