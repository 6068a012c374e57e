"""The gate's judgement: whether changed agents are worse than both their own past and a control, surely enough and by enough.

Each metric becomes a question of bad tasks among all: failed ones, or those beyond limits that were percentiles before the change.
`gate_weigh` says how much evidence there is; here it is judged, and told with its numbers.

A metric fails when, against **each** reference that can be used, the evidence (an e-value) is at least 1/alpha, and the metric at least
`ratio` times what the reference says it should be. docs/gate.md has the method, its sources, and how often it errs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from functions.domain.gate_means import Amounts, means
from functions.domain.gate_policy import GatePolicy
from functions.domain.gate_tables import Floats, Ints
from functions.domain.gate_text import amount, count, reference
from functions.domain.gate_weigh import Design, Mask, Trials, Weight, weigh
from functions.domain.rollout import Finding, Outcome
from functions.domain.tasks import ERRORS

MIN_BAD = 3
"""Fewer bad tasks are never a reason to fail."""
MIN_REFERENCE = 20
"""A reference with fewer tasks is none."""
MAX_EVIDENCE = 1e12
"""What is more is told as this."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric of all agents. Of `task.errors` the amounts are the failed among the finished tasks."""

    trials: Trials
    """One question a limit."""
    amounts: Amounts
    """One question."""


@dataclass(frozen=True, slots=True)
class Panel:
    """All that a judgement rests on."""

    design: Design
    finished: Ints
    """Tasks by agent and slot."""
    samples: Mapping[str, Sample]
    """By metric."""

    @property
    def tasks(self) -> int:
        """Of changed agents, since the change."""
        return int((self.finished * self.design.after)[self.design.changed].sum())

    @property
    def control_tasks(self) -> int:
        """Of the control, at the same time."""
        return int((self.finished * self.design.after)[~self.design.changed].sum())

    @property
    def control_agents(self) -> int:
        """How many there are."""
        return int((~self.design.changed).sum())


class Judgement(NamedTuple):
    """What is to be thought of a change, and why."""

    outcome: Outcome
    reason: str
    findings: list[Finding]


class Against(NamedTuple):
    """One reference, by metric."""

    log_evidence: Floats
    times: Floats
    """How many times what the reference says it should be."""
    usable: Mask
    expected: Floats
    """Share of bad tasks."""
    value: Floats
    """What it says the metric should be; NaN without a sample."""


def judge(panel: Panel, policy: GatePolicy) -> Judgement:
    """Judge by what there is so far."""
    names = [name for name in policy.metrics if name in panel.samples]
    if not panel.tasks:
        return Judgement(Outcome.INCONCLUSIVE, f"no task finished since the change, {policy.min_tasks} are needed", [])
    if not names:
        return Judgement(Outcome.INCONCLUSIVE, f"no agent tells {' or '.join(policy.metrics)}", [])
    scores = score(names, [panel.samples[name] for name in names], panel.design)
    failed = fails(scores, policy)
    findings = [_finding(name, number, scores, bool(failed[number]), policy) for number, name in enumerate(names)]
    return Judgement(*_sum_up(panel, findings, policy), findings)


class Scores(NamedTuple):
    """By metric."""

    bad: Ints
    """Bad tasks of changed agents."""
    total: Ints
    share: Floats
    value: Floats
    """The metric itself: a rate, or an amount per task; NaN without a sample."""
    past: Against
    control: Against


def score(names: Sequence[str], samples: Sequence[Sample], design: Design) -> Scores:
    """Weigh some metrics, all questions at once."""
    limits = [len(sample.trials.bad) for sample in samples]
    trials = Trials(*(np.concatenate([sample.trials[side] for sample in samples]) for side in (0, 1)))
    amounts = Amounts(*(np.concatenate([sample.amounts[side] for sample in samples]) for side in (0, 1)))
    first = np.cumsum([0, *limits[:-1]])
    weights, found = weigh(trials, design), means(amounts, design)
    bad = (trials.bad * design.after)[:, design.changed].sum(axis=(1, 2))
    total = (trials.total * design.after)[:, design.changed].sum(axis=(1, 2))
    rates = np.array([name == ERRORS for name in names])
    past = _against(weights[0], found.changed, found.past, first, rates)
    control = _against(weights[1], found.changed, found.control, first, rates)
    most = np.maximum.reduceat(bad, first)
    return Scores(most, total[first], most / np.maximum(total[first], 1), found.changed, past, control)


