"""Baselines: what is usual, from hours of the past. Made once an hour, kept as a value, stored as one item.

`trailing_7d` is the measure over the 168 hours that ended an hour before the current one began; with `hours: same` it is the median of
this hour's figures of the last 7 days, for what follows the time of day. `same_hour_of_week` is the measure over this hour of the week
in the last 4 weeks, taken together. A `rate` is a second of the hours in which the series had any data; a `count` or `sum` is that of
as many hours, scaled to the rule's window. Too little history is no baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import msgspec
import numpy as np

from functions.domain.alert_axis import Roster
from functions.domain.alert_columns import Columns, Floats
from functions.domain.alert_data import Evidence, baseline_hours
from functions.domain.alert_measures import Figures, Scene, figures, scene_of
from functions.domain.alert_memo import Memo
from functions.domain.alert_rules import BaselineKind, Points, Rule
from functions.domain.rollup import TagPairs
from functions.domain.spans import Span
from functions.domain.times import HOUR_MS, MINUTES_PER_HOUR

MIN_HOURS: Final = 24
"""Hours with data that a trailing baseline needs: less has not seen a day."""
MIN_DAYS: Final = 3
"""Days that `hours: same` needs, so that their median is not one odd day."""
COUNTING: Final = ("rate", "count", "sum")
_LASTS_HOURS = 2


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


def make_baselines(rules: Sequence[Rule], evidence: Evidence, memo: Memo | None = None) -> Baselines:
    """The baselines for the hour of `evidence.settled`, from its hours; hours that are absent count as if nothing was known of them."""
    if evidence.settled is None:
        return Baselines()
    memo = memo or Memo()
    roster = memo.begin(evidence.snapshot)
    usual: dict[str, Usual] = {}
    for rule in rules:
        if is_stored(rule) and rule.baseline_id not in usual:
            usual[rule.baseline_id] = _usual(rule, evidence, roster, memo)
    return Baselines(evidence.settled // MINUTES_PER_HOUR, usual)


def _usual(rule: Rule, evidence: Evidence, roster: Roster, memo: Memo) -> Usual:
    baseline, measure = rule.when.bound.baseline, rule.when.measure
    scene = scene_of(rule, evidence, roster, memo)
    if baseline is None or not isinstance(measure, Points) or evidence.settled is None:
        return Usual([], [], [])
    hours = baseline_hours(rule, evidence.settled)
    source = evidence.buckets_of(rule).columns
    found = {hour: source[("h", hour)] for hour in hours if ("h", hour) in source}
    if baseline.of is BaselineKind.TRAILING_7D and baseline.same_hours:
        figure = _median(scene, measure, found)
    else:
        figure = _together(scene, measure, found, MIN_HOURS if baseline.of is BaselineKind.TRAILING_7D else 1)
    return usual_of(scene, figure)


def usual_of(scene: Scene, figure: Figures) -> Usual:
    """The series that have a figure."""
    slots = np.flatnonzero(~np.isnan(figure.value)).tolist()
    return Usual([scene.axis.series[slot] for slot in slots], figure.value[slots].tolist(), figure.points[slots].astype(int).tolist())


def _median(scene: Scene, measure: Points, found: Mapping[int, Columns]) -> Figures:
    """The median of the hours' figures."""
    hourly = [figures(scene, measure, [columns], [Span("h", hour, hour + 1)]) for hour, columns in found.items()]
    if not hourly:
        return _nothing(scene)
    values = np.stack([figure.value for figure in hourly]) * _scale(measure)
    days = (~np.isnan(values)).sum(axis=0)
    middle = np.full(len(scene.axis), np.nan)
    enough = days >= MIN_DAYS
    middle[enough] = np.nanmedian(values[:, enough], axis=0)
    return Figures(middle, np.sum([figure.points for figure in hourly], axis=0))


def _together(scene: Scene, measure: Points, found: Mapping[int, Columns], least_hours: int) -> Figures:
    """The figure of all hours taken together."""
    if not found:
        return _nothing(scene)
    busy = hours_with_data(scene, measure, list(found.values()))
    figure = figures(scene, measure, list(found.values()), [Span("h", 0, 1)])
    return spread(measure, figure, busy, least_hours)


def spread(measure: Points, figure: Figures, busy: Floats, least_hours: int) -> Figures:
    """Bring what many hours add up to down to one hour or window; `figure` is as if they had been one hour."""
    value = figure.value * _scale(measure)
    if measure.term.aggregation in COUNTING and measure.divided_by is None:
        value = value / np.maximum(busy, 1)
    return Figures(np.where(busy >= least_hours, value, np.nan), figure.points)


def hours_with_data(scene: Scene, measure: Points, columns: Sequence[Columns]) -> Floats:
    """In how many of these hours each series had any point of the measure."""
    wanted = sorted({*measure.term.names, *(measure.divided_by.names if measure.divided_by else ())})
    busy = np.zeros(len(scene.axis))
    for one in columns:
        busy += scene.memo.folded([one], wanted, scene.axis).count > 0
    return busy


def _scale(measure: Points) -> float:
    """How much of an hour's count or sum falls to a window."""
    window_counts = measure.term.aggregation in ("count", "sum") and measure.divided_by is None
    return measure.over / HOUR_MS if window_counts else 1.0


def _nothing(scene: Scene) -> Figures:
    return Figures(np.full(len(scene.axis), np.nan), np.zeros(len(scene.axis)))


def usual_by_slot(rule: Rule, scene: Scene, baselines: Baselines) -> Figures:
    """The baseline of each series of a rule; nan where there is none."""
    usual = baselines.usual.get(rule.baseline_id)
    settled = scene.evidence.settled
    if usual is None or settled is None or not baselines.lasts(settled):
        return _nothing(scene)

    def align() -> Figures:
        made = _nothing(scene)
        slots: list[Any] = [scene.axis.index.get(pairs, -1) for pairs in usual.series]
        known = np.array(slots, dtype=np.int64)
        chosen = known >= 0
        made.value[known[chosen]] = np.array(usual.values)[chosen]
        made.points[known[chosen]] = np.array(usual.points)[chosen]
        return made

    return scene.memo.keep(("usual", baselines.serial, rule.baseline_id, id(scene.axis)), align, baselines, scene.axis)
