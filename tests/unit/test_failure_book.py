"""Which kinds of failure are new, and when they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from functions.domain.failure_book import KEPT_MS, MAX_KNOWN, NEW, Known, new_in, note, series_of_new
from functions.domain.failure_groups import OTHER_KINDS, FailureGroup, group_failures
from functions.domain.failures import OTHER, Failure, fingerprint
from functions.domain.rollup import SeriesKey
from functions.domain.times import MINUTE_MS

M = 100
NOW = (M + 5) * MINUTE_MS
A, B = fingerprint("A", ""), fingerprint("B", "")


def minute(number: int, *types: str, at: int = 0) -> dict[str, FailureGroup]:
    time = number * MINUTE_MS + at
    return group_failures([("a1", Failure(type, "", "", 1, time, time, "")) for type in types])


def test_a_kind_is_new_in_the_minute_of_its_first_failure_alone() -> None:
    known: Known = {}
    for number, types, new in ((M, "A", [A]), (M + 1, "AB", [B]), (M + 2, "AB", [])):
        note(known, minute(number, *types), NOW, live=number)
        assert new_in(number, known, minute(number, *types)) == new
    assert known == {A: (M * MINUTE_MS, (M + 2) * MINUTE_MS), B: ((M + 1) * MINUTE_MS, (M + 2) * MINUTE_MS)}


def test_an_earlier_minute_takes_it_over_while_the_later_one_is_merged_again_anyway() -> None:
    known: Known = {}
    note(known, minute(M + 1, "A"), NOW, live=M)
    note(known, minute(M, "A"), NOW, live=M)
    assert (new_in(M, known, minute(M, "A")), new_in(M + 1, known, minute(M + 1, "A"))) == ([A], [])


def test_what_comes_late_does_not_make_it_new_twice() -> None:
    known: Known = {}
    note(known, minute(M + 1, "A"), NOW, live=M + 2)
    note(known, minute(M, "A"), NOW, live=M + 2)
    assert (new_in(M, known, minute(M, "A")), new_in(M + 1, known, minute(M + 1, "A"))) == ([], [A])


@given(st.lists(st.tuples(st.integers(M, M + 4), st.sampled_from("AB")), min_size=1, max_size=12), st.integers(M, M + 6))
def test_in_whatever_order_it_is_new_in_one_minute(seen: list[tuple[int, str]], live: int) -> None:
    known: Known = {}
    for number, type in seen:
        note(known, minute(number, type), NOW, live)
    for type in "AB":
        minutes = {number for number, other in seen if other == type}
        new = [number for number in minutes if new_in(number, known, minute(number, type))]
        assert len(new) == bool(minutes)
        assert not minutes or live > M or new == [min(minutes)]


def test_what_was_not_seen_for_long_is_new_again() -> None:
    known: Known = {A: (1, NOW - KEPT_MS - 1), B: (1, NOW - KEPT_MS)}
    note(known, minute(M, "C"), NOW, live=M)
    assert known.keys() == {B, fingerprint("C", "")}


def test_memory_is_bounded_and_keeps_what_was_seen_last() -> None:
    known: Known = {f"{number:016x}": (number, number) for number in range(MAX_KNOWN)}
    note(known, minute(M, "A"), NOW, live=M)
    assert len(known) == MAX_KNOWN
    assert f"{0:016x}" not in known
    assert A in known


def test_what_finds_no_room_is_not_new_each_time() -> None:
    known: Known = {f"{number:016x}": (NOW, NOW) for number in range(MAX_KNOWN)}
    note(known, minute(M, "A"), NOW, live=M)
    assert new_in(M, known, minute(M, "A")) == []


def test_what_is_beyond_the_bounds_is_no_kind() -> None:
    known: Known = {}
    groups = group_failures([("a1", Failure(OTHER, "", OTHER, 5, NOW, NOW, ""))])
    note(known, groups, NOW, live=M)
    assert (groups.keys(), known, new_in(M + 5, known, groups)) == ({OTHER_KINDS}, {}, [])


def test_the_series_has_a_point_for_each() -> None:
    fast, smart = (("tier", "fast"),), (("tier", "smart"),)
    rollup = series_of_new([(5, fast), (7, smart), (9, fast)])
    assert {key: (one.sketch.count, one.sketch.sum, one.last_time) for key, one in rollup.items()} == {
        SeriesKey(NEW, fast): (2, 2.0, 9),
        SeriesKey(NEW, smart): (1, 1.0, 7),
    }
    assert series_of_new([]) == {}
