"""Runs of reports: made once, told once, whatever dies in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.delivery import Delivery
from functions.domain.errors import InvalidInput, StoreUnavailable
from functions.domain.report import Report
from functions.domain.report_record import LEASE_MS, ReportPhase, ReportRecord, new_id
from functions.domain.times import DAY_MS, HOUR_MS
from functions.reports.handler import ATTEMPTS, run
from functions.reports.service import ReportService
from functions.reports.telling import Telling
from functions.reports.tick import LOST_AFTER_MS, Tick
from tests.fakes.deliveries import MemoryDeliveries
from tests.fakes.dispatcher import MemoryDispatcher
from tests.fakes.fleet import MemoryFleet
from tests.fakes.reports import MemoryReportStore
from tests.reports.sample import sample

MONDAY = 1_795_417_200_000
"""2026-11-23 07:00 UTC."""
WS = "acme"


class Failing:
    """Another thing whose methods fail at given calls, counted over all that share the list, some before and some after they acted."""

    def __init__(self, real: Any, calls: list[int], failing: dict[int, bool]) -> None:
        self._real, self._calls, self._failing = real, calls, failing

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)

        def call(*arguments: Any, **more: Any) -> Any:
            self._calls[0] += 1
            late = self._failing.get(self._calls[0])
            if late is False:
                raise StoreUnavailable("down")
            answer = method(*arguments, **more)
            if late:
                raise StoreUnavailable("the answer was lost")
            return answer

        return call


class World:
    """A workspace with three channels, whose stores may fail."""

    def __init__(self, failing: dict[int, bool] | None = None) -> None:
        self.now = MONDAY + HOUR_MS
        self.store, self.deliveries, self.fleet = MemoryReportStore(), MemoryDeliveries(), MemoryFleet()
        self.notify, self.queue = MemoryDispatcher(), MemoryDispatcher()
        self.made = 0
        self.make: Callable[[str, ReportRecord, int], Report] = self._make
        self._random = 0
        calls = [0]
        self.calls = calls
        self.fleet.put_settings(WS, "api-address", {"url": "https://pulse.example.org/live"})

        def shaky(real: Any) -> Any:
            return Failing(real, calls, failing or {})

        telling = Telling(
            store=shaky(self.store),
            settings=shaky(self.fleet),
            deliveries=shaky(self.deliveries),
            queue=shaky(self.notify),
            random=self.random,
        )
        self.service = ReportService(
            store=shaky(self.store), make=lambda *given: self.make(*given), telling=telling, clock=lambda: self.now
        )
        self.record = ReportRecord(
            id=new_id(MONDAY, b"12345"),
            created=MONDAY,
            by="schedule",
            start=MONDAY - 7 * DAY_MS,
            end=MONDAY,
            channels=("mail", "chat", "room"),
        )
        self.store.create(WS, self.record)

    def random(self, size: int) -> bytes:
        self._random += 1
        return self._random.to_bytes(size, "big")

    def _make(self, _workspace: str, _record: ReportRecord, _now: int) -> Report:
        self.made += 1
        return replace(sample(), sections=())

    @property
    def kept(self) -> ReportRecord:
        found = self.store.read(WS, self.record.id)
        assert found
        return found.record

    @property
    def told(self) -> list[Delivery]:
        return self.deliveries.recent(WS, 0)


def test_a_run_makes_all_files_and_tells_each_channel() -> None:
    world = World()
    outcome = world.service.run(WS, world.record.id, "one")
    assert outcome == (ReportPhase.DONE, "made, and 3 channels are told")
    assert {name for _, _, name in world.store.files} == {"report.html", "report.md", "report.json"}
    assert world.kept.sizes == {
        format: len(world.store.files[WS, world.record.id, name].encode())
        for format, name in (("html", "report.html"), ("markdown", "report.md"), ("json", "report.json"))
    }
    assert [delivery.channel for delivery in world.told] == ["chat", "mail", "room"]
    assert [message["delivery"] for message, _ in world.notify.sent] == list(world.kept.deliveries)
    assert len({delivery.notification.report for delivery in world.told}) == 3, "each link leads back to its channel"


def test_what_is_done_is_done() -> None:
    world = World()
    world.service.run(WS, world.record.id, "one")
    before = world.kept
    assert world.service.run(WS, world.record.id, "two") == (None, "it is done")
    assert (world.kept, world.made, len(world.notify.sent)) == (before, 1, 3)


def test_two_at_once_make_one() -> None:
    world = World()
    inner: list[Any] = []

    def meanwhile(workspace: str, record: ReportRecord, now: int) -> Report:
        inner.append(world.service.run(WS, record.id, "two"))
        return sample()

    world.make = meanwhile
    world.service.run(WS, world.record.id, "one")
    assert inner == [(None, "it is running")]
    assert len(world.told) == 3


def test_who_was_away_for_longer_than_the_lease_does_nothing_any_more() -> None:
    world = World()

    def slow(_workspace: str, record: ReportRecord, _now: int) -> Report:
        world.now += LEASE_MS + 1
        world.make = world._make
        assert world.service.run(WS, record.id, "two").phase is ReportPhase.DONE
        return sample()

    world.make = slow
    assert world.service.run(WS, world.record.id, "one") == (None, "another run has it")
    assert [delivery.channel for delivery in world.told] == ["chat", "mail", "room"]
    assert len(world.notify.sent) == 3


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(st.integers(1, 60), st.booleans(), max_size=8))
def test_each_channel_is_told_once_whatever_fails(failing: dict[int, bool]) -> None:
    world = World(failing)
    _until_done(world)
    assert world.kept.phase is ReportPhase.DONE
    assert [delivery.channel for delivery in world.told] == ["chat", "mail", "room"]
    assert {message["delivery"] for message, _ in world.notify.sent} == {delivery.id for delivery in world.told}
    links = [str(delivery.notification.report) for delivery in world.told]
    assert all(link.startswith("https://pulse.example.org/live/shared/reports/acme.") for link in links)


def _until_done(world: World) -> None:
    for _ in range(10):
        try:
            world.service.run(WS, world.record.id, "message-1")
        except StoreUnavailable:
            continue
        if world.kept.phase is ReportPhase.DONE:
            return


def test_what_cannot_be_made_has_failed_with_its_reason() -> None:
    world = World()

    def refuse(*_: object) -> Report:
        raise InvalidInput("no hour is over", "end")

    world.make = refuse
    assert world.service.run(WS, world.record.id, "one") == (ReportPhase.FAILED, "end: no hour is over")
    assert (world.kept.phase, world.kept.reason, world.told) == (ReportPhase.FAILED, "end: no hour is over", [])


def test_the_last_attempt_that_fails_is_noted() -> None:
    world = World()

    def broken(*_: object) -> Report:
        raise ZeroDivisionError("division by zero")

    world.make = broken
    message = {"workspace": WS, "report": world.record.id}
    for attempt in range(1, ATTEMPTS + 1):
        assert world.kept.phase is not ReportPhase.FAILED
        with pytest.raises(ZeroDivisionError):
            run(message, "message-1", attempt, world.service)
    assert (world.kept.phase, world.kept.reason) == (ReportPhase.FAILED, "given up after 3 tries: division by zero")


def test_messages_come_without_a_link_while_the_address_is_unknown() -> None:
    world = World()
    world.fleet.put_settings(WS, "api-address", {})
    world.service.run(WS, world.record.id, "one")
    assert [delivery.notification.report for delivery in world.told] == [None, None, None]
    assert world.kept.links == ()


def test_a_secret_is_nowhere_but_in_its_message() -> None:
    world = World()
    world.service.run(WS, world.record.id, "one")
    for delivery in world.told:
        secret = str(delivery.notification.report).rpartition(".")[2]
        assert len(secret) == 48
        assert secret not in repr(world.kept)
        assert not [text for text in world.store.files.values() if secret in text]


class Clock:
    """A workspace with a tick."""

    def __init__(self) -> None:
        self.store, self.fleet, self.queue = MemoryReportStore(), MemoryFleet(), MemoryDispatcher()
        self.fleet.put_settings(WS, "channels", {"mail": {"kind": "email"}})
        self.tick = Tick(store=self.store, settings=self.fleet, queue=self.queue)


def test_what_is_due_is_queued_once() -> None:
    clock = Clock()
    assert clock.tick.run(WS, MONDAY - 1).queued == []
    (id,) = clock.tick.run(WS, MONDAY).queued
    for quarter in range(1, 7):
        assert clock.tick.run(WS, MONDAY + quarter * HOUR_MS // 4).queued == []
    assert [message for message, _ in clock.queue.sent] == [{"workspace": WS, "report": id}]
    found = clock.store.read(WS, id)
    assert found
    assert (found.record.channels, found.record.end - found.record.start) == (("mail",), 7 * DAY_MS)


def test_a_run_that_was_lost_is_queued_again() -> None:
    clock = Clock()
    (id,) = clock.tick.run(WS, MONDAY).queued
    assert clock.tick.run(WS, MONDAY + LOST_AFTER_MS - 1).again == []
    assert clock.tick.run(WS, MONDAY + LOST_AFTER_MS).again == [id]


def test_a_schedule_that_is_not_valid_makes_none_and_says_so() -> None:
    clock = Clock()
    clock.fleet.put_settings(WS, "report-schedule", {"reports": [{"name": "a", "hour": 99}]})
    report = clock.tick.run(WS, MONDAY)
    assert (report.queued, clock.queue.sent) == ([], [])
    assert "reports[0].hour" in report.warning
