"""Costs: the commands against the real API, over usage that seal has built."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.api.world import World
from tests.costs.office import Office, a_task

PRICES = "version: contract 7\nmodels:\n  - {match: our-model, input: 2, output: 10}\n"


@pytest.fixture
def office(world: World) -> Office:
    office = Office(world)
    office.post("a1", [*a_task("t1", "claude-sonnet-4-5", (1000, 200), cost=1.5, tenant="acme"), *a_task("t2", "our-model", (500_000, 0))])
    office.seal()
    return office


def test_the_ledger_tells_what_is_known_and_what_is_not(real, office: Office) -> None:
    lines = real("cost", "show", "--by", "tenant").stdout.splitlines()
    assert lines[1].split() == ["tags", "cost", "reported", "priced", "tasks", "unpriced", "tokens"]
    assert [line.split() for line in lines[2:5]] == [
        ["tenant=acme", "$1.50", "$1.50", "–", "1", "0", "1,200"],
        ["–", "–", "–", "–", "1", "1", "500,000"],
        ["total", "$1.50", "$1.50", "–", "2", "1", "501,200"],
    ]
    assert "reported: $1.50 of 1 tasks (reported)" in lines
    assert "! unpriced: 1 tasks, 500,000 tokens of our-model" in lines


def test_own_prices_are_set_and_applied_to_the_past(real, office: Office, tmp_path: Path) -> None:
    assert real("cost", "prices").stdout.startswith("# no own prices are set")
    (tmp_path / "prices.yaml").write_text(PRICES)
    assert real("cost", "prices", "prices.yaml").stdout == "prices replaced\n"
    dry = real("cost", "reprice").stdout
    assert "1 hours would be priced anew" in dry
    assert "--apply does it" in dry
    assert json.loads(real("cost", "show", "--json").stdout)["total"]["pricedUsd"] is None
    assert "1 hours were priced anew" in real("cost", "reprice", "--apply").stdout
    assert json.loads(real("cost", "show", "--json").stdout)["total"]["pricedUsd"] == 1.0


def test_a_fault_of_the_prices_is_told_with_its_place(real, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("version: v\nmodels:\n  - {match: m, input: -1, output: 1}\n")
    done = real("cost", "prices", "prices.yaml")
    assert done.returncode == 1
    assert "prices.yaml:3:" in done.stdout + done.stderr


def test_bills_as_a_table_as_csv_and_as_focus(real, office: Office, tmp_path: Path) -> None:
    assert "tenant=acme  $1.50" in " ".join(real("cost", "chargeback").stdout.split("\n")).replace("   ", "  ")
    rows = list(csv.DictReader(io.StringIO(real("cost", "chargeback", "--format", "csv").stdout)))
    assert [(row["tenant"], row["usd"], row["unpriced_tasks"]) for row in rows] == [("acme", "1.5", "0"), ("", "", "1")]
    assert real("cost", "chargeback", "--format", "focus", "-o", "bill.csv").stdout == "written: bill.csv\n"
    (row,) = csv.DictReader(io.StringIO((tmp_path / "bill.csv").read_bytes().decode()))
    assert (row["BilledCost"], row["ConsumedQuantity"], row["ConsumedUnit"]) == ("1.5", "1200.0", "Tokens")


def test_a_young_budget_has_no_forecast_and_says_why(real, office: Office) -> None:
    shown = real("cost", "burn-down", "--limit", "2").stdout
    assert "used $1.50 of $2.00 (75.0 %)" in shown
    assert "no forecast: " in shown
    assert "too little" in real("cost", "regressions").stdout
