"""Reads the load that a group had, for simulations."""

from __future__ import annotations

from datetime import datetime

from functions.api.endpoint import Call
from functions.api.fleet_view import FleetView, view
from functions.api.models import milliseconds
from functions.api.rollups import parts
from functions.api.times import duration_ms
from functions.domain.errors import InvalidInput
from functions.domain.scaling_load import Load
from functions.domain.scaling_past import past_load
from functions.domain.selector import Selector
from functions.domain.series import Aggregation, SeriesQuery, plan
from functions.domain.spans import MINUTES_KEPT_MS
from functions.domain.tasks import LATENCY
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

MAX_AGE_MS = 34 * DAY_MS
MAX_LENGTH_MS = 7 * DAY_MS
"""A week takes seconds; the gateway waits 29."""
HOURLY = "minutes are kept for 3 days: the tasks of an hour are taken to come evenly, so bursts within it are not seen"


def read_load(call: Call, tags: str, length: str, end: datetime | None) -> tuple[int, Load, list[str]]:
    """Start (ms), load and what is not known of it: by minutes where all of them are kept, else by hours. Raises `InvalidInput`."""
    fleet = view(call)
    start, end_ms, width = _range(call, fleet, duration_ms(length), end)
    selector = Selector.parse(tags)
    question = SeriesQuery(metric=LATENCY, aggregation=Aggregation("count"), selector=selector, by=(), start=start, end=end_ms, step=width)
    known = fleet.tags()
    chosen = plan(question, fleet.settings.dimensions, known, call.now)
    agents = None if chosen.agents is None else {agent: known[agent] for agent in chosen.agents}
    load = past_load(parts(call, chosen.spans, agents), selector, start, end_ms, width)
    if load is None:
        raise InvalidInput(f"no task of {tags or 'the workspace'} was measured in this time: there is no load to replay", "range")
    return start, load, [HOURLY] if width == HOUR_MS else []


def _range(call: Call, fleet: FleetView, length: int, end: datetime | None) -> tuple[int, int, int]:
    """Start, end and width of the buckets, ms: as asked, up to what is sealed."""
    last = min(call.now, call.now if end is None else milliseconds(end))
    first = last - length
    if length > MAX_LENGTH_MS:
        raise InvalidInput("is more than 7 days: ask for a part, with `end`", "range")
    if first < call.now - MAX_AGE_MS:
        raise InvalidInput("reaches back more than 34 days: hours are kept for 35", "range")
    if fleet.snapshot and fleet.snapshot.rates_minute is not None:
        last = min(last, (fleet.snapshot.rates_minute + 1) * MINUTE_MS)
    width = MINUTE_MS if first >= call.now - MINUTES_KEPT_MS else HOUR_MS
    first, last = -(-first // width) * width, last // width * width
    if last - first < HOUR_MS:
        raise InvalidInput("must have at least an hour of data that are whole", "range")
    return first, last, width
