"""Cost regressions: groups whose tasks cost more than in the period before, other than by more tasks or another mix of agents.

A group's figure is made of its agents', each against itself (`domain.regression`); the likeliest change is sought for those that got
worse (`domain.change_bisect`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from functions.domain import tasks, usage
from functions.domain.change_bisect import Bisect, Change, bisect
from functions.domain.regression import Comparison, RegressionPolicy, Verdict, Work, compare
from functions.domain.rollup import TagPairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.usage_frame import UsageFrame

NAMES: Final = frozenset((tasks.COST, usage.PRICED))
ALPHA: Final = 0.05
"""How often all groups together show any regression by chance, at most."""
UNIT: Final = "$"


@dataclass(frozen=True, slots=True)
class Regressed:
    """A group in two periods."""

    tags: TagPairs
    found: Comparison
    cause: Bisect | None
    """Of a regression."""
    notes: Sequence[str]


def regressions(
    frame: UsageFrame,
    by: Sequence[str],
    middle: int,
    ratio: float,
    changes: Collection[Change],
    selector: Selector | None = None,
    overlay: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Regressed]:
    """Groups before and after the hour `middle`, those whose tasks cost most more first; `ratio` is the least that counts."""
    keys = (*by, *((AGENT,) if AGENT not in by else ()))
    groups = frame.group(keys, selector, overlay)
    sums, counts = (sum_of(frame, [getattr(frame.hourly(name, groups), field) for name in NAMES]) for field in ("sum", "count"))
    members: dict[TagPairs, list[int]] = {}
    for row, key in enumerate(groups.keys):
        if np.nansum(counts[row]):
            members.setdefault(tuple(pair for pair in key if pair[0] in by), []).append(row)
    policy = RegressionPolicy(alpha=ALPHA / max(1, len(members)), ratio=ratio)
    found = []
    for group, rows in members.items():
        agents = [dict(groups.keys[row]).get(AGENT, "") for row in rows]
        work = Work(sums[rows], counts[rows], frame.first_hour)
        found.append(_compared(group, work, agents, middle, policy, changes))
    return sorted(found, key=lambda one: (one.found.verdict is not Verdict.REGRESSION, -one.found.per_task, one.tags))


def sum_of(frame: UsageFrame, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Metrics together, [group, hour]; hours that are missing are nan."""
    total: np.ndarray = np.sum(parts, axis=0, dtype=np.float64)
    total[:, sorted(hour - frame.first_hour for hour in frame.missing)] = np.nan
    return total


def _compared(
    group: TagPairs, work: Work, agents: Sequence[str], middle: int, policy: RegressionPolicy, changes: Collection[Change]
) -> Regressed:
    cut = middle - work.first_hour
    before = Work(work.sums[:, :cut], work.counts[:, :cut], work.first_hour)
    after = Work(work.sums[:, cut:], work.counts[:, cut:], middle)
    made = compare(before, after, names=agents, unit=UNIT, policy=policy)
    cause = bisect(work, agents, changes, unit=UNIT) if made.total.verdict is Verdict.REGRESSION else None
    return Regressed(group, made.total, cause, made.notes)