def fails(scores: Scores, policy: GatePolicy) -> Mask:
    """Which metrics fail."""
    usable = scores.past.usable | scores.control.usable
    surely = [
        ~reference.usable | ((reference.log_evidence >= -np.log(policy.alpha)) & (reference.times >= policy.ratio))
        for reference in (scores.past, scores.control)
    ]
    found: Mask = usable & surely[0] & surely[1] & (scores.bad >= MIN_BAD)
    return found


def _finding(name: str, number: int, scores: Scores, failed: bool, policy: GatePolicy) -> Finding:
    references = {"its own past": scores.past, "the control": scores.control}
    usable = {word: one for word, one in references.items() if one.usable[number]}
    shown = {word: one for word, one in references.items() if not np.isnan(one.value[number])}
    total = int(scores.total[number])
    if not total or not usable:
        lacking = "nothing to compare with" if total else "no task has told it since the change"
        outcome, conclusion = Outcome.INCONCLUSIVE, lacking
    else:
        outcome = Outcome.FAIL if failed else Outcome.PASS
        conclusion = _conclusion(number, list(usable.values()), failed, policy) + (f" than {' and '.join(usable)}" if failed else "")
    said = [amount(name, float(scores.value[number])) + f" over {count(total, 'task')}"] if total else []
    said += [reference(word, name, float(one.value[number]), _evidence(one, number)) for word, one in shown.items()]
    return Finding(
        metric=name,
        outcome=outcome,
        wave=_known(scores.value[number]),
        past=_known(scores.past.value[number]),
        control=_known(scores.control.value[number]),
        evidence=min((_evidence(one, number) for one in usable.values()), default=0.0),
        reason=f"{name}: {', '.join(said)}: {conclusion}" if said else f"{name}: {conclusion}",
    )


def _conclusion(number: int, usable: Sequence[Against], failed: bool, policy: GatePolicy) -> str:
    sure = all(one.log_evidence[number] >= -np.log(policy.alpha) for one in usable)
    large = all(one.times[number] >= policy.ratio for one in usable)
    if failed:
        return "worse"
    if large and sure:
        return f"fewer than {MIN_BAD} bad tasks are no reason to fail"
    if large:
        return f"looks worse, but not surely enough (an e-value of {1 / policy.alpha:,.0f} is needed)"
    return f"worse, but less than {policy.ratio:g} times" if sure else "no sign of it being worse"


def _sum_up(panel: Panel, findings: Sequence[Finding], policy: GatePolicy) -> tuple[Outcome, str]:
    tasks = f"{count(panel.tasks, 'task')} finished since the change"
    failed = [finding for finding in findings if finding.outcome is Outcome.FAIL]
    if failed:
        return Outcome.FAIL, "; ".join(finding.reason for finding in failed)
    if panel.tasks < policy.min_tasks:
        return Outcome.INCONCLUSIVE, f"{tasks}, {policy.min_tasks} are needed"
    if all(finding.outcome is Outcome.INCONCLUSIVE for finding in findings):
        return Outcome.INCONCLUSIVE, f"{tasks}, but there is nothing to compare them with: neither a past nor a control"
    return Outcome.PASS, f"{tasks}, no metric is surely worse: " + "; ".join(finding.reason for finding in findings)


def _evidence(against: Against, number: int) -> float:
    return float(np.exp(min(against.log_evidence[number], np.log(MAX_EVIDENCE))))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _against(weight: Weight, changed: Floats, value: Floats, first: Ints, rates: Mask) -> Against:
    """Put the limits of each metric together: a mean of e-values is one."""
    sizes = np.diff(np.append(first, len(weight.log_evidence)))
    top = np.maximum.reduceat(weight.log_evidence, first)
    evidence = top + np.log(np.add.reduceat(np.exp(weight.log_evidence - np.repeat(top, sizes)), first) / sizes)
    share, expected, tasks = weight.share[first], weight.expected[first], weight.tasks[first]
    times = np.where(rates, _times(share, expected), _times(changed, value))
    usable = (tasks >= MIN_REFERENCE) & ~np.isnan(share) & ~np.isnan(np.where(rates, share, value))
    return Against(evidence, times, usable, expected, np.where(rates, expected, value))


def _times(found: Floats, expected: Floats) -> Floats:
    """Anything is endlessly many times nothing."""
    endless = np.where(found > 0, np.inf, 0.0)
    return np.divide(found, expected, out=endless, where=expected > 0)
