"""The way back of a rotation: agents to the former key, verified; then the new key out of Vault.

Nothing here is remembered: what is still to be done is seen from the rollout, from Vault, and from the agents. So a crash, and a forward
step of somebody slow that comes in between, are made good by the next step.
"""

from __future__ import annotations

from itertools import islice

from functions.domain.rollout import FINAL, Action, HoldCause, Phase, Rollout
from functions.domain.rotation import Alias, Rotation, RotationPhase, VaultState
from functions.domain.rotation_draft import HELD_S, LOOK_S, MAX_ASSIGNED, QUICK_S, SOON_S, Draft
from functions.domain.rotation_fleet import Fleet, named
from functions.domain.rotation_forward import drop_incoming
from functions.domain.rotation_launch import again, held, launch, urge, waiting
from functions.domain.rotation_vault import delete, demotion, lies, stuck, unread
from functions.domain.rotation_view import Assign, CommandRollout, DeleteAlias, RotationView, VaultFault
from functions.domain.times import SECOND_MS


def aborting(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """A step on the way back; seconds as in `RotationStep`."""
    head = draft.head
    if view.rollout is not None and view.rollout.phase is not Phase.HELD and head.nudged is HoldCause.ROLLOUT:
        head.nudged = None
    seconds = _turn_rollout(draft, view.rollout)
    if seconds is not None or head.phase is not RotationPhase.ABORTING:
        return seconds
    seconds = unread(draft, view)
    if seconds is not None or isinstance(view.vault, VaultFault):
        return seconds
    if not head.staged:
        # Nothing was changed, or all of it was by an earlier rotation.
        return _clear(draft, view, view.vault, fleet)
    done = _demoted(draft, view, view.vault)
    if done is not True:
        return done
    seconds = _agents_back(draft, view, fleet)
    if seconds is not None or head.phase is not RotationPhase.ABORTING:
        return seconds
    return _clear(draft, view, view.vault, fleet)


def _turn_rollout(draft: Draft, rollout: Rollout | None) -> float | None:
    """Seconds to wait for the rollout that brought the new key to turn around; None: it has, or has run its course, or never began."""
    head = draft.head
    if head.rollout is None or head.back:
        return None
    if rollout is None:
        # One that was asked for may still begin.
        return draft.unsettled_s or None
    if rollout.phase in FINAL:
        return None
    if rollout.phase is Phase.REVERTING:
        head.reason = f"agents go back: {rollout.reason}"
        return QUICK_S
    if rollout.phase is Phase.HELD and rollout.hold is not None and rollout.hold.cause is HoldCause.REVERT:
        return held(draft, rollout)
    draft.put_back(CommandRollout(rollout.id, Action.ABORT, rollout.version))
    return SOON_S


def _demoted(draft: Draft, view: RotationView, vault: VaultState) -> float | bool | None:
    """True: the former key is `current`, or there was none; else seconds."""
    head = draft.head
    if head.old is None:
        return True
    change = demotion(vault, head.old, head.new)
    if change is None:
        return True
    if vault.current == head.new and lies(vault, head.old, Alias.OLD) is None:
        draft.hold(HoldCause.VAULT, "the former key is not in Vault any more: put it under old, then resume")
        return None
    seconds = stuck(draft, view, "makes the former key the current one again")
    if seconds is not None:
        draft.put_back(change)
    return seconds


def _agents_back(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """Seconds to wait for agents to come back; None: they are, or people leave them as they are."""
    head, rollout = draft.head, view.rollout
    moved = fleet.assigned(head.new)
    if head.back and rollout is not None and rollout.phase not in FINAL:
        if rollout.phase is Phase.HELD:
            return held(draft, rollout)
        head.reason = f"agents go back: {rollout.reason}"
        return QUICK_S if urge(draft, rollout) else LOOK_S
    if moved and not head.back:
        head.back = True
        launch(draft, moved, head.old, at_once=True)
        return SOON_S
    if moved and rollout is None:
        seconds = waiting(draft, view)
        if head.phase is RotationPhase.ABORTING:
            again(draft, moved, head.old, at_once=True)
        return seconds
    if moved:
        # It has run its course: these came afterwards, or were told the new key by somebody slow.
        draft.put_back(*(Assign(id, head.old, head.new) for id in islice(moved, MAX_ASSIGNED)))
        return SOON_S
    return _verify(draft, fleet)


def _verify(draft: Draft, fleet: Fleet) -> float | None:
    head = draft.head
    if head.old is None or head.nudged is HoldCause.IN_USE:
        return None
    # Nobody else's errors: only who still says that he uses the new key.
    behind = {id: agent for id, agent in fleet.laggards(head.old).items() if agent.reported == head.new}
    if not behind:
        return None
    text = f"the new key is still used, and not the former one, by {named(behind, why=True)}"
    if draft.now - head.since < 2 * head.policy.apply_s * SECOND_MS:
        head.reason = text
        return QUICK_S
    draft.hold(HoldCause.IN_USE, text)
    return HELD_S


def _clear(draft: Draft, view: RotationView, vault: VaultState, fleet: Fleet) -> float | None:
    """Take the new key out of Vault, unless an agent that does not let go of it may need it."""
    head = draft.head
    if draft.unsettled_s:
        # A write that promotes may still come, and needs the former key to be under both aliases.
        return draft.unsettled_s
    left = {} if head.old is None else {id: agent for id, agent in fleet.users(head.new).items() if fleet.awake(agent)}
    change = _removal(head, vault, keep=bool(left))
    if change is not None:
        seconds = stuck(draft, view, "takes the new key out of Vault")
        if seconds is not None:
            draft.put_back(change)
        return seconds
    if drop_incoming(draft, view):
        return SOON_S
    kept = f"; the new key is kept under next, for it is still used by {named(left)}" if head.staged and left else ""
    draft.end(head.ends or RotationPhase.ABORTED, f"{head.turned}{kept}")
    return None


def _removal(head: Rotation, vault: VaultState, *, keep: bool) -> DeleteAlias | None:
    """The next alias that was not there before; `keep` the new key."""
    if not head.staged:
        return None
    if not keep and vault.next == head.new:
        return delete(vault, Alias.NEXT, head.new)
    if head.old is None and head.promoted and vault.current == head.new:
        return delete(vault, Alias.CURRENT, head.new)
    if head.old is not None and vault.old == vault.current == head.old:
        return delete(vault, Alias.OLD, head.old)
    return None
