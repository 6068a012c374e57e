"""Runs of reports in memory, with stores that fail when they are told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from functions.domain.delivery import Delivery
from functions.domain.errors import StoreUnavailable
from functions.domain.report import Report
from functions.domain.report_record import ReportRecord, new_id
from functions.domain.times import DAY_MS, HOUR_MS
from functions.reports.service import ReportService
from functions.reports.telling import Telling
from functions.reports.tick import Tick
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


class Stores:
    """A workspace whose stores may fail, by the number of the call: before it acted (False), or after (True)."""

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

        self.tick = Tick(store=shaky(self.store), settings=shaky(self.fleet), queue=shaky(self.queue))
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

    def random(self, size: int) -> bytes:
        self._random += 1
        return self._random.to_bytes(size, "big")

    def _make(self, _workspace: str, _record: ReportRecord, _now: int) -> Report:
        self.made += 1
        return replace(sample(), sections=())

    @property
    def told(self) -> list[Delivery]:
        return self.deliveries.recent(WS, 0)


class World(Stores):
    """With a report that three channels want."""

    def __init__(self, failing: dict[int, bool] | None = None) -> None:
        super().__init__(failing)
        self.record = ReportRecord(
            id=new_id(MONDAY, b"12345"),
            created=MONDAY,
            by="schedule",
            start=MONDAY - 7 * DAY_MS,
            end=MONDAY,
            channels=("mail", "chat", "room"),
        )
        self.store.create(WS, self.record)

    @property
    def kept(self) -> ReportRecord:
        found = self.store.read(WS, self.record.id)
        assert found
        return found.record
