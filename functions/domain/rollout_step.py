"""Steps a rollout: what becomes of it, by what is seen now. Being completed; the signature stays."""

from __future__ import annotations

from collections.abc import Sequence

from functions.domain.rollout import Observed, Rollout, Step, Wave

SETTLE_MS = 30_000
"""Writes of a step come at most so long after its `now`: whoever makes them stops before, the next step makes the rest."""


def step(rollout: Rollout, waves: Sequence[Wave], observed: Observed, now: int) -> Step:
    """The next state; `now` in ms. `waves` are all of the rollout's. Nothing that is given is changed."""
    raise NotImplementedError


def wants_verdict(rollout: Rollout) -> bool:
    """Whether a step would use a verdict of the gate (`Observed.verdict`)."""
    raise NotImplementedError


def wants_joined(rollout: Rollout) -> bool:
    """Whether a step would use `Observed.joined`."""
    raise NotImplementedError
