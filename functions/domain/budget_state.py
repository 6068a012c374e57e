"""How groups stand to their budgets: used, limit, share, forecast, level, and a sentence why.

    document, what was used, now ─▶ a state a budget

Periods begin at whole hours, days and months of UTC. The forecast of the period's end goes on at the rate of the period so far,
`used x length / elapsed`; there is none before a twentieth of the period has passed. What nobody reported is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from functions.domain.alert_budgets import LIMITS, BudgetAct, BudgetLimit, group_text, limits
from functions.domain.alert_data import period_start
from functions.domain.alert_rules import PERIODS, RESOURCE_WINDOW_MS, RESOURCES
from functions.domain.alert_text import figure, span
from functions.domain.budget_use import MOST_MODELS, Counted, Use
from functions.domain.rollup import TagPairs
from functions.domain.times import DAY_MS, MINUTE_MS

EARLIEST = 0.05
"""Of a period: before, there is no forecast."""
STALE_MS = 5 * MINUTE_MS
"""A mean that ended longer ago says nothing of now."""
_UNITS: Final = {"tokens": "tokens", "usd": "$", "cpu": "percent", "memory": "percent"}


class Level(StrEnum):
    """How far a budget is used, in this order."""

    OK = "ok"
    WARN = "warn"
    ALERT = "alert"
    ACT = "act"
    """Far enough that the budget does what it says."""


ORDER: Final = tuple(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """One budget of one group, now."""

    group: str
    tags: TagPairs
    budget: str
    start: int
    """Of the period (of a resource: of what the mean is taken over), ms."""
    end: int
    used: float | None
    """Tokens, USD or percent; None when unknown."""
    limit: float
    share: float | None
    forecast: float | None
    """What will be used by the period's end; None when nobody can say."""
    level: Level | None
    """None when unknown."""
    reason: str
    agent: str | None
    """Of a resource: the agent that uses most of it."""
    act: BudgetAct | None
    """What it does at `Level.ACT`."""
    priced: float | None = None
    """Of dollars: what part of `used` was priced from tokens; None where `used` is, and of all else."""
    unpriced: int = 0
    """Of dollars: tasks without a price, in no sum."""

    @property
    def threshold(self) -> float | None:
        """From how much on it acts."""
        return None if self.act is None else self.act.at * self.limit

    @property
    def worst(self) -> tuple[int, float]:
        """For sorting: the higher, the graver."""
        return (-1 if self.level is None else ORDER.index(self.level), self.share or 0.0)


def budget_states(
    document: Mapping[str, Mapping[str, float]], acts: Mapping[str, BudgetAct], counted: Counted | None, now: int
) -> list[BudgetState]:
    """The state of each budget, by group and in the order of `LIMITS`. `document` and `acts` as `alert_budgets` parses them."""
    found = [_state(name, limit, acts, counted, now) for name in LIMITS for limit in limits(document, name)]
    return sorted(found, key=lambda state: (state.group, LIMITS.index(state.budget)))


def at_risk(states: Iterable[BudgetState], most: int) -> list[BudgetState]:
    """Those that warn or more, the gravest first."""
    grave = [state for state in states if state.level not in (None, Level.OK)]
    return sorted(grave, key=lambda state: state.worst, reverse=True)[:most]


def period_of(budget: str, time: int) -> tuple[int, int]:
    """Beginning and end (ms) of the period of a budget in which a moment lies; of a resource, what the mean is taken over until then."""
    if budget in RESOURCES:
        return time - RESOURCE_WINDOW_MS, time
    name = budget.rpartition("_")[2]
    start = period_start(name, time + MINUTE_MS)
    # 32 days on is always in the next month.
    return start, period_start(name, start + 32 * DAY_MS) if name == "month" else start + PERIODS[name]


def level_of(share: float, limit: BudgetLimit, act: BudgetAct | None) -> Level:
    """The level of a share; it never falls while the share rises."""
    if act is not None and share > act.at:
        return Level.ACT
    if share > limit.alert:
        return Level.ALERT
    return Level.WARN if share > limit.warn else Level.OK


