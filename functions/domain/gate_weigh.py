"""Weighing: how much some agents' tasks of after a change speak for it having made them worse.

The question is always one of bad tasks among all (failed ones, or those beyond a limit), in a panel of agents by slots of time. There are
two references, and evidence against each:

past     the same agents before the change. One table an agent, so it does not matter that agents differ, or that traffic shifts among them.
control  other agents at the same time. One table a cell (agents with the same tags) and slot, so it does not matter what happens to all at
         once. That the changed agents were better or worse than the control before is allowed for (`_levels`): difference in differences.

Evidence is a mixture of likelihood ratios over odds ratios, an e-value. Tasks of an agent are alike for some time: how much more bad tasks
come and go than by chance is estimated from the time before (`gate_clumps`), and evidence is divided by it.

All arrays have a leading axis of questions that are weighed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from functions.domain.gate_clumps import Clumps, Stretches
from functions.domain.gate_tables import Floats, Ints, log_ratios

type Mask = npt.NDArray[np.bool_]

ODDS = np.array([1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 1000.0])
"""How much worse the changed agents may be: odds ratios."""
PRIOR = np.array([0.10, 0.20, 0.25, 0.20, 0.10, 0.05, 0.05, 0.05])
"""How much each of them is bet on."""
MARGIN = 2.0
"""How many standard errors of their level before the change the changed agents are given for free."""


def over[T: (Ints, Floats)](counts: T, mask: Mask) -> T:
    """Sums over the slots of a mask, by question and agent."""
    found: T = np.einsum("kas,as->ka", counts, mask.astype(counts.dtype))
    return found


@dataclass(frozen=True, slots=True)
class Design:
    """Who is compared with whom, and when."""

    changed: Mask
    """By agent; the others are the control."""
    cell: Ints
    """By agent: agents of one cell have the same tags."""
    before: Mask
    """By agent and slot: before the change."""
    after: Mask
    """By agent and slot: after it; of the control, at the time of it."""
    window: Ints
    """By slot: which stretch of time it belongs to, about as long as the time after; -1: to none."""


class Trials(NamedTuple):
    """Counts by question, agent and slot; 0 <= bad <= total."""

    bad: Ints
    total: Ints


class Weight(NamedTuple):
    """What a reference says, by question."""

    log_evidence: Floats
    """Natural log of the e-value; 0 without any evidence."""
    share: Floats
    """Bad among the changed agents' tasks that have a counterpart in this reference; NaN without any."""
    expected: Floats
    """Which share the reference says there should be; NaN without any."""
    tasks: Ints
    """Of the reference; of a control before or after the change, whichever is more, lest it only come to be while one looks."""


def weigh(trials: Trials, design: Design) -> tuple[Weight, Weight]:
    """Against the past, and against the control."""
    before = Trials(over(trials.bad, design.before), over(trials.total, design.before))
    after = Trials(over(trials.bad, design.after), over(trials.total, design.after))
    stretches = _stretches(trials, design)
    past = _past(before, after, design.changed, stretches.clumps(shared=True))
    return past, _control(trials, design, before, after, stretches.clumps(shared=False))


def _past(before: Trials, after: Trials, changed: Mask, clumps: Clumps) -> Weight:
    bad, total = after.bad[:, changed], after.total[:, changed]
    was_bad, was = before.bad[:, changed], before.total[:, changed]
    logs = _sum_ratios(bad, total, was_bad, was, np.zeros(bad.shape))
    known = was > 0
    expected = (total * was_bad / np.maximum(was, 1)).sum(axis=1)
    alike = clumps.at(expected / np.maximum((known & (total > 0)).sum(axis=1), 1))
    return _weight(logs, alike, np.where(known, bad, 0).sum(axis=1), expected, np.where(known, total, 0).sum(axis=1), was.sum(axis=1))


def _control(trials: Trials, design: Design, before: Trials, after: Trials, clumps: Clumps) -> Weight:
    level, variance = _levels(before, design.cell, clumps.factor)
    sides = [_by_stratum(trials, design, design.changed == side, level) for side in (True, False)]
    (bad, total, mine), (was_bad, was, theirs) = sides
    known = (total > 0) & (was > 0)
    offset = np.where(known, np.log(np.maximum(mine, 1e-9) / np.maximum(theirs, 1e-9)), 0.0)
    error = np.sqrt(sum(_relative_variance(after.total, level, variance, design.changed == side) for side in (True, False)))
    logs = _sum_ratios(bad, total, was_bad, was, offset + MARGIN * error[:, None])
    expected = np.where(known, total * np.minimum(1.0, was_bad / np.maximum(was, 1) * np.exp(offset)), 0.0).sum(axis=1)
    alike = clumps.at(expected / np.maximum((after.total[:, design.changed] > 0).sum(axis=1), 1))
    there = np.maximum(*(counts.total[:, ~design.changed].sum(axis=1) for counts in (before, after)))
    return _weight(logs, alike, np.where(known, bad, 0).sum(axis=1), expected, np.where(known, total, 0).sum(axis=1), there)


