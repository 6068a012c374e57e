"""Evaluation: rules over evidence give samples; nothing is remembered here, so late and reopened minutes need no care of their own.

evaluate(rules, evidence, baselines) ──▶ Samples of each rule ── alert_machine.step ──▶ states and edges
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from functions.domain import alert_samples
from functions.domain.alert_axis import Axis
from functions.domain.alert_baseline import Baselines, usual_by_slot
from functions.domain.alert_columns import Damaged, Floats, Ints
from functions.domain.alert_data import Evidence, windows
from functions.domain.alert_measures import Figures, Scene, Unreadable, budget_limits, measured, scene_of
from functions.domain.alert_memo import Memo
from functions.domain.alert_reasons import Words
from functions.domain.alert_rules import Absence, BaselineKind, Budget, Override, Points, Rule, active
from functions.domain.alert_samples import Mask, Samples
from functions.domain.rollup import TagPairs
from functions.domain.series import AGENT


def evaluate(rules: Sequence[Rule], evidence: Evidence, baselines: Baselines | None = None, memo: Memo | None = None) -> dict[str, Samples]:
    """Samples of every rule that has not expired, by its name. `memo` makes it cheaper and changes no result."""
    memo = memo or Memo()
    roster = memo.begin(evidence.snapshot)
    scenes = (scene_of(rule, evidence, roster, memo) for rule in active(rules, evidence.now))
    return {scene.rule.name: _samples(scene, baselines or Baselines()) for scene in scenes}


class _Compared(NamedTuple):
    """A rule's value, and what it is compared with, by slot."""

    figures: Figures
    base: Floats
    """nan where a rule compares with a baseline or the window before, and there is none."""
    needs_base: bool
    threshold: Floats
    clear_at: Floats
    holds: Mask
    clear: Mask


def _samples(scene: Scene, baselines: Baselines) -> Samples:
    try:
        compared = _compared(scene, baselines)
    except Unreadable as error:
        return _unreadable(scene, str(error))
    except Damaged as error:
        return _unreadable(scene, f"a stored rollup is damaged: {error}")
    found = compared.figures
    return Samples(
        rule=scene.rule,
        axis=scene.axis,
        evidence=scene.evidence,
        data=_data(scene, compared),
        value=found.value,
        points=found.points,
        threshold=compared.threshold,
        clear_at=compared.clear_at,
        base=compared.base,
        holds=compared.holds,
        clear=compared.clear,
        words=_words(scene),
    )


def _data(scene: Scene, compared: _Compared) -> np.ndarray:
    found, least = compared.figures, scene.rule.when.min_points
    data = np.full(len(scene.axis), alert_samples.OK, dtype=np.int8)
    data[np.isnan(found.value) | (compared.needs_base & np.isnan(compared.threshold))] = alert_samples.NO_DATA
    if least > 1:
        data[found.points < least] = alert_samples.NO_DATA
    if found.unsure:
        data[~compared.holds] = alert_samples.UNREADABLE
    nothing = np.flatnonzero((found.points == 0) & (np.isnan(found.value) | (found.value == 0)))
    if len(nothing):
        data[nothing[~_known(scene, nothing)]] = alert_samples.MISSING
    return data


def _words(scene: Scene) -> Words:
    return scene.memo.keep(("words", scene.rule.name, scene.rule.digest), lambda: Words.of(scene.rule))


def _unreadable(scene: Scene, why: str) -> Samples:
    amount = len(scene.axis)
    none, false = np.full(amount, np.nan), np.zeros(amount, dtype=bool)
    return Samples(
        rule=scene.rule,
        axis=scene.axis,
        evidence=scene.evidence,
        data=np.full(amount, alert_samples.UNREADABLE, dtype=np.int8),
        value=none,
        points=np.zeros(amount),
        threshold=none,
        clear_at=none,
        base=none,
        holds=false,
        clear=false,
        words=_words(scene),
        unreadable=why,
    )


def _compared(scene: Scene, baselines: Baselines) -> _Compared:
    """A rule's comparison; between two minutes nothing of it changes, unless zero stands for what did not come from agents that live."""
    measure = scene.rule.when.measure
    if not isinstance(measure, Points) or measure.term.empty_is_zero or (measure.divided_by and measure.divided_by.empty_is_zero):
        return _compare(scene, baselines)
    evidence = scene.evidence
    read = scene.read(windows(scene.rule, now=evidence.now, end=evidence.end, coarse=evidence.coarse))
    serials = tuple(one.serial for one in read)
    key = ("compared", scene.rule.name, scene.rule.digest, serials, baselines.serial, evidence.coarse, id(scene.axis), id(_limits(scene)))
    return scene.memo.keep(key, lambda: _compare(scene, baselines), baselines, scene.axis, _limits(scene))


def _compare(scene: Scene, baselines: Baselines) -> _Compared:
    condition = scene.rule.when
    measure, baseline = condition.measure, condition.bound.baseline
    found = measured(scene, measure)
    none = np.full(len(scene.axis), np.nan)
    limits = _limits(scene)
    if isinstance(measure, Points) and measure.change is not None:
        before = _enough(measured(scene, measure, 1), condition.min_points)
        change = found.value - before
        if measure.change == "relative":
            with np.errstate(divide="ignore", invalid="ignore"):
                change = np.where(before != 0, change / np.abs(before), np.nan)
        return _held(scene, found._replace(value=change), before, limits.limit, limits.clear)
    if baseline is None:
        return _held(scene, found, none, limits.limit, limits.clear)
    base = _base(scene, found, baselines)
    if baseline.at_least is not None:
        base = np.where(base >= baseline.at_least, base, np.nan)
    pick = np.fmax if condition.bound.direction == "above" else np.fmin
    threshold = np.where(np.isnan(base), np.nan, pick(limits.limit, limits.factor * base))
    clear_at = np.where(np.isnan(base), np.nan, pick(limits.clear, limits.clear_factor * base))
    return _held(scene, found, base, threshold, clear_at)


