"""The task tracker: arrivals, service times, load and waiting by any tags; and what slow tasks have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from functions.api.endpoint import Call, Noun
from functions.api.models import Answer, Flag, Moment, SelectorText
from functions.api.series import BY_PATTERN
from functions.api.times import RangeAsked
from functions.api.tracking import Tracked, tracked
from functions.domain.alert_columns import Floats
from functions.domain.queueing import Service, Tail
from functions.domain.rollup import TagPairs
from functions.domain.times import HOUR_MS
from functions.domain.token import Scope
from functions.domain.tracker import NAMES, SKETCHES, QueueWait, Track, bands, track
from functions.domain.tracker_slow import slow_ties

noun = Noun("tracker")

MAX_BANDS = 50
"""Groups whose percentiles are told hour by hour."""
MAX_TIES = 50


class TrackerAsked(RangeAsked):
    """Of whom, by what, over which hours; a day unless the range says otherwise, at most seven."""

    tags: SelectorText = ""
    by: str = Field(
        "tier", pattern=BY_PATTERN, description="Tags, separated by commas; `agent`, `host` and `model` among them. Empty: one group."
    )
    bands: Flag = Field(False, description="Percentiles hour by hour, of the 50 busiest groups.")
    limit: int = Field(200, ge=1, le=1000, description="Groups, the busiest first.")


class TailAnswer(Answer):
    """Hill's estimate of the tail index, from the slowest tenth of the tasks."""

    index: float | None = Field(description="Null for no tail at all: those tasks took equally long.")
    low: float | None = Field(description="With `high` the 95 % interval.")
    high: float | None
    tasks: int
    heavy: bool = Field(description="The whole interval lies below 2: the variance has no bound, the mean says little.")


class ServiceAnswer(Answer):
    """How long tasks took, s; the mean is exact, quantiles are within 1 %."""

    tasks: int = Field(description="That told how long they took.")
    mean: float
    p50: float
    p95: float
    p99: float
    spread: float = Field(description="Squared coefficient of variation: 0 for equal times, 1 for exponential ones.")
    tail: TailAnswer | None = Field(description="Null with fewer than 250 tasks.")


class QueueWaitAnswer(Answer):
    """How long tasks waited, s."""

    mean: float
    p95: float | None = Field(description="Null where only the queue's length is known.")
    source: Literal["measured", "queue depth"] = Field(description="`queue depth`: by Little's law, from the queue's mean length.")


class BandAnswer(Answer):
    """Service times of one hour, s; null without tasks."""

    start: Moment
    p50: float | None
    p95: float | None
    p99: float | None


class TrackAnswer(Answer):
    """What a group did. What is unknown is null, never 0."""

    tags: dict[str, str]
    agents: int = Field(description="That were there in any hour.")
    tasks: int = Field(description="That came to an end.")
    errors: int
    arrivals: int
    arrival_rate: float = Field(description="Tasks a second, mean over the known hours.")
    service: ServiceAnswer | None
    concurrency: float | None = Field(description="Tasks under way at a time, of all agents together.")
    workers: float | None = Field(description="Tasks that an agent can work on at a time, as agents report.")
    utilization: float | None = Field(description="Share of their time that agents were busy; above 1: on several tasks at a time.")
    utilization_source: Literal["workers", "tasks"] | None = Field(description="Reported workers, or the tasks' time.")
    queue_depth: float | None = Field(description="Tasks that waited, on average, of all agents together.")
    wait: QueueWaitAnswer | None
    bands: list[BandAnswer] | None


class SlowAnswer(Answer):
    """A model or host that many slow tasks of a tier have in common."""

    tier: str | None
    factor: Literal["model", "host"]
    value: str
    tasks: int
    slow: int = Field(description="Of them, beyond the tier's 95th percentile.")
    threshold: float = Field(description="That percentile, s.")
    times: float = Field(description="How often, against the tier's other tasks.")
    text: str


class TrackerAnswer(Answer):
    """What groups did in whole hours."""

    start: Moment
    end: Moment
    groups: list[TrackAnswer]
    left_out: int = Field(description="Groups beyond the limit.")
    slow: list[SlowAnswer] = Field(description="That which explains most slow tasks first; at most 50.")
    notes: list[str] = Field(description="What the figures leave out.")


@noun.endpoint("GET", "/api/tracker", scope=Scope.READ, asks=TrackerAsked, answers=TrackerAnswer)
def tracker(call: Call, asked: TrackerAsked) -> TrackerAnswer:
    """Arrival rate, service time, load and waiting of tasks, by any tags, in whole hours that are over."""
    found = tracked(call, asked, asked.tags, NAMES, SKETCHES)
    by = [key for key in dict.fromkeys(asked.by.split(",")) if key]
    tracks = track(found.frame, by, found.selector, found.overlay)
    shown = tracks[: asked.limit]
    hourly = _bands(found, by, shown[:MAX_BANDS]) if asked.bands else {}
    return TrackerAnswer.model_construct(
        start=found.start,
        end=found.end,
        groups=[_track(one, hourly.get(one.tags)) for one in shown],
        left_out=len(tracks) - len(shown),
        slow=[
            SlowAnswer.model_construct(**tie._asdict(), text=tie.sentence)
            for tie in slow_ties(found.frame, found.selector, found.overlay)[:MAX_TIES]
        ],
        notes=found.notes,
    )


def _bands(found: Tracked, by: list[str], shown: list[Track]) -> dict[TagPairs, list[BandAnswer]]:
    groups = found.frame.group(by, found.selector, found.overlay)
    made, place = bands(found.frame, groups), {key: slot for slot, key in enumerate(groups.keys)}
    return {one.tags: _hours(found, *(part[place[one.tags]] for part in (made.p50, made.p95, made.p99))) for one in shown}


def _hours(found: Tracked, p50: Floats, p95: Floats, p99: Floats) -> list[BandAnswer]:
    rows = zip(found.frame.hours, p50.tolist(), p95.tolist(), p99.tolist(), strict=True)
    return [BandAnswer.model_construct(start=hour * HOUR_MS, p50=_known(a), p95=_known(b), p99=_known(c)) for hour, a, b, c in rows]


def _known(value: float) -> float | None:
    return None if value != value or value in (float("inf"), float("-inf")) else value


def _track(one: Track, hourly: list[BandAnswer] | None) -> TrackAnswer:
    return TrackAnswer.model_construct(
        tags=dict(one.tags),
        agents=one.agents,
        tasks=one.tasks,
        errors=one.errors,
        arrivals=one.arrivals,
        arrival_rate=one.arrival_rate,
        service=_service(one.service) if one.service else None,
        concurrency=one.concurrency,
        workers=one.workers,
        utilization=one.utilization,
        utilization_source=one.source,
        queue_depth=one.queue_depth,
        wait=_wait(one.wait) if one.wait else None,
        bands=hourly,
    )


def _service(service: Service) -> ServiceAnswer:
    return ServiceAnswer.model_construct(
        tasks=service.tasks,
        mean=service.mean,
        p50=service.p50,
        p95=service.p95,
        p99=service.p99,
        spread=service.spread,
        tail=tail_answer(service.tail) if service.tail else None,
    )


def tail_answer(tail: Tail) -> TailAnswer:
    """A tail, as it is shown."""
    return TailAnswer(index=_known(tail.index), low=_known(tail.low), high=_known(tail.high), tasks=tail.tasks, heavy=tail.heavy)


def _wait(wait: QueueWait) -> QueueWaitAnswer:
    return QueueWaitAnswer.model_construct(mean=wait.mean, p95=wait.p95, source=wait.source)
