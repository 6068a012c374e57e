"""The FOCUS export against the rules of its specification: asked of the real API, and for any charge."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain import cost_focus
from functions.domain.cost_chargeback import Charge
from tests.costs.focus_rules import COLUMNS, faults
from tests.costs.office import HOUR, Office, a_task

FORMULA = "@home"
OWN = {"version": "contract 1", "models": [{"match": "our-*", "input": 2, "output": 10}]}
MONTH = (1_793_491_200_000, 1_796_083_200_000)
"""November 2026."""


@pytest.fixture(scope="module")
def office() -> Office:
    """Costs reported (one of nothing, two refunds), priced by the list, and by own prices; with and without tokens, model, tenant."""
    office = Office()
    assert office.world.client("operate").call("PUT", "/api/prices", json=OWN).status_code == 200
    office.post("a0", a_task("t1", "claude-sonnet-4-5", (1000, 200), cost=1.25, tenant="acme"))
    office.post("a1", [*a_task("t1", "claude-sonnet-4-5", (1000, 200), tenant="acme"), *a_task("t2", "mystery", (9, 9), tenant="acme")])
    office.post("a2", [("task.cost_usd", 0.75, {"team": FORMULA}, None)])
    office.post("a3", [("task.cost_usd", 0.0, {"tenant": 'a "free" one'}, None)])
    office.post("a4", a_task("t1", "our-model", (10_000_000, 500), tenant="globex"))
    office.post("a5", a_task("t1", "gpt-4o-mini", (1, 0), tenant="globex"))
    office.post("a6", a_task("t1", "gpt-4o-mini", (1000, 20), cost=-0.5, tenant="returned"))
    office.post("a7", [("task.cost_usd", -0.25, {"tenant": "returned"}, None)])
    office.seal()
    return office


def export(office: Office, **query: Any) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows."""
    answer = office.world.client("read").call("GET", "/api/cost/chargeback", query_string={"format": "focus", **query})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return read(answer.data.decode())


def read(text: str) -> tuple[list[str], list[dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    return list(reader.fieldnames or ()), list(reader)


@pytest.mark.parametrize(
    ("query", "amount"), [({}, 8), ({"period": "month"}, 8), ({"by": "tenant,team"}, 8), ({"by": "nobody"}, 6), ({"month": "2026-01"}, 0)]
)
def test_every_export_meets_the_specification(office: Office, query: Mapping[str, str], amount: int) -> None:
    header, rows = export(office, **query)
    assert len(rows) == amount
    assert faults(header, rows) == []


CHARGES = st.builds(
    Charge,
    first_hour=st.just(HOUR),
    last_hour=st.integers(HOUR + 1, HOUR + 24),
    tags=st.sampled_from([(), (("tenant", "a"),), (("env", "=1"), ("tenant", "a b"))]),
    model=st.sampled_from([None, "gpt-4o", "our-own", "=SUM(A1)"]),
    how=st.sampled_from(["reported", "priced"]),
    source=st.none() | st.just("list 1"),
    tasks=st.integers(1, 10**9),
    usd=st.just(0.0) | st.floats(1e-9, 1e9) | st.floats(-1e9, -1e-9),
    tokens=st.just(0.0) | st.floats(1e-3, 1e15),
)


@given(st.lists(CHARGES, max_size=3))
def test_any_charge_meets_the_specification(charges: list[Charge]) -> None:
    rows = cost_focus.rows(charges, workspace="team", month=MONTH)
    header, found = read(cost_focus.csv(cost_focus.COLUMNS, rows, decimals=cost_focus.DECIMALS))
    assert faults(header, found) == []
    assert [float(row["BilledCost"]) for row in found] == [charge.usd for charge in charges]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"BillingCurrency": "US Dollar"}, "BillingCurrency: US Dollar"),
        ({"ChargeCategory": "Rent"}, "ChargeCategory: Rent"),
        ({"ChargePeriodEnd": "2026-11-24 00:00:00"}, "ChargePeriodEnd: 2026-11-24 00:00:00"),
        ({"EffectiveCost": "1E+20"}, "EffectiveCost: 1E+20"),
        ({"PricingQuantity": ""}, "PricingQuantity: null"),
        ({"ListUnitPrice": "-1.0", "PricingQuantity": "-1.25"}, "ListUnitPrice: -1.0"),
        ({"Tags": '{"a": {}}'}, 'Tags: {"a": {}}'),
        ({"SubAccountType": ""}, "a sub account has id, name and type, or none"),
        ({"ProviderName": "openai"}, "what a third party is paid for is not billed"),
    ],
)
def test_the_rules_find_what_breaks_them(office: Office, broken: Mapping[str, str], told: str) -> None:
    header, rows = export(office)
    row = next(row for row in rows if row["BilledCost"] == "1.25")
    fine = {"PricingQuantity": "1.25", "ListUnitPrice": "1.0", "ContractedUnitPrice": "1.0"}
    assert faults(header, [{**row, **fine}]) == []
    assert faults(header, [{**row, **fine, **broken}]) == [told]


def test_a_column_that_is_missing_or_unknown_is_found() -> None:
    header = [*(name for name in COLUMNS if name != "BilledCost"), "x_Own", "Cost"]
    assert faults(header, []) == ["BilledCost is missing", "Cost is not of the specification"]
    assert faults(["x_Own", *COLUMNS], []) == ["custom columns come last"]


def test_charges_add_up_to_the_ledger_and_unpriced_tasks_are_none(office: Office) -> None:
    total = office.ledger(range="30d")["total"]
    for period in ("day", "month"):
        _, rows = export(office, period=period)
        assert sum(float(row["BilledCost"]) for row in rows) == pytest.approx(total["usd"])
        assert {row["x_Model"] for row in rows} == {"claude-sonnet-4-5", "our-model", "gpt-4o-mini", ""}
        assert [float(row["ConsumedQuantity"]) for row in rows if row["ConsumedUnit"] == "Requests"] == [1, 1, 1]


def test_prices_are_those_of_a_price_list(office: Office) -> None:
    _, rows = export(office)
    (own,) = (row for row in rows if row["SkuId"] == "our-model")
    assert (own["PricingUnit"], float(own["PricingQuantity"])) == ("1000000 Tokens", pytest.approx(10.0005))
    assert float(own["ListUnitPrice"]) == pytest.approx((10 * 2 + 0.0005 * 10) / 10.0005)
    assert (own["ProviderName"], own["PublisherName"], own["x_CostSource"]) == ("team", "team", "contract 1")
    assert {row["PublisherName"] for row in rows if row["SkuId"] == "gpt-4o-mini"} == {"openai"}


def test_no_cell_is_a_formula(office: Office) -> None:
    _, rows = export(office, by="team")
    assert f"'{FORMULA}" in {row["SubAccountName"] for row in rows}
