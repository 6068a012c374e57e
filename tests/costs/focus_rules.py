"""The FOCUS specification 1.2, as far as a dataset shows it, written from its text: columns, types, nulls, values, how they hang together.

Not written down here are rules for what ClawPulse does not sell (commitments, reservations, regions, taxes) and for what no dataset shows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

Row = Mapping[str, str]
"""A line of the CSV; an empty field is null."""


class Column(NamedTuple):
    """What holds for one column."""

    level: str
    """`mandatory`, `conditional` or `recommended`."""
    meets: Callable[[str], object]
    """Falsy for what may not stand there."""
    null: bool = False


def one_of(*allowed: str) -> Callable[[str], bool]:
    return allowed.__contains__


def text(value: str) -> object:
    return value.strip()


def decimal(value: str) -> object:
    # An exponent has no plus, and a number of a decimal column is not taken for an integer.
    return re.fullmatch(r"-?\d+(\.\d+(E-?\d+)?|E-?\d+)", value) and math.isfinite(float(value))


def price(value: str) -> object:
    return decimal(value) and float(value) >= 0


def moment(value: str) -> object:
    return re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", value)


def unit(value: str) -> object:
    return re.fullmatch(r"([1-9]\d* )?(Tokens|Requests)", value)


def key_values(value: str) -> object:
    found = json.loads(value)
    return isinstance(found, dict) and not any(isinstance(one, dict | list) for one in found.values())


COLUMNS: Mapping[str, Column] = {
    **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), Column("mandatory", decimal)),
    **dict.fromkeys(("BillingAccountId", "InvoiceIssuerName", "ProviderName", "PublisherName", "ServiceName"), Column("mandatory", text)),
    **dict.fromkeys(("BillingAccountName", "ChargeDescription"), Column("mandatory", text, null=True)),
    **dict.fromkeys(("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"), Column("mandatory", moment)),
    "BillingCurrency": Column("mandatory", re.compile("[A-Z]{3}").fullmatch),
    "ChargeCategory": Column("mandatory", one_of("Usage", "Purchase", "Tax", "Credit", "Adjustment")),
    "ChargeClass": Column("mandatory", one_of("Correction"), null=True),
    "PricingQuantity": Column("mandatory", decimal),
    "PricingUnit": Column("mandatory", unit),
    # Of nineteen categories with their subcategories those that can be ours.
    "ServiceCategory": Column("mandatory", one_of("AI and Machine Learning", "Other")),
    "ServiceSubcategory": Column("recommended", one_of("Generative AI", "AI Platforms", "Other (AI and Machine Learning)")),
    "ChargeFrequency": Column("recommended", one_of("One-Time", "Recurring", "Usage-Based")),
    "InvoiceId": Column("recommended", text, null=True),
    # ClawPulse measures usage, has prices by list and by contract, sub accounts of several types, and tags: so it must show them.
    "ConsumedQuantity": Column("conditional", decimal),
    "ConsumedUnit": Column("conditional", unit),
    **dict.fromkeys(("ContractedUnitPrice", "ListUnitPrice"), Column("conditional", price)),
    "PricingCategory": Column("conditional", one_of("Standard", "Dynamic", "Committed", "Other")),
    **dict.fromkeys(("SkuId", "SkuMeter", "SkuPriceId"), Column("conditional", text)),
    **dict.fromkeys(("SkuPriceDetails", "Tags"), Column("conditional", key_values, null=True)),
    **dict.fromkeys(("SubAccountId", "SubAccountName", "SubAccountType"), Column("conditional", text, null=True)),
}
"""For charges of usage that correct no earlier month: what such charges must have is not null here."""


def faults(header: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """What breaks a rule, as `column: value` or the rule's words; how cells hang together is asked of rows whose cells are fine."""
    told = [*_names(header), *(fault for row in rows for fault in _cells(row))]
    return told or [*(fault for row in rows for fault in (*_sums(row), *_relations(row))), *_across(rows)]


def _names(header: Sequence[str]) -> Iterator[str]:
    yield from (f"{name} is missing" for name in COLUMNS if name not in header)
    own = [name for name in header if name not in COLUMNS]
    yield from (f"{name} is not of the specification" for name in own if not re.fullmatch(r"x_([A-Z][a-z0-9]+)+", name))
    if list(header[len(header) - len(own) :]) != own:
        yield "custom columns come last"


def _cells(row: Row) -> Iterator[str]:
    for name, column in COLUMNS.items():
        value = row.get(name, "")
        if not (column.meets(value) if value else column.null):
            yield f"{name}: {value or 'null'}"


def _sums(row: Row) -> Iterator[str]:
    for kind in ("List", "Contracted"):
        product, cost = float(row[f"{kind}UnitPrice"]) * float(row["PricingQuantity"]), float(row[f"{kind}Cost"])
        if not math.isclose(product, cost, rel_tol=1e-9, abs_tol=1e-15):
            yield f"{kind}UnitPrice times PricingQuantity is {kind}Cost"


def _relations(row: Row) -> Iterator[str]:
    if not row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]:
        yield "a charge is of its billing period"
    if len({bool(row[name]) for name in ("SubAccountId", "SubAccountName", "SubAccountType")}) > 1:
        yield "a sub account has id, name and type, or none"
    if row["ProviderName"] != row["InvoiceIssuerName"] and float(row["BilledCost"]):
        yield "what a third party is paid for is not billed"


def _across(rows: Iterable[Row]) -> Iterator[str]:
    for child, parent in (("SkuPriceId", "SkuId"), ("ServiceName", "ServiceCategory"), ("ServiceSubcategory", "ServiceCategory")):
        known: dict[str, str] = {}
        if any(known.setdefault(row[child], row[parent]) != row[parent] for row in rows):
            yield f"a {child} has one {parent}"
