"""Regressions: a task that costs or takes more than it did, told apart from more tasks and from another mix of them.

    change of a total = traffic (more tasks of the same mix) + mix (more of the dear ones) + per task (each costs more)

Only the last is a regression. It is measured stratum by stratum (tier, agent, model …) and never on the pooled mean, which can rise while
every stratum falls (Simpson).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from functions.domain.alert_text import figure
from functions.domain.creep import Creep, find_creeps
from functions.domain.regression_periods import Figures, Interval, Periods, RegressionPolicy, Work
from functions.domain.robust import found_by

__all__ = ["Comparison", "Comparisons", "Creep", "RegressionPolicy", "Verdict", "Work", "compare", "find_creeps"]

_LISTED: Final = 5


class Verdict(StrEnum):
    """What a comparison says."""

    REGRESSION = "regression"
    """Surely more per task, and by enough."""
    IMPROVEMENT = "improvement"
    SAME = "same"
    """Nothing that is sure and large enough."""
    TOO_LITTLE = "too_little"
    """Too few tasks or days to say."""


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
    """Interval of the ratio: 95 %, more where many strata are compared, so that it holds for all but `alpha` of those that are found."""
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
    policy = policy or RegressionPolicy()
    periods = Periods.of(before, after)
    enough = periods.enough(policy.min_tasks, policy.min_days)
    ratios = periods.ratios(enough)
    amount = max(int(np.count_nonzero(enough)), 1)
    found = int(np.count_nonzero(found_by(ratios.chance[enough], policy.alpha)))
    strata = [
        _comparison(
            name, periods.figures(row), ratios.at(row, policy.alpha * max(found, 1) / amount) if enough[row] else None, unit, policy
        )
        for row, name in enumerate(names)
    ]
    whole = periods.whole
    total = whole.ratio_of_all(policy.min_tasks, policy.min_days)
    return Comparisons(
        total=_comparison("all", whole.figures_of_all(), total.at(0, policy.alpha) if total else None, unit, policy),
        strata=strata,
        notes=_notes(periods, names, unit),
    )


def _comparison(name: str, figures: Figures, found: Interval | None, unit: str, policy: RegressionPolicy) -> Comparison:
    verdict, reason = _judge(figures, found, unit, policy)
    return Comparison(
        name=name,
        before=figures.before,
        after=figures.after,
        tasks_before=figures.tasks_before,
        tasks_after=figures.tasks_after,
        ratio=found.ratio if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        traffic=figures.traffic,
        mix=figures.mix,
        per_task=figures.per_task,
        verdict=verdict,
        reason=f"{name}: {reason}",
    )


def _judge(figures: Figures, found: Interval | None, unit: str, policy: RegressionPolicy) -> tuple[Verdict, str]:
    if figures.before is None or figures.after is None:
        return Verdict.TOO_LITTLE, f"no task {'before' if figures.before is None else 'since'}"
    told = f"{figure(figures.after, unit)} a task, before {figure(figures.before, unit)}"
    if found is None:
        fewest = min(figures.tasks_before, figures.tasks_after)
        why = f"fewer than {policy.min_tasks} tasks or {policy.min_days} days" if figures.before > 0 else "nothing before"
        return Verdict.TOO_LITTLE, f"{told}, which says nothing: {why} ({fewest:,.0f} tasks in one of the periods)"
    told += f": {found.ratio:.2f} times ({found.low:.2f} to {found.high:.2f}) over {figures.tasks_after:,.0f} tasks"
    if found.low > 1 and found.ratio >= policy.ratio:
        return Verdict.REGRESSION, told + (f"; {figure(figures.per_task, unit)} more than before for the same tasks" if unit == "$" else "")
    if found.high < 1 and found.ratio <= 1 / policy.ratio:
        return Verdict.IMPROVEMENT, told
    return Verdict.SAME, told


def _notes(periods: Periods, names: Sequence[str], unit: str) -> list[str]:
    """Strata of one period only: nothing says what a task of theirs cost in the other."""
    notes = []
    for word, total, other in (("new", periods.after, periods.before), ("gone", periods.before, periods.after)):
        rows = np.flatnonzero((total.tasks > 0) & (other.tasks == 0))
        if len(rows):
            listed = ", ".join(names[row] for row in rows[:_LISTED]) + (f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else "")
            amount = f", {figure(float(total.total[rows].sum()), unit)}" if unit == "$" else ""
            notes.append(f"left out of the total: {listed} ({word}{amount})")
    return notes
