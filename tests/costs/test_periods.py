"""Bills, burn-downs and regressions, asked of the real API."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

import pytest

from functions.domain import usage
from functions.domain.fleet_changes import FleetChange
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.times import HOUR_MS, HOURS_PER_DAY
from tests.api.world import NOW, World, agent
from tests.costs.office import Office, a_task

HOUR = NOW // HOUR_MS


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def office() -> Office:
    office = Office()
    office.post("a0", a_task("t1", "claude-sonnet-4-5", (1000, 200), cost=1.25, tenant="acme"))
    office.post("a1", [*a_task("t1", "claude-sonnet-4-5", (1000, 200), tenant="acme"), *a_task("t2", "mystery", (9, 9), tenant="acme")])
    office.post("a2", [("task.cost_usd", 0.75, {"team": "@home"}, None)])
    office.seal()
    return office


def test_no_cell_is_a_formula(office: Office) -> None:
    answer = office.world.client("read").call("GET", "/api/cost/chargeback?format=csv&by=team")
    assert "'@home" in {row["team"] for row in csv.DictReader(io.StringIO(answer.text))}


def test_bills_by_tenant_with_what_is_in_none(office: Office) -> None:
    answer = office.world.client("read").get("/api/cost/chargeback")
    assert {bill["tags"].get("tenant"): bill["reportedUsd"] for bill in answer["bills"]} == {"acme": 1.25, None: 0.75}
    assert sum(bill["usd"] for bill in answer["bills"]) == pytest.approx(answer["total"]["usd"])
    assert answer["notes"] == ["1 tasks with 18 tokens have no price, and are in no sum"]


def test_a_month_that_has_not_begun(office: Office) -> None:
    problem = office.world.client("read").problem(422, "GET", "/api/cost/chargeback?month=2027-01")
    assert (problem["field"], problem["detail"]) == ("month", "has not begun yet")
    assert office.world.client("read").get("/api/cost/chargeback", month="2026-01")["bills"] == []


def hourly(world: World, first: int, last: int, cost: Any) -> None:
    """Usage of each hour: `cost(agent, hour)` a task, 20 tasks of each of four agents of tier smart."""
    world.seal(*(agent(f"a{number}", "tier=smart") for number in range(4)), due_until=NOW // 60_000)
    for hour in range(first, last):
        pieces: dict[int, Rollup] = {}
        for number in range(4):
            key = SeriesKey("task.cost_usd", (("agent", f"a{number}"), ("tier", "smart")))
            made = Aggregate()
            for task in range(20):
                made.add(cost(number, hour) * (0.9 + 0.01 * task), hour * HOUR_MS)
            pieces.setdefault(usage.bucket_of(f"a{number}"), {})[key] = made
        for bucket, rows in pieces.items():
            world.rollups.put_usage("team", hour, bucket, rows, 0)


def test_a_burn_down_with_its_forecast(world: World) -> None:
    hourly(world, HOUR - 40 * HOURS_PER_DAY, HOUR, lambda number, hour: 0.01)
    world.fleet.put_settings("team", "budgets", {"tier=smart": {"usd_per_month": 500}})
    found = world.client("read").get("/api/cost/burn-down", group="tier=smart")
    hours, each = 22 * 24 + 20, 4 * 20 * 0.01 * 0.995
    assert (found["limit"], found["start"], found["end"]) == (500, "2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z")
    assert [found["used"], found["reported"]] == pytest.approx([hours * each] * 2)
    assert len(found["points"]) == hours
    assert found["points"][-1] == [HOUR * HOUR_MS, pytest.approx(found["used"])]
    assert found["forecast"]["expected"] == pytest.approx(30 * 24 * each, rel=0.02)
    assert found["forecast"]["low"] <= found["forecast"]["expected"] <= found["forecast"]["high"]
    passed = datetime.fromisoformat(found["passed"])
    assert passed.month == 11
    assert abs((passed - datetime.fromisoformat(found["start"])).total_seconds() / 3600 - 500 / each) < 24
    assert world.client("read").get("/api/cost/burn-down", group="tier=smart", limit=10_000)["passed"] is None


def test_a_burn_down_without_a_past_says_so(world: World) -> None:
    found = world.client("read").get("/api/cost/burn-down")
    assert (found["used"], found["forecast"], found["limit"]) == (0, None, None)
    assert found["reason"]


def test_a_regression_is_told_with_its_beginning_and_its_change(world: World) -> None:
    began = HOUR - 3 * HOURS_PER_DAY
    hourly(world, HOUR - 14 * HOURS_PER_DAY, HOUR, lambda number, hour: 0.02 if hour >= began else 0.01)
    (group,) = world.client("read").get("/api/cost/regressions")["groups"]
    assert (group["tags"], group["verdict"]) == ({"tier": "smart"}, "regression")
    assert group["ratio"] == pytest.approx(1 + 3 / 7, rel=0.02)
    assert group["traffic"] + group["mix"] + group["perTask"] == pytest.approx(4 * 20 * 0.995 * 0.01 * 3 * 24, rel=0.02)
    assert datetime.fromisoformat(group["cause"]["at"]).timestamp() * 1000 == began * HOUR_MS
    assert (group["cause"]["culprit"], group["cause"]["suspects"]) == (None, [])
    agents, at = [f"a{number}" for number in range(4)], began * HOUR_MS
    change = FleetChange(text="version prompt: v6 → v7", at=at, until=at, agents=agents)
    world.seal(*(agent(name, "tier=smart") for name in agents), due_until=NOW // 60_000, changes=[change])
    (group,) = world.client("read").get("/api/cost/regressions")["groups"]
    assert group["cause"]["culprit"] == "version prompt: v6 → v7"
    (scoped,) = world.client("read", tags="agent=a1").get("/api/cost/regressions")["groups"]
    assert scoped["tasksAfter"] < group["tasksAfter"]
    assert world.client("read", tags="tier=fast").get("/api/cost/regressions")["groups"] == []
