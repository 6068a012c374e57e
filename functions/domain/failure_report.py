"""What went wrong in some time: the kinds of failure of those that a question means, out of stored groups.

A group counts by agent and tags, so a part of it can be told apart: whoever may see only some agents gets their counts and samples, and no
moment at which something happened to others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from functions.domain import spans
from functions.domain.errors import InvalidInput
from functions.domain.failure_groups import FailureGroup, Sample, cell_key, cell_of, newest
from functions.domain.failures import OTHER, pairs_of
from functions.domain.fleet import AgentState
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.spans import Span
from functions.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS

TIER = "tier"
MAX_BUCKETS = 1_500


class Bucket(NamedTuple):
    """One stored minute or hour."""

    start: int
    """ms."""
    groups: Mapping[str, FailureGroup]


@dataclass(slots=True)
class Kind:
    """All failures of one kind that are meant."""

    type: str
    message: str
    first: int
    """ms; where others had it too, the start of the bucket."""
    last: int
    count: int = 0
    agents: dict[str, int] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    points: dict[int, int] = field(default_factory=dict)
    """How many by start of the bucket, ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Whose failures a question means. `fleet` has every agent of the workspace; of others only the tags of their points are known."""

    fleet: Mapping[str, AgentState]
    selector: Selector = field(default_factory=Selector)
    scope: Selector = field(default_factory=Selector)
    """What the caller may see at all: nothing of agents outside of it, or that are not known."""
    agent: str | None = None
    tier: str | None = None

    def tags(self, cell: str) -> dict[str, str] | None:
        """Effective tags of a group's cell, with the agent's id; None when they are not known, or not for the caller."""
        agent, own = cell_of(cell)
        state = self.fleet.get(agent)
        if own == OTHER or (state is None and self.scope.matchers):
            return None
        if state is None:
            return {**dict(pairs_of(own)), AGENT: agent}
        tags = {**state.tags, **dict(pairs_of(own)), **state.scope, AGENT: agent}
        return tags if self.scope.matches({**state.tags, AGENT: agent}) and self.scope.matches(tags) else None

    def means(self, cell: str) -> bool:
        """Whether the failures of a cell are meant."""
        tags = self.tags(cell)
        if self.agent is not None and cell_of(cell)[0] != self.agent:
            return False
        if tags is None:
            return not (self.scope.matchers or self.selector.matchers or self.tier is not None)
        return self.selector.matches(tags) and self.tier in (None, tags.get(TIER, ""))


def kinds(buckets: Iterable[Bucket], meant: Meant) -> dict[str, Kind]:
    """The kinds of failure that are meant, by fingerprint."""
    found: dict[str, Kind] = {}
    known: dict[str, bool] = {}
    for bucket in buckets:
        for key, group in bucket.groups.items():
            inside = {cell: count for cell, count in group.cells.items() if _cached(known, cell, meant)}
            if inside:
                whole = len(inside) == len(group.cells)
                samples = [one for one in group.samples if cell_key(one.agent, one.tags) in inside or (whole and not meant.scope.matchers)]
                first, last = (group.first, group.last) if whole else (bucket.start, max([bucket.start, *(one.at for one in samples)]))
                kind = found.setdefault(key, Kind(group.type, group.message, first, last))
                kind.first, kind.last = min(kind.first, first), max(kind.last, last)
                kind.samples = newest([*kind.samples, *samples])
                _count(kind, bucket.start, inside, meant)
    return found


def _cached(known: dict[str, bool], cell: str, meant: Meant) -> bool:
    if cell not in known:
        known[cell] = meant.means(cell)
    return known[cell]


def _count(kind: Kind, time: int, cells: Mapping[str, int], meant: Meant) -> None:
    for cell, count in cells.items():
        agent, tier = cell_of(cell)[0], (meant.tags(cell) or {TIER: OTHER}).get(TIER)
        kind.count += count
        kind.agents[agent] = kind.agents.get(agent, 0) + count
        if tier:
            kind.tiers[tier] = kind.tiers.get(tier, 0) + count
    kind.points[time] = kind.points.get(time, 0) + sum(cells.values())


def checked_start(start: int, now: int) -> None:
    """Raise `InvalidInput` for a time that nothing is kept of."""
    if start < now - spans.HOURS_KEPT_MS - HOUR_MS:
        raise InvalidInput("errors are kept for 35 days", "start")


def steps(start: int, end: int, step_s: int) -> range:
    """Start of each step of a time, ms; raises `InvalidInput` for what cannot be told in such steps."""
    step = step_s * SECOND_MS
    if step % MINUTE_MS:
        raise InvalidInput("the step is a multiple of 60 seconds", "step")
    found = range(start // step * step, -(-end // step) * step, step)
    if len(found) > MAX_BUCKETS:
        raise InvalidInput(f"{len(found)} steps are more than {MAX_BUCKETS}: ask for a larger one, or a shorter range", "step")
    return found


def spans_between(start: int, end: int, now: int) -> tuple[Span, ...]:
    """What to read for a time, up to now."""
    end = min(end, -(-now // MINUTE_MS) * MINUTE_MS)
    return spans.cover(start, end, now) if end > start else ()


def spans_of(found: range, now: int) -> tuple[Span, ...]:
    """What to read for some steps, up to now; raises `InvalidInput` when only hours are left of a time that is asked for in minutes."""
    if found.step % HOUR_MS == 0:
        return spans_between(found.start, found.stop, now)
    if not spans.minutes_kept(found.start + HOUR_MS, now):
        raise InvalidInput("minutes are kept 3 days; for a start before that the step is a multiple of 3600 seconds", "step")
    return spans.minutes(found.start, min(found.stop, -(-now // MINUTE_MS) * MINUTE_MS))


def in_steps(kind: Kind, found: range) -> list[tuple[int, int]]:
    """How many in each step."""
    counts = dict.fromkeys(found, 0)
    for time, count in kind.points.items():
        step = found.start + (time - found.start) // found.step * found.step
        if step in counts:
            counts[step] += count
    return list(counts.items())
