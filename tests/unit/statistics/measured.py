"""How well statistics find what is wrong in the synthetic fleets of `fleets`: precision, recall, coverage. Seeded: the same at each run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache

import numpy as np

from functions.domain.anomaly import Direction, Scale, find_anomalies
from functions.domain.change_bisect import Change, bisect
from functions.domain.forecast import forecast
from functions.domain.leak import find_leaks
from functions.domain.regression import Verdict, Work, compare, find_creeps
from functions.domain.times import HOUR_MS
from tests.unit.statistics.fleets import (
    DAY,
    MONDAY,
    SPENDING,
    WEEK,
    Label,
    spending,
    with_anomalies,
    with_culprit,
    with_leaks,
    with_regressions,
)

SEED = 20_261
SCALES = {"cost": Scale.AMOUNT, "latency": Scale.SIZE, "cpu": Scale.LEVEL}


@dataclass(frozen=True)
class Score:
    """What was found of what there is."""

    series: int
    labelled: int
    hits: int
    """Of the labels."""
    found: int
    right: int
    """Of what was found."""

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.hits / self.labelled

    @property
    def wrong(self) -> float:
        """What is found and wrong, of all cases."""
        return (self.found - self.right) / self.labelled


@dataclass(frozen=True)
class Coverage:
    """How forecasts came true."""

    forecasts: int
    within: float
    """Share of the totals inside of the 80 % interval."""
    error: float
    """Median of how far the expected total was off, as a fraction."""
    width: float
    """Median of half of the interval, as a fraction of the total."""


def anomalies(metric: str, weeks: int, leave_out: Collection[str] = ()) -> Score:
    """One metric of 450 agents, a fifth of them odd in the last week."""
    fleet = with_anomalies(metric, series=450, weeks=weeks, seed=SEED)
    rows = [row for row, kind in enumerate(fleet.kinds) if kind not in leave_out]
    place = {row: number for number, row in enumerate(rows)}
    labels = [label for label in fleet.labels if label.series in place]
    found = find_anomalies(
        fleet.values[rows],
        fleet.first_hour,
        names=[str(row) for row in rows],
        scale=SCALES[metric],
        counts=None if metric == "cpu" else fleet.counts[rows],
        watch_from=fleet.watch_from,
    )

    def same(label: Label, row: int, first: int, last: int) -> bool:
        return place[label.series] == row and first < label.last_hour and label.first_hour < last

    hits = sum(
        any(same(label, one.series, one.first_hour, one.last_hour) and (one.direction is Direction.UP) == label.up for one in found)
        for label in labels
    )
    right = sum(any(same(label, one.series, one.first_hour, one.last_hour) for label in labels) for one in found)
    return Score(len(rows), len(labels), hits, len(found), right)


def leaks(days: int) -> Score:
    """480 agents, a tenth of them leak."""
    fleet = with_leaks(series=480, days=days, seed=SEED)
    found = find_leaks(fleet.values, fleet.first_hour, names=fleet.kinds)
    return _score(len(fleet.kinds), fleet.labels, [one.series for one in found])


def regressions(agents: int, per_hour: float) -> Score:
    """Week against week; 15 % of the agents are worse by a quarter, by half, twice."""
    tasks = with_regressions(agents=agents, weeks=2, seed=SEED, per_hour=per_hour)
    before, after = (Work(tasks.sums[:, part], tasks.counts[:, part], hour) for part, hour in _weeks())
    found = compare(before, after, names=tasks.kinds, unit="$")
    return _score(agents, tasks.labels, [row for row, one in enumerate(found.strata) if one.verdict is Verdict.REGRESSION])


def _weeks() -> list[tuple[slice, int]]:
    return [(slice(None, WEEK), MONDAY), (slice(WEEK, None), MONDAY + WEEK)]


def creeps(weeks: int) -> Score:
    """240 agents, of which 15 % get dearer day by day, by a quarter to twice in all."""
    tasks = with_regressions(agents=240, weeks=weeks, seed=SEED, creeping=True)
    found = find_creeps(Work(tasks.sums, tasks.counts, MONDAY), names=tasks.kinds, unit="$")
    return _score(len(tasks.kinds), tasks.labels, [one.series for one in found])


def bisects(cause: str, agents: int, factor: float, runs: int = 30) -> Score:
    """Two weeks with nine changes, of which one is the reason; or none of the eight, or nothing happened."""
    hits, named, right = 0, 0, 0
    for seed in range(SEED, SEED + runs):
        timeline = with_culprit(cause, agents=agents, factor=factor, seed=seed)
        changes = [Change(text=text, at=at * HOUR_MS, until=until * HOUR_MS, agents=whom) for text, at, until, whom in timeline.changes]
        culprit = bisect(Work(timeline.tasks.sums, timeline.tasks.counts, MONDAY), timeline.agents, changes).culprit
        said = culprit.text if culprit else None
        hits += said == timeline.culprit
        named += said is not None
        right += said is not None and said == timeline.culprit
    return Score(agents, runs, hits, named, right)


def forecasts(weeks_before: int, day: int, runs: int = 20) -> Coverage:
    """Four weeks' cost, forecast on a day of them."""
    start = MONDAY + weeks_before * WEEK
    rows = []
    for number, kind in enumerate(SPENDING):
        for run in range(runs):
            values = spending(kind, weeks_before + 4, SEED + 1000 * number + run)
            now = start + day * DAY + 7
            told = forecast(values, MONDAY, period_start=start, now_hour=now, period_end=start + 4 * WEEK)
            total = float(values[weeks_before * WEEK :].sum())
            rows.append((told.low <= total <= told.high, abs(told.expected / total - 1), (told.high - told.low) / total / 2))
    within, error, width = np.array(rows, dtype=np.float64).T
    return Coverage(len(rows), float(within.mean()), float(np.median(error)), float(np.median(width)))