def _state(name: str, limit: BudgetLimit, acts: Mapping[str, BudgetAct], counted: Counted | None, now: int) -> BudgetState:
    group = group_text(limit.tags)
    own = acts.get(group)
    act = own if own and name in own.on else None
    start, end = period_of(name, now)
    use = _use(group, name, counted, start, now)
    used = use.used if use else None
    share = None if used is None else used / limit.amount
    level = None if share is None else level_of(share, limit, act)
    if use and use.missing and level is Level.OK:
        level = None
    forecast = _forecast(name, use, start, end, counted.at if counted else now)
    return BudgetState(
        group=group,
        tags=limit.tags,
        budget=name,
        start=start,
        end=end,
        used=used,
        limit=limit.amount,
        share=share,
        forecast=forecast,
        level=level,
        reason=_reason(name, limit, use, forecast, act, start),
        agent=(use.agent or None) if use else None,
        act=act,
        priced=use.priced if use and used is not None and name.startswith("usd") else None,
        unpriced=use.unpriced if use else 0,
    )


def _use(group: str, name: str, counted: Counted | None, start: int, now: int) -> Use | None:
    """What is known of the period; None when nothing of it is counted yet."""
    if counted is None:
        return None
    too_old = counted.at < now - STALE_MS if name in RESOURCES else counted.at <= start
    return None if too_old else counted.use.get(group, {}).get(name)


def _forecast(name: str, use: Use | None, start: int, end: int, at: int) -> float | None:
    elapsed, length = at - start, end - start
    if name in RESOURCES or use is None or use.used is None or use.missing or elapsed < EARLIEST * length:
        return None
    return use.used * length / min(elapsed, length)


def _reason(name: str, limit: BudgetLimit, use: Use | None, forecast: float | None, act: BudgetAct | None, start: int) -> str:
    what, _, period = name.partition("_per_")
    if use is None:
        return "not counted yet"
    if use.used is None:
        return _nothing(what.partition("_")[0], period, missing=bool(use.missing)) + _unpriced(use)
    unit = _UNITS[what.partition("_")[0]]
    share = figure(use.used / limit.amount, "%")
    told = [f"{'at least ' if use.missing else ''}{figure(use.used, unit)} of {figure(limit.amount, unit)} ({share})"]
    if period:
        told.append(f"in the {period} since {_clock(start, period)} UTC")
    else:
        told.append(f"of {use.agent} in the mean of {span(RESOURCE_WINDOW_MS)}, the most of all")
    sentence = " ".join(told)
    if use.priced:
        sentence += f"; {figure(use.priced, unit)} of it priced from tokens"
    sentence += _unpriced(use)
    if use.missing:
        sentence += f"; {use.missing} rollups could not be read"
    if forecast is not None:
        sentence += f"; at this rate {figure(forecast, unit)} at its end"
    if act is not None:
        sentence += f"; {act.done} above {figure(act.at, '%')}"
    return sentence


def _nothing(what: str, period: str, *, missing: bool) -> str:
    if missing:
        return "what is stored of it could not be read"
    if what == "usd":
        return f"no task of this {period} has a known cost"
    if what == "tokens":
        return f"no task of this {period} reported tokens"
    return f"no agent of the group reported {what} in {span(RESOURCE_WINDOW_MS)}, or its rules are switched off (pack budgets)"


def _unpriced(use: Use) -> str:
    """What is in no sum, because nobody can price it."""
    if not use.unpriced:
        return ""
    named = [model or "(not told)" for model in use.models]
    models = ", ".join(named[: MOST_MODELS - 1]) + (" and others" if len(named) == MOST_MODELS else "")
    tasks = "1 task" if use.unpriced == 1 else f"{use.unpriced:,} tasks"
    return f"; {tasks} of model{'s' if len(named) > 1 else ''} {models} {'has' if use.unpriced == 1 else 'have'} no price"


def _clock(ms: int, period: str) -> str:
    formats: Mapping[str, str] = {"hour": "%H:%M", "day": "%m-%d %H:%M", "month": "%Y-%m-%d"}
    return datetime.fromtimestamp(ms / 1000, UTC).strftime(formats[period])