def _held(scene: Scene, found: Figures, base: Floats, threshold: Floats, clear_at: Floats) -> _Compared:
    """Where the condition holds, and where it is clear; with nan anywhere, neither."""
    value = found.value
    if isinstance(scene.rule.when.measure, Absence):
        holds, clear = value == 0, value > 0
    elif scene.rule.when.bound.direction == "above":
        holds, clear = value > threshold, value <= clear_at
    else:
        holds, clear = value < threshold, value >= clear_at
    return _Compared(found, base, scene.rule.when.bound.baseline is not None, threshold, clear_at, holds, clear)


def _base(scene: Scene, found: Figures, baselines: Baselines) -> Floats:
    """What is usual for each series; nan where too little is known."""
    baseline, least = scene.rule.when.bound.baseline, scene.rule.when.min_points
    none = np.full(len(scene.axis), np.nan)
    if baseline is None:
        return none
    if baseline.of is BaselineKind.FLEET_MEDIAN:
        values = _enough(found, least)
        known = values[~np.isnan(values)]
        return np.full(len(values), np.median(known)) if len(known) >= baseline.min_points else none
    if baseline.of is BaselineKind.PREVIOUS_WINDOW:
        return _enough(measured(scene, scene.rule.when.measure, 1), max(least, baseline.min_points))
    return _enough(usual_by_slot(scene.rule, scene, baselines), baseline.min_points)


def _enough(figures: Figures, least: int) -> Floats:
    """Values that rest on enough points, nan for the others."""
    return np.where(figures.points >= least, figures.value, np.nan) if least > 1 else figures.value


class _Limits(NamedTuple):
    """Bounds of each slot, overrides worked in; nan where a rule has none."""

    limit: Floats
    clear: Floats
    factor: Floats
    clear_factor: Floats


def _limits(scene: Scene) -> _Limits:
    rule, axis = scene.rule, scene.axis
    tags = None if not rule.overrides else {state.id: state.tags for state in scene.roster.states}
    own = _own_limits(scene)
    key = ("limits", rule.digest, rule.name, id(axis), repr(tags), own)
    return scene.memo.keep(key, lambda: _made_limits(rule, axis, tags or {}, own), axis)


def _own_limits(scene: Scene) -> tuple[float, ...]:
    """The limit of each series, where the settings have it."""
    measure, level = scene.rule.when.measure, scene.rule.when.bound.level
    if level is None or not isinstance(measure, Budget):
        return ()
    return tuple(limit.warn if level == "warn" else limit.alert for limit in budget_limits(scene, measure))


def _made_limits(rule: Rule, axis: Axis, agents: Mapping[str, Mapping[str, str]], own: Sequence[float]) -> _Limits:
    bound = rule.when.bound
    baseline = bound.baseline
    factor = baseline.factor if baseline else None
    clear_factor = (baseline.clear_factor if baseline else None) or factor
    clear = bound.clear if bound.clear is not None else bound.limit
    rows = np.full((4, len(axis)), np.nan)
    for row, number in zip(rows, (bound.limit, clear, factor, clear_factor), strict=True):
        row[:] = np.nan if number is None else number
    if own:
        rows[:2] = own
    for slot, pairs in enumerate(axis.series if rule.overrides else ()):
        override = _override(rule.overrides, pairs, agents)
        if override is not None:
            _apply(rows[:, slot], override, own_clear=bound.clear is not None, own_factor=clear_factor != factor)
    return _Limits(*_inside(rows, above=bound.direction == "above"))


def _override(overrides: Sequence[Override], pairs: TagPairs, agents: Mapping[str, Mapping[str, str]]) -> Override | None:
    """The first override that means a series; an agent's tags count as its own."""
    tags = dict(pairs)
    tags = {**agents.get(tags.get(AGENT, ""), {}), **tags}
    return next((override for override in overrides if override.select.matches(tags)), None)


def _apply(row: Floats, override: Override, *, own_clear: bool, own_factor: bool) -> None:
    """A bound that is overridden moves the point where it clears, unless the rule has one of its own."""
    if override.limit is not None:
        row[0] = override.limit
        row[1] = row[1] if own_clear else override.limit
    if override.factor is not None:
        row[2] = override.factor
        row[3] = row[3] if own_factor else override.factor
    row[1] = row[1] if override.clear is None else override.clear
    row[3] = row[3] if override.clear_factor is None else override.clear_factor


def _inside(rows: Floats, *, above: bool) -> Floats:
    """Never clear where the alert begins: an override may have moved one past the other."""
    for begin, clear in ((0, 1), (2, 3)):
        rows[clear] = np.minimum(rows[clear], rows[begin]) if above else np.maximum(rows[clear], rows[begin])
    return rows


def _known(scene: Scene, slots: Ints) -> Mask:
    """Which series are there, whether they have data or not: an agent has their tags, or these were used in the last days."""
    snapshot = scene.evidence.snapshot
    if snapshot is None or isinstance(scene.rule.when.measure, Budget):
        return np.ones(len(slots), dtype=bool)
    known = np.zeros(len(scene.axis), dtype=bool)
    known[scene.axis.of_agent[scene.axis.of_agent >= 0]] = True
    for slot in slots[~known[slots]].tolist():
        known[slot] = _in_use(scene.axis.series[slot], snapshot.known_values)
    return known[slots]


def _in_use(pairs: TagPairs, values: Mapping[str, Mapping[str, int]]) -> bool:
    return all(value in values.get(key, ()) for key, value in pairs)
