"""Charges as a FOCUS 1.2 dataset (FinOps Open Cost and Usage Specification): its columns, in its formats.

The workspace provides and bills: it is provider, issuer and billing account; the group is its sub account, the model the SKU, its maker the
publisher. Prices of a charge are its mean price a million tokens: a list prices kinds of tokens apart, a reported cost not at all. What is
not in the specification has names that begin with `x_`, as it wants.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from clawpulse._pricing import price
from clawpulse._usage import Usage
from functions.domain.cost_chargeback import Charge
from functions.domain.times import HOUR_MS

type Cell = str | float | None
"""None: null, which in CSV is an empty field."""

COLUMNS: Final = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart"),
    *("ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart"),
    *("ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId"),
    *("InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName"),
    *("PublisherName", "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId"),
    *("SubAccountId", "SubAccountName", "SubAccountType", "Tags"),
    *("x_CostHow", "x_CostSource", "x_Model", "x_Tasks"),
)
DECIMALS: Final = frozenset(name for name in COLUMNS if name.endswith(("Cost", "Price", "Quantity")))
TOKENS, REQUESTS = "Tokens", "Requests"
PRICED_BY: Final = {TOKENS: 1_000_000, REQUESTS: 1}
"""How many of a unit a price is for: price lists tell USD a million tokens."""
NO_MODEL = "Agent tasks"
"""What was sold when nobody said with which model."""


def rows(charges: Iterable[Charge], *, workspace: str, month: tuple[int, int]) -> Iterator[dict[str, Cell]]:
    """A row a charge; `month` are the ends of the billing period, ms."""
    for charge in charges:
        yield _row(charge, workspace, month)


def _row(charge: Charge, workspace: str, month: tuple[int, int]) -> dict[str, Cell]:
    # A reported cost may come without any tokens: then tasks are what was consumed.
    unit, quantity = (TOKENS, charge.tokens) if charge.tokens else (REQUESTS, float(charge.tasks))
    each, model = PRICED_BY[unit], charge.model or NO_MODEL
    # A refund takes tokens back at a price: the specification has no negative prices.
    priced = (-quantity if charge.usd < 0 else quantity) / each
    account = ",".join(f"{key}={value}" for key, value in charge.tags) or None
    return {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), charge.usd),
        **dict.fromkeys(("ContractedUnitPrice", "ListUnitPrice"), charge.usd / priced),
        **dict.fromkeys(("SkuId", "SkuPriceId", "ServiceName"), model),
        **dict.fromkeys(("BillingAccountId", "BillingAccountName", "InvoiceIssuerName", "ProviderName"), workspace),
        **dict.fromkeys(("ChargeClass", "InvoiceId", "SkuPriceDetails")),
        "BillingCurrency": "USD",
        "BillingPeriodStart": _moment(month[0]),
        "BillingPeriodEnd": _moment(month[1]),
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{charge.tasks:,} tasks with {charge.model or 'a model not told'}, cost {charge.how}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": _moment(charge.first_hour * HOUR_MS),
        "ChargePeriodEnd": _moment(charge.last_hour * HOUR_MS),
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        "PricingCategory": "Standard",
        "PricingQuantity": priced,
        "PricingUnit": unit if each == 1 else f"{each} {unit}",
        "PublisherName": _maker(charge.model) or workspace,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
        "SkuMeter": unit,
        "SubAccountId": account,
        "SubAccountName": ", ".join(value for _, value in charge.tags) or None,
        "SubAccountType": ",".join(key for key, _ in charge.tags) or None,
        "Tags": json.dumps(dict(charge.tags), ensure_ascii=False, sort_keys=True) if charge.tags else None,
        "x_CostHow": charge.how,
        "x_CostSource": charge.source,
        "x_Model": charge.model,
        "x_Tasks": float(charge.tasks),
    }


def csv(columns: Iterable[str], found: Iterable[Mapping[str, Cell]], *, decimals: Collection[str] = ()) -> str:
    """CSV with a header (RFC 4180). A text that a spreadsheet would take for a formula gets a `'` before it.

    Whole numbers of columns in `decimals` have a point, too: readers take the type of a column from what stands in it.
    """
    names = list(columns)
    lines = [names, *([_field(row.get(name), decimal=name in decimals) for name in names] for row in found)]
    return "".join(",".join(_quoted(field) for field in line) + "\r\n" for line in lines)


def _maker(model: str | None) -> str | None:
    found = price(model, Usage(1, 1)) if model else None
    return found.provider if found else None


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _field(value: Cell, *, decimal: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, float | int):
        whole = not decimal and float(value).is_integer() and abs(value) < 1e15
        # The specification's exponents have a capital E and no plus.
        return str(int(value)) if whole else repr(float(value)).upper().replace("E+", "E")
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if any(sign in field for sign in ',"\r\n') else field
