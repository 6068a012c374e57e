"""What rules read: `needs` says it before, as a plan; `Evidence` is what was found, and evaluation sees nothing else.

Group rollups answer rules whose tags are dimensions. The others read the **agent matrix**: per minute and hour one rollup whose keys are
`SeriesKey(name, (("agent", id),))`, holding what `alert_rules.agent_metrics` names. A bucket that is known to hold nothing is there and
empty; a bucket that could not be read, or is not sealed, is absent, and what needs it is unreadable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from functions.domain import spans
from functions.domain.alert_budgets import limits
from functions.domain.alert_columns import Columns, TagSets
from functions.domain.alert_rules import RESOURCE_WINDOW_MS, BaselineKind, Budget, Rule, agent_metrics, window_ms
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.fleet import AgentState, Snapshot
from functions.domain.spans import Span, Unit
from functions.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, minute_end

type Bucket = tuple[Unit, int]

SNAPSHOT_LASTS_MS = 60 * SECOND_MS
"""Figures of an older snapshot say nothing of now: seal does not run, which is not the agents' fault."""
TRAILING_HOURS = 168
WEEKS = 4
"""How many weeks the same hour of the week looks back."""
_HOURS_OF_WEEK = 168
_HOURS_OF_DAY = 24


class Buckets:
    """Rollups of one kind that were read."""

    def __init__(self, tags: TagSets, columns: Mapping[Bucket, Columns]) -> None:
        self.tags = tags
        self.columns = columns

    def read(self, wanted: Iterable[Span]) -> tuple[list[Columns], int]:
        """The columns of some spans, oldest first, and how many buckets are unreadable."""
        keys = list(buckets(wanted))
        found = [self.columns[key] for key in keys if key in self.columns]
        return found, len(keys) - len(found)


