"""What people ask of a rollout. Being completed; the signatures stay."""

from __future__ import annotations

from collections.abc import Sequence

from functions.domain.rollout import Action, Rollout, Step, Wave


def commanded(rollout: Rollout, waves: Sequence[Wave], action: Action, *, by: str, now: int, detail: str = "") -> Step:
    """The rollout after an action; no writes: the next step makes them. Raises `Conflict` that names what is possible now."""
    raise NotImplementedError


def possible(rollout: Rollout, waves: Sequence[Wave] = ()) -> tuple[Action, ...]:
    """What may be asked of it now."""
    raise NotImplementedError
