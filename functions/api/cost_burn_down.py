"""How a budget is used up over its period, and where it will end."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from functions.api.cost_reading import reading
from functions.api.endpoint import Call, Noun
from functions.api.fleet_view import settings_of
from functions.api.models import Answer, Asked, Moment, SelectorText
from functions.domain.alert_budgets import DOCUMENT, group_of, limits, parse_budgets
from functions.domain.alert_columns import Floats
from functions.domain.budget_state import period_of
from functions.domain.cost_burn_down import BURNING, HISTORY_HOURS, BurnDown, burn_down
from functions.domain.errors import InvalidInput
from functions.domain.forecast import Forecast
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS
from functions.domain.token import Scope

noun = Noun("burn_down")


class BurnDownAsked(Asked):
    """Of which group and budget."""

    group: SelectorText = Field("", description="Plain tags as in the budgets, `tier=smart`; empty for the workspace.")
    budget: Literal["usd_per_month", "usd_per_day", "tokens_per_month", "tokens_per_day"] = "usd_per_month"
    limit: float | None = Field(None, gt=0, description="Instead of the budget's own.")


class ForecastAnswer(Answer):
    """What the period will have used at its end."""

    expected: float
    low: float
    high: float
    level: float = Field(description="How likely it is between low and high.")
    chance_above: float | None = Field(description="How likely it is above the limit; null without one.")
    points: list[tuple[int, float, float, float]] = Field(description="End of each coming hour in ms: expected total, low, high.")
    notes: list[str]


class BurnDownAnswer(Answer):
    """One period."""

    group: str
    budget: str
    start: Moment
    end: Moment
    as_of: Moment = Field(description="Up to when it is counted: whole hours.")
    limit: float | None = Field(description="Null when the group has no such budget.")
    used: float
    reported: float = Field(description="Of what is used: told by the tasks themselves. The rest is priced from their tokens.")
    passed: Moment | None = Field(description="Hour in which the limit was or will be passed; null: none of this period.")
    points: list[tuple[int, float]] = Field(description="End of each hour in ms since 1970, and the total by then.")
    forecast: ForecastAnswer | None
    reason: str | None = Field(description="Why there is no forecast.")
    notes: list[str]


@noun.endpoint("GET", "/api/cost/burn-down", scope=Scope.READ, asks=BurnDownAsked, answers=BurnDownAnswer)
def burn(call: Call, asked: BurnDownAsked) -> BurnDownAnswer:
    """How a group uses up a budget, hour by hour, with a forecast and its interval. What tasks cost includes what is priced from tokens."""
    start, end = (ms // HOUR_MS for ms in period_of(asked.budget, call.now))
    what = asked.budget.partition("_")[0]
    found = reading(call, (start - HISTORY_HOURS, call.now // HOUR_MS), asked.group, BURNING[what])
    limit = asked.limit or _limit(call, asked)
    made = burn_down(found.frame, what, (start, end), limit, found.selector, found.overlay)
    return BurnDownAnswer.model_construct(
        group=asked.group,
        budget=asked.budget,
        start=start * HOUR_MS,
        end=end * HOUR_MS,
        as_of=made.now * HOUR_MS,
        limit=limit,
        used=made.total,
        reported=made.reported,
        passed=None if made.passed is None else made.passed * HOUR_MS,
        points=[((start + hour + 1) * HOUR_MS, total) for hour, total in enumerate(made.used.tolist())],
        forecast=_forecast(made.forecast, limit) if made.forecast else None,
        reason=made.reason or None,
        notes=_notes(made, found.frame.missing),
    )


def _limit(call: Call, asked: BurnDownAsked) -> float | None:
    """The limit that the group's own budget has, if the caller may see that group's budgets."""
    document: Any = call.services.fleet.settings(call.caller.workspace, DOCUMENT) or {}
    try:
        group = group_of(asked.group)
        known = limits(parse_budgets(document, settings_of(call).dimensions), asked.budget)
    except InvalidInput as error:
        raise InvalidInput(error.reason, "group" if Selector.parse(asked.group).matchers and not document else "budgets") from None
    mine = (limit for limit in known if call.caller.tags.matches(dict(limit.tags)))
    return next((limit.amount for limit in mine if group_of(",".join(f"{key}={value}" for key, value in limit.tags)) == group), None)


def _forecast(found: Forecast, limit: float | None) -> ForecastAnswer:
    ends = [(hour + 1) * HOUR_MS for hour in found.hours]
    columns: list[Floats] = [found.cumulative, found.cumulative_low, found.cumulative_high]
    points = [(end, *values) for end, values in zip(ends, np.transpose(columns).tolist(), strict=True)]
    return ForecastAnswer.model_construct(
        expected=found.expected,
        low=found.low,
        high=found.high,
        level=found.level,
        chance_above=None if limit is None else found.chance_above(limit),
        points=points,
        notes=list(found.notes),
    )


def _notes(made: BurnDown, missing: frozenset[int]) -> list[str]:
    open_ = sum(made.start <= hour < made.now for hour in missing)
    return [f"{open_} hours of the period are left out: they are not built yet, or cannot be read"] if open_ else []
