"""Hourly series of any kind, with hours that are not known."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from functions.domain.alert_columns import Floats

ELEMENTS = st.one_of(st.just(np.nan), st.just(0.0), st.floats(0, 1e9, allow_subnormal=False), st.integers(0, 3).map(float))


@st.composite
def hourly(draw: st.DrawFn, least: int = 0, most: int = 400, rows: int = 4) -> Floats:
    """[series, hour], nothing below 0: something regular, with any values in between."""
    shape = draw(st.integers(0, rows)), draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    regular = rng.lognormal(draw(st.floats(-5, 5)), draw(st.sampled_from([0.0, 0.3, 2.0])), shape)
    regular[rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 0.95]))] = draw(st.sampled_from([0.0, np.nan]))
    odd = draw(arrays.arrays(np.float64, shape, elements=ELEMENTS, fill=st.just(-1.0)))
    return np.where(odd == -1.0, regular, odd)
