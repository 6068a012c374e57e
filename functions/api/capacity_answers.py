"""What the capacity planner is asked and answers, by the names that `clawpulse capacity plan` has without a server too."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from functions.api.models import Answer, Moment, SelectorText
from functions.api.series import BY_PATTERN
from functions.api.times import RangeAsked
from functions.domain.capacity import TierPlan
from functions.domain.capacity_figures import Interval, Intervals, WhatIf
from functions.domain.provider_limits import Ceiling
from functions.domain.queueing import Dispersion, Tail
from functions.domain.rollup import TagPairs


class _Plain(Answer):
    model_config = ConfigDict(extra="forbid", alias_generator=None, frozen=True)


class PlanAsked(RangeAsked):
    """Of which tiers, from which hours; and what shall be different from what was seen."""

    tags: SelectorText = ""
    by: str = Field("", pattern=BY_PATTERN, description="Further tags that tell groups apart, beside `tier`: tiers are never pooled.")
    arrival_rate: float | None = Field(None, ge=0, le=1e6, description="Tasks a second, in the place of what was seen; of one tier only.")
    service_time: float | None = Field(None, ge=0, le=1e6, description="Seconds; likewise.")
    arrival_factor: float = Field(1.0, ge=0, le=1000, description="Times as many tasks.")
    service_factor: float = Field(1.0, ge=0, le=1000, description="Times as long.")
    utilization: float | None = Field(None, ge=0.01, le=1, description="To plan for, as it is: bursts do not lower it.")
    headroom: float | None = Field(None, ge=1, le=100)
    concurrency: float | None = Field(None, ge=1, le=1e6, description="Tasks that an agent works on at a time.")
    agent_usd_per_month: float | None = Field(None, ge=0, le=1e9, description="What an agent costs beside its tokens.")

    def what_if(self) -> WhatIf:
        """What shall be different."""
        return WhatIf(**{name: getattr(self, name) for name in WhatIf.__dataclass_fields__})


class WaitAnswer(_Plain):
    """What tasks wait for an agent, by Erlang C, scaled by how arrivals and times vary."""

    probability: float = Field(description="That a task has to wait at all.")
    mean_s: float
    p95_s: float


class IntervalsAnswer(_Plain):
    """Between what 95 of 100 draws lie: days put together by chance of the day's hours, with a time as uncertain as tasks are few."""

    agents: tuple[int, int]
    with_headroom: tuple[int, int]
    arrival_rate: tuple[float, float]
    service_time: tuple[float, float]


class TailTest(_Plain):
    """Whether the mean of service times says little."""

    index: float | None = Field(description="Hill's, of the slowest tenth; null for no tail at all.")
    low: float | None
    high: float | None
    tasks: int
    heavy: bool = Field(description="Then the 95th percentile stands in the place of the mean.")


class BurstTest(_Plain):
    """Whether tasks come in bursts."""

    index: float = Field(description="Index of dispersion of arrivals a minute, drifts within hours taken out: 1 is chance.")
    limit: float = Field(description="What chance exceeds once in a hundred times.")
    minutes: int
    bursty: bool = Field(description="Then the utilisation is lowered by 0.1.")


class CeilingAnswer(_Plain):
    """The provider's limit that is met first."""

    limit: str
    quantity: Literal["requests", "input_tokens", "output_tokens"]
    amount: float = Field(description="A minute.")
    used: float = Field(description="A minute, by all who share it, at the rates that are planned for.")
    arrival_rate: float = Field(description="Tasks a second of this tier that it allows.")


