"""The backlog: ranges behave as the sets of minutes that they stand for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from functions.domain import backlog
from functions.domain.times import GRACE_MS, MINUTE_MS

SETS = st.sets(st.integers(0, 300), max_size=60)


def ranges(minutes: set[int]) -> backlog.Ranges:
    found: backlog.Ranges = []
    for minute in sorted(minutes):
        found = backlog.extend(found, minute, minute + 1)
    return found


def members(found: backlog.Ranges) -> set[int]:
    return {minute for start, end in found for minute in range(start, end)}


@given(SETS)
def test_ranges_hold_what_was_put_in_and_are_apart(minutes):
    found = ranges(minutes)
    assert members(found) == minutes
    assert all(a[1] < b[0] for a, b in pairwise(found))
    assert all(backlog.contains(found, minute) == (minute in minutes) for minute in range(310))


@given(SETS, st.integers(0, 80))
def test_the_newest_come_first(minutes, limit):
    assert backlog.newest(ranges(minutes), limit) == sorted(minutes, reverse=True)[:limit]


@given(SETS, SETS)
def test_what_is_done_is_taken_out(minutes, done):
    assert backlog.without(ranges(minutes), done) == ranges(minutes - done)


@given(SETS, st.integers(0, 300))
def test_an_hour_is_whole_when_it_is_over_and_nothing_of_it_is_left(unsealed, until):
    whole = backlog.whole_hours(range(300), ranges({m for m in unsealed if m < until}), until)
    expected = [h for h in range(5) if (h + 1) * 60 <= until and not any(m // 60 == h and m < until for m in unsealed)]
    assert whole == expected[::-1]


def test_nothing_is_added_when_the_end_is_not_past_the_start():
    assert backlog.extend([(1, 3)], 5, 5) == [(1, 3)]
    assert backlog.extend([], 5, 4) == []


def test_a_minute_is_due_when_its_grace_is_over():
    end = 10 * MINUTE_MS
    assert backlog.due_until(end + GRACE_MS - 1) == 9
    assert backlog.due_until(end + GRACE_MS) == 10


def test_due_hours_are_built_newest_first_as_many_rollups_as_fit():
    due: dict[int, list[str]] = {}
    backlog.add_due(due, 7, ["b", "a"])
    backlog.add_due(due, 9, ["c"])
    backlog.add_due(due, 7, ["a", "d"])
    assert due == {7: ["", "a", "b", "d"], 9: ["", "c"]}
    chosen = backlog.next_in_hour(due, 4)
    assert chosen == [(9, ["", "c"]), (7, ["", "a"])]
    for hour, owners in chosen:
        backlog.remove_due(due, hour, owners)
    assert due == {7: ["b", "d"]}
