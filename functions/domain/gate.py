"""The gate's judgement: whether changed agents are worse than both their own past and a control, surely enough and by enough.

Each metric becomes a question of bad tasks among all: failed ones, or those beyond limits that were percentiles before the change.
`gate_weigh` says how much evidence there is, `gate_score` what follows for each metric; here the sum is drawn, and told with its numbers.

A metric fails when, against **each** reference that can be used, the evidence (an e-value) is at least 1/alpha, and the metric at least
`ratio` times what the reference says it should be. docs/gate.md has the method, its sources, and how often it errs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import NamedTuple

import numpy as np

from functions.domain.gate_policy import GatePolicy
from functions.domain.gate_score import MIN_BAD, Against, Sample, Scores, fails, score
from functions.domain.gate_tables import Ints
from functions.domain.gate_text import amount, count, reference
from functions.domain.gate_weigh import Design
from functions.domain.rollout import Finding, Outcome

PAST = "its own past"
CONTROL = "the control"
MAX_EVIDENCE = 1e12
"""What is more is told as this."""


@dataclass(frozen=True, slots=True)
class Panel:
    """All that a judgement rests on."""

    design: Design
    finished: Ints
    """Tasks by agent and slot."""
    samples: Mapping[str, Sample]
    """By metric; those that nobody tells are absent."""
    untouched: bool = True
    """False: nobody is left who has not changed, and who changed earlier stands in as control."""

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


def judge(panel: Panel, policy: GatePolicy) -> Judgement:
    """Judge by what there is so far."""
    names = [name for name in policy.metrics if name in panel.samples]
    if not panel.tasks:
        return Judgement(Outcome.INCONCLUSIVE, f"no task finished since the change, {policy.min_tasks} are needed", [])
    if not names:
        return Judgement(Outcome.INCONCLUSIVE, f"no agent tells {' or '.join(policy.metrics)}", [])
    scores = score(names, [panel.samples[name] for name in names], panel.design)
    failed = fails(scores, policy, untouched=panel.untouched)
    findings = [_finding(name, _Sight.of(number, scores, policy, panel), bool(failed[number])) for number, name in enumerate(names)]
    return Judgement(*_sum_up(panel, findings, policy), findings)


class _Look(NamedTuple):
    """One reference of one metric."""

    value: float
    evidence: float
    sure: bool
    large: bool


class _Sight(NamedTuple):
    """All of one metric."""

    value: float
    bad: int
    total: int
    references: dict[str, _Look]
    """Those that there are; with NaN for one that is silent."""
    told: dict[str, float]
    """What each reference says it should be, usable or not."""
    untouched: bool
    policy: GatePolicy

    @classmethod
    def of(cls, number: int, scores: Scores, policy: GatePolicy, panel: Panel) -> _Sight:
        both = {PAST: scores.past, CONTROL: scores.control}
        return cls(
            value=float(scores.value[number]),
            bad=int(scores.bad[number]),
            total=int(scores.total[number]),
            references={word: _look(one, number, policy) for word, one in both.items() if one.usable[number]},
            told={word: float(one.value[number]) for word, one in both.items() if not np.isnan(one.value[number])},
            untouched=panel.untouched,
            policy=policy,
        )


def _look(one: Against, number: int, policy: GatePolicy) -> _Look:
    evidence = float(np.exp(min(one.log_evidence[number], np.log(MAX_EVIDENCE))))
    return _Look(float(one.value[number]), evidence, bool(one.sure(policy)[number]), bool(one.large(policy)[number]))


def _finding(name: str, sight: _Sight, failed: bool) -> Finding:
    outcome, conclusion = _concluded(sight, failed)
    said = [f"{amount(name, sight.value)} over {count(sight.total, 'task')}"] if sight.total else []
    expected = [reference(word, name, one.value, one.evidence) for word, one in sight.references.items() if not isnan(one.value)]
    said += ["expected " + ", ".join(expected)] if expected else []
    return Finding(
        metric=name,
        outcome=outcome,
        wave=sight.value if sight.total else None,
        past=sight.told.get(PAST),
        control=sight.told.get(CONTROL),
        evidence=min((one.evidence for one in sight.references.values()), default=0.0),
        reason=f"{name} {'; '.join(said)}: {conclusion}" if said else f"{name}: {conclusion}",
    )


def _concluded(sight: _Sight, failed: bool) -> tuple[Outcome, str]:
    """What is to be thought of one metric, in words."""
    references = sight.references
    worse = [word for word, one in references.items() if one.sure and one.large]
    if failed:
        return Outcome.FAIL, "worse than " + " and ".join(worse)
    undecided = _undecided(sight, worse)
    if undecided:
        return Outcome.INCONCLUSIVE, undecided
    if len(worse) == len(references):
        return Outcome.PASS, f"{count(sight.bad, 'bad task')}, fewer than {MIN_BAD} are no reason to fail"
    if worse:
        return Outcome.PASS, f"worse than {worse[0]}, but not than {_other(sight, worse[0])}"
    if all(one.large for one in references.values()):
        return Outcome.PASS, f"perhaps worse, but not surely: that takes e-values of {1 / sight.policy.alpha:,.0f}"
    if all(one.sure for one in references.values()):
        return Outcome.PASS, f"worse, but less than {sight.policy.ratio:g} times"
    return Outcome.PASS, "not worse"


def _undecided(sight: _Sight, worse: Sequence[str]) -> str:
    """Why nobody can tell; empty if one can."""
    references = sight.references
    if not sight.total:
        return "no task has told it since the change"
    if all(isnan(one.value) for one in references.values()):
        return "there is nothing to compare it with"
    if worse == [CONTROL] and not sight.untouched and PAST not in references:
        return "worse than those that changed earlier, which is not enough without a past of its own"
    if len(worse) != 1 or len(references) == 1:
        return ""
    if isnan(references[_other(sight, worse[0])].value):
        return f"worse than {worse[0]}, but {_other(sight, worse[0])} has no task at the same time to compare with"
    if worse == [PAST] and not sight.untouched:
        return "worse than its own past, but so are those that changed earlier: it may be an incident, or the change once all have it"
    return ""


def _other(sight: _Sight, word: str) -> str:
    """The other one of two references."""
    return next(one for one in sight.references if one != word)


def _sum_up(panel: Panel, findings: Sequence[Finding], policy: GatePolicy) -> tuple[Outcome, str]:
    tasks = f"{count(panel.tasks, 'task')} finished since the change"
    failed = [finding.reason for finding in findings if finding.outcome is Outcome.FAIL]
    if failed:
        return Outcome.FAIL, "; ".join(failed)
    if panel.tasks < policy.min_tasks:
        return Outcome.INCONCLUSIVE, f"{tasks}, {policy.min_tasks} are needed"
    open_ = [finding for finding in findings if finding.outcome is Outcome.INCONCLUSIVE]
    doubtful = [finding.reason for finding in open_ if finding.evidence]
    if doubtful:
        return Outcome.INCONCLUSIVE, "; ".join(doubtful)
    if len(open_) == len(findings):
        return Outcome.INCONCLUSIVE, f"{tasks}, but there is nothing to compare them with: neither a past nor a control"
    return Outcome.PASS, f"{tasks}, nothing is surely worse: " + "; ".join(finding.reason for finding in findings)
