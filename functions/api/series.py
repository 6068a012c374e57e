"""Metrics over time."""

from __future__ import annotations

from pydantic import Field

from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import settings_of, view
from functions.api.models import Answer, MetricName, Moment, SelectorText
from functions.api.rollups import parts
from functions.api.times import RangeAsked, range_of
from functions.domain.selector import Selector
from functions.domain.series import AGGREGATION_PATTERN, Aggregation, SeriesQuery, plan, query
from functions.domain.series_bins import evaluate
from functions.domain.times import SECOND_MS
from functions.domain.token import Scope

noun = Noun("series")

STEPS = (60, 300, 900, 3600, 21_600, 86_400)
COMFORTABLE_BUCKETS = 300
"""Without a step, the smallest of `STEPS` with no more buckets than this."""
BY_PATTERN = r"^([A-Za-z_][A-Za-z0-9_.-]{0,63}(,[A-Za-z_][A-Za-z0-9_.-]{0,63}){0,19})?$"


class SeriesAsked(RangeAsked):
    """Which metric, of whom, from when to when."""

    metric: MetricName
    aggregation: str = Field(
        "avg", pattern=AGGREGATION_PATTERN, description="avg, sum, count, rate (sum a second), min, max, last or p95, p99.9, …"
    )
    tags: SelectorText = ""
    by: str = Field("", pattern=BY_PATTERN, description="Tags, separated by commas: a series for each combination. `agent` is the id.")
    step: int | None = Field(None, ge=60, le=31 * 86_400, description="Seconds, a multiple of 60; of 3600 for what is older than 3 days.")


class SeriesLine(Answer):
    """One series."""

    tags: dict[str, str]
    points: list[tuple[int, float | None]] = Field(description="Start of each bucket in ms since 1970, and its value; null without data.")


class SeriesAnswer(Answer):
    """What was asked, aligned to whole steps, and the series."""

    metric: str
    aggregation: str
    start: Moment
    end: Moment
    step: int
    source: str = Field(description="`group`, or `agents` when a tag is no dimension and the rollups of single agents were read.")
    series: list[SeriesLine]


@noun.endpoint("GET", "/api/series", scope=Scope.READ, asks=SeriesAsked, answers=SeriesAnswer)
def series(call: Call, asked: SeriesAsked) -> SeriesAnswer:
    """A metric over time: aggregated over the agents that the selector means, grouped by tags."""
    question = _question(call, asked)
    settings = settings_of(call)
    fleet = view(call) if not question.keys <= frozenset(settings.dimensions) else None
    tags = fleet.tags() if fleet else {}
    chosen = plan(question, settings.dimensions, tags, call.now)
    agents = None if chosen.agents is None else {agent: tags[agent] for agent in chosen.agents}
    lines = evaluate(question, parts(call, chosen.spans, agents), call.now)
    return SeriesAnswer.model_construct(
        metric=question.metric,
        aggregation=question.aggregation.name,
        start=question.start,
        end=question.end,
        step=question.step // SECOND_MS,
        source="group" if agents is None else "agents",
        series=[SeriesLine.model_construct(tags=line.tags, points=line.points) for line in lines],
    )


def _question(call: Call, asked: SeriesAsked) -> SeriesQuery:
    start, end = range_of(asked, call.now)
    return query(
        metric=asked.metric,
        aggregation=Aggregation.parse(asked.aggregation),
        selector=Selector.parse(asked.tags) & call.caller.tags,
        by=[key for key in asked.by.split(",") if key],
        start=start,
        end=end,
        step_s=asked.step or comfortable_step((end - start) // SECOND_MS),
    )


def comfortable_step(seconds: int) -> int:
    """The step of a range that names none, in seconds."""
    return next((step for step in STEPS if seconds <= step * COMFORTABLE_BUCKETS), STEPS[-1])
