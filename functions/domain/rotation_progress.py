"""How far a rotation is, and when it will probably be through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from functions.domain import rollout_eta
from functions.domain.rollout import FINAL, MemberState, Phase, Rollout, Wave
from functions.domain.rotation import FINAL_ROTATION, Rotation, RotationPhase
from functions.domain.tasks import ERRORS
from functions.domain.times import SECOND_MS

FINISH_MS = 15 * SECOND_MS
"""What promoting, or retiring, takes."""


class Progress(NamedTuple):
    """Figures of the present rollout of a rotation."""

    agents: int
    done: int
    """Report the key that they are to have."""
    failed: int
    asleep: int
    """Get it when they wake."""
    wave: int
    """From 1; 0 before the first."""
    waves: int
    error_rate: float | None
    """Of the present wave's tasks since its agents changed; None before anybody looked, or without a task."""
    others_rate: float | None
    """Of all other agents in the same time."""
    back: bool
    """Agents go back: then `done` are those that are."""


def progress(rotation: Rotation, rollout: Rollout | None) -> Progress:
    """The figures; zeros before there is a rollout."""
    if rollout is None:
        return Progress(0, 0, 0, 0, 0, 0, None, None, rotation.back)
    back = rotation.back or rollout.phase in (Phase.REVERTING, Phase.REVERTED)
    # A rollout of its own that brings agents back goes forward.
    there = MemberState.REVERTED if rollout.phase in (Phase.REVERTING, Phase.REVERTED) else MemberState.APPLIED
    verdict = max(rollout.verdicts, key=lambda verdict: verdict.wave, default=None)
    found = next((finding for finding in verdict.findings if finding.metric == ERRORS), None) if verdict else None
    return Progress(
        agents=rollout.members,
        done=rollout.counts.get(there.value, 0),
        failed=rollout.counts.get(MemberState.FAILED.value, 0),
        asleep=rollout.counts.get(MemberState.ASLEEP.value, 0),
        wave=min(rollout.wave + 1, rollout.waves),
        waves=rollout.waves,
        error_rate=found.wave if found else None,
        others_rate=found.control if found else None,
        back=back,
    )


def eta(rotation: Rotation, rollout: Rollout | None, waves: Sequence[Wave], now: int) -> int | None:
    """When it will be over (ms), if all goes well; None when that depends on people, on others, or cannot be told yet."""
    drain = rotation.policy.unused_s * SECOND_MS if _drains(rotation) else 0
    match rotation.phase:
        case RotationPhase.ROLLING if rollout is not None and rollout.phase not in FINAL:
            through = rollout_eta.eta(rollout, waves, now)
            return None if through is None else through + 2 * FINISH_MS + drain
        case RotationPhase.PROMOTING | RotationPhase.ROLLING:
            return now + 2 * FINISH_MS + drain if rollout is not None else None
        case RotationPhase.DRAINING:
            return max(now, max(rotation.last_old_use or 0, rotation.since) + drain) + FINISH_MS
        case RotationPhase.RETIRING:
            return now + FINISH_MS
    return None


def over(rotation: Rotation) -> bool:
    """Whether nothing follows any more."""
    return rotation.phase in FINAL_ROTATION


def _drains(rotation: Rotation) -> bool:
    return rotation.old is not None and rotation.policy.retire and not rotation.emergency
