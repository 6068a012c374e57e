"""Baselines: what is usual, from hours of the past. Made once an hour, kept as a value, stored as one item.

`trailing_7d` is the measure over the 168 hours that ended an hour before the current one began; with `hours: same` it is the median of
this hour's figures of the last 7 days, for what follows the time of day. `same_hour_of_week` is the measure over this hour of the week
in the last 4 weeks, taken together. A `rate` is a second of the hours in which the series had any data; a `count` or `sum` is that of
as many hours, scaled to the rule's window; a `last` is the mean. Too little history is no baseline.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import msgspec
import numpy as np

from functions.domain.alert_axis import Axis
from functions.domain.alert_columns import Columns, Floats
from functions.domain.alert_data import Evidence, baseline_hours
from functions.domain.alert_measures import Figures, Scene, figures, folder, scene_of
from functions.domain.alert_memo import Memo
from functions.domain.alert_rules import Points, Rule, Term, needs_trailing
from functions.domain.alert_trailing import HourColumns, Trailing, TrailingTotals
from functions.domain.rollup import TagPairs
from functions.domain.times import HOUR_MS, MINUTES_PER_HOUR, SECOND_MS

MIN_HOURS: Final = 24
"""Hours with data that a trailing baseline needs: less has not seen a day."""
MIN_DAYS: Final = 3
"""Days that `hours: same` needs, so that their median is not one odd day."""
COUNTING: Final = ("rate", "count", "sum")
_LASTS_HOURS = 2
_HOUR_S: Final = HOUR_MS / SECOND_MS


class Usual(msgspec.Struct, frozen=True, array_like=True):
    """The baseline of every series of a rule."""

    series: list[TagPairs]
    values: list[float]
    points: list[int]
    """How many points each was made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Baselines:
    """Baselines of some rules as of an hour."""

    hour: int = 0
    """Number of the hour that they are for."""
    usual: Mapping[str, Usual] = field(default_factory=dict)
    """By `Rule.baseline_id`."""
    serial: int = field(default_factory=count().__next__)

    def lasts(self, settled: int) -> bool:
        """Whether they may still be used: an hour late is better than none."""
        return 0 <= settled // MINUTES_PER_HOUR - self.hour < _LASTS_HOURS

    def covers(self, rules: Sequence[Rule], settled: int) -> bool:
        """Whether they are of this hour and know every rule; if not, it is time to make new ones."""
        wanted = {rule.baseline_id for rule in rules if is_stored(rule)}
        return self.hour == settled // MINUTES_PER_HOUR and wanted <= self.usual.keys()

    def encode(self) -> bytes:
        """The stored form, msgpack."""
        return msgspec.msgpack.encode((self.hour, self.usual))

    @classmethod
    def decode(cls, data: bytes) -> Baselines:
        """Read the stored form; raises `ValueError`."""
        try:
            hour, usual = _DECODER.decode(data)
        except msgspec.MsgspecError as error:
            raise ValueError(f"not baselines: {error}") from None
        return cls(hour, usual)


_DECODER = msgspec.msgpack.Decoder(tuple[int, dict[str, Usual]])


def is_stored(rule: Rule) -> bool:
    """Whether a rule compares with hours of the past."""
    baseline = rule.when.bound.baseline
    return baseline is not None and baseline.stored


