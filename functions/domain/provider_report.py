"""What a provider says of our use: tokens and dollars by day (UTC) and model, as its usage and cost APIs report them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from functions.domain.cost_pricing import Tokens

MAX_DAYS = 31
"""Of one report: as many days as both providers put on one page."""
TOKENS = "tokens"
"""What the costs of models are for; everything else that is billed has another name."""


class UseRow(NamedTuple):
    """Tokens of a day."""

    day: int
    """Days since 1970."""
    model: str | None
    tier: str
    """`standard`, `batch`, `priority`, …; empty when the provider does not say."""
    key: str | None
    """What the provider calls the API key; None for use without one (its console) or when it does not say."""
    tokens: Tokens


class CostRow(NamedTuple):
    """Dollars of a day."""

    day: int
    model: str | None
    """None for what is not billed by model."""
    item: str
    """`TOKENS`, or what else is billed: `web_search`."""
    usd: Decimal


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """All rows of some days."""

    use: Sequence[UseRow]
    costs: Sequence[CostRow]
    scope: str
    """Whose use it is: `the whole organisation`, `the workspace wrkspc_1`."""
