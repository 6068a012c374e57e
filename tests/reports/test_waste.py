"""What the report says of agents that do nothing: with the price of their hosts where settings know it."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.fleet import AgentState, Progress, Snapshot, encode_snapshot
from functions.domain.report import Section
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from tests.reports.fleet import FIRST, HOURS, WS, Company, section

NOW = (FIRST + 2 * HOURS) * HOUR_MS + MINUTE_MS


def waste(settings: dict[str, Any]) -> Section:
    """Of a fleet with one idle agent."""
    company = Company(now=NOW)
    long_ago = NOW - 30 * DAY_MS
    idle = AgentState(id="a1", name="ann", tags={"tier": "smart"}, first_seen=long_ago, watched_since=long_ago, last_seen=NOW)
    idle.progress = Progress(last_task=NOW - 20 * DAY_MS)
    snapshot = Snapshot(workspace=WS, time=NOW, agents={"a1": idle}, due_until=NOW // MINUTE_MS)
    company.fleet.put_snapshot(WS, encode_snapshot(snapshot))
    company.fleet.put_settings(WS, "capacity", settings)
    return section(company.report(), "waste")


def test_an_idle_agent_costs_what_its_host_does() -> None:
    found = waste({"agent_usd_per_month": 12.5, "tiers": {"smart": {"agent_usd_per_month": 40}}})
    (finding,) = found.findings
    assert (finding.title, finding.usd_per_month) == ("ann is idle", pytest.approx(40))
    assert "No task for 20 days" in finding.evidence
    assert not [note for note in found.notes if "agent_usd_per_month" in note]


@pytest.mark.parametrize("settings", [{}, {"agent_usd_per_month": "much"}])
def test_without_a_price_it_says_what_is_missing(settings: dict[str, Any]) -> None:
    found = waste(settings)
    assert found.findings[0].usd_per_month is None
    assert [note for note in found.notes if "agent_usd_per_month" in note]
