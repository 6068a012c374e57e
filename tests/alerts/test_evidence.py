"""What an evaluation reads: once what cannot change, again what was reopened, and of the trailing week only what is new."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.alert_data import Evidence
from functions.domain.alert_parse import parse_rules
from functions.domain.backlog import due_until
from functions.domain.fleet import Snapshot, encode_snapshot
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.spans import HOUR_SETTLES_MS
from functions.domain.times import GRACE_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from functions.evidence import EvidenceReader
from functions.ports import Resolution
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.fleet import MemoryFleet
from tests.fakes.rollups import MemoryRollups

WS = "acme"
HOUR = 497_000
NOW = HOUR * HOUR_MS + 10 * MINUTE_MS + 30 * SECOND_MS
MINUTE = NOW // MINUTE_MS
RULES = parse_rules(
    {
        "rules": [
            {
                "name": "burn",
                "when": {
                    "metric": "task.tokens_out",
                    "aggregation": "rate",
                    "over": "5m",
                    "baseline": {"of": "trailing_7d", "factor": 1.3},
                },
            },
            {"name": "each", "per": "agent", "when": {"metric": "task.tokens_out", "aggregation": "sum", "over": "5m", "above": 10}},
        ]
    }
)


class Counted(MemoryRollups):
    """Remembers which buckets were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, int]] = []

    def read_group(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        self.asked += [("group", resolution.value, number) for number in range(start, end)]
        return super().read_group(workspace, resolution, start, end)

    def read_matrix(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        self.asked += [("agents", resolution.value, number) for number in range(start, end)]
        return super().read_matrix(workspace, resolution, start, end)

    def took(self, kind: str, unit: str) -> list[int]:
        found = [number for asked, width, number in self.asked if (asked, width) == (kind, unit)]
        return sorted(set(found))


def tokens(value: float, points: int, time: int) -> Rollup:
    aggregate = Aggregate()
    aggregate.extend([value] * points, [time] * points)
    return {SeriesKey("task.tokens_out"): aggregate}


class Stores:
    def __init__(self) -> None:
        self.rollups, self.fleet, self.alerts = Counted(), MemoryFleet(), MemoryAlerts()
        for hour in range(HOUR - 200, HOUR):
            self.rollups.put_group(WS, Resolution.HOUR, hour, tokens(10.0, 60, hour * HOUR_MS), 1)
        for minute in range(MINUTE - 20, MINUTE):
            self.rollups.put_group(WS, Resolution.MINUTE, minute, tokens(10.0, 2, minute * MINUTE_MS), 1)
        self.snapshot()

    def snapshot(self, now: int = NOW, **more: Any) -> None:
        settled = (now - 20 * SECOND_MS) // MINUTE_MS - 1
        more = {"due_until": due_until(now), **more}
        found = Snapshot(workspace=WS, time=now, rates_minute=settled, sealed_until=settled, **more)
        self.fleet.put_snapshot(WS, encode_snapshot(found))

    def reader(self) -> EvidenceReader:
        return EvidenceReader(self.fleet, self.rollups, self.alerts)


def read(reader: EvidenceReader, stores: Stores, now: int = NOW) -> Evidence:
    stores.rollups.asked.clear()
    found = reader.read(WS, RULES, now)
    assert found.warnings == []
    return found.evidence


def test_the_trailing_week_becomes_a_baseline() -> None:
    stores = Stores()
    found = stores.reader().read(WS, RULES, NOW)
    usual = found.baselines.usual[RULES[0].baseline_id]
    assert usual.values == [pytest.approx(600 / 3600)]
    assert usual.points == [168 * 60]


def test_a_cold_process_takes_the_stored_baselines() -> None:
    stores = Stores()
    read(stores.reader(), stores)
    assert len(stores.rollups.took("group", "h")) == 168
    read(stores.reader(), stores)
    assert stores.rollups.took("group", "h") == []


def test_an_hour_later_only_what_comes_and_goes_is_read() -> None:
    stores = Stores()
    reader = stores.reader()
    read(reader, stores)
    later = NOW + HOUR_MS
    stores.rollups.put_group(WS, Resolution.HOUR, HOUR, tokens(10.0, 60, HOUR * HOUR_MS), 1)
    stores.snapshot(later)
    read(reader, stores, later)
    assert stores.rollups.took("group", "h") == [HOUR - 169, HOUR - 1]


def test_an_hour_that_was_written_again_is_added_up_anew() -> None:
    stores = Stores()
    reader = stores.reader()
    read(reader, stores)
    stores.rollups.put_group(WS, Resolution.HOUR, HOUR - 169, tokens(99.0, 60, 0), 1)
    later = NOW + HOUR_MS
    stores.snapshot(later)
    found = reader.read(WS, RULES, later)
    assert found.baselines.usual[RULES[0].baseline_id].values == [pytest.approx(600 / 3600)]


def test_sealed_minutes_are_read_once_and_reopened_ones_again() -> None:
    stores = Stores()
    reader = stores.reader()
    read(reader, stores)
    assert stores.rollups.took("group", "m") == list(range(MINUTE - 5, MINUTE))
    stores.snapshot(NOW + 15 * SECOND_MS)
    read(reader, stores, NOW + 15 * SECOND_MS)
    assert stores.rollups.took("group", "m") == [MINUTE - 1], "the last one is not sealed for good"
    stores.snapshot(NOW + 30 * SECOND_MS, reopened={f"m{MINUTE - 3}": NOW + 20 * SECOND_MS})
    read(reader, stores, NOW + 29 * SECOND_MS)
    assert MINUTE - 3 in stores.rollups.took("group", "m")


def test_a_minute_that_waits_to_be_sealed_is_not_an_empty_one() -> None:
    stores = Stores()
    del stores.rollups.groups[WS, Resolution.MINUTE][MINUTE - 2]
    stores.snapshot(NOW, unsealed=[(MINUTE - 2, MINUTE - 1)])
    assert ("m", MINUTE - 2) not in read(stores.reader(), stores).group.columns
    stores.snapshot(NOW)
    assert ("m", MINUTE - 2) in read(stores.reader(), stores).group.columns


def test_an_hour_whose_minutes_wait_to_be_sealed_is_not_an_empty_one() -> None:
    rules = parse_rules({"rules": [{"name": "gone", "when": {"absent": {"metric": "task.tokens_out"}, "over": "3h"}}]})
    stores = Stores()
    del stores.rollups.groups[WS, Resolution.HOUR][HOUR - 1]
    waiting = (HOUR - 1) * 60 + 30
    stores.snapshot(NOW, unsealed=[(waiting, waiting + 1)])
    assert ("h", HOUR - 1) not in stores.reader().read(WS, rules, NOW).evidence.group.columns
    stores.snapshot(NOW)
    assert ("h", HOUR - 1) in stores.reader().read(WS, rules, NOW).evidence.group.columns


def test_an_hour_that_seal_stopped_before_the_end_of_is_not_an_empty_one() -> None:
    rules = parse_rules({"rules": [{"name": "gone", "when": {"absent": {"metric": "task.tokens_out"}, "over": "3h"}}]})
    stores = Stores()
    del stores.rollups.groups[WS, Resolution.HOUR][HOUR - 1]
    # The last tick counted the hour's last minute, which was not past its grace yet.
    stopped = HOUR * HOUR_MS + GRACE_MS - 1
    stores.snapshot(stopped)
    found = stores.reader().read(WS, rules, stopped + HOUR_SETTLES_MS).evidence
    assert found.settled == HOUR * 60 - 1
    assert {number for unit, number in found.group.columns if unit == "h"} == {HOUR - 3, HOUR - 2}
    stores.snapshot(stopped + 1)
    assert ("h", HOUR - 1) in stores.reader().read(WS, rules, stopped + HOUR_SETTLES_MS).evidence.group.columns


def test_rules_about_agents_read_the_matrix_only() -> None:
    stores = Stores()
    read(stores.reader(), stores)
    assert stores.rollups.took("agents", "m") == list(range(MINUTE - 5, MINUTE))


def test_a_damaged_rollup_and_a_damaged_snapshot_are_told_of() -> None:
    stores = Stores()
    stores.rollups.groups[WS, Resolution.MINUTE][MINUTE - 2] = (b"nonsense", 1)
    found = stores.reader().read(WS, RULES, NOW)
    assert any(f"m{MINUTE - 2}" in warning for warning in found.warnings)
    stores.fleet.put_snapshot(WS, b"\x07")
    found = stores.reader().read(WS, RULES, NOW)
    assert found.evidence.snapshot is None
    assert any("snapshot" in warning for warning in found.warnings)
