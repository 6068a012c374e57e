"""Alert rules, as checked values: what is measured, of which series, compared with what, and for how long.

    rule = of the agents that `select` means, one series `per` …: `when` the measure is beyond its bound, `for` so long

`alert_parse` makes them from documents; `digest` tells whether two versions of a rule decide alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from functions.domain import tasks, usage
from functions.domain.alert import Severity
from functions.domain.fleet import Status
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS

type Direction = Literal["above", "below"]
type Change = Literal["relative", "absolute"]
type BudgetLevel = Literal["warn", "alert"]

ERROR_RATE = "task.error_rate"
"""A metric that nobody sends: failed over finished tasks, counted as `domain/tasks.py` does."""
ERROR_RATE_NAMES = ("task.completed", "task.errors", "task.failed", "task.latency_ms")
FIELDS = (
    "heartbeat_age_s",
    "since_progress_s",
    "open_tasks",
    "cpu",
    "memory",
    "queue_depth",
    "active_workers",
    "max_workers",
    "saturation",
    "shadow",
    "tasks_5m",
    "errors_5m",
    "error_rate_5m",
)
"""Of an agent in the snapshot; `alert_fields` tells what each means."""
MIN_WINDOW_MS = MINUTE_MS
MAX_WINDOW_MS = 7 * DAY_MS
PERIODS = {"hour": HOUR_MS, "day": DAY_MS, "month": 31 * DAY_MS}
BUDGETS = tuple(f"{what}_per_{period}" for what in ("tokens", "usd") for period in PERIODS)
RESOURCES = {"cpu_percent": "agent.cpu", "memory_percent": "agent.memory"}
"""Budgets that hold for each agent, and the metric that each is about."""
RESOURCE_WINDOW_MS = 15 * MINUTE_MS
"""Over which their mean is taken."""


class Policy(StrEnum):
    """What happens to an alert while its series has no data, is missing, or cannot be read."""

    KEEP = "keep"
    """Nothing: it stays as it is."""
    RESOLVE = "resolve"
    FIRE = "fire"
    KEEP_A_DAY = "keep 24h"
    """As `keep`; after 24 hours without data the alert is resolved, saying so. Only for missing series, and the default there."""


class BaselineKind(StrEnum):
    """What a value is compared with."""

    TRAILING_7D = "trailing_7d"
    """The same measure over the 168 hours that ended an hour ago."""
    SAME_HOUR_OF_WEEK = "same_hour_of_week"
    """Over this hour of the week, in the last 4 weeks."""
    PREVIOUS_WINDOW = "previous_window"
    """Over the window just before."""
    FLEET_MEDIAN = "fleet_median"
    """The median of all series of the rule, now."""


@dataclass(frozen=True, slots=True)
class Term:
    """One figure made from the points of a window."""

    names: tuple[str, ...]
    """Metrics or events whose points are taken together."""
    aggregation: str
    """As in `series.Aggregation`, or `error_rate`."""
    empty_is_zero: bool = False
    """Whether nothing in the window is 0 where the series is known to be alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A figure of metrics or events over a window, or the ratio of two, or how much it changed."""

    term: Term
    over: int
    """ms, whole minutes."""
    divided_by: Term | None = None
    change: Change | None = None
    """Against the window just before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """That no point of these names came in a window."""

    names: tuple[str, ...]
    over: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A figure of the snapshot, as of the last tick."""

    name: str
    aggregation: str
    """How agents become one where a series has several: avg, sum, min or max."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthIs:
    """How many agents have one of these colours (`sum`), or which share of them (`avg`)."""

    statuses: frozenset[Status]
    aggregation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Which share of its budget a group has used in the current hour, day or month (UTC); or an agent, of a resource, in the mean."""

    name: str
    """As settings call it: `tokens_per_day`, `cpu_percent`."""

    @property
    def metric(self) -> str | None:
        """Of a resource; None for tokens and dollars, which are added up."""
        return RESOURCES.get(self.name)

    @property
    def what(self) -> str:
        """`tokens`, `usd`, `cpu` or `memory`."""
        return self.name.partition("_")[0]

    @property
    def period(self) -> str:
        """One of `PERIODS`; of a resource it means nothing."""
        return self.name.rpartition("_")[2]


type Measure = Points | Absence | Field | HealthIs | Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A bound that is a factor over what is usual."""

    of: BaselineKind
    factor: float
    clear_factor: float | None = None
    min_points: int
    """With fewer points (series, for the fleet's median) there is no baseline, thus no data."""
    at_least: float | None = None
    """A baseline smaller than this is none: of nearly nothing, a factor says nothing."""
    same_hours: bool = False
    """Of the trailing 7 days only this hour of each day, and of the days the median: for what follows the time of day."""

    @property
    def stored(self) -> bool:
        """Whether it is made from hours of the past, once an hour."""
        return self.of in (BaselineKind.TRAILING_7D, BaselineKind.SAME_HOUR_OF_WEEK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """When a value is too much (`above`) or too little (`below`). With limit and baseline both, it must be beyond both."""

    direction: Direction
    limit: float | None = None
    clear: float | None = None
    """The alert clears only beyond this one; without, at the limit."""
    baseline: Baseline | None = None
    level: BudgetLevel | None = None
    """Of a budget: the limit of each series is this share, as the settings have it for its group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Another bound for some series; what is None stays as the rule has it."""

    select: Selector
    limit: float | None = None
    clear: float | None = None
    factor: float | None = None
    clear_factor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is measured and when that is a reason for an alert."""

    measure: Measure
    bound: Bound
    min_points: int = 1
    """With fewer points in the window there is no data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A checked rule."""

    name: str
    description: str
    severity: Severity
    select: Selector
    per: tuple[str, ...]
    """Tag keys that make a series each; `("agent",)` for each agent; none for the group as a whole."""
    when: Condition
    for_ms: int
    keep_firing_ms: int
    no_data: Policy
    missing_series: Policy
    unreadable: Policy
    labels: TagPairs
    runbook: str | None
    owner: str | None
    expires: int | None
    """ms; from then on the rule is not evaluated, and its alerts end."""
    overrides: tuple[Override, ...]
    digest: str
    """Version of what it decides by: series, measure, bounds. How long, how told and until when may change under a firing alert."""
    baseline_id: str
    """Key of its baseline: rules that measure alike share it, whatever their factors."""

    @property
    def per_agent(self) -> bool:
        """Whether each agent is a series."""
        return self.per == (AGENT,) or (isinstance(self.when.measure, Budget) and self.when.measure.metric is not None)

    def expired(self, now: int) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= self.expires

    def reads_agents(self, dimensions: Collection[str]) -> bool:
        """Whether the group's rollups cannot answer it, so that those of single agents must."""
        if isinstance(self.when.measure, Budget):
            return self.when.measure.metric is not None
        if isinstance(self.when.measure, Field | HealthIs):
            return False
        return not {*self.per, *self.select.keys()} <= set(dimensions)


def names(rule: Rule) -> frozenset[str]:
    """Metrics and events that a rule reads from rollups."""
    match rule.when.measure:
        case Points(term=term, divided_by=divisor):
            return frozenset(term.names + (divisor.names if divisor else ()))
        case Absence(names=found):
            return frozenset(found)
        case Budget() as budget if budget.metric is not None:
            return frozenset((budget.metric,))
        case Budget(what="usd"):
            return frozenset((tasks.COST, usage.PRICED))
        case Budget():
            return frozenset(("task.tokens_in", "task.tokens_out"))
        case _:
            return frozenset()


def quantile_names(rule: Rule) -> frozenset[str]:
    """Metrics of which a rule reads a percentile."""
    if not isinstance(rule.when.measure, Points):
        return frozenset()
    terms = (rule.when.measure.term, rule.when.measure.divided_by)
    return frozenset(name for term in terms if term and re.fullmatch(r"p[0-9.]+", term.aggregation) for name in term.names)


def agent_metrics(rules: Iterable[Rule], dimensions: Collection[str]) -> frozenset[str]:
    """What the agent matrix must hold for these rules: names of metrics and events."""
    return frozenset().union(*(names(rule) for rule in rules if rule.reads_agents(dimensions)))


def selected(rule: Rule | None) -> dict[str, str]:
    """Tags that all series of a rule have, by what it selects."""
    return {matcher.key: matcher.value for matcher in rule.select.matchers if matcher.operator == "="} if rule else {}


def active(rules: Iterable[Rule], now: int) -> list[Rule]:
    """The rules that have not expired."""
    return [rule for rule in rules if not rule.expired(now)]


def window_ms(rule: Rule) -> int:
    """How far back from now a rule's own windows reach, baselines aside; 0 when it reads no rollups."""
    match rule.when.measure:
        case Points(over=over, change=change):
            baseline = rule.when.bound.baseline
            twice = change is not None or (baseline is not None and baseline.of is BaselineKind.PREVIOUS_WINDOW)
            return over * 2 if twice else over
        case Absence(over=over):
            return over
        case _:
            return 0


def needs_trailing(rule: Rule) -> bool:
    """Whether a rule compares with the whole trailing week."""
    baseline = rule.when.bound.baseline
    return baseline is not None and baseline.of is BaselineKind.TRAILING_7D and not baseline.same_hours
