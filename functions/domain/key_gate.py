"""The gate of a rotation: whether tasks of the wave fail since its agents have the new key.

- One task of the wave that the provider refused for its key fails the wave.
- Else the share of the wave's tasks that failed is compared with that of the other agents' in the same time. The wave fails when chance
  alone hardly makes so many of them fail (one-sided exact binomial test, 1 %) where the others' share and `abort_above` together are true.
  So 1 of 3 is no reason to fail, 2 of 3 is one where the others do well, and of many tasks a share little above the bound is one.
- The others' share is taken at the upper end of what their tasks tell (90 %), and while they tell little at `USUAL` at most, or twice what
  was seen.
- No task at all is a pass: each agent has tried the key before it took it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from functions.domain import tasks
from functions.domain.gate_text import count, percent
from functions.domain.rollout import Finding, Outcome, Verdict

CHANCE = 0.01
"""Of failing a wave whose tasks fail as often as is allowed, at one look."""
DOUBT = 0.1
"""Chance that the others' tasks really fail more often than is assumed."""
USUAL = 0.05
"""Share of failing tasks that is assumed at most where the others' tasks are too few to tell."""
_NAMED = 5


class Evidence(NamedTuple):
    """What was found in the batches of the last minutes."""

    agents: int
    """Of the wave, that have the new key."""
    tasks: int
    """Finished by them since each has it."""
    failed: int
    refused: Mapping[str, int]
    """Tasks that failed for the key, by agent of the wave; those without any are left out."""
    other_agents: int
    """That finished a task in the same time."""
    other_tasks: int
    other_failed: int


def judge(evidence: Evidence, abort_above: float, now: int) -> Verdict:
    """The verdict at `now` (ms); `abort_above` as in `RotationPolicy`."""
    finding = _finding(evidence, abort_above)
    return Verdict(
        outcome=finding.outcome,
        reason=finding.reason,
        findings=[finding],
        tasks=evidence.tasks,
        control_tasks=evidence.other_tasks,
        control_agents=evidence.other_agents,
        looked_at=now,
    )


def _finding(evidence: Evidence, abort_above: float) -> Finding:
    wave, others = _share(evidence.failed, evidence.tasks), _share(evidence.other_failed, evidence.other_tasks)
    outcome, reason = _weigh(evidence, abort_above)
    return Finding(metric=tasks.ERRORS, outcome=outcome, wave=wave, control=others, reason=reason)


def _weigh(evidence: Evidence, abort_above: float) -> tuple[Outcome, str]:
    if evidence.refused:
        amount = sum(evidence.refused.values())
        named = sorted(evidence.refused)
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return Outcome.FAIL, f"{count(amount, 'task')} failed because the provider refused the key, on {', '.join(named[:_NAMED])}{more}"
    if not evidence.tasks:
        return Outcome.PASS, "no task since they have the new key, which each of them has tried"
    bound = assumed(evidence.other_failed, evidence.other_tasks) + abort_above
    text = f"{evidence.failed} of {count(evidence.tasks, 'task')} failed ({percent(evidence.failed / evidence.tasks)}), {_others(evidence)}"
    if bound < 1 and at_least(evidence.failed, evidence.tasks, bound) <= CHANCE:
        return Outcome.FAIL, f"{text}: more than {percent(abort_above)} above them"
    few = "; too few to tell it from chance" if evidence.failed / evidence.tasks > bound else ""
    return Outcome.PASS, text + few


def _others(evidence: Evidence) -> str:
    if not evidence.other_tasks:
        return "and no other agent finished any"
    share = percent(evidence.other_failed / evidence.other_tasks)
    return f"{evidence.other_failed} of {evidence.other_tasks:,} ({share}) of {count(evidence.other_agents, 'other agent')}"


def assumed(failed: int, amount: int) -> float:
    """What share of the others' tasks fails, taken high."""
    seen = failed / amount if amount else 0.0
    low, high = seen, min(1.0, max(2 * seen, USUAL))
    if not amount or at_least(failed + 1, amount, high) < 1 - DOUBT:
        return high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if at_least(failed + 1, amount, middle) < 1 - DOUBT else (low, middle)
    return high


def at_least(failed: int, amount: int, share: float) -> float:
    """The chance that at least so many of an amount fail when a share of them does."""
    if failed <= 0:
        return 1.0
    if failed > amount or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    if failed <= amount * share:
        return max(0.0, 1.0 - _sum(0, failed, amount, share))
    return min(1.0, _sum(failed, amount + 1, amount, share))


def _sum(start: int, end: int, amount: int, share: float) -> float:
    yes, no, all_ = math.log(share), math.log1p(-share), math.lgamma(amount + 1)
    return math.fsum(
        math.exp(all_ - math.lgamma(each + 1) - math.lgamma(amount - each + 1) + each * yes + (amount - each) * no)
        for each in range(start, end)
    )


def _share(failed: int, amount: int) -> float | None:
    return failed / amount if amount else None
