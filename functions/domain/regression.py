"""Regressions: a task that costs or takes more than it did, told apart from more tasks and from another mix of them.

    change of a total = traffic (more tasks of the same mix) + mix (more of the dear ones) + per task (each costs more)

Only the last is a regression. It is measured stratum by stratum (tier, agent, model …) and never on the pooled mean, which can rise while
every stratum falls (Simpson).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from functions.domain.alert_columns import Floats


class Verdict(StrEnum):
    """What a comparison says."""

    REGRESSION = "regression"
    """Surely more per task, and by enough."""
    IMPROVEMENT = "improvement"
    SAME = "same"
    """Nothing that is sure and large enough."""
    TOO_LITTLE = "too_little"
    """Too few tasks or days to say."""


class Work(NamedTuple):
    """What some strata did in a period: arrays [stratum, hour] from `first_hour` on. Hours that are not known are nan in both."""

    sums: Floats
    """Of the metric: USD, ms."""
    counts: Floats
    """Tasks that have it."""
    first_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionPolicy:
    """What counts as a regression."""

    alpha: float = 0.05
    """How often a whole call finds any by chance, at most."""
    ratio: float = 1.2
    """Nothing less than so many times what a task had before."""
    min_tasks: int = 50
    """In each period."""
    min_days: int = 4
    """With tasks, in each period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A stratum, or all of them, in two periods. Figures per task are None without tasks."""

    name: str
    before: float | None
    """Mean per task."""
    after: float | None
    tasks_before: float
    tasks_after: float
    ratio: float | None
    """Per task, times; of all strata: at the mix of the later period."""
    low: float | None
    high: float | None
    """Interval of the ratio that holds for all comparisons of the call at once."""
    traffic: float
    mix: float
    per_task: float
    """What each did to the total, in the metric's unit; periods of different length are brought to that of the later."""
    verdict: Verdict
    reason: str
    """A sentence with its numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """A metric in two periods."""

    total: Comparison
    """All strata that both periods have, at the later mix."""
    strata: Sequence[Comparison]
    """In the order of the rows."""
    notes: Sequence[str] = ()
    """What was left out, and why."""

    @property
    def regressions(self) -> list[Comparison]:
        """Strata that are worse, those that cost most first."""
        worse = [one for one in self.strata if one.verdict is Verdict.REGRESSION]
        return sorted(worse, key=lambda one: -one.per_task)


def compare(before: Work, after: Work, *, names: Sequence[str], unit: str = "", policy: RegressionPolicy | None = None) -> Comparisons:
    """Compare two periods, best of whole weeks; rows of both are the strata that `names` tell, `unit` is one of `alert_text.figure`."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Creep:
    """A stratum whose figure per task rises day by day."""

    series: int
    """Row."""
    name: str
    per_week: float
    """Median rise, as a fraction of the level at the beginning."""
    low: float
    high: float
    """95 % interval of it."""
    before: float
    after: float
    """Level per task at both ends."""
    chance: float
    """How many so clear ones the whole call finds by chance."""
    evidence: str


def find_creeps(work: Work, *, names: Sequence[str], unit: str = "", policy: RegressionPolicy | None = None) -> list[Creep]:
    """Strata that got worse slowly, by a trend test over two weeks or more; those that rose most first.

    `policy.ratio` is how many times the beginning's level the end's must be.
    """
    raise NotImplementedError