def make_baselines(rules: Sequence[Rule], evidence: Evidence, trailing: Trailing | None = None, memo: Memo | None = None) -> Baselines:
    """The baselines for the hour of `evidence.settled`; hours that are absent count as if nothing was known of them.

    `trailing` has the hours of the trailing week; without, they are taken from the evidence, which then must have been made for
    `baseline_needs`. `memo`, that of the evaluations, makes it cheaper and changes no result.
    """
    if evidence.settled is None:
        return Baselines()
    trailing = trailing or _trailing_of(rules, evidence, evidence.settled)
    memo = memo or Memo()
    roster = memo.begin(evidence.snapshot)
    usual: dict[str, Usual] = {}
    for rule in rules:
        if is_stored(rule) and rule.baseline_id not in usual:
            scene = scene_of(rule, evidence, roster, memo)
            usual[rule.baseline_id] = _of_week(scene, trailing) if needs_trailing(rule) else _of_hours(scene, evidence.settled)
    return Baselines(evidence.settled // MINUTES_PER_HOUR, usual)


def _trailing_of(rules: Sequence[Rule], evidence: Evidence, settled: int) -> Trailing:
    """The trailing week, added up from the evidence's hours."""
    trailing = Trailing(evidence.group.tags, evidence.agents.tags)
    for hour in trailing.plan(rules, settled, evidence.dimensions).add:
        group, agents = (kind.columns.get(("h", hour)) for kind in (evidence.group, evidence.agents))
        trailing.add(hour, HourColumns(group, agents))
    return trailing


def _of_week(scene: Scene, trailing: Trailing) -> Usual:
    """The baseline of each series from the trailing week."""
    rule, measure = scene.rule, scene.rule.when.measure
    if not isinstance(measure, Points):
        return Usual([], [], [])
    of_agents = rule.reads_agents(scene.evidence.dimensions)
    axis = scene.memo.axis(rule, scene.roster, trailing.tags[of_agents], of_agents=of_agents)

    def fold(wanted: Collection[str]) -> TrailingTotals:
        return trailing.totals(wanted, axis.of_tags, len(axis), of_agents=of_agents)

    figure = figures(measure, fold, _HOUR_S)
    return _usual(axis, _spread(measure, figure, fold(_named(measure)).busy(), MIN_HOURS))


def _of_hours(scene: Scene, settled: int) -> Usual:
    """The baseline of each series from single hours."""
    baseline, measure = scene.rule.when.bound.baseline, scene.rule.when.measure
    source = scene.evidence.buckets_of(scene.rule).columns
    found = [source["h", hour] for hour in baseline_hours(scene.rule, settled) if ("h", hour) in source]
    if baseline is None or not isinstance(measure, Points) or not found:
        return Usual([], [], [])
    if baseline.same_hours:
        return _usual(scene.axis, _median(scene, measure, found))
    busy = np.sum([scene.memo.folded([one], _named(measure), scene.axis).count > 0 for one in found], axis=0)
    return _usual(scene.axis, _spread(measure, figures(measure, folder(scene, found), _HOUR_S), busy, 1))


def _median(scene: Scene, measure: Points, found: Sequence[Columns]) -> Figures:
    """The median of the hours' figures."""
    one = np.ones(len(scene.axis))
    hourly = [_spread(measure, figures(measure, folder(scene, [columns]), _HOUR_S), one, 1) for columns in found]
    values = np.stack([figure.value for figure in hourly])
    enough = (~np.isnan(values)).sum(axis=0) >= MIN_DAYS
    middle = np.full(len(scene.axis), np.nan)
    middle[enough] = np.nanmedian(values[:, enough], axis=0)
    return Figures(middle, np.sum([figure.points for figure in hourly], axis=0))


def _spread(measure: Points, figure: Figures, busy: Floats, least_hours: int) -> Figures:
    """Bring what many hours add up to down to one hour or window; `figure` is as if they had been one hour."""
    value = figure.value * _share(measure.term, measure, busy)
    if measure.divided_by is not None:
        value = value / _share(measure.divided_by, measure, busy)
    return Figures(np.where(busy >= least_hours, value, np.nan), figure.points)


def _share(term: Term, measure: Points, busy: Floats) -> Floats:
    """Which part of what some hours add up to falls to one hour (`rate`) or one window; all of what does not add up."""
    if term.aggregation not in COUNTING:
        return np.ones(len(busy))
    return (1.0 if term.aggregation == "rate" else measure.over / HOUR_MS) / np.maximum(busy, 1)


def _usual(axis: Axis, figure: Figures) -> Usual:
    """The series that have a figure."""
    slots = np.flatnonzero(~np.isnan(figure.value)).tolist()
    return Usual([axis.series[slot] for slot in slots], figure.value[slots].tolist(), figure.points[slots].astype(int).tolist())


def _named(measure: Points) -> tuple[str, ...]:
    return tuple(sorted({*measure.term.names, *(measure.divided_by.names if measure.divided_by else ())}))


def _nothing(axis: Axis) -> Figures:
    return Figures(np.full(len(axis), np.nan), np.zeros(len(axis)))


def usual_by_slot(rule: Rule, scene: Scene, baselines: Baselines) -> Figures:
    """The baseline of each series of a rule; nan where there is none."""
    usual = baselines.usual.get(rule.baseline_id)
    settled = scene.evidence.settled
    if usual is None or settled is None or not baselines.lasts(settled):
        return _nothing(scene.axis)

    def align() -> Figures:
        made = _nothing(scene.axis)
        slots: list[Any] = [scene.axis.index.get(pairs, -1) for pairs in usual.series]
        known = np.array(slots, dtype=np.int64)
        chosen = known >= 0
        made.value[known[chosen]] = np.array(usual.values)[chosen]
        made.points[known[chosen]] = np.array(usual.points)[chosen]
        return made

    return scene.memo.keep(("usual", baselines.serial, rule.baseline_id, id(scene.axis)), align, baselines, scene.axis)
