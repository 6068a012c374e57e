"""The weekly hour: it comes twice, late, not for a week, and everything dies at every step; each week has one report, told once."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from functions.domain.errors import StoreUnavailable
from functions.domain.report_record import ReportPhase, ReportRecord
from functions.domain.report_schedule import CATCH_UP_MS
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from functions.reports.tick import LOST_AFTER_MS, Tick
from tests.reports.runs import MONDAY, WS, Stores

TICK_MS = 15 * MINUTE_MS
WEEK_MS = 7 * DAY_MS


class Weeks(Stores):
    """Time goes on from tick to tick; the queue brings each message until it was worked on."""

    def __init__(self, failing: dict[int, bool] | None = None) -> None:
        super().__init__(failing)
        self.fleet.put_settings(WS, "channels", {"mail": {"kind": "email"}, "chat": {"kind": "slack"}})
        self.worked: set[int] = set()

    def at(self, now: int) -> None:
        """One tick, and what is in the queue then."""
        self.now = now
        with suppress(StoreUnavailable):
            self.tick.run(WS, now)
        for number, (message, _) in enumerate(self.queue.sent):
            if number not in self.worked:
                with suppress(StoreUnavailable):
                    self.service.run(WS, message["report"], f"message-{number}")
                    self.worked.add(number)

    def reports(self) -> list[ReportRecord]:
        return self.store.reports(WS, 100)[::-1]


def of_the_week_before(monday: int) -> tuple[int, int]:
    midnight = monday // DAY_MS * DAY_MS
    return midnight - WEEK_MS, midnight


def assert_one_report_told_once(weeks: Weeks) -> None:
    (record,) = weeks.reports()
    assert (record.phase, record.created, (record.start, record.end)) == (ReportPhase.DONE, MONDAY, of_the_week_before(MONDAY))
    assert [name for _, _, name in weeks.store.files] == ["report.html", "report.md", "report.json"]
    assert [delivery.channel for delivery in weeks.told] == ["chat", "mail"]
    assert {message["delivery"] for message, _ in weeks.notify.sent} == {delivery.id for delivery in weeks.told}


def test_each_tick_after_the_first_does_nothing() -> None:
    weeks = Weeks()
    for now in range(MONDAY - HOUR_MS, MONDAY + CATCH_UP_MS + DAY_MS, TICK_MS):
        weeks.at(now)
        assert len(weeks.queue.sent) == (now >= MONDAY)
    assert_one_report_told_once(weeks)
    assert weeks.made == 1


def test_two_ticks_in_the_same_moment_queue_one() -> None:
    weeks = Weeks()

    class Overtaken:
        """Another tick comes between what this one reads and what it writes."""

        def __getattr__(self, name: str) -> Any:
            if name == "create":
                assert len(weeks.tick.run(WS, MONDAY).queued) == 1
            return getattr(weeks.store, name)

    report = Tick(store=Overtaken(), settings=weeks.fleet, queue=weeks.queue).run(WS, MONDAY)  # type: ignore[arg-type]
    assert (report.queued, report.again, len(weeks.queue.sent)) == ([], [], 1)
    weeks.at(MONDAY)
    assert_one_report_told_once(weeks)


@pytest.mark.parametrize("late", [HOUR_MS, LOST_AFTER_MS + HOUR_MS, CATCH_UP_MS])
def test_a_late_hour_makes_the_report_of_the_right_one(late: int) -> None:
    weeks = Weeks()
    for quarter in range(4):
        weeks.at(MONDAY + late + quarter * TICK_MS)
    assert_one_report_told_once(weeks)
    assert weeks.made == 1


def test_hours_that_did_not_come_for_a_week_are_left_out_and_the_next_is_on_time() -> None:
    weeks = Weeks()
    weeks.at(MONDAY - 2 * WEEK_MS)
    weeks.at(MONDAY - WEEK_MS + CATCH_UP_MS + 1)
    for quarter in range(8):
        weeks.at(MONDAY + quarter * TICK_MS)
    assert [(one.created, (one.start, one.end)) for one in weeks.reports()] == [
        (monday, of_the_week_before(monday)) for monday in (MONDAY - 2 * WEEK_MS, MONDAY)
    ]
    assert [one.phase for one in weeks.reports()] == [ReportPhase.DONE] * 2
    assert len(weeks.told) == 4


def test_whatever_dies_before_or_after_each_step_there_is_one_report_told_once() -> None:
    undisturbed = Weeks()
    undisturbed.at(MONDAY)
    assert_one_report_told_once(undisturbed)
    for step in range(1, undisturbed.calls[0] + 1):
        for after in (False, True):
            weeks = Weeks({step: after})
            for now in range(MONDAY, MONDAY + LOST_AFTER_MS + 2 * TICK_MS, TICK_MS):
                weeks.at(now)
            assert_one_report_told_once(weeks)


def test_a_run_that_was_lost_is_queued_again() -> None:
    weeks = Weeks()
    (id,) = weeks.tick.run(WS, MONDAY).queued
    assert weeks.tick.run(WS, MONDAY + LOST_AFTER_MS - 1).again == []
    assert weeks.tick.run(WS, MONDAY + LOST_AFTER_MS).again == [id]


def test_a_schedule_that_is_not_valid_makes_none_and_says_so() -> None:
    weeks = Weeks()
    weeks.fleet.put_settings(WS, "report-schedule", {"reports": [{"name": "a", "hour": 99}]})
    report = weeks.tick.run(WS, MONDAY)
    assert (report.queued, weeks.queue.sent) == ([], [])
    assert "reports[0].hour" in report.warning
