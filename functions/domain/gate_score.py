"""Scores of a gate's metrics: against each reference, how sure and how large a difference is, and which metrics fail by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from functions.domain.gate_means import Amounts, means
from functions.domain.gate_policy import GatePolicy
from functions.domain.gate_tables import Floats, Ints
from functions.domain.gate_weigh import Design, Mask, Trials, Weight, weigh
from functions.domain.tasks import ERRORS

MIN_BAD = 3
"""Fewer bad tasks are never a reason to fail."""
MIN_REFERENCE = 20
"""A reference with fewer tasks is none."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric of all agents. Of `task.errors` the amounts are the failed among the finished tasks."""

    trials: Trials
    """One question a limit."""
    amounts: Amounts
    """One question."""


class Against(NamedTuple):
    """One reference, by metric."""

    log_evidence: Floats
    """Natural log of the e-value."""
    times: Floats
    """How many times what the reference says it should be."""
    usable: Mask
    """There is one, be it silent."""
    value: Floats
    """What it says the metric should be; NaN without a sample."""

    def worse(self, policy: GatePolicy) -> Mask:
        """Surely, and by enough."""
        return self.sure(policy) & self.large(policy)

    def sure(self, policy: GatePolicy) -> Mask:
        """The evidence suffices."""
        found: Mask = self.log_evidence >= -np.log(policy.alpha)
        return found

    def large(self, policy: GatePolicy) -> Mask:
        """The difference suffices."""
        found: Mask = self.times >= policy.ratio
        return found


class Scores(NamedTuple):
    """By metric."""

    bad: Ints
    """Bad tasks of changed agents."""
    total: Ints
    """All of their tasks that tell this metric."""
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
    bad, total = ((counts * design.after)[:, design.changed].sum(axis=(1, 2)) for counts in trials)
    rates = np.array([name == ERRORS for name in names])
    past, control = (
        _against(weight, found.changed, value, first, rates) for weight, value in zip(weights, (found.past, found.control), strict=True)
    )
    return Scores(np.maximum.reduceat(bad, first), total[first], found.changed, past, control)


def fails(scores: Scores, policy: GatePolicy, *, untouched: bool = True) -> Mask:
    """Which metrics fail: worse than each reference that there is.

    A control that is not `untouched` has changed itself, a short while ago: nothing fails by that alone.
    """
    worse = [~one.usable | one.worse(policy) for one in (scores.past, scores.control)]
    some = scores.past.usable | (scores.control.usable & untouched)
    found: Mask = some & worse[0] & worse[1] & (scores.bad >= MIN_BAD)
    return found


def _against(weight: Weight, changed: Floats, value: Floats, first: Ints, rates: Mask) -> Against:
    """Put the limits of each metric together: a mean of e-values is one."""
    sizes = np.diff(np.append(first, len(weight.log_evidence)))
    top = np.maximum.reduceat(weight.log_evidence, first)
    evidence = top + np.log(np.add.reduceat(np.exp(weight.log_evidence - np.repeat(top, sizes)), first) / sizes)
    share, expected = weight.share[first], weight.expected[first]
    times = np.where(rates, _times(share, expected), _times(changed, value))
    return Against(evidence, times, weight.tasks[first] >= MIN_REFERENCE, np.where(rates, expected, value))


def _times(found: Floats, expected: Floats) -> Floats:
    """Anything is endlessly many times nothing."""
    endless = np.where((found > 0) & ~np.isnan(expected), np.inf, 0.0)
    return np.divide(found, expected, out=endless, where=expected > 0)
