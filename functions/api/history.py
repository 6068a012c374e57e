"""Reads stored rollups for the replay of a rule, within what one request may take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from functions.api.endpoint import Call
from functions.api.fleet_view import load_snapshot, settings_of
from functions.domain.alert_backtest import History
from functions.domain.alert_budgets import DOCUMENT as BUDGETS
from functions.domain.alert_budgets import parse_budgets
from functions.domain.alert_data import TRAILING_HOURS, WEEKS, Bucket
from functions.domain.alert_rules import BaselineKind, Budget, Rule, window_ms
from functions.domain.errors import InvalidInput
from functions.domain.spans import HOURS_KEPT_MS, MINUTES_KEPT_MS, Unit
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, MINUTES_PER_HOUR, SECOND_MS
from functions.ports import Resolution

READING_MS = 12 * SECOND_MS
"""As long may reading take: the gateway waits 29 s for all."""
MAX_BYTES = 150_000_000
STEP_BYTES = 30_000_000
"""For each so many bytes of minutes, one minute more lies between two evaluations: decoding takes most of the time."""

type Read = Callable[[str, Resolution, int, int], dict[int, bytes]]


@dataclass(frozen=True, slots=True)
class Found:
    """What was read, and how to replay it in time."""

    history: History
    step_minutes: int
    notes: list[str]
    """What of the past is not known."""


def read_history(call: Call, rule: Rule, start: int, end: int) -> Found:
    """All that a replay of the rule from `start` to `end` (ms) looks at; raises `InvalidInput` when that is too much for one request."""
    settings, snapshot = settings_of(call), load_snapshot(call)
    settled = snapshot.rates_minute if snapshot else None
    end = min(end, (settled + 1) * MINUTE_MS if settled is not None else call.now // MINUTE_MS * MINUTE_MS)
    oldest = _up(call.now - HOURS_KEPT_MS)
    if end - start < HOUR_MS:
        raise InvalidInput("must have at least an hour of data that are whole", "range")
    # The first windows within the minutes that are kept are to have all of theirs.
    minutes_from = min(_up(call.now - MINUTES_KEPT_MS + window_ms(rule)), _up(end))
    first_hour = max(min(start, minutes_from) - _reach(rule), oldest) // HOUR_MS
    buckets = _Reading(call, of_agents=rule.reads_agents(settings.dimensions))
    buckets.hours(first_hour, -(-end // HOUR_MS))
    if minutes_from < end:
        buckets.minutes(max(_up(call.now - MINUTES_KEPT_MS), max(start, minutes_from) - window_ms(rule)), end)
    notes: list[str] = []
    history = History(
        group={} if buckets.of_agents else buckets.found,
        agents=buckets.found if buckets.of_agents else {},
        start=start,
        end=end,
        minutes_from=minutes_from,
        fleet=dict(snapshot.agents) if snapshot else {},
        budgets=_budgets(call, settings.dimensions, notes),
        dimensions=settings.dimensions,
    )
    if start - _reach(rule) < oldest:
        notes.append("hours are kept for 35 days: what the first days were compared with rests on fewer hours than it would have")
    return Found(history, 1 + buckets.minute_bytes // STEP_BYTES, notes)


def _budgets(call: Call, dimensions: Collection[str], notes: list[str]) -> Mapping[str, Mapping[str, float]]:
    try:
        return parse_budgets(call.services.fleet.settings(call.caller.workspace, BUDGETS) or {}, dimensions)
    except InvalidInput as error:
        notes.append(f"the stored budgets are not valid, none hold: {error}")
        return {}


class _Reading:
    """Rollups of one kind, read piece by piece until time or memory are used up."""

    def __init__(self, call: Call, *, of_agents: bool) -> None:
        self._call = call
        self.of_agents = of_agents
        self._read: Read = call.services.rollups.read_matrix if of_agents else call.services.rollups.read_group
        self.found: dict[Bucket, bytes] = {}
        self.minute_bytes = 0

    def hours(self, first: int, last: int) -> None:
        for start, end in _pieces(first, last, DAY_MS // HOUR_MS * 7):
            self._add("h", self._read(self._call.caller.workspace, Resolution.HOUR, start, end))

    def minutes(self, start: int, end: int) -> None:
        for first, last in _pieces(start // MINUTE_MS, end // MINUTE_MS, MINUTES_PER_HOUR * 12):
            found = self._read(self._call.caller.workspace, Resolution.MINUTE, first, last)
            self.minute_bytes += sum(map(len, found.values()))
            self._add("m", found)

    def _add(self, unit: Unit, found: Mapping[int, bytes]) -> None:
        self.found.update({(unit, number): data for number, data in found.items()})
        if self.minute_bytes > MAX_BYTES or self._call.services.now() > self._call.now + READING_MS:
            raise InvalidInput("this takes longer to read than a request may: ask for a shorter time", "range")


def _reach(rule: Rule) -> int:
    """How far back from an evaluation its windows and its baseline look, at most."""
    baseline, reach = rule.when.bound.baseline, window_ms(rule)
    if isinstance(rule.when.measure, Budget):
        reach = 31 * DAY_MS
    if baseline is not None and baseline.stored:
        weekly = baseline.of is BaselineKind.SAME_HOUR_OF_WEEK
        reach = max(reach, WEEKS * 7 * DAY_MS if weekly else (TRAILING_HOURS + 2) * HOUR_MS)
    return reach + HOUR_MS


def _pieces(first: int, last: int, width: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + width, last)) for start in range(first, last, width))


def _up(ms: int) -> int:
    """The next whole hour."""
    return -(-ms // HOUR_MS) * HOUR_MS