def _no_buckets() -> Buckets:
    return Buckets(TagSets(), {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that an evaluation sees."""

    now: int
    """ms."""
    settled: int | None
    """The last minute that is whole (`Snapshot.rates_minute`); None when that is not known: then no rollup says anything."""
    snapshot: Snapshot | None
    """None when it could not be read."""
    group: Buckets = field(default_factory=_no_buckets)
    agents: Buckets = field(default_factory=_no_buckets)
    budgets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The settings document `budgets`; see `alert_budgets`."""
    budgets_known: bool = True
    """Whether that document could be read: a budget that is not there was taken away only then."""
    dimensions: Collection[str] = DEFAULT_DIMENSIONS
    coarse: bool = False
    """Whether only hours are left: windows are then rounded up to whole hours."""

    @property
    def fresh(self) -> bool:
        """Whether the snapshot speaks of now."""
        return self.snapshot is not None and self.now - self.snapshot.time <= SNAPSHOT_LASTS_MS

    @property
    def end(self) -> int:
        """Where windows end, ms; 0 when that is not known."""
        return 0 if self.settled is None else minute_end(self.settled)

    def roster(self) -> Mapping[str, AgentState]:
        """The agents that rules are about: all but the retired, and those that never came."""
        return {} if self.snapshot is None else self.snapshot.agents

    def buckets_of(self, rule: Rule) -> Buckets:
        """The rollups that a rule reads."""
        return self.agents if rule.reads_agents(self.dimensions) else self.group


@dataclass(frozen=True, slots=True)
class Needs:
    """What to read. Spans are ordered and do not overlap."""

    group: tuple[Span, ...] = ()
    agents: tuple[Span, ...] = ()
    """Of the agent matrix."""
    agent_metrics: frozenset[str] = frozenset()
    budgets: bool = False


def needs(
    rules: Sequence[Rule],
    *,
    now: int,
    settled: int | None,
    dimensions: Collection[str] = DEFAULT_DIMENSIONS,
    budgets: Mapping[str, Mapping[str, float]] | None = None,
    coarse: bool = False,
) -> Needs:
    """What an evaluation of these rules at `now` reads, besides the snapshot and the baselines.

    With the settings document `budgets`, only budgets that there are cost reading; a month of hours is much.
    """
    if settled is None:
        return Needs(budgets=any(isinstance(rule.when.measure, Budget) for rule in rules))
    wanted: dict[bool, set[Bucket]] = {False: set(), True: set()}
    for rule in rules:
        if budgets is not None and isinstance(rule.when.measure, Budget) and not limits(budgets, rule.when.measure.name):
            continue
        wanted[rule.reads_agents(dimensions)].update(buckets(windows(rule, now=now, end=minute_end(settled), coarse=coarse)))
    return Needs(
        group=merged(wanted[False]),
        agents=merged(wanted[True]),
        agent_metrics=agent_metrics(rules, dimensions),
        budgets=any(isinstance(rule.when.measure, Budget) for rule in rules),
    )


def baseline_needs(rules: Sequence[Rule], *, settled: int, dimensions: Collection[str] = DEFAULT_DIMENSIONS) -> Needs:
    """What the baselines of the hour of `settled` are made from."""
    wanted: dict[bool, set[Bucket]] = {False: set(), True: set()}
    for rule in rules:
        wanted[rule.reads_agents(dimensions)].update(("h", hour) for hour in baseline_hours(rule, settled))
    return Needs(group=merged(wanted[False]), agents=merged(wanted[True]), agent_metrics=agent_metrics(rules, dimensions))


def windows(rule: Rule, *, now: int, end: int, coarse: bool = False) -> tuple[Span, ...]:
    """Every bucket of a rule's own windows that end at `end` (ms)."""
    if isinstance(rule.when.measure, Budget):
        return budget_window(rule.when.measure, end, now, coarse=coarse)
    length = window_ms(rule)
    if not length:
        return ()
    twice = length != getattr(rule.when.measure, "over", length)
    return tuple(part for back in range(1 + twice) for part in window_of(length // (1 + twice), end, now, back, coarse=coarse))


def window_of(over: int, end: int, now: int, back: int = 0, *, coarse: bool = False) -> tuple[Span, ...]:
    """The buckets of a window of `over` ms, or of the one so many windows before it."""
    if coarse:
        over = -(-over // HOUR_MS) * HOUR_MS
        end = end // HOUR_MS * HOUR_MS
    return window(end - over * (back + 1), end - over * back, now, coarse=coarse)


def window(start: int, end: int, now: int, *, coarse: bool = False) -> tuple[Span, ...]:
    """The buckets that cover a time."""
    if coarse:
        first, last = start // HOUR_MS, end // HOUR_MS
        return (Span("h", first, last),) if last > first else ()
    return spans.cover(start, end, now)


def budget_window(budget: Budget, end: int, now: int, *, coarse: bool = False) -> tuple[Span, ...]:
    """The buckets that a budget is counted in."""
    if budget.metric is not None:
        return window_of(RESOURCE_WINDOW_MS, end, now, coarse=coarse)
    return window(period_start(budget.period, end), end, now, coarse=coarse)


def period_start(period: str, end: int) -> int:
    """When the hour, day or month (UTC) began in which the minute before `end` lies."""
    last = end - MINUTE_MS
    if period == "month":
        return int(datetime.fromtimestamp(last / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
    width = HOUR_MS if period == "hour" else DAY_MS
    return last // width * width


def baseline_hours(rule: Rule, settled: int) -> list[int]:
    """Hours that a rule's baseline is made from, oldest first; none when it needs no past.

    The hour before the current one is left out: its rollup may not be built yet.
    """
    baseline, hour = rule.when.bound.baseline, settled * MINUTE_MS // HOUR_MS
    if baseline is None or not baseline.stored:
        return []
    if baseline.of is BaselineKind.SAME_HOUR_OF_WEEK:
        return [hour - _HOURS_OF_WEEK * weeks for weeks in range(WEEKS, 0, -1)]
    if baseline.same_hours:
        return [hour - _HOURS_OF_DAY * days for days in range(TRAILING_HOURS // _HOURS_OF_DAY, 0, -1)]
    return trailing_hours(settled)


def trailing_hours(settled: int) -> list[int]:
    """The 168 hours of the trailing week, oldest first."""
    last = settled * MINUTE_MS // HOUR_MS - 1
    return list(range(last - TRAILING_HOURS, last))


def buckets(wanted: Iterable[Span]) -> Iterable[Bucket]:
    """Every bucket of some spans."""
    return ((span.unit, number) for span in wanted for number in range(span.first, span.last))


def merged(wanted: Collection[Bucket]) -> tuple[Span, ...]:
    """The fewest spans of exactly these buckets: hours before minutes, each oldest first."""
    found: list[Span] = []
    for unit, number in sorted(wanted):
        if found and (found[-1].unit, found[-1].last) == (unit, number):
            found[-1] = Span(unit, found[-1].first, number + 1)
        else:
            found.append(Span(unit, number, number + 1))
    return tuple(found)
