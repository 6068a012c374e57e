"""Hours that cost far more or less than their time of day and week leads to expect."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from functions.api.cost_reading import CostAsked, hours_of, reading
from functions.api.endpoint import Call, Noun
from functions.api.models import Answer, Moment
from functions.api.series import BY_PATTERN
from functions.api.usage_view import UsageView
from functions.domain import tasks, usage
from functions.domain.alert_columns import Floats
from functions.domain.anomaly import Anomaly, AnomalyPolicy, Direction, Scale, find_anomalies
from functions.domain.errors import InvalidInput
from functions.domain.rollup import TagPairs
from functions.domain.times import HOUR_MS, HOURS_PER_DAY
from functions.domain.token import Scope
from functions.domain.usage_frame import Groups

noun = Noun("cost_anomalies")

NAMES = (tasks.COST, usage.PRICED)
PAST_HOURS = 28 * HOURS_PER_DAY
"""Looked at before the hours in question: what is usual."""
MAX_HOURS = 35 * HOURS_PER_DAY
MAX_GROUPS = 500
LEAST_USD = 0.1
"""An hour nearer to the usual is no news."""


class AnomaliesAsked(CostAsked):
    """Of whom, in which hours."""

    by: str = Field("tier", pattern=BY_PATTERN, description="Tags, separated by commas: whose hours are looked at.")


class AnomalyAnswer(Answer):
    """Hours in a row that are unusual in the same way."""

    tags: dict[str, str]
    start: Moment
    end: Moment = Field(description="First moment that is no part of it.")
    direction: Direction
    usd_per_hour: float = Field(description="Mean of its hours.")
    usual_per_hour: float
    excess: float = Field(description="USD beyond the usual, of all its hours; below 0 when it cost less.")
    score: float = Field(description="How far its clearest hours are from the usual, in standard deviations.")
    chance: float = Field(description="How many so clear ones the whole answer has by chance.")
    evidence: str


class AnomaliesAnswer(Answer):
    """The clearest first."""

    start: Moment
    end: Moment
    anomalies: list[AnomalyAnswer]
    groups: int = Field(description="That were looked at.")
    notes: list[str] = Field(description="What the figures leave out.")


@noun.endpoint("GET", "/api/cost/anomalies", scope=Scope.READ, asks=AnomaliesAsked, answers=AnomaliesAnswer)
def anomalies(call: Call, asked: AnomaliesAsked) -> AnomaliesAnswer:
    """Unusual hours of cost, reported and priced together: against the same hours of up to four weeks before."""
    first, last = hours_of(asked, call.now)
    if last - first > MAX_HOURS:
        raise InvalidInput(f"at most {MAX_HOURS // HOURS_PER_DAY} days are looked at", "start" if asked.start else "range")
    found = reading(call, (max(0, first - PAST_HOURS), last), asked.tags, NAMES)
    groups = found.frame.group(tuple(key for key in asked.by.split(",") if key), found.selector, found.overlay)
    if groups.amount > MAX_GROUPS:
        raise InvalidInput(f"{groups.amount} groups are more than {MAX_GROUPS}: select fewer, or group by fewer tags", "by")
    odd = _odd(found, groups, first) if groups.amount and last > first else []
    return AnomaliesAnswer.model_construct(
        start=first * HOUR_MS,
        end=last * HOUR_MS,
        anomalies=[_answer(dict(groups.keys[one.series]), one) for one in odd],
        groups=groups.amount,
        notes=found.notes,
    )


def _odd(found: UsageView, groups: Groups, first: int) -> list[Anomaly]:
    return find_anomalies(
        _hourly(found, groups),
        found.frame.first_hour,
        names=[_name(key) for key in groups.keys],
        scale=Scale.AMOUNT,
        unit="$",
        watch_from=first,
        policy=AnomalyPolicy(least=LEAST_USD),
    )


def _hourly(found: UsageView, groups: Groups) -> Floats:
    """USD by group and hour: 0 without tasks, nan in hours that are not known and before the group's first cost."""
    frame = found.frame
    usd: Floats = np.sum([frame.hourly(name, groups).sum for name in NAMES], axis=0)
    before = np.maximum.accumulate(usd > 0, axis=1) == 0
    usd = np.where(before, np.nan, usd)
    usd[:, sorted(hour - frame.first_hour for hour in frame.missing)] = np.nan
    return usd


def _name(tags: TagPairs) -> str:
    return ", ".join(f"{key} {value}" for key, value in tags) or "the fleet"


def _answer(tags: dict[str, str], one: Anomaly) -> AnomalyAnswer:
    return AnomalyAnswer.model_construct(
        tags=tags,
        start=one.first_hour * HOUR_MS,
        end=one.last_hour * HOUR_MS,
        direction=one.direction,
        usd_per_hour=one.value,
        usual_per_hour=one.usual,
        excess=one.excess,
        score=one.score,
        chance=one.chance,
        evidence=one.evidence,
    )