class TierAnswer(_Plain):
    """One tier's plan; its figures are null when there is nothing to plan from."""

    tags: dict[str, str]
    agents: int | None
    with_headroom: int | None
    exact: float | None = Field(description="Before rounding up, and before the ceiling.")
    wanted: int | None = Field(description="With headroom, before the ceiling.")
    arrival_rate: float | None = Field(description="Tasks a second that are planned for.")
    service_time: float | None = Field(description="Seconds that are planned with.")
    utilization: float | None
    headroom: float | None
    concurrency: float | None
    load: float | None = Field(description="Tasks under way at a time, at that rate and the mean time.")
    wait: WaitAnswer | None = Field(description="With `agents`; null where no wait is bounded, or nothing comes.")
    wait_with_headroom: WaitAnswer | None
    intervals: IntervalsAnswer | None = Field(description="Null when rate and time were given.")
    tail: TailTest | None = Field(description="Null with fewer than 250 tasks.")
    bursts: BurstTest | None = Field(description="Null when arrivals are given, too few, or known by the hour only.")
    ceiling: CeilingAnswer | None = Field(description="Null when no limit concerns it.")
    limited: bool = Field(description="The ceiling holds: more agents change nothing.")
    current: int | None = Field(description="Agents now: in service and not silent; by tag, else those that had its tasks.")
    change: int | None = Field(description="From `current` to `with_headroom`.")
    usd_per_month: float | None = Field(description="What that costs more, saves below 0; null while it is not known what an agent costs.")
    reasons: list[str] = Field(description="Where each figure comes from; the tests, and what they corrected.")


class PlanAnswer(_Plain):
    """How many agents tiers need."""

    agents: int = Field(description="Of all tiers that can be planned.")
    with_headroom: int
    usd_per_month: float | None = Field(description="Of all tiers whose change has a price; null when none has.")
    start: Moment
    end: Moment
    source: Literal["minutes", "hours"] = Field(description="What arrivals were counted by.")
    tiers: list[TierAnswer]
    notes: list[str] = Field(description="What the figures leave out.")


_UNPLANNED = dict.fromkeys(name for name in TierAnswer.model_fields if name not in ("tags", "limited", "current", "reasons"))


def unplanned(tags: TagPairs, current: int | None, reason: str) -> TierAnswer:
    """A tier with nothing to plan from."""
    return TierAnswer.model_construct(**_UNPLANNED, tags=dict(tags), limited=False, current=current, reasons=[reason])


def planned(found: TierPlan) -> TierAnswer:
    """A tier's plan."""
    made, seen = found.demand.plan, found.demand.observed
    waits = [WaitAnswer.model_construct(**wait._asdict()) if wait else None for wait in (made.wait, made.wait_with_headroom)]
    return TierAnswer.model_construct(
        tags=dict(seen.tags),
        agents=found.agents,
        with_headroom=found.with_headroom,
        wanted=made.with_headroom,
        **{name: getattr(made, name) for name in _FIGURES},
        wait=waits[0],
        wait_with_headroom=waits[1],
        intervals=_intervals(found.demand.intervals) if found.demand.intervals else None,
        tail=_tail(seen.service.tail) if seen.service and seen.service.tail else None,
        bursts=_bursts(found.demand.bursts) if found.demand.bursts else None,
        ceiling=_ceiling(found.ceiling) if found.ceiling else None,
        limited=found.limited,
        current=seen.agents,
        change=None if seen.agents is None else found.with_headroom - seen.agents,
        usd_per_month=found.usd_per_month,
        reasons=list(found.reasons),
    )


_FIGURES = ("exact", "arrival_rate", "service_time", "utilization", "headroom", "concurrency", "load")


def _intervals(found: Intervals) -> IntervalsAnswer:
    return IntervalsAnswer.model_construct(
        agents=_whole(found.agents),
        with_headroom=_whole(found.with_headroom),
        arrival_rate=(found.arrival_rate.low, found.arrival_rate.high),
        service_time=(found.service_time.low, found.service_time.high),
    )


def _whole(interval: Interval) -> tuple[int, int]:
    return round(interval.low), round(interval.high)


def _tail(tail: Tail) -> TailTest:
    low, index, high = (value if value < float("inf") else None for value in (tail.low, tail.index, tail.high))
    return TailTest.model_construct(index=index, low=low, high=high, tasks=tail.tasks, heavy=tail.heavy)


def _bursts(found: Dispersion) -> BurstTest:
    return BurstTest.model_construct(index=found.index, limit=found.limit, minutes=found.minutes, bursty=found.bursty)


def _ceiling(found: Ceiling) -> CeilingAnswer:
    return CeilingAnswer.model_construct(**found._asdict())
