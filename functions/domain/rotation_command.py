"""What people ask of a rotation: pause, resume, abort. A command changes the state; the next step does what follows from it."""

from __future__ import annotations

from collections.abc import Mapping

from functions.domain.errors import Conflict
from functions.domain.rollout import Action, HoldCause
from functions.domain.rollout_command import MAX_DETAIL
from functions.domain.rotation import FINAL_ROTATION, Rotation, RotationPhase
from functions.domain.rotation_draft import Draft
from functions.domain.rotation_view import RotationStep

_RUNNING = frozenset(
    {
        RotationPhase.QUEUED,
        RotationPhase.PREFLIGHT,
        RotationPhase.STAGING,
        RotationPhase.ROLLING,
        RotationPhase.PROMOTING,
        RotationPhase.DRAINING,
    }
)
_ACTIONS = (Action.PAUSE, Action.RESUME, Action.ABORT)


def commanded(rotation: Rotation, action: Action, *, by: str, now: int, detail: str = "") -> RotationStep:
    """The rotation after an action of the token `by`; its effects are empty. Raises `Conflict` that says why not, and what is possible."""
    allowed = possible(rotation)
    if action not in allowed:
        offer = f"possible are {', '.join(allowed)}" if allowed else "nothing can be asked of it now"
        raise Conflict(f"{action.value} is not possible: {_why_not(rotation, action)}; {offer}")
    draft = Draft(rotation, now)
    comment = f": {detail[:MAX_DETAIL]}" if detail else ""
    draft.note(action.value, f"{rotation.phase.value}{comment}", by)
    match action:
        case Action.PAUSE:
            draft.move(RotationPhase.PAUSED, f"paused by {by}{comment}")
            draft.head.resume_to = rotation.phase
        case Action.RESUME:
            _resume(draft, rotation, f"resumed by {by}{comment}")
        case _:
            draft.turn(f"aborted by {by}{comment}")
    return draft.finish(0)


def possible(rotation: Rotation) -> tuple[Action, ...]:
    """What may be asked of it now."""
    phase, turned = rotation.phase, RotationPhase.ABORTING in (rotation.phase, rotation.resume_to)
    may: Mapping[Action, bool] = {
        Action.PAUSE: phase in _RUNNING and rotation.revoke_asked is None,
        Action.RESUME: phase in (RotationPhase.HELD, RotationPhase.PAUSED),
        Action.ABORT: phase not in FINAL_ROTATION and not turned and not revoked(rotation),
    }
    return tuple(action for action in _ACTIONS if may[action])


def revoked(rotation: Rotation) -> bool:
    """Whether the old key is, or may be, revoked: there is no way back then."""
    return rotation.revoke_asked is not None or rotation.revoked_at is not None


def _resume(draft: Draft, rotation: Rotation, reason: str) -> None:
    head, cause = draft.head, rotation.hold.cause if rotation.hold else None
    draft.move(rotation.resume_to or RotationPhase.PREFLIGHT, reason)
    head.nudged = cause
    if cause is HoldCause.IN_USE and head.phase is RotationPhase.DRAINING:
        head.forced = True


def _why_not(rotation: Rotation, action: Action) -> str:
    if rotation.phase in FINAL_ROTATION:
        return f"the rotation is over ({rotation.phase.value})"
    if RotationPhase.ABORTING in (rotation.phase, rotation.resume_to) and action is not Action.RESUME:
        return "the rotation is going back already, which nothing interrupts"
    if revoked(rotation) and action is not Action.RESUME:
        return "the old key is being revoked, so there is nothing to go back to or to wait for"
    return f"the rotation is {rotation.phase.value}"
