"""Cumulative streams: whatever is repeated, reordered or reset, the additions sum to the truth."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain import otlp_streams
from functions.domain.otlp_points import Meaning, Point, Refusals
from functions.domain.otlp_streams import MAX_STREAMS, RECENT_NS, Exporter, Pending, advance, begin, decode, encode
from functions.domain.otlp_values import Histogram, Number, Value

SECOND = 1_000_000_000
BEGAN = 1_795_460_000 * SECOND


def point(value: float | Value, time: int, start: int = BEGAN, stream: bytes = b"s") -> Point:
    """A total at a time."""
    held = Number(value) if isinstance(value, int | float) else value
    return Point(
        scope="app", name="requests", unit="", attributes={}, meaning=Meaning.TOTAL, start=start, time=time, value=held, stream=stream
    )


class Played(NamedTuple):
    added: list[float]
    exporter: Exporter
    refusals: Refusals


def play(*requests: list[Point]) -> Played:
    """Send requests one by one, the record stored in between."""
    added: list[float] = []
    refusals = Refusals()
    exporter: Exporter | None = None
    for request in requests:
        exporter = exporter or begin(request, "e", 0)
        more, changed = advance(exporter, request, refusals)
        assert all(each.meaning is Meaning.MORE for each in more)
        added += [each.value.value for each in more if isinstance(each.value, Number)]
        # Only what has changed is stored.
        exporter = decode(encode(exporter)) if changed else exporter
    assert exporter is not None
    return Played(added, exporter, refusals)


def test_a_stream_counts_from_its_start_and_then_what_comes_on_top() -> None:
    assert play([point(3, BEGAN + SECOND)], [point(3, BEGAN + 2 * SECOND)], [point(10, BEGAN + 3 * SECOND)]).added == [3, 7]


def test_what_a_process_counted_for_hours_before_we_knew_it_is_no_burst() -> None:
    late = BEGAN + 3600 * SECOND
    assert play([point(1_000_000, late)], [point(1_000_007, late + SECOND)]).added == [7]


@pytest.mark.parametrize(("age", "added"), [(RECENT_NS, [5.0]), (RECENT_NS + 1, [])])
def test_a_process_that_began_just_before_counts_from_zero(age: int, added: list[float]) -> None:
    assert play([point(5, BEGAN + age)]).added == added


def test_a_stream_that_began_after_we_knew_the_exporter_counts_from_zero() -> None:
    late = BEGAN + 9000 * SECOND
    assert play([point(9, late)], [point(4, late + 60 * SECOND, start=late + SECOND, stream=b"new")]).added == [4]


def test_a_stream_of_a_process_known_for_long_counts_from_zero_though_its_start_is_the_process_s() -> None:
    late = BEGAN + 9000 * SECOND
    known = [point(9, late)]
    at_once = [point(700, late + SECOND, stream=b"other")]
    much_later = [point(4, late + RECENT_NS + SECOND, stream=b"new")]
    assert play(known, at_once, much_later).added == [4]


def test_a_reset_is_seen_by_its_start_or_by_its_value() -> None:
    again = BEGAN + 60 * SECOND
    assert play([point(5, BEGAN + SECOND)], [point(7, again + SECOND, start=again)]).added == [5, 7]
    assert play([point(5, BEGAN + SECOND)], [point(2, again)]).added == [5, 2]


def test_without_a_start_time_only_a_lower_value_tells_of_a_reset() -> None:
    assert play([point(5, BEGAN, start=0)], [point(8, BEGAN + 1, start=0)], [point(2, BEGAN + 2, start=0)]).added == [3, 2]


def test_a_stream_without_start_times_counts_from_zero_once_its_exporter_is_known_for_long() -> None:
    assert play([point(5, BEGAN)], [point(6, BEGAN + RECENT_NS + 1, start=0, stream=b"new")]).added == [5, 6]


def test_distributions_are_subtracted_too() -> None:
    first, second = Histogram(1, 4.0, (5.0,), (1, 0)), Histogram(3, 24.0, (5.0,), (1, 2))
    exporter = begin([point(first, BEGAN + SECOND)], "e", 0)
    advance(exporter, [point(first, BEGAN + SECOND)], Refusals())
    added, _ = advance(exporter, [point(second, BEGAN + 2 * SECOND)], Refusals())
    assert [each.value for each in added] == [Histogram(2, 20.0, (5.0,), (0, 2))]


def test_only_so_many_streams_are_remembered() -> None:
    many = [point(1, BEGAN + SECOND, stream=b"%d" % number) for number in range(MAX_STREAMS + 2)]
    played = play(many)
    assert (len(played.added), played.refusals.count) == (MAX_STREAMS, 2)
    assert "at most 4000" in played.refusals.message()


def test_a_record_comes_back_as_it_was_stored_and_an_unreadable_one_is_none() -> None:
    exporter = play([point(3, BEGAN + SECOND)]).exporter
    exporter.pending = Pending([b"{}"], (("shard", "a"),))
    again = decode(encode(exporter))
    assert again is not None
    assert msgspec.to_builtins(again, str_keys=False) == msgspec.to_builtins(exporter, str_keys=False)
    assert decode(b"x") is None
    assert decode(otlp_streams.zlib.compress(b"\xc1")) is None


class Export(NamedTuple):
    start: int
    time: int
    totals: tuple[int, ...]


@st.composite
def exports(draw: st.DrawFn) -> list[Export]:
    """What an exporter of some streams sends: totals that rise, with resets of all of them."""
    streams = draw(st.integers(1, 3))
    start, time, sent = BEGAN, BEGAN, []
    totals = [0] * streams
    for _ in range(draw(st.integers(1, 12))):
        time += draw(st.integers(1, 90)) * SECOND
        if draw(st.integers(0, 5)) == 0:
            start, totals = time, [0] * streams
            time += SECOND
        totals = [total + draw(st.integers(0, 9)) for total in totals]
        sent.append(Export(start, time, tuple(totals)))
    return sent


@given(exports(), st.data())
def test_additions_sum_to_the_truth_whatever_happens_on_the_way(sent: list[Export], data: st.DataObject) -> None:
    """Requests are repeated, and overtake each other by as many resets as are remembered."""
    order = data.draw(st.permutations(sent)) if len({export.start for export in sent}) <= otlp_streams.MAX_LIVES else sent
    repeated = [export for export in order for _ in range(data.draw(st.integers(1, 2)))]
    requests = [[point(total, each.time, each.start, b"%d" % i) for i, total in enumerate(each.totals)] for each in repeated]
    truth = sum(
        sum(max(e.totals[i] for e in sent if e.start == start) for start in {e.start for e in sent}) for i in range(len(sent[0].totals))
    )
    assert sum(play(*requests).added) == truth


@given(exports(), st.sets(st.integers(0, 11)))
def test_lost_requests_lose_nothing_that_a_later_one_of_the_same_life_tells(sent: list[Export], lost: set[int]) -> None:
    left = [export for place, export in enumerate(sent) if place not in lost or place == len(sent) - 1]
    requests = [[point(total, each.time, each.start, b"%d" % i) for i, total in enumerate(each.totals)] for each in left]
    began_late = left[0].time > left[0].start + RECENT_NS
    truth = 0
    for i in range(len(sent[0].totals)):
        for start in {e.start for e in left}:
            first = left[0].totals[i] if began_late and start == left[0].start else 0
            truth += max(e.totals[i] for e in left if e.start == start) - first
    assert sum(play(*requests).added) == truth
