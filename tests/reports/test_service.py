"""Runs of reports: made once, told once, whatever dies in between."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.errors import InvalidInput, StoreUnavailable
from functions.domain.report import Report
from functions.domain.report_record import LEASE_MS, ReportPhase, ReportRecord
from functions.reports.handler import ATTEMPTS, run
from tests.reports.runs import WS, World
from tests.reports.sample import sample


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