def _score(series: int, labels: list[Label], found: list[int]) -> Score:
    wrong = {label.series for label in labels}
    hits = wrong & set(found)
    return Score(series, len(labels), len(hits), len(found), sum(row in wrong for row in found))


@dataclass(frozen=True)
class Measure:
    """One row of a table, and how good it has to stay."""

    name: str
    run: Callable[[], Score]
    precision: float
    recall: float


@dataclass(frozen=True)
class Naming:
    """One row of the table of bisects: of all answers, how many are right at least, and name the wrong change at most."""

    name: str
    run: Callable[[], Score]
    right: float
    wrong: float


@dataclass(frozen=True)
class Forecasts:
    """One row of the table of forecasts: how many come true at least, and how far off they are at most."""

    name: str
    run: Callable[[], Coverage]
    within: float
    error: float


def _once[T, **P](measure: Callable[P, T], *args: P.args, **more: P.kwargs) -> Callable[[], T]:
    return cache(lambda: measure(*args, **more))


DETECTION = (
    Measure("anomalies: cost, 5 weeks known", _once(anomalies, "cost", 5), 0.90, 0.67),
    Measure("anomalies: latency, 5 weeks known", _once(anomalies, "latency", 5), 0.95, 0.91),
    Measure("anomalies: CPU, 5 weeks known", _once(anomalies, "cpu", 5), 0.97, 0.93),
    Measure("anomalies: cost, 2 weeks known", _once(anomalies, "cost", 2), 0.94, 0.55),
    Measure("anomalies: latency, 2 weeks known", _once(anomalies, "latency", 2), 0.94, 0.76),
    Measure("anomalies: CPU, 2 weeks known", _once(anomalies, "cpu", 2), 0.97, 0.93),
    Measure("anomalies: cost, 1 week known, no weekly jobs", _once(anomalies, "cost", 1, ("weekly job",)), 0.86, 0.29),
    Measure("anomalies: latency, 1 week known, no weekly jobs", _once(anomalies, "latency", 1, ("weekly job",)), 0.96, 0.36),
    Measure("anomalies: CPU, 1 week known, no weekly jobs", _once(anomalies, "cpu", 1, ("weekly job",)), 0.97, 0.85),
    Measure("anomalies: cost, 1 week known, weekly jobs in every ninth agent", _once(anomalies, "cost", 1), 0.30, 0.25),
    Measure("leaks: 7 days", _once(leaks, 7), 0.95, 0.92),
    Measure("leaks: 14 days", _once(leaks, 14), 0.97, 0.92),
    Measure("leaks: 28 days", _once(leaks, 28), 0.97, 0.96),
    Measure("regressions: week against week, 150 tasks a day and agent", _once(regressions, 480, 6.0), 0.86, 0.86),
    Measure("regressions: week against week, 25 tasks a day and agent", _once(regressions, 480, 1.0), 0.77, 0.56),
    Measure("creeps: 3 weeks", _once(creeps, 3), 0.77, 0.44),
    Measure("creeps: 5 weeks", _once(creeps, 5), 0.95, 0.66),
)
BISECTS = (
    Naming("all × 1.2 at once", _once(bisects, "all", 10, 1.2), 0.93, 0.00),
    Naming("40 % of them × 1.2", _once(bisects, "some", 10, 1.2), 0.80, 0.00),
    Naming("× 1.5, rolled out over 20 h", _once(bisects, "rolled out", 10, 1.5), 0.86, 0.07),
    Naming("× 1.5, of no known change", _once(bisects, "unknown", 10, 1.5), 0.93, 0.04),
    Naming("nothing happened", _once(bisects, "nothing", 10, 1.0), 0.93, 0.04),
    Naming("one agent alone, × 1.5", _once(bisects, "all", 1, 1.5), 0.90, 0.04),
)
FORECASTS = (
    Forecasts("none before, on the first Saturday", _once(forecasts, 0, 5), 0.85, 0.12),
    Forecasts("two before, on day 11", _once(forecasts, 2, 10), 0.85, 0.02),
    Forecasts("four before, on day 21", _once(forecasts, 4, 20), 0.88, 0.01),
)
