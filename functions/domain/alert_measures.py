"""Measures: the figure of every series of a rule at once, as arrays by slot; nan where there is none.

Nothing in a window is no figure. It is zero only where a rule counts (`Term.empty_is_zero`) and the series is alive: an agent of it sent
its heartbeat, or it sent points of another name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from functions.domain import alert_fields, tasks
from functions.domain.alert_axis import Axis, Roster, agents_axis, budget_axis
from functions.domain.alert_budgets import BudgetLimit, limits, tightest
from functions.domain.alert_columns import Columns, Floats, Ints, TagSets, Totals
from functions.domain.alert_data import Evidence, budget_window, window_of
from functions.domain.alert_memo import Memo
from functions.domain.alert_rules import Absence, Budget, Field, HealthIs, Measure, Points, Rule, Term, names
from functions.domain.fleet import AgentState
from functions.domain.series import AGENT, Aggregation
from functions.domain.spans import Span
from functions.domain.times import SECOND_MS

_NO_TAGS = TagSets()
"""Of the snapshot: its series come from agents alone."""


type Mask = npt.NDArray[np.bool_]
type Fold = Callable[[tuple[str, ...]], Totals]
type Alive = Callable[[], Mask]


class Unreadable(Exception):  # never leaves evaluation, where it becomes samples
    """What a rule needs could not be read; the text says what."""


class Figures(NamedTuple):
    """A measure of every series."""

    value: Floats
    points: Floats
    unsure: bool = False
    """Whether some of it could not be read, so that the true value may be greater (budgets only)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One rule at one time: what it reads, and the axis of its series."""

    rule: Rule
    evidence: Evidence
    roster: Roster
    memo: Memo
    axis: Axis

    def read(self, wanted: Sequence[Span]) -> list[Columns]:
        """Columns of some spans; raises `Unreadable` when any is absent."""
        found, missing = self.evidence.buckets_of(self.rule).read(wanted)
        if self.evidence.settled is None:
            raise Unreadable("no minute is sealed yet")
        if missing:
            raise Unreadable(f"{missing} of {missing + len(found)} rollups of the window could not be read or are not sealed yet")
        return found


def scene_of(rule: Rule, evidence: Evidence, roster: Roster, memo: Memo) -> Scene:
    """The scene of a rule."""
    measure = rule.when.measure
    source = evidence.buckets_of(rule)
    if isinstance(measure, Field | HealthIs):
        axis = memo.axis(rule, roster, _NO_TAGS, of_agents=False)
    elif isinstance(measure, Budget):
        axis = _budgets_axis(rule, measure, evidence, roster)
    else:
        axis = memo.axis(rule, roster, source.tags, of_agents=rule.reads_agents(evidence.dimensions))
    return Scene(rule, evidence, roster, memo, axis)


def _budgets_axis(rule: Rule, measure: Budget, evidence: Evidence, roster: Roster) -> Axis:
    """A slot a budget; of a resource, a slot an agent that has one."""
    found = limits(evidence.budgets, measure.name)
    if measure.metric is not None:
        selected = (state for state, tags in zip(roster.states, roster.tags, strict=True) if rule.select.matches(tags))
        return agents_axis([state.id for state in selected if tightest(found, state.tags)], roster, evidence.buckets_of(rule).tags)
    return budget_axis([limit.tags for limit in found if rule.select.matches(dict(limit.tags))])


def measured(scene: Scene, measure: Measure, back: int = 0) -> Figures:
    """The figures of a measure, over the window that ends now or so many windows before. Raises `Unreadable`."""
    match measure:
        case Points():
            return _points(scene, measure, back)
        case Absence():
            return _absence(scene, measure)
        case Field(name=name, aggregation=aggregation):
            return _snapshot(scene, lambda state, time: alert_fields.read(name, state, time), aggregation, name)
        case HealthIs(statuses=statuses, aggregation=aggregation):
            return _snapshot(scene, lambda state, _: alert_fields.coloured(state, statuses), aggregation, tuple(sorted(statuses)))
        case Budget():
            return _budget(scene, measure)


def figures(measure: Points, fold: Fold, length_s: float, alive: Alive | None = None) -> Figures:
    """The figures of a measure of points: `fold` gives what the points of some names add up to over `length_s` seconds."""
    value, points = _term(measure.term, fold, length_s, alive)
    if measure.divided_by is None:
        return Figures(value, points)
    divisor, points = _term(measure.divided_by, fold, length_s, alive)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Figures(np.where(divisor != 0, value / divisor, np.nan), points)


def folder(scene: Scene, columns: Sequence[Columns]) -> Fold:
    """What the points of these columns add up to, by slot of the scene's axis."""
    return lambda wanted: scene.memo.folded(columns, wanted, scene.axis)


