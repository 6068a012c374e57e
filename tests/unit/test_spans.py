from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.spans import HOUR_SETTLES_MS, HOURS_KEPT_MS, Span, bucket_ms, cover, minutes, minutes_kept
from functions.domain.times import HOUR_MS, MINUTE_MS

NOW = 498_740 * HOUR_MS + 30 * MINUTE_MS
HOUR = 498_740


def test_a_short_range_is_minutes() -> None:
    assert cover(NOW - 5 * MINUTE_MS, NOW, NOW) == (Span("m", HOUR * 60 + 25, HOUR * 60 + 30),)


def test_whole_hours_in_the_middle_minutes_at_the_edges() -> None:
    assert cover(NOW - 3 * HOUR_MS, NOW, NOW) == (
        Span("m", (HOUR - 3) * 60 + 30, (HOUR - 2) * 60),
        Span("h", HOUR - 2, HOUR),
        Span("m", HOUR * 60, HOUR * 60 + 30),
    )


def test_an_hour_that_just_ended_is_read_as_minutes() -> None:
    now = HOUR * HOUR_MS + HOUR_SETTLES_MS - 1
    assert cover((HOUR - 2) * HOUR_MS, now, now)[0] == Span("h", HOUR - 2, HOUR - 1)
    assert cover((HOUR - 2) * HOUR_MS, now + 1, now + 1)[0] == Span("h", HOUR - 2, HOUR)


def test_a_start_beyond_the_minutes_is_rounded_down_to_its_hour() -> None:
    first = cover(NOW - 7 * 24 * HOUR_MS, NOW, NOW)[0]
    assert first == Span("h", HOUR - 7 * 24, HOUR)


@given(st.integers(1, HOURS_KEPT_MS), st.integers(0, 3 * HOUR_MS), st.integers(0, HOUR_MS))
def test_spans_cover_the_range_once_and_without_a_gap(length: int, back: int, offset: int) -> None:
    now = NOW + offset
    start, end = now - back - length, now - back
    spans = cover(start, end, now)
    assert [span.start_ms for span in spans[1:]] == [span.end_ms for span in spans[:-1]]
    assert spans[-1].end_ms - MINUTE_MS < end <= spans[-1].end_ms
    widest = MINUTE_MS if minutes_kept(start, now) else HOUR_MS
    assert start - widest < spans[0].start_ms <= start
    assert all(span.end_ms <= now - HOUR_SETTLES_MS for span in spans if span.unit == "h")


@pytest.mark.parametrize(("start", "end", "count"), [(0, 0, 0), (0, 1, 1), (59_999, 60_001, 2), (60_000, 120_000, 1)])
def test_minutes(start: int, end: int, count: int) -> None:
    assert sum(map(len, minutes(start, end))) == count


def test_buckets_begin_at_their_number() -> None:
    assert (bucket_ms("m", 2), bucket_ms("h", 2)) == (120_000, 7_200_000)
