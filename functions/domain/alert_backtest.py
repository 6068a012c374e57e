"""Backtest: rules replayed on stored rollups, through the same evaluation and state machine that run every day, with an older `now`.

Minutes are kept 3 days. Before that only hours are left: windows become whole hours there, evaluation is once an hour, and what must hold
for less than an hour counts as held. Of the snapshot's figures (heartbeat, health, gauges) nothing is stored: rules on them cannot be
replayed, and `unreplayable` says so.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from functions.domain import spans, tasks
from functions.domain.alert import AlertState, Edge, EdgeKind, series_id
from functions.domain.alert_axis import series_of
from functions.domain.alert_baseline import Baselines, is_stored, make_baselines
from functions.domain.alert_columns import Columns, TagSets, read_bins
from functions.domain.alert_data import Bucket, Buckets, Evidence, Needs, baseline_needs, buckets, needs
from functions.domain.alert_evaluate import evaluate
from functions.domain.alert_measures import scene_of
from functions.domain.alert_memo import Memo
from functions.domain.alert_round import play
from functions.domain.alert_rules import Field, HealthIs, Rule, needs_trailing, quantile_names, window_ms
from functions.domain.alert_samples import Samples
from functions.domain.alert_trailing import HourColumns, Trailing
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.fleet import AgentState, Snapshot
from functions.domain.spans import Span
from functions.domain.times import HOUR_MS, MINUTE_MS, MINUTES_PER_HOUR

SETTLES_MS = 40_000
"""How long after a minute's end its evaluation comes."""
KEPT_COLUMNS = 2_000
"""Rollups that are held decoded."""
TOKENS = (tasks.TOKENS_IN, tasks.TOKENS_OUT)

type Watch = Callable[[int, Samples], None]
"""Is shown the samples of every rule at every moment, and the last whole minute of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is stored of some time. Buckets that are absent hold nothing: whoever reads them says what could not be read."""

    group: Mapping[Bucket, bytes]
    agents: Mapping[Bucket, bytes] = field(default_factory=dict)
    """The agent matrix."""
    start: int
    """ms; the replay begins here. Windows and baselines reach back before it."""
    end: int
    minutes_from: int
    """ms; from here on minutes are stored, before only hours."""
    fleet: Mapping[str, AgentState] = field(default_factory=dict)
    """The agents as they are known now: of their tags in the past nothing is stored."""
    budgets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    dimensions: Collection[str] = DEFAULT_DIMENSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a series used in some time; None where nobody reported any."""

    tokens: float | None
    usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One alert that would have been."""

    fired: Edge
    resolved: Edge | None
    """None when it still fires at the end."""
    to_page: Spent
    """From the start of the window that first showed it until it was told."""
    in_all: Spent
    """From there until it was resolved, or the end."""
    coarse: bool
    """Whether it comes from hours alone, so that its times are true to the hour only."""


def unreplayable(rule: Rule) -> str | None:
    """Why a rule cannot be replayed; None when it can."""
    if isinstance(rule.when.measure, Field | HealthIs):
        return "it reads the snapshot of the fleet, of which no past is stored"
    return None


def backtest(rules: Sequence[Rule], history: History, step_minutes: int = 1, watch: Watch | None = None) -> list[Episode]:
    """The episodes of rules that can be replayed, in the order of their beginning."""
    return _Replay([rule for rule in rules if unreplayable(rule) is None], history).episodes(step_minutes, watch)