def _points(scene: Scene, measure: Points, back: int) -> Figures:
    wanted = window_of(measure.over, scene.evidence.end, scene.evidence.now, back, coarse=scene.evidence.coarse)
    columns = scene.read(wanted)
    return figures(measure, folder(scene, columns), seconds(wanted), lambda: _alive(scene, columns, wanted))


def _term(term: Term, fold: Fold, length_s: float, alive: Alive | None) -> tuple[Floats, Floats]:
    if term.aggregation == "error_rate":
        return _error_rate(fold)
    totals = fold(term.names)
    value = np.where(totals.count > 0, aggregate(totals, term.aggregation, length_s), np.nan)
    if term.empty_is_zero and alive is not None:
        value[(totals.count == 0) & alive()] = 0.0
    return value, totals.count


def aggregate(totals: Totals, aggregation: str, length_s: float) -> Floats:
    """One figure of each slot; of slots without points it means nothing."""
    quantile = Aggregation(aggregation).quantile
    if quantile is not None:
        return totals.quantile(quantile)
    if aggregation == "avg":
        return totals.sum / np.maximum(totals.count, 1)
    if aggregation == "rate":
        return totals.sum / length_s
    found: Floats = getattr(totals, aggregation)
    return found


def seconds(wanted: Sequence[Span]) -> float:
    """How long some spans are."""
    return max(sum(span.end_ms - span.start_ms for span in wanted), SECOND_MS) / SECOND_MS


def _error_rate(fold: Fold) -> tuple[Floats, Floats]:
    """Failed over finished tasks, and how many finished; as `tasks.TaskCounts` counts them."""
    completed, failed_events, measured_tasks = (fold((name,)).count for name in (tasks.COMPLETED, tasks.FAILED, tasks.LATENCY))
    failed = np.maximum(failed_events, np.round(fold((tasks.ERRORS,)).sum))
    finished = np.maximum(completed + failed, measured_tasks)
    return np.where(finished > 0, failed / np.maximum(finished, 1), np.nan), finished


def _alive(scene: Scene, columns: Sequence[Columns], wanted: Sequence[Span]) -> Mask:
    """Which series are known to have been alive in a window."""
    start, end = wanted[0].start_ms, wanted[-1].end_ms
    found = np.zeros(len(scene.axis), dtype=bool)
    for one in columns:
        slots = scene.axis.of_tags[one.present]
        found[slots[slots >= 0]] = True
    heard = np.array([start <= (state.last_seen or 0) and (state.first_seen or 0) < end for state in scene.roster.states], dtype=bool)
    if len(heard):
        slots = scene.axis.of_agent[heard]
        found[slots[slots >= 0]] = True
    return found


def _absence(scene: Scene, measure: Absence) -> Figures:
    wanted = window_of(measure.over, scene.evidence.end, scene.evidence.now, coarse=scene.evidence.coarse)
    found = scene.memo.folded(scene.read(wanted), measure.names, scene.axis).count
    return Figures(found, found)


def _snapshot(scene: Scene, getter: alert_fields.Getter, aggregation: str, key: object) -> Figures:
    """A figure of the agents; several of one series become one."""
    snapshot = scene.evidence.snapshot
    if snapshot is None or not scene.evidence.fresh:
        raise Unreadable("the snapshot of the fleet could not be read, or is older than a minute")
    values = scene.memo.keep(("field", id(snapshot), key), lambda: _values(scene.roster.states, getter, snapshot.time), snapshot)
    known = (scene.axis.of_agent >= 0) & ~np.isnan(values)
    slots, values = scene.axis.of_agent[known], values[known]
    points = np.bincount(slots, minlength=len(scene.axis)).astype(np.float64)
    return Figures(np.where(points > 0, _reduced(slots, values, points, aggregation), np.nan), points)


