"""`clawpulse cost reconcile` against the real API."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from functions.domain.cost_pricing import Tokens
from functions.domain.provider_report import CostRow, UseRow
from functions.domain.rollup import Aggregate, SeriesKey
from functions.domain.times import DAY_MS
from functions.domain.usage import bucket_of
from tests.api.world import NOW, World, agent
from tests.fakes.provider_reports import MemoryReports

MODEL = "claude-sonnet-4-5"
YESTERDAY = NOW // DAY_MS - 1
DATE = "2026-11-22"


@pytest.fixture
def reports(world: World) -> MemoryReports:
    """Yesterday a million tokens in a hundred tasks that cost three dollars; the provider billed half as much again."""
    world.seal(agent("a1"), due_until=NOW // 60_000)
    points = {"task.latency_ms": 5.0, "task.cost_usd": 0.03, "task.tokens_in": 1e4}
    rollup = {SeriesKey(name, (("agent", "a1"), ("model", MODEL))): Aggregate() for name in points}
    for key, aggregate in rollup.items():
        aggregate.extend([points[key.name]] * 100, [YESTERDAY * DAY_MS] * 100)
    world.rollups.put_usage("team", YESTERDAY * 24, bucket_of("a1"), rollup, 0)
    found = MemoryReports()
    found.use = [UseRow(YESTERDAY, MODEL, "standard", "key_1", Tokens(1_500_000))]
    found.costs = [CostRow(YESTERDAY, MODEL, "tokens", Decimal("4.50")), CostRow(YESTERDAY, None, "web_search", Decimal("0.20"))]
    world.provider_reports["anthropic"] = found
    return found


def test_the_gap_is_shown_by_model(real, reports: MemoryReports) -> None:
    lines = real("cost", "reconcile", "anthropic", "--range", "2d").stdout.splitlines()
    assert lines[0] == "anthropic, the whole organisation: 2026-11-21 to 2026-11-23 UTC, that day not included"
    assert lines[1].split() == ["model", "ours", "billed", "gap", "%", "volume", "price", "accounting", "our", "tokens", "their", "tokens"]
    assert lines[2].split() == [MODEL, "$3.00", "$4.50", "+$1.50", "33.3", "%", "+$1.50", "$0.00", "$0.00", "1,000,000", "1,500,000"]
    assert lines[3] == "billed beside tokens: $0.2000 web_search"
    assert any(line.startswith("! the provider counted 500,000 tokens more than agents reported") for line in lines)


def test_by_day_and_for_programs(real, reports: MemoryReports) -> None:
    shown = real("cost", "reconcile", "anthropic", "--start", DATE, "--end", "2026-11-23", "--days").stdout.splitlines()
    assert shown[2].split()[:2] == [DATE, MODEL]
    found = json.loads(real("cost", "reconcile", "anthropic", "--json").stdout)
    assert found["total"]["gapUsd"] == pytest.approx(1.5)


def test_nothing_on_either_side(real, world: World) -> None:
    assert "Neither side knows of any use." in real("cost", "reconcile", "anthropic").stdout


def test_a_provider_that_is_away_ends_with_1(real, reports: MemoryReports) -> None:
    reports.away = True
    done = real("cost", "reconcile", "anthropic")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "clawpulse: the provider is away (later it may)\n"
    done = real("cost", "reconcile", "anthropic", "--json")
    assert (done.returncode, json.loads(done.stdout)["retry"]) == (1, True)


def test_an_unknown_provider(real) -> None:
    done = real("cost", "reconcile", "acme")
    assert done.returncode == 1
    assert "key-settings name no provider acme" in done.stderr
