"""Usage as the cost endpoints read it: which hours a question means, whose, and what of them is not known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from functions.api.endpoint import Call
from functions.api.fleet_view import view
from functions.api.models import SelectorText
from functions.api.times import RangeAsked, range_of
from functions.domain import cost_prices
from functions.domain.cost_pricing import Prices
from functions.domain.errors import InvalidInput
from functions.domain.selector import Selector
from functions.domain.times import DAY_MS, HOUR_MS
from functions.domain.usage_frame import UsageFrame
from functions.usage_reading import read_usage

DEFAULT_RANGE = "24h"
MAX_DAYS = 100
"""Longer questions do not end within the time of a request."""


class CostAsked(RangeAsked):
    """Whose usage, from when to when; without a time, the last 24 hours."""

    tags: SelectorText = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Usage that a caller may see."""

    frame: UsageFrame
    selector: Selector
    """What was asked for, within the token's tag scope."""
    overlay: Mapping[str, Mapping[str, str]]
    """Tags of agents as they are now, for tags that are no dimensions."""

    @property
    def start(self) -> int:
        """First ms that counts."""
        return self.frame.first_hour * HOUR_MS

    @property
    def end(self) -> int:
        """First ms that counts no more."""
        return self.frame.last_hour * HOUR_MS

    @property
    def notes(self) -> list[str]:
        """What the figures leave out, as sentences."""
        missing = len(self.frame.missing)
        return [f"{missing} of {len(self.frame.hours)} hours are left out: they are not built yet, or cannot be read"] if missing else []


def own_prices(call: Call) -> Prices:
    """The workspace's own prices, and behind them the list's; raises `InvalidInput` for a document that is not valid any more."""
    document = call.services.fleet.settings(call.caller.workspace, cost_prices.DOCUMENT)
    return cost_prices.prices(cost_prices.parse_prices(document or {}))


def hours_of(asked: RangeAsked, now: int) -> tuple[int, int]:
    """The whole hours that a question means, none that is under way; raises `InvalidInput`."""
    open_ended = asked.start is None and asked.range is None
    start, end = range_of(asked.model_copy(update={"range": DEFAULT_RANGE}) if open_ended else asked, now)
    if end - start > MAX_DAYS * DAY_MS:
        raise InvalidInput(f"at most {MAX_DAYS} days at a time", "start" if asked.start else "range")
    first = start // HOUR_MS
    return first, max(first, min(-(-end // HOUR_MS), now // HOUR_MS))


def reading(call: Call, hours: tuple[int, int], tags: str, names: Collection[str]) -> Reading:
    """Read what the caller may see of some hours."""
    fleet = view(call)
    frame = read_usage(call.services.rollups, call.caller.workspace, fleet.snapshot, *hours, names=names)
    return Reading(frame, Selector.parse(tags) & call.caller.tags, fleet.tags())
