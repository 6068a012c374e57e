"""What tracker and planner read: whole hours of usage, and the tags of agents, with host and model among them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from functions.api.endpoint import Call
from functions.api.fleet_view import FleetView, view
from functions.api.times import RangeAsked, range_of
from functions.api.usage_view import UsageView
from functions.domain.errors import InvalidInput
from functions.domain.fleet import AgentState
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS, HOURS_PER_DAY
from functions.usage_reading import read_usage

USUAL_RANGE = "24h"
MAX_HOURS = 7 * HOURS_PER_DAY


@dataclass(frozen=True, slots=True)
class Tracked(UsageView):
    """A question's usage."""

    fleet: FleetView


def tracked(call: Call, asked: RangeAsked, tags: str, names: Collection[str], sketches: Collection[str]) -> Tracked:
    """Read it."""
    first, last = hours_of(asked, call.now)
    fleet = view(call)
    frame = read_usage(call.services.rollups, call.caller.workspace, fleet.snapshot, first, last, names=names, sketches=sketches)
    overlay = {state.id: tags_of(state) for state in fleet.agents}
    return Tracked(frame, Selector.parse(tags) & call.caller.tags, overlay, fleet)


def tags_of(state: AgentState) -> dict[str, str]:
    """An agent's tags, and what it says of itself where no tag of that name does."""
    told = {"host": state.host, "model": state.model}
    return {**{key: value for key, value in told.items() if value}, **state.tags}


def hours_of(asked: RangeAsked, now: int) -> tuple[int, int]:
    """The whole hours of a range, a day unless it says otherwise; the hour under way is none. Raises `InvalidInput`."""
    start, end = range_of(asked, now, usual=USUAL_RANGE)
    first, last = start // HOUR_MS, min(end, now) // HOUR_MS
    if last <= first:
        raise InvalidInput("has no whole hour that is over", "range")
    if last - first > MAX_HOURS:
        raise InvalidInput(f"has {last - first} hours; at most {MAX_HOURS} are looked at", "range")
    return first, last
