"""Loads that are made up stay between their bounds, and have the shape that they are named for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.scaling_load import SPIKE_MINUTES, Shape, Synthetic, arrivals


@given(st.sampled_from(Shape), st.floats(0.01, 1e3), st.floats(0.01, 1e3), st.integers(1, 500), st.integers(20, 200))
def test_every_minute_is_between_rate_and_peak(shape: Shape, rate: float, peak: float, minutes: int, period: int) -> None:
    found = arrivals(Synthetic(shape=shape, rate=rate, peak=peak, period=period), minutes)
    assert len(found) == minutes
    assert all(60 * min(rate, peak) <= tasks * (1 + 1e-9) and tasks <= 60 * max(rate, peak) * (1 + 1e-9) for tasks in found)


def shape(shape: Shape) -> list[float]:
    return arrivals(Synthetic(shape=shape, rate=1.0, peak=3.0, period=60), 180)


def test_shapes() -> None:
    assert set(shape(Shape.STEADY)) == {60.0}
    assert shape(Shape.STEP) == [60.0] * 60 + [180.0] * 120
    assert all(before < after for before, after in pairwise(shape(Shape.RAMP)))
    assert (shape(Shape.RAMP)[0], shape(Shape.RAMP)[-1]) == (60.0, 180.0)
    assert shape(Shape.SQUARE) == ([60.0] * 30 + [180.0] * 30) * 3
    spike = [60.0] * 30 + [180.0] * SPIKE_MINUTES + [60.0] * (30 - SPIKE_MINUTES)
    assert shape(Shape.SPIKE) == spike * 3
    wave = shape(Shape.WAVE)
    assert (wave[0], wave[30], wave[60]) == pytest.approx((60, 180, 60))
    assert wave[:60] == pytest.approx(wave[60:120])
