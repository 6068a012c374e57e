"""Means of changed agents and of their references: how large a difference is, as apart from how sure it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from functions.domain.gate_tables import Floats, Ints
from functions.domain.gate_weigh import Design, over


class Amounts(NamedTuple):
    """By question, agent and slot."""

    sums: Floats
    counts: Ints


class Means(NamedTuple):
    """By question; NaN where there is nothing to take a mean of."""

    changed: Floats
    """Of the changed agents' values since the change."""
    past: Floats
    """What their past says it should be: each agent counts with as many values as it has now."""
    control: Floats
    """What the control says it should be: what agents of the same cell have now, times how the changed agents compared with them before."""


def means(amounts: Amounts, design: Design) -> Means:
    """Means of each question."""
    sums, counts = over(amounts.sums, design.after), over(amounts.counts, design.after)
    past_sums, past_counts = over(amounts.sums, design.before), over(amounts.counts, design.before)
    changed = design.changed
    now = counts[:, changed]
    return Means(
        _ratio(sums[:, changed].sum(axis=1), now.sum(axis=1)),
        _weighted(_ratio(past_sums[:, changed], past_counts[:, changed]), now),
        _expected((sums, counts), (past_sums, past_counts), design),
    )


def _expected(after: tuple[Floats, Ints], before: tuple[Floats, Ints], design: Design) -> Floats:
    values, weights = [], []
    for cell in np.unique(design.cell):
        mine, theirs = design.changed & (design.cell == cell), ~design.changed & (design.cell == cell)
        now = after[1][:, mine]
        level = _ratio(after[0][:, theirs].sum(axis=1), after[1][:, theirs].sum(axis=1))
        # Before: each changed agent with the weight it has now.
        own = _weighted(_ratio(before[0][:, mine], before[1][:, mine]), now)
        other = _ratio(before[0][:, theirs].sum(axis=1), before[1][:, theirs].sum(axis=1))
        apart = np.divide(own, other, out=np.ones_like(own), where=(own > 0) & (other > 0))
        values.append(level * apart)
        weights.append(now.sum(axis=1))
    return _weighted(np.stack(values, axis=1), np.stack(weights, axis=1))


def _ratio(sums: Floats, counts: Ints) -> Floats:
    found: Floats = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return found


def _weighted(values: Floats, weights: Ints) -> Floats:
    """Mean of the values that there are, along the last axis."""
    there = ~np.isnan(values)
    total = np.where(there, weights, 0).sum(axis=1)
    return _ratio(np.where(there, values * weights, 0.0).sum(axis=1), total)