def _weight(logs: Floats, alike: Floats, bad: Ints, expected: Floats, total: Ints, reference: Ints) -> Weight:
    mixed = logs / alike[:, None] + np.log(PRIOR)
    top = mixed.max(axis=1)
    evidence = top + np.log(np.exp(mixed - top[:, None]).sum(axis=1))
    some, amount = total > 0, np.maximum(total, 1)
    return Weight(np.where(some, evidence, 0.0), np.where(some, bad / amount, np.nan), np.where(some, expected / amount, np.nan), reference)


def _sum_ratios(bad: Ints, total: Ints, other_bad: Ints, other: Ints, offset: Floats) -> Floats:
    """Log likelihood ratios by question and odds ratio, over all tables of a question."""
    a, n, s, m = bad.ravel(), total.ravel(), (bad + other_bad).ravel(), other.ravel()
    some = np.flatnonzero((n > 0) & (m > 0) & (s > 0))
    logs = log_ratios(a[some], n[some], s[some], m[some], np.log(ODDS), offset.ravel()[some])
    question = some // bad.shape[1] if bad.shape[1] else some
    return np.stack([np.bincount(question, weights=column, minlength=bad.shape[0]) for column in logs.T], axis=1)


def _by_stratum(trials: Trials, design: Design, side: Mask, level: Floats) -> tuple[Ints, Ints, Floats]:
    """Bad and all tasks of one side by cell and slot, and the mean level of the agents that they are of."""
    bads, totals, means = [], [], []
    for cell in np.unique(design.cell):
        agents = side & (design.cell == cell)
        mask = design.after[agents]
        total = trials.total[:, agents] * mask
        amount = total.sum(axis=1)
        bads.append((trials.bad[:, agents] * mask).sum(axis=1))
        totals.append(amount)
        means.append(np.where(amount > 0, (total * level[:, agents, None]).sum(axis=1) / np.maximum(amount, 1), 1.0))
    return np.concatenate(bads, axis=1), np.concatenate(totals, axis=1), np.concatenate(means, axis=1)


def _levels(before: Trials, cell: Ints, alike: Floats) -> tuple[Floats, Floats]:
    """By question and agent: how many times as bad as its cell an agent is by nature, and the variance of that.

    Empirical Bayes: an agent's own past counts the more the longer it is, and the more the agents differ beyond chance.
    """
    expected, chance = np.zeros(before.bad.shape), np.zeros(before.bad.shape)
    for one in np.unique(cell):
        agents = cell == one
        total = before.total[:, agents]
        rate = before.bad[:, agents].sum(axis=1, keepdims=True) / np.maximum(total.sum(axis=1, keepdims=True), 1)
        expected[:, agents] = total * rate
        share = total / np.maximum(total.sum(axis=1, keepdims=True), 1)
        chance[:, agents] = expected[:, agents] * (1 - rate) * (1 - share)
    excess = ((before.bad - expected) ** 2 - alike[:, None] * chance).sum(axis=1)
    spread = np.maximum(0.0, excess / np.maximum((expected**2).sum(axis=1), 1e-9))[:, None]
    weight = spread / alike[:, None]
    level = (weight * before.bad + 1) / (weight * expected + 1)
    return level, spread * level / (weight * expected + 1)


def _relative_variance(total: Ints, level: Floats, variance: Floats, side: Mask) -> Floats:
    """Of the mean level of one side, by question."""
    amount = total[:, side].astype(np.float64)
    mean = (amount * level[:, side]).sum(axis=1)
    found: Floats = (amount**2 * variance[:, side]).sum(axis=1) / np.maximum(mean, 1e-9) ** 2
    return np.where(mean > 0, found, 0.0)


def _stretches(trials: Trials, design: Design) -> Stretches:
    numbers = np.unique(design.window[design.window >= 0])
    masks = [design.before & (design.window == number) for number in numbers]
    empty = np.zeros((*trials.bad.shape[:2], 0), dtype=np.int64)
    return Stretches(*(np.stack([over(counts, mask) for mask in masks], axis=2) if masks else empty for counts in trials))