def _values(states: Sequence[AgentState], getter: alert_fields.Getter, time: int) -> Floats:
    found = [getter(state, time) for state in states]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def _reduced(slots: np.ndarray, values: Floats, points: Floats, aggregation: str) -> Floats:
    if aggregation in ("min", "max"):
        least = aggregation == "min"
        found = np.full(len(points), np.inf if least else -np.inf)
        (np.minimum if least else np.maximum).at(found, slots, values)
        return found
    total = np.bincount(slots, weights=values, minlength=len(points)).astype(np.float64)
    return total / np.maximum(points, 1) if aggregation == "avg" else total


def _budget(scene: Scene, measure: Budget) -> Figures:
    """Which share of each budget is used: since its period began, or in the mean."""
    if measure.metric is not None:
        found = mean(scene)
        return found._replace(value=found.value / _amounts(scene, measure))
    total, points, missing = spent(scene, period(scene, measure))
    return Figures(np.where(points > 0, total / _amounts(scene, measure), np.nan), points, unsure=bool(missing))


def mean(scene: Scene) -> Figures:
    """The mean of a resource, of each agent that has a budget of it."""
    measure = scene.rule.when.measure
    if not isinstance(measure, Budget):
        raise TypeError(f"{scene.rule.name} is about no budget")
    folded = folder(scene, scene.read(budget_window(measure, scene.evidence.end, scene.evidence.now, coarse=scene.evidence.coarse)))
    found = folded(tuple(sorted(names(scene.rule))))
    return Figures(np.where(found.count > 0, found.sum / np.maximum(found.count, 1), np.nan), found.count)


class Spent(NamedTuple):
    """What each group of a scene has used since the period began, and how many rollups of it are not known."""

    total: Floats
    points: Floats
    missing: int


class Period(NamedTuple):
    """What came in since the period of a budget began, by tag set: groups may overlap, so each picks its own."""

    tags: TagSets
    columns: Sequence[Columns]
    missing: int
    """Rollups that are not known."""
    groups: Sequence[Ints]
    """Of each slot of the scene, the numbers of the tag sets that it has."""
    memo: Memo

    def of(self, wanted: Sequence[str]) -> Totals:
        """What the points of some names add up to, by number of the tag set."""
        amount, none = len(self.tags), np.zeros(0, dtype=np.int64)
        key = ("each tag set", id(self.tags), amount)
        axis = self.memo.keep(key, lambda: Axis(self.tags.sets[:amount], np.arange(amount), none), self.tags)
        return self.memo.folded(self.columns, wanted, axis)


def spent(scene: Scene, found: Period) -> Spent:
    """What is used of budgets of tokens or dollars."""
    used = found.of(sorted(names(scene.rule)))
    total, points = (np.array([part[group].sum() for group in found.groups]) for part in (used.sum, used.count))
    return Spent(total, points, found.missing)


def period(scene: Scene, measure: Budget) -> Period:
    """What the budgets of a scene are counted from; raises `Unreadable` when nothing can be known."""
    evidence, tags = scene.evidence, scene.evidence.group.tags
    if evidence.settled is None:
        raise Unreadable("no minute is sealed yet")
    columns, missing = evidence.group.read(budget_window(measure, evidence.end, evidence.now, coarse=evidence.coarse))
    groups = [
        scene.memo.keep(
            ("budget", group, id(tags), len(tags)),
            lambda group=group: np.array(  # type: ignore[misc]
                [number for number, pairs in enumerate(tags.sets) if dict(group).items() <= dict(pairs).items()], dtype=np.int64
            ),
            tags,
        )
        for group in scene.axis.series
    ]
    return Period(tags, columns, missing, groups, scene.memo)


def _amounts(scene: Scene, measure: Budget) -> Floats:
    return np.array([limit.amount for limit in budget_limits(scene, measure)], dtype=np.float64)


def budget_limits(scene: Scene, measure: Budget) -> list[BudgetLimit]:
    """The budget of each series of a scene."""
    found = limits(scene.evidence.budgets, measure.name)
    if measure.metric is None:
        by_group = {limit.tags: limit for limit in found}
        return [by_group[group] for group in scene.axis.series]
    tags = {state.id: state.tags for state in scene.roster.states}
    chosen = (tightest(found, tags[dict(pairs)[AGENT]]) for pairs in scene.axis.series)
    return [limit for limit in chosen if limit]
