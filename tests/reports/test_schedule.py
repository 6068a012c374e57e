"""Schedules: what is due when, about which period; no hour is left out, none is told twice."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.alert_faults import InvalidDocument
from functions.domain.report_schedule import CATCH_UP_MS, READY_MS, Scheduled, due, due_records, parse_schedule
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns")
CHANNELS = {
    "mail": {"kind": "email"},
    "chat": {"kind": "slack"},
    "hook": {"kind": "webhook"},
    "page": {"kind": "pagerduty"},
}
NOWS = st.integers(1_600_000_000_000, 1_900_000_000_000)


def one(**settings: Any) -> Scheduled:
    (found,) = parse_schedule({"reports": [{"name": "r", **settings}]})
    return found


def ms(*parts: int, zone: str = "UTC") -> int:
    return int(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[misc, arg-type]


@st.composite
def schedules(draw: st.DrawFn) -> Scheduled:
    every = draw(st.sampled_from(["day", "week", "month"]))
    day: dict[str, Any] = {
        "day": {},
        "week": {"day": draw(st.sampled_from(["monday", "thursday", "sunday"]))},
        "month": {"day": draw(st.integers(1, 28))},
    }[every]
    return one(every=every, hour=draw(st.integers(0, 23)), timezone=draw(st.sampled_from(ZONES)), **day)


@given(schedules(), NOWS)
def test_what_is_due_is_over_and_of_whole_hours(schedule: Scheduled, now: int) -> None:
    found = due(schedule, now)
    assert found.start < found.end <= found.at - READY_MS + HOUR_MS
    assert found.at <= now
    assert found.start % HOUR_MS == found.end % HOUR_MS == 0
    longest = {"day": 1, "week": 7, "month": 31}[schedule.every] * DAY_MS
    assert found.end - found.start <= longest + 2 * HOUR_MS


@given(schedules(), NOWS)
def test_periods_follow_each_other_without_a_gap(schedule: Scheduled, now: int) -> None:
    found = due(schedule, now)
    before = due(schedule, found.at - 1)
    assert before.end == found.start
    assert before.at < found.at
    assert due(schedule, found.at) == found


@given(schedules(), NOWS, st.integers(0, CATCH_UP_MS))
def test_a_report_has_the_same_record_whenever_it_is_found_due(schedule: Scheduled, now: int, later: int) -> None:
    at = due(schedule, now).at
    first = list(due_records("ws", [schedule], CHANNELS, at))
    again = list(due_records("ws", [schedule], CHANNELS, at + later))
    if due(schedule, at + later).at == at:
        assert again == first
    else:
        assert again[0].id > first[0].id


def test_what_was_due_for_more_than_a_day_is_left_out() -> None:
    schedule = one()
    at = due(schedule, ms(2026, 11, 26)).at
    assert list(due_records("ws", [schedule], {}, at + CATCH_UP_MS))
    assert not list(due_records("ws", [schedule], {}, at + CATCH_UP_MS + 1))


def test_names_and_workspaces_have_ids_of_their_own() -> None:
    names = parse_schedule({"reports": [{"name": "a"}, {"name": "b"}]})
    now = ms(2026, 11, 23, 8)
    assert len({record.id for workspace in ("x", "y") for record in due_records(workspace, names, {}, now)}) == 4


def test_a_week_of_berlin_ends_at_its_midnight_also_when_clocks_change() -> None:
    found = due(one(timezone="Europe/Berlin"), ms(2026, 10, 26, 12))
    assert found.at == ms(2026, 10, 26, 7, zone="Europe/Berlin")
    assert (found.start, found.end) == (ms(2026, 10, 18, 22), ms(2026, 10, 25, 23))
    assert (found.end - found.start) // HOUR_MS == 169


def test_at_midnight_it_waits_until_the_last_hour_is_counted() -> None:
    midnight = ms(2026, 11, 23)
    assert due(one(hour=0), midnight + READY_MS - 1).end == midnight - 7 * DAY_MS
    assert due(one(hour=0), midnight + READY_MS).end == midnight


def test_without_a_document_there_is_one_each_monday_told_to_those_that_can_show_it() -> None:
    (usual,) = parse_schedule(None)
    assert parse_schedule({}) == [usual]
    (record,) = due_records("ws", [usual], CHANNELS, ms(2026, 11, 23, 7, 5))
    assert (record.schedule, record.channels, record.tags) == ("weekly", ("mail", "chat"), "")
    assert (record.start, record.end) == (ms(2026, 11, 16), ms(2026, 11, 23))
    assert record.created == ms(2026, 11, 23, 7)


def test_named_channels_are_told_but_nobody_is_paged_and_none_that_is_gone() -> None:
    assert one(channels=["hook", "page", "gone"]).told(CHANNELS) == ("hook",)
    assert one(channels=[]).told(CHANNELS) == ()


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"reports": "weekly"}, {"reports"}),
        ({"report": []}, {"report", "reports"}),
        ({"reports": [{}]}, {"reports[0].name"}),
        ({"reports": [{"name": "Weekly Report"}]}, {"reports[0].name"}),
        ({"reports": [{"name": "a", "every": "day", "day": "monday"}]}, {"reports[0].day"}),
        ({"reports": [{"name": "a", "every": "month", "day": 31}]}, {"reports[0].day"}),
        ({"reports": [{"name": "a", "every": "year"}]}, {"reports[0].every"}),
        ({"reports": [{"name": "a", "timezone": "../etc/passwd"}]}, {"reports[0].timezone"}),
        ({"reports": [{"name": "a", "tags": "env"}]}, {"reports[0].tags"}),
        ({"reports": [{"name": "a", "formats": ["pdf", "html", "html"]}]}, {"reports[0].formats[0]", "reports[0].formats[2]"}),
        ({"reports": [{"name": "a", "link_days": 0, "hour": True}]}, {"reports[0].link_days", "reports[0].hour"}),
        ({"reports": [{"name": "a", "channels": ["page", "nobody"]}]}, {"reports[0].channels[0]", "reports[0].channels[1]"}),
    ],
)
def test_faults_are_told_with_their_place(document: dict[str, Any], paths: set[str]) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_schedule(document, CHANNELS)
    assert {fault.path for fault in refused.value.faults} == paths


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["reports", "name", "day", "hour", "timezone", "channels", "formats", "tags", "every"]), inner, max_size=5
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_stands_there_is_read_or_refused(value: Any) -> None:
    with suppress(InvalidDocument):
        for record in due_records("ws", parse_schedule({"reports": value}), {}, ms(2026, 11, 23, 7) + MINUTE_MS):
            assert record.start < record.end


def test_utc_is_known_without_any_file() -> None:
    assert one().zone is UTC
