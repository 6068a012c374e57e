"""The end of an old key: proven unused, revoked at its provider, proven revoked, deleted in Vault.

A key that an agent which is awake still uses is never revoked, whatever people say; in an emergency it was revoked before.
"""

from __future__ import annotations

from functions.domain.alert_text import span
from functions.domain.rollout import HoldCause
from functions.domain.rotation import Alias, RotationPhase, VaultState
from functions.domain.rotation_draft import HELD_S, LOOK_S, QUICK_S, SOON_S, STALL_MS, Draft
from functions.domain.rotation_fleet import Agents, Fleet, named
from functions.domain.rotation_forward import bring_late, drop_incoming, note_revoked, refused_to_revoke, revoke, told
from functions.domain.rotation_vault import UNREAD_MS, delete, lies, stuck, unread
from functions.domain.rotation_view import RotationView, VaultFault
from functions.domain.times import SECOND_MS

_DRAIN_S = 30


def draining(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """A step that waits for the old key to be out of use; seconds as in `RotationStep`."""
    head = draft.head
    if head.revoke_asked is not None:
        draft.move(RotationPhase.RETIRING, "the old key is revoked already")
        return 0
    if bring_late(draft, fleet):
        return SOON_S
    users = fleet.users(head.old)
    outside = {id: agent for id, agent in users.items() if id not in fleet.members}
    if outside:
        return _keep(draft, view, fleet, outside)
    why = in_use(draft, view, fleet, users)
    if why:
        return _wait(draft, why)
    quiet_since = max(head.last_old_use or 0, head.since)
    # What nobody has heard of yet is not known to be quiet.
    quiet = max(0, fleet.heard - quiet_since)
    left = head.policy.unused_s - quiet / SECOND_MS
    if left > 0:
        head.reason = f"nobody has used the old key for {span(quiet // SECOND_MS * SECOND_MS)}"
        return min(_DRAIN_S, max(SOON_S, left))
    draft.move(RotationPhase.RETIRING, f"nobody has used the old key for {span(head.policy.unused_s * SECOND_MS)}")
    return 0


def in_use(draft: Draft, view: RotationView, fleet: Fleet, users: Agents) -> str | None:
    """Why the old key does not count as unused; notes when it was used last."""
    head = draft.head
    awake = {id: agent for id, agent in users.items() if fleet.awake(agent)}
    if awake:
        head.last_old_use = draft.now
        return f"the old key is still used by {named(awake, why=True)}"
    if fleet.deaf:
        head.last_old_use = draft.now
        return "no agent of the whole fleet is heard of: are reports coming in?"
    if head.forced:
        return None
    if users:
        return f"silent since the old key was used by {named(users)}"
    if view.usage is None:
        return "the provider cannot be asked for the use of the old key"
    used = view.usage.last_used if view.usage.known else None
    head.last_old_use = max(head.last_old_use or 0, used or 0) or None
    if used is not None and draft.now - used < head.policy.unused_s * SECOND_MS:
        return f"the provider saw use of the old key {span((draft.now - used) // SECOND_MS * SECOND_MS)} ago, by nobody who reports here"
    return None


def _wait(draft: Draft, why: str) -> float | None:
    head = draft.head
    if draft.now - head.since < head.policy.drain_s * SECOND_MS:
        head.reason = why
        return _DRAIN_S
    draft.hold(HoldCause.IN_USE, f"{why}, for {span(head.policy.drain_s * SECOND_MS)}")
    return HELD_S


def _keep(draft: Draft, view: RotationView, fleet: Fleet, outside: Agents) -> float | None:
    if drop_incoming(draft, view):
        return SOON_S
    text = f"the old key is kept, in Vault as old, and valid: it is used outside of this rotation by {named(outside)}"
    draft.end(RotationPhase.SUCCEEDED, f"{told(fleet, draft.head.new)}; {text}")
    return None


def retiring(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """A step that revokes the old key and deletes it; seconds as in `RotationStep`."""
    seconds = unread(draft, view)
    if seconds is not None or isinstance(view.vault, VaultFault):
        return seconds
    head, vault = draft.head, view.vault
    awake = {id: agent for id, agent in fleet.users(head.old).items() if fleet.awake(agent)}
    if head.revoked_at is None and not note_revoked(draft, view):
        if (awake or fleet.deaf) and not head.emergency:
            return _not_yet(draft, view, f"the old key is used again by {named(awake)}" if awake else "no agent is heard of")
        return _revoke(draft, view, vault)
    if lies(vault, head.old, Alias.OLD):
        return _delete(draft, view, vault)
    if drop_incoming(draft, view):
        return SOON_S
    draft.end(RotationPhase.SUCCEEDED, f"{told(fleet, head.new)}; the old key is revoked and deleted")
    return None


def _not_yet(draft: Draft, view: RotationView, why: str) -> float | None:
    """Go back to draining, unless the old key may be revoked any moment because that was asked for."""
    head, test = draft.head, view.test
    if head.revoke_asked is not None and (draft.unsettled_s or test is None or not test.accepted):
        head.reason = f"{why}; it may be revoked already"
        return QUICK_S
    head.revoke_asked = None
    draft.move(RotationPhase.DRAINING, why)
    return 0


def _revoke(draft: Draft, view: RotationView, vault: VaultState) -> float | None:
    head, test = draft.head, view.test
    if lies(vault, head.old, Alias.OLD, Alias.CURRENT) is None:
        return _gone(draft)
    why = refused_to_revoke(view)
    if head.revoke_asked is not None and test is not None and test.accepted and why:
        # It is as it was: whoever wants can still go back.
        head.revoke_asked = head.revoke_asked if head.emergency else None
        draft.hold(HoldCause.PROVIDER, f"the provider does not revoke the old key: {why}; revoke it there, then resume")
        return HELD_S
    if test is None or test.retry:
        return _unanswered(draft, test.detail if test else "the old key was not tried yet")
    head.silent_since = None
    if draft.stalled("the old key is revoked at the provider"):
        text = f"the provider still takes the old key {span(STALL_MS)} after it was told to revoke it"
        draft.hold(HoldCause.PROVIDER, f"{text}; revoke it there, then resume")
        return HELD_S
    # Also when it was revoked by others: then the next trial shows that this was so.
    revoke(draft, vault)
    return QUICK_S


def _unanswered(draft: Draft, why: str) -> float | None:
    head = draft.head
    head.silent_since = head.silent_since or draft.now
    if draft.now - head.silent_since >= UNREAD_MS:
        draft.hold(HoldCause.PROVIDER, f"the old key cannot be tried at the provider for {span(UNREAD_MS)}: {why}")
        return HELD_S
    head.reason = f"waits for the provider: {why}"
    return LOOK_S


def _gone(draft: Draft) -> float | None:
    head = draft.head
    if head.nudged is HoldCause.VAULT:
        head.revoke_asked, head.revoked_at = draft.now, draft.now
        draft.note("revoked", "by hand, as people say")
        return 0
    draft.hold(HoldCause.VAULT, "the old key is not in Vault any more, so it cannot be revoked from here: revoke it there, then resume")
    return None


def _delete(draft: Draft, view: RotationView, vault: VaultState) -> float | None:
    seconds = stuck(draft, view, "the old key is revoked, and deleted in Vault")
    if seconds is not None:
        draft.ask(delete(vault, Alias.OLD, draft.head.old or ""))
    return seconds
