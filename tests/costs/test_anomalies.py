"""Unusual hours of cost, asked of the real API."""

from __future__ import annotations

from datetime import datetime

import pytest

from functions.domain.times import HOUR_MS, HOURS_PER_DAY
from tests.api.world import World
from tests.costs.test_periods import HOUR, hourly

DAYS = 15
ODD = HOUR - 30


@pytest.fixture
def world() -> World:
    """Two weeks of a cost that goes with the hour of the day; three hours of one agent cost ten times as much."""
    world = World()
    hourly(
        world,
        HOUR - DAYS * HOURS_PER_DAY,
        HOUR,
        lambda number, hour: (
            0.01
            * (1 + hour % HOURS_PER_DAY / 24)
            * (1 + 0.02 * ((hour * 7 + number) % 5))
            * (10 if ODD <= hour < ODD + 3 and number == 2 else 1)
        ),
    )
    return world


def test_three_dear_hours_are_one_anomaly_with_what_they_cost_beyond_the_usual(world: World) -> None:
    found = world.client("read").get("/api/cost/anomalies", range="3d", by="agent")
    (one,) = found["anomalies"]
    assert (one["tags"], one["direction"], found["groups"]) == ({"agent": "a2"}, "up", 4)
    start, end = (datetime.fromisoformat(one[name]).timestamp() * 1000 / HOUR_MS for name in ("start", "end"))
    assert (start, end) == (ODD, ODD + 3)
    assert one["usdPerHour"] == pytest.approx(10 * one["usualPerHour"], rel=0.1)
    assert one["excess"] == pytest.approx(3 * (one["usdPerHour"] - one["usualPerHour"]))
    assert one["evidence"]


def test_hours_that_are_as_usual_or_not_asked_for_are_none(world: World) -> None:
    assert world.client("read").get("/api/cost/anomalies", range="24h")["anomalies"] == []
    assert world.client("read").get("/api/cost/anomalies", range="3d", by="agent", tags="agent=a1")["anomalies"] == []


def test_a_tag_scope_and_an_empty_fleet(world: World) -> None:
    scoped = world.client("read", tags="agent=a1").get("/api/cost/anomalies", range="3d", by="agent")
    assert (scoped["anomalies"], scoped["groups"]) == ([], 1)
    assert World().client("read").get("/api/cost/anomalies")["anomalies"] == []


def test_more_days_than_are_looked_at(world: World) -> None:
    assert world.client("read").problem(422, "GET", "/api/cost/anomalies?range=36d")["field"] == "range"
