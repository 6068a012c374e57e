"""How much more bad tasks come in clumps than chance would have it: the design effect that evidence is divided by.

An agent's bad tasks are counted in stretches of the time before the change. If they came by chance, the variance over the stretches would
be their mean; what it is beyond that, in multiples of the mean, grows with the mean, as with a rate that goes up and down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from functions.domain.gate_tables import Floats, Ints

CALM = 10.0
"""Weight of the assumption that there are no clumps, in stretches."""


class Clumps(NamedTuple):
    """By question."""

    factor: Floats
    """Variance in multiples of chance, at least 1."""
    size: Floats
    """Bad tasks of an agent in a stretch, on average; above 0."""

    def at(self, size: Floats) -> Floats:
        """The factor of so many bad tasks an agent."""
        found: Floats = 1 + (self.factor - 1) * size / self.size
        return found


@dataclass(frozen=True, slots=True)
class Stretches:
    """Counts by question, agent and stretch of the time before."""

    bad: Ints
    total: Ints

    def clumps(self, *, shared: bool) -> Clumps:
        """`shared`: what all agents have in common counts, too; else only what each has on its own."""
        rate = self.bad.sum(axis=2, keepdims=True) / np.maximum(self.total.sum(axis=2, keepdims=True), 1)
        expected = self.total * rate
        if not shared:
            expected = self._in_common(expected)
        used = (self.total > 0) & (rate > 0) & (rate < 1)
        chance = expected * np.clip(1 - expected / np.maximum(self.total, 1), 0.05, 1.0)
        some = used & (chance > 0)
        squares = ((self.bad - expected) ** 2 / np.where(some, chance, 1.0) * some).sum(axis=(1, 2))
        freedom = self._freedom(used, shared=shared)
        size = (expected * used).sum(axis=(1, 2)) / np.maximum(used.sum(axis=(1, 2)), 1)
        return Clumps(np.maximum(1.0, (squares + CALM) / (freedom + CALM)), np.where(size > 0, size, 1.0))

    def _in_common(self, expected: Floats) -> Floats:
        """What is expected of each when all went up and down together; an agent's own sum stays."""
        common = self.bad.sum(axis=1, keepdims=True) / np.maximum(expected.sum(axis=1, keepdims=True), 1e-9)
        moved = expected * common
        found: Floats = moved * self.bad.sum(axis=2, keepdims=True) / np.maximum(moved.sum(axis=2, keepdims=True), 1e-9)
        return found

    def _freedom(self, used: np.ndarray, *, shared: bool) -> Floats:
        live = used.sum(axis=2)
        freedom = np.maximum(live - 1, 0).sum(axis=1).astype(np.float64)
        agents = (live > 1).sum(axis=1)
        found: Floats = freedom if shared else freedom * np.maximum(agents - 1, 0) / np.maximum(agents, 1)
        return found
