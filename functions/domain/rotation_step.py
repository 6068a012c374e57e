"""Steps a rotation: what becomes of it by what is seen now. docs/rotation.md has its phases as a picture.

A step looks at levels, never at edges: at Vault, at its rollout, at what agents report. One that crashed before its effects, one that comes
twice and one that nobody made for an hour do no harm. At every moment the keys that agents are to use lie in Vault, and are valid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.domain.rollout import FINAL, Action, HoldCause, Phase
from functions.domain.rotation import FINAL_ROTATION, Rotation, RotationPhase, VaultState
from functions.domain.rotation_back import aborting
from functions.domain.rotation_draft import HELD_S, LOOK_S, QUICK_S, Draft
from functions.domain.rotation_fleet import Fleet
from functions.domain.rotation_forward import promoting, rolling, staging
from functions.domain.rotation_preflight import preflight
from functions.domain.rotation_retire import draining, in_use, retiring
from functions.domain.rotation_view import SETTLE_MS, WRITING_MS, CommandRollout, RotationStep, RotationView

__all__ = ["SETTLE_MS", "WRITING_MS", "step", "wants_test", "wants_usage", "wants_writable"]

QUEUED_S = 30
_STILL = (Phase.HELD, Phase.STOPPED)


def step(rotation: Rotation, view: RotationView, now: int) -> RotationStep:
    """The next state; `now` in ms. Nothing that is given is changed."""
    if rotation.phase in FINAL_ROTATION:
        return RotationStep(rotation, (), (), None)
    draft = Draft(rotation, now)
    fleet = Fleet(view.agents, rotation, view.apart, now)
    seconds = _PHASES[rotation.phase](draft, view, fleet)
    draft.head.stepped_at = now
    return draft.finish(seconds)


def wants_test(rotation: Rotation) -> str | None:
    """The fingerprint of the key that a step wants tried (`RotationView.test`), wherever in Vault it lies."""
    if rotation.phase is RotationPhase.PREFLIGHT:
        return rotation.new
    revoking = RotationPhase.RETIRING in (rotation.phase, rotation.resume_to)
    revoking = revoking or (rotation.phase is RotationPhase.ROLLING and rotation.revoke_asked is not None)
    return rotation.old if revoking and rotation.revoked_at is None else None


def wants_usage(rotation: Rotation) -> bool:
    """Whether a step wants to know of the use of the old key (`RotationView.usage`)."""
    return RotationPhase.DRAINING in (rotation.phase, rotation.resume_to) and rotation.revoke_asked is None


def wants_writable(rotation: Rotation) -> bool:
    """Whether a step wants to know that Vault can be written: a fault of that is a `VaultFault` then."""
    return rotation.phase is RotationPhase.PREFLIGHT


def _queued(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    # A dry run changes nothing, so it waits for nobody.
    if view.position and not draft.head.dry_run:
        draft.head.reason = f"waits for {view.position} other rotation{'s' if view.position > 1 else ''}"
        return QUEUED_S
    draft.move(RotationPhase.PREFLIGHT, "preflight")
    return 0


def _held(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """What is over by itself goes on by itself; all else is for people."""
    head = draft.head
    cause, goes_on = head.hold.cause if head.hold else None, head.resume_to or RotationPhase.PREFLIGHT
    if head.unread_since is not None:
        if not isinstance(view.vault, VaultState):
            return HELD_S
        draft.move(goes_on, "Vault can be read again")
        return 0
    if cause is HoldCause.ROLLOUT:
        gone_on = view.rollout is not None and view.rollout.phase not in _STILL
        if gone_on and not (head.revoke_asked is not None and view.rollout and view.rollout.phase in (Phase.REVERTING, Phase.REVERTED)):
            draft.move(goes_on, "its rollout has gone on")
            return 0
        return HELD_S
    if cause is HoldCause.PROVIDER and goes_on is RotationPhase.RETIRING:
        answered = view.test is not None and not view.test.retry
        if answered and view.test and (head.silent_since is not None or not view.test.accepted):
            draft.move(goes_on, "the provider can be asked again" if view.test.accepted else "the old key was revoked")
            head.revoke_asked = head.revoke_asked or draft.now
            return 0
        return HELD_S
    if cause is HoldCause.IN_USE:
        return _held_for_users(draft, view, fleet, goes_on)
    return None


def _held_for_users(draft: Draft, view: RotationView, fleet: Fleet, goes_on: RotationPhase) -> float | None:
    head = draft.head
    if goes_on is RotationPhase.DRAINING:
        still = bool(fleet.users(head.old)) or in_use(draft, view, fleet, {}) is not None
    else:
        wanted = head.old if goes_on is RotationPhase.ABORTING else head.new
        still = bool(wanted and fleet.laggards(wanted))
    if not still:
        draft.move(goes_on, "agents have come along")
        return 0
    return HELD_S


def _paused(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """Its rollout is paused, too; one that goes back is not."""
    head, rollout = draft.head, view.rollout
    if head.resume_to is not RotationPhase.ROLLING or head.rollout is None:
        return None
    if rollout is None:
        return draft.unsettled_s or None
    if rollout.phase in (Phase.REVERTING, Phase.REVERTED) and head.revoke_asked is None:
        draft.turn(rollout.reason)
        return 0
    if rollout.phase in (Phase.WAITING, Phase.APPLYING, Phase.BAKING):
        head.paused_rollout = True
        draft.ask(CommandRollout(rollout.id, Action.PAUSE, rollout.version))
        return QUICK_S
    return None if rollout.phase in FINAL or rollout.phase is Phase.HELD else LOOK_S


_PHASES: Mapping[RotationPhase, Callable[[Draft, RotationView, Fleet], float | None]] = {
    RotationPhase.QUEUED: _queued,
    RotationPhase.PREFLIGHT: preflight,
    RotationPhase.STAGING: staging,
    RotationPhase.ROLLING: rolling,
    RotationPhase.PROMOTING: promoting,
    RotationPhase.DRAINING: draining,
    RotationPhase.RETIRING: retiring,
    RotationPhase.ABORTING: aborting,
    RotationPhase.HELD: _held,
    RotationPhase.PAUSED: _paused,
}
