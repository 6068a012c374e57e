"""The last use out of reports in buckets: never earlier than it was, never missed, at most a minute late."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.key_providers.use import LONGEST_MS, Bucket, Width, last_use
from functions.domain.times import DAY_MS, MINUTE_MS
from tests.rotations.providers.base import buckets

NOW = 1_795_478_437_123


@given(
    st.lists(st.integers(0, 40 * DAY_MS) | st.integers(0, 3 * 3_600_000), max_size=8),
    st.integers(0, 35 * DAY_MS) | st.integers(0, 4 * 3_600_000),
)
def test_the_last_use(ago: list[int], span: int) -> None:
    uses, since, asked = [NOW - each for each in ago], NOW - span, []

    def report(width: Width, start: int) -> Iterator[Bucket]:
        asked.append(width)
        for begin, end in islice(buckets(start, NOW + 1, width.name), width.most):
            if any(begin <= use < end for use in uses):
                yield Bucket(begin, end)

    known, last = last_use(report, since, NOW)
    true = max((use for use in uses if use >= max(since, NOW - LONGEST_MS)), default=None)
    assert known
    assert len(asked) <= 3
    if true is not None:
        assert last is not None
        assert true <= last <= min(true + MINUTE_MS, NOW)
    elif last is not None:
        # A use within the minute that `since` is in cannot be told from one after it.
        assert any(since - since % MINUTE_MS <= use < since or use // MINUTE_MS == (NOW - LONGEST_MS) // MINUTE_MS for use in uses)
