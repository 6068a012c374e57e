"""Budgets: the command against the real API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from functions.domain.budget_use import Counted, Use
from tests.api.world import World

FILE = """
budgets:
  tier=smart: {tokens_per_day: 1000, usd_per_day: 5, act: {at: 1.2, do: pause, budgets: tokens_per_day}}
  "": {usd_per_month: 900}
"""


@pytest.fixture
def counted(real, world: World, tmp_path: Path) -> None:
    """Midday, so that no period is young."""
    world.now = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)
    (tmp_path / "budgets.yaml").write_text(FILE)
    assert real("channels", "apply", "budgets.yaml").stdout == "replaced: budgets\n"
    use = {"tier=smart": {"tokens_per_day": Use(1240.0), "usd_per_day": Use()}, "": {"usd_per_month": Use(90.0)}}
    world.fleet.put_settings("team", "budget-use", msgspec.to_builtins(Counted(at=world.now, use=use)))


def test_budgets_are_shown_with_level_forecast_and_what_acts(real, counted) -> None:
    lines = real("budgets", "show").stdout.splitlines()
    assert lines[0].split() == ["group", "budget", "used", "limit", "%", "forecast", "level", "acts"]
    rows = {tuple(line.split()[:2]): " ".join(line.split()[2:]) for line in lines[1:4]}
    assert rows == {
        ("(workspace)", "usd_per_month"): "$90.00 $900.00 10.0 % $120.00 ● ok –",
        ("tier=smart", "tokens_per_day"): "1,240 1,000 124.0 % 2,480 ■ act paused above 120.0 %",
        ("tier=smart", "usd_per_day"): "– $5.00 – – – unknown –",
    }
    assert "tier=smart usd_per_day: no task of this day has a known cost" in lines
    assert len(lines) == 7, "what is well needs no sentence"


def test_only_those_at_risk_and_of_some_groups(real, counted) -> None:
    found = json.loads(real("budgets", "show", "--at-risk", "--json").stdout)
    assert [budget["budget"] for budget in found["budgets"]] == ["tokens_per_day"]
    assert real("budgets", "show", "--tags", "tier=fast").stdout == "No budgets are set: clawpulse channels apply FILE sets them.\n"
    assert real("budgets", "show", "--at-risk", "--tags", "tier=fast").stdout == "No budget warns.\n"


def test_old_figures_are_marked(real, counted, world: World) -> None:
    world.now += 6 * 60_000
    assert "! counted up to 2026-11-23 12:00:00 UTC: more may be used by now" in real("budgets", "show").stdout


def test_the_summary_names_them(real, counted) -> None:
    assert "▲ tier=smart tokens_per_day: 1,240 tokens of 1,000 tokens (124 %)" in real("summary").stdout


def test_faults_are_told_with_their_place(real, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("budgets:\n  tier=smart: {tokens_per_day: 5, act: {at: 1, do: stop}}\n")
    done = real("channels", "apply", "b.yaml")
    assert done.returncode == 1
    assert done.stdout.startswith("b.yaml:2:")
    assert "act.do: must be pause, or a model" in done.stdout
