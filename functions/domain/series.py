"""Series of a metric over time, from rollups: what is asked for, and what has to be read for it.

A query names a metric, an aggregation, a selector, the tags to group by, a range and a step. Buckets are aligned to whole steps since
1970, so that the same question asked a little later gives the same buckets. A bucket without data is null, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from functions.domain import spans
from functions.domain.errors import InvalidInput
from functions.domain.selector import Selector
from functions.domain.spans import Span
from functions.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS

AGENT = "agent"
"""Stands for an agent's id in selectors and groups, unless an agent has a tag of that name."""

MAX_BUCKETS = 2_000
MAX_AGENTS = 500
MAX_AGENT_BUCKETS = 50_000
"""Rollups of single agents that one query may read."""

QUANTILE = re.compile(r"p(100|[0-9]{1,2}(?:\.[0-9]{1,3})?)")
SIMPLE = ("avg", "sum", "count", "rate", "min", "max", "last")
AGGREGATION_PATTERN = rf"^({'|'.join(SIMPLE)}|{QUANTILE.pattern})$"


@dataclass(frozen=True, slots=True)
class Aggregation:
    """How the values of a bucket become one: `avg sum min max last`, `count` of points, `rate` (sum a second), or a quantile `p99.9`."""

    name: str

    @classmethod
    def parse(cls, text: str) -> Aggregation:
        """Read a name; raises `InvalidInput`."""
        if text not in SIMPLE and not QUANTILE.fullmatch(text):
            raise InvalidInput(f"{text!r} is none of {', '.join(SIMPLE)} or a percentile such as p95 or p99.9", "aggregation")
        return cls(text)

    @property
    def quantile(self) -> float | None:
        """The quantile as a fraction, None for the others."""
        return float(self.name[1:]) / 100 if self.name not in SIMPLE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """A checked question; `start` and `end` are ms on whole steps, `end` is not included."""

    metric: str
    aggregation: Aggregation
    selector: Selector
    by: tuple[str, ...]
    start: int
    end: int
    step: int
    """ms."""

    @property
    def buckets(self) -> range:
        """Start of each bucket, ms."""
        return range(self.start, self.end, self.step)

    @property
    def keys(self) -> frozenset[str]:
        """Every tag that the question looks at."""
        return self.selector.keys() | set(self.by)


def query(
    *, metric: str, aggregation: Aggregation, selector: Selector, by: Collection[str], start: int, end: int, step_s: int
) -> SeriesQuery:
    """Check and align a question; raises `InvalidInput` naming the field."""
    step = step_s * SECOND_MS
    if step < MINUTE_MS or step % MINUTE_MS:
        raise InvalidInput("rollups are a minute wide: the step is a multiple of 60 seconds", "step")
    if end <= start:
        raise InvalidInput("the end must be after the start", "end")
    first, last = start // step * step, -(-end // step) * step
    if (last - first) // step > MAX_BUCKETS:
        raise InvalidInput(
            f"{(last - first) // step} buckets are more than {MAX_BUCKETS}: ask for a larger step or a shorter range", "step"
        )
    return SeriesQuery(
        metric=metric, aggregation=aggregation, selector=selector, by=tuple(dict.fromkeys(by)), start=first, end=last, step=step
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read: the spans of the group's rollups, or of each of these agents."""

    spans: tuple[Span, ...]
    agents: tuple[str, ...] | None
    """None: the group's rollups answer it."""


def plan(asked: SeriesQuery, dimensions: Collection[str], fleet: Mapping[str, Mapping[str, str]], now: int) -> Plan:
    """Choose the rollups; `fleet` has the tags of each agent. Raises `InvalidInput` when nothing kept can answer, or too much is asked."""
    chosen = _spans(asked, now)
    if asked.keys <= frozenset(dimensions):
        return Plan(chosen, None)
    agents = agents_for(asked.selector, dimensions, fleet)
    limit_agents(agents, chosen, asked.keys - frozenset(dimensions))
    return Plan(chosen, agents)


def agents_for(selector: Selector, dimensions: Collection[str], fleet: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Agents whose data a selector can concern: what it says of attributes must hold; dimensions may differ from point to point."""
    fixed = Selector(tuple(matcher for matcher in selector.matchers if matcher.key not in dimensions))
    return tuple(sorted(agent for agent, tags in fleet.items() if fixed.matches({AGENT: agent, **tags})))


def limit_agents(agents: Collection[str], chosen: Collection[Span], beyond: Collection[str]) -> None:
    """Refuse to read more rollups of single agents than is reasonable, saying what to do instead."""
    rollups = len(agents) * sum(map(len, chosen))
    if len(agents) <= MAX_AGENTS and rollups <= MAX_AGENT_BUCKETS:
        return
    raise InvalidInput(
        f"{', '.join(sorted(beyond))} is no dimension, so this reads {rollups} rollups of {len(agents)} agents (at most {MAX_AGENT_BUCKETS}"
        f" of {MAX_AGENTS}): narrow the selector, shorten the range, use whole hours, or make the tag a dimension in the settings",
        "tags",
    )


def _spans(asked: SeriesQuery, now: int) -> tuple[Span, ...]:
    end = max(asked.start, min(asked.end, -(-now // MINUTE_MS) * MINUTE_MS))
    start = max(asked.start, (now - spans.HOURS_KEPT_MS) // asked.step * asked.step)
    if start >= end:
        return ()
    if asked.step % HOUR_MS == 0:
        return spans.cover(start, end, now)
    if not spans.minutes_kept(start + HOUR_MS, now):
        raise InvalidInput("minutes are kept 3 days; for a start before that the step is a multiple of 3600 seconds", "step")
    return spans.minutes(start, end)
