"""Usage as the cost endpoints read it: which hours a question means, whose, and what of them is not known."""

from __future__ import annotations

from collections.abc import Collection

from functions.api.endpoint import Call
from functions.api.fleet_view import view
from functions.api.models import SelectorText
from functions.api.times import RangeAsked, range_of
from functions.api.usage_view import UsageView
from functions.domain import cost_prices
from functions.domain.cost_pricing import Prices
from functions.domain.errors import InvalidInput
from functions.domain.selector import Selector
from functions.domain.times import DAY_MS, HOUR_MS
from functions.usage_reading import read_usage

DEFAULT_RANGE = "24h"
MAX_DAYS = 100
"""Longer questions do not end within the time of a request."""


class CostAsked(RangeAsked):
    """Whose usage, from when to when; without a time, the last 24 hours."""

    tags: SelectorText = ""


def own_prices(call: Call) -> Prices:
    """The workspace's own prices, and behind them the list's; raises `InvalidInput` for a document that is not valid any more."""
    document = call.services.fleet.settings(call.caller.workspace, cost_prices.DOCUMENT)
    return cost_prices.prices(cost_prices.parse_prices(document or {}))


def hours_of(asked: RangeAsked, now: int) -> tuple[int, int]:
    """The whole hours that a question means, none that is under way; raises `InvalidInput`."""
    start, end = range_of(asked, now, usual=DEFAULT_RANGE)
    if end - start > MAX_DAYS * DAY_MS:
        raise InvalidInput(f"at most {MAX_DAYS} days at a time", "start" if asked.start else "range")
    first = start // HOUR_MS
    return first, max(first, min(-(-end // HOUR_MS), now // HOUR_MS))


def reading(call: Call, hours: tuple[int, int], tags: str, names: Collection[str]) -> UsageView:
    """Read what the caller may see of some hours."""
    fleet = view(call)
    frame = read_usage(call.services.rollups, call.caller.workspace, fleet.snapshot, *hours, names=names)
    return UsageView(frame, Selector.parse(tags) & call.caller.tags, fleet.tags())
