"""A workspace's own prices: what its contract says, and models that no list has; the settings document `prices` (docs/costs.md).

    {"version": "contract 2026-11", "models": [
      {"match": "claude-sonnet-*", "input": 2.4, "output": 12, "cacheRead": 0.24, "cacheWrite": 3, "from": "2026-11-01"},
      {"match": "our-own-model", "input": 0.1, "output": 0.1}]}

USD per million tokens. The first entry whose pattern fits a model (`*` and `?`, small and capital letters alike) and that is in force
is its price; models that none fits have that of the list. Without a price of their own, cached tokens cost what input costs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import translate
from functools import partial
from re import Pattern
from typing import Any, Final

from functions.domain.alert_faults import Faults, Node, kind
from functions.domain.cost_pricing import Priced, Prices, Tokens, list_price
from functions.domain.naming import tag_fault
from functions.domain.times import SECOND_MS
from functions.domain.usage import COST_SOURCE

DOCUMENT = "prices"
"""Its name in `FleetStore.settings`."""
MAX_MODELS = 200
MAX_USD: Final = 100_000.0
_MILLION: Final = 1e6
_RATES: Final = ("input", "output", "cacheRead", "cacheWrite")


@dataclass(frozen=True, slots=True)
class Rates:
    """One entry."""

    match: str
    pattern: Pattern[str]
    usd: tuple[float, float, float, float]
    """Per million tokens, by kind."""
    since: int | None
    """ms; None: always was."""
    until: int | None
    """ms, not included."""

    def fits(self, model: str, at: int) -> bool:
        """Whether it is a model's price at a moment (ms)."""
        in_force = (self.since is None or at >= self.since) and (self.until is None or at < self.until)
        return in_force and self.pattern.fullmatch(model.lower()) is not None


@dataclass(frozen=True, slots=True)
class OwnPrices:
    """The document."""

    version: str = ""
    models: Sequence[Rates] = ()


def parse_prices(document: object) -> OwnPrices:
    """Read a document; the empty one has no prices. Raises `InvalidDocument` with every fault."""
    faults = Faults()
    if not isinstance(document, Mapping):
        faults.add("", f"must be a mapping, not {kind(document)}")
        faults.raise_any()
        return OwnPrices()
    node = Node(document, "", faults)
    node.keys({"version", "models"}, required=("version", "models") if document else ())
    version = node.text("version", 128)
    if version and (fault := tag_fault(COST_SOURCE, version, (COST_SOURCE,))):
        node.fault("version", fault.removeprefix(f"tag {COST_SOURCE}: "))
    listed = document.get("models", [])
    if not isinstance(listed, list) or len(listed) > MAX_MODELS:
        node.fault("models", f"must be a list of at most {MAX_MODELS} entries")
        listed = []
    models = [_rates(entry, f"models[{place}]", faults) for place, entry in enumerate(listed)]
    faults.raise_any()
    return OwnPrices(version, [rates for rates in models if rates])


def prices(own: OwnPrices) -> Prices:
    """The workspace's prices, and behind them the list's."""
    return partial(_price, own) if own.models else list_price


def _price(own: OwnPrices, model: str, tokens: Tokens, amount: int, at: int) -> Priced | None:
    rates = next((rates for rates in own.models if rates.fits(model, at)), None)
    if rates is None:
        return list_price(model, tokens, amount, at)
    return Priced(sum(number * usd for number, usd in zip(tokens, rates.usd, strict=True)) / _MILLION, own.version)


def _rates(entry: Any, path: str, faults: Faults) -> Rates | None:
    if not isinstance(entry, Mapping):
        faults.add(path, f"must be a mapping, not {kind(entry)}")
        return None
    node = Node(entry, path, faults)
    node.keys({"match", *_RATES, "from", "until"}, required=("match", "input", "output"))
    match, (since, until) = node.text("match"), (_day(node, key) for key in ("from", "until"))
    usd = {key: _usd(node, key) for key in _RATES if key in node}
    if since is not None and until is not None and until <= since:
        node.fault("until", "must be after from")
    own = usd.get("input", 0.0)
    rates = (own, usd.get("output", 0.0), usd.get("cacheRead", own), usd.get("cacheWrite", own))
    return Rates(match, _pattern(match), rates, since, until)


def _usd(node: Node, key: str) -> float:
    value = node.number(key)
    if value is not None and not 0 <= value <= MAX_USD:
        node.fault(key, f"must be from 0 to {MAX_USD:,.0f} USD per million tokens")
    return value or 0.0


def _day(node: Node, key: str) -> int | None:
    text = node.text(key)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        node.fault(key, f"{text!r} is no day such as 2026-11-01")
        return None
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_MS


def _pattern(match: str) -> Pattern[str]:
    # fnmatch's patterns take no time that grows with their stars; brackets are letters like others here.
    return re.compile(translate(match.lower().replace("[", "[[]")))