class _Replay:
    def __init__(self, rules: Sequence[Rule], history: History) -> None:
        self._rules, self._history = rules, history
        self._stored = {False: history.group, True: history.agents}
        self._tags = {False: TagSets(), True: TagSets()}
        self._decoded: OrderedDict[tuple[bool, Bucket], Columns] = OrderedDict()
        self._memo = Memo()
        self._ahead = -1
        self._baselines = Baselines()
        self._trailing = Trailing(self._tags[False], self._tags[True])

    def episodes(self, step_minutes: int, watch: Watch | None) -> list[Episode]:
        states: dict[str, AlertState] = {}
        opened: dict[str, tuple[Edge, bool]] = {}
        done: list[Episode] = []
        for now, settled, coarse in self._moments(step_minutes):
            self._look_ahead(settled, coarse=coarse)
            rules = [_coarse(rule) for rule in self._rules] if coarse else self._rules
            samples = evaluate(rules, self._evidence(rules, now, settled, coarse=coarse), self._usual(settled), self._memo)
            if watch:
                for found in samples.values():
                    watch(settled, found)
            for step in play(rules, samples, list(states.values()), now):
                states[series_id(step.state.rule, step.state.series)] = step.state
                if step.edge is None:
                    continue
                if step.edge.kind is EdgeKind.FIRING:
                    opened[step.edge.episode] = step.edge, coarse
                elif step.edge.episode in opened:
                    done.append(self._episode(*opened.pop(step.edge.episode), step.edge))
        done += [self._episode(edge, coarse, None) for edge, coarse in opened.values()]
        return sorted(done, key=lambda episode: (episode.fired.at, episode.fired.id))

    def _moments(self, step_minutes: int) -> Iterator[tuple[int, int, bool]]:
        """When to evaluate: the time, the last whole minute, and whether there are only hours."""
        history = self._history
        fine = max(history.start, history.minutes_from)
        for hour in range(-(-history.start // HOUR_MS), min(fine, history.end) // HOUR_MS):
            last = (hour + 1) * MINUTES_PER_HOUR - 1
            yield (last + 1) * MINUTE_MS + SETTLES_MS, last, True
        for minute in range(-(-fine // MINUTE_MS), history.end // MINUTE_MS, step_minutes):
            yield (minute + 1) * MINUTE_MS + SETTLES_MS, minute, False

    def _look_ahead(self, settled: int, *, coarse: bool) -> None:
        """Decode the minutes of an hour together when its first is due."""
        hour = settled // MINUTES_PER_HOUR
        if coarse or hour == self._ahead:
            return
        self._ahead = hour
        for of_agents in {rule.reads_agents(self._history.dimensions) for rule in self._rules}:
            minutes = range(settled, (hour + 1) * MINUTES_PER_HOUR)
            found = [self._columns(("m", minute), of_agents=of_agents) for minute in minutes]
            for name in {name for rule in self._rules for name in quantile_names(rule)}:
                read_bins([column for one in found if (column := one.column(name)) is not None])

    def _evidence(self, rules: Sequence[Rule], now: int, settled: int, *, coarse: bool) -> Evidence:
        history = self._history
        dims, caps = history.dimensions, history.budgets
        wanted = needs(rules, now=now, settled=settled, dimensions=dims, budgets=caps, coarse=coarse)
        return self._seen(wanted, now, settled, coarse=coarse)

    def _seen(self, wanted: Needs, now: int, settled: int, *, coarse: bool = False) -> Evidence:
        history = self._history
        return Evidence(
            now=now,
            settled=settled,
            snapshot=Snapshot(workspace="", time=now, agents=dict(history.fleet)) if history.fleet else None,
            group=self._buckets(wanted.group, of_agents=False),
            agents=self._buckets(wanted.agents, of_agents=True),
            budgets=history.budgets,
            dimensions=history.dimensions,
            coarse=coarse,
        )

    def _usual(self, settled: int) -> Baselines:
        """The baselines as they would have been, made once an hour."""
        stored = [rule for rule in self._rules if is_stored(rule)]
        if not stored or self._baselines.covers(stored, settled):
            return self._baselines
        dimensions = self._history.dimensions
        plan = self._trailing.plan(stored, settled, dimensions)
        for hour in plan.drop:
            self._trailing.drop(hour, self._hour(hour))
        for hour in plan.add:
            self._trailing.add(hour, self._hour(hour))
        single = [rule for rule in stored if not needs_trailing(rule)]
        evidence = self._seen(baseline_needs(single, settled=settled, dimensions=dimensions), settled * MINUTE_MS, settled)
        self._baselines = make_baselines(stored, evidence, self._trailing, self._memo)
        return self._baselines

    def _hour(self, hour: int) -> HourColumns:
        return HourColumns(self._columns(("h", hour), of_agents=False), self._columns(("h", hour), of_agents=True))

    def _buckets(self, wanted: Sequence[Span], *, of_agents: bool) -> Buckets:
        return Buckets(self._tags[of_agents], {bucket: self._columns(bucket, of_agents=of_agents) for bucket in buckets(wanted)})

    def _columns(self, bucket: Bucket, *, of_agents: bool) -> Columns:
        key = (of_agents, bucket)
        found = self._decoded.get(key)
        if found is None:
            found = self._decoded[key] = Columns(self._stored[of_agents].get(bucket), self._tags[of_agents])
            if len(self._decoded) > KEPT_COLUMNS:
                self._decoded.popitem(last=False)
        return found

    def _episode(self, fired: Edge, coarse: bool, resolved: Edge | None) -> Episode:
        rule = next(rule for rule in self._rules if rule.name == fired.rule)
        window = max(window_ms(rule), HOUR_MS if coarse else MINUTE_MS)
        start = fired.since - SETTLES_MS - window
        until = resolved.at if resolved else self._history.end
        return Episode(
            fired=fired,
            resolved=resolved,
            to_page=self._spent(rule, fired, start, fired.at),
            in_all=self._spent(rule, fired, start, until),
            coarse=coarse,
        )

    def _spent(self, rule: Rule, edge: Edge, start: int, end: int) -> Spent:
        """What a series used: of whole buckets, minutes where there are any."""
        wanted = _cover(start, min(end, self._history.end), self._history.minutes_from)
        evidence = self._seen(Needs(group=wanted, agents=wanted), end, end // MINUTE_MS)
        scene = scene_of(rule, evidence, self._memo.begin(evidence.snapshot), self._memo)
        slot = scene.axis.index.get(series_of(edge.series))
        columns, _ = evidence.buckets_of(rule).read(wanted)
        tokens, usd = (self._memo.folded(columns, names, scene.axis) for names in (TOKENS, (tasks.COST,)))
        if slot is None:
            return Spent(tokens=None, usd=None)
        return Spent(tokens=float(tokens.sum[slot]) if tokens.count[slot] else None, usd=float(usd.sum[slot]) if usd.count[slot] else None)


def _coarse(rule: Rule) -> Rule:
    """A rule as it can be replayed on hours: what must hold for less than an hour has held when the hour shows it."""
    return replace(rule, for_ms=max(0, rule.for_ms - HOUR_MS), keep_firing_ms=max(0, rule.keep_firing_ms - HOUR_MS))


def _cover(start: int, end: int, minutes_from: int) -> tuple[Span, ...]:
    """Hours up to where minutes begin, then hours where they are whole and minutes at the edges."""
    border = -(-max(start, minutes_from) // HOUR_MS) * HOUR_MS
    if end <= border:
        return spans.minutes(start, end) if start >= minutes_from else _hours(start, end)
    fine = spans.minutes(max(start, minutes_from), border)
    return (*_hours(start, min(border, minutes_from)), *fine, *_hours(border, end), *spans.minutes(end // HOUR_MS * HOUR_MS, end))


def _hours(start: int, end: int) -> tuple[Span, ...]:
    first, last = start // HOUR_MS, end // HOUR_MS
    return (Span("h", first, last),) if last > first else ()
