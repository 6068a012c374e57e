"""A rotation on its way: the new key is staged, brought to the agents, and made the current one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from functions.domain.rollout import Action, HoldCause, Phase, Rollout
from functions.domain.rotation import Alias, Rotation, RotationPhase, VaultState
from functions.domain.rotation_draft import HELD_S, LOOK_S, MAX_ASSIGNED, QUICK_S, SOON_S, Draft
from functions.domain.rotation_fleet import Agents, Fleet, named
from functions.domain.rotation_launch import again, held, launch, urge, waiting
from functions.domain.rotation_vault import lies, promotion, stuck, unread
from functions.domain.rotation_view import Assign, CommandRollout, DropIncoming, RevokeKey, RotationView, StageKey, VaultFault
from functions.domain.times import SECOND_MS

_MOVING = (Phase.WAITING, Phase.APPLYING, Phase.BAKING)
_NEW_PLACES: Sequence[Alias] = (Alias.NEXT, Alias.CURRENT)


def staging(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """A step that brings the new key into Vault, under `next`; seconds as in `RotationStep`."""
    seconds = unread(draft, view)
    if seconds is not None or isinstance(view.vault, VaultFault):
        return seconds
    head, vault = draft.head, view.vault
    if lies(vault, head.new, *_NEW_PLACES) is None:
        return _stage(draft, view, vault)
    drop_incoming(draft, view)
    if not head.follows and vault.current != head.old:
        draft.turn("somebody put another key under current meanwhile")
        return 0
    # Who has no key assigned is to have one to come back to.
    bare = {} if head.old is None or head.emergency else {id: agent for id, agent in fleet.members.items() if agent.assigned is None}
    if bare:
        _assign(draft, bare, head.old or "")
        return SOON_S
    if head.emergency and head.old:
        # First of all, and as soon as there is another key to have.
        revoke(draft, vault)
    draft.move(RotationPhase.ROLLING, "begins")
    return 0


def _stage(draft: Draft, view: RotationView, vault: VaultState) -> float | None:
    head = draft.head
    if not view.incoming:
        draft.turn("the new key is not in Vault any more")
        return 0
    seconds = stuck(draft, view, "puts the new key under next")
    if seconds is not None:
        head.staged = True
        draft.ask(StageKey(head.new, vault.versions[1]))
    return seconds


def drop_incoming(draft: Draft, view: RotationView) -> bool:
    """Take the key away from where it waited; tells whether it still was there."""
    if view.incoming:
        draft.put_back(DropIncoming())
    return view.incoming


def revoke(draft: Draft, vault: VaultState) -> None:
    """Ask for the old key to be revoked, wherever it lies."""
    head = draft.head
    place = lies(vault, head.old, Alias.OLD, Alias.CURRENT)
    if place is not None and head.old is not None:
        if head.revoke_asked is None:
            head.revoke_asked = draft.now
            draft.note("revoking", "the old key is revoked at the provider")
        draft.ask(RevokeKey(place, head.old))


def refused_to_revoke(view: RotationView) -> str | None:
    """Why the provider, or Vault, did not let the old key be revoked."""
    return view.refusal.text if view.refusal and isinstance(view.refusal.effect, RevokeKey) else None


def note_revoked(draft: Draft, view: RotationView) -> bool:
    """Whether the provider does not take the old key any more, as a trial of it shows."""
    head, test = draft.head, view.test
    if head.revoked_at is None and head.revoke_asked is not None and test is not None and not test.accepted and not test.retry:
        head.revoked_at = draft.now
        draft.note("revoked", f"the provider does not take the old key any more: {test.detail}")
    return head.revoked_at is not None


def rolling(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """A step that brings the new key to the agents; seconds as in `RotationStep`."""
    head, rollout, vault = draft.head, view.rollout, view.vault
    if isinstance(vault, VaultState):
        if lies(vault, head.new, *_NEW_PLACES) is None:
            return _lost(draft)
        if head.emergency and not note_revoked(draft, view) and head.old and not refused_to_revoke(view):
            revoke(draft, vault)
    if rollout is None or head.rollout is None:
        return _begin(draft, view, fleet)
    seconds = _follow(draft, rollout)
    _forget_commands(draft, rollout)
    return seconds


def _lost(draft: Draft) -> float | None:
    text = "the new key is not in Vault any more: agents cannot get it"
    if draft.head.revoke_asked is None:
        draft.turn(text)
        return 0
    draft.hold(HoldCause.VAULT, text)
    return None


def _begin(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    head = draft.head
    lacking = fleet.lacking(head.new)
    if not lacking:
        # One that was asked for may still begin, with agents that were assigned the key since.
        if head.rollout and draft.unsettled_s:
            return draft.unsettled_s
        draft.move(RotationPhase.PROMOTING, "no agent has to be told")
        return 0
    if head.rollout is None:
        launch(draft, lacking, head.new, at_once=head.emergency)
        head.reason = f"{named(lacking)} are told the new key"
        return SOON_S
    seconds = waiting(draft, view)
    if head.phase is RotationPhase.ROLLING:
        again(draft, lacking, head.new, at_once=head.emergency)
    return seconds


def _follow(draft: Draft, rollout: Rollout) -> float | None:
    head = draft.head
    if rollout.phase in _MOVING:
        head.reason = rollout.reason
        return QUICK_S if (head.emergency and urge(draft, rollout)) else LOOK_S
    match rollout.phase:
        case Phase.PAUSED if head.paused_rollout:
            draft.put_back(CommandRollout(rollout.id, Action.RESUME, rollout.version))
            return QUICK_S
        case Phase.PAUSED:
            head.reason = f"its rollout {rollout.id} is paused"
            return LOOK_S
        case Phase.HELD:
            return held(draft, rollout)
        case Phase.SUCCEEDED:
            draft.move(RotationPhase.PROMOTING, rollout.reason)
            return 0
        case Phase.STOPPED:
            return _stopped(draft, rollout)
    if head.revoke_asked is not None:
        # There is nothing to go back to.
        return _stopped(draft, rollout) if rollout.phase is Phase.REVERTED else LOOK_S
    draft.turn(rollout.reason)
    return 0


def _stopped(draft: Draft, rollout: Rollout) -> float | None:
    """Somebody ended the rollout half-way: whether the rest comes along is for people to say."""
    if draft.head.nudged is HoldCause.ROLLOUT:
        draft.head.rollout, draft.head.nudged = None, None
        return 0
    draft.hold(HoldCause.ROLLOUT, f"its rollout {rollout.id} was ended half-way: {rollout.reason}")
    return HELD_S


def _forget_commands(draft: Draft, rollout: Rollout) -> None:
    head = draft.head
    if rollout.phase is not Phase.HELD:
        head.nudged = None
    if rollout.phase is not Phase.PAUSED and not draft.unsettled_s:
        head.paused_rollout = False


def promoting(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """A step that makes the new key the current one; seconds as in `RotationStep`."""
    seconds = _verify(draft, fleet)
    if seconds is None and draft.head.phase is RotationPhase.PROMOTING:
        seconds = unread(draft, view)
    if seconds is not None or isinstance(view.vault, VaultFault) or draft.head.phase is not RotationPhase.PROMOTING:
        return seconds
    head, vault = draft.head, view.vault
    change = None if head.follows else promotion(vault, head.old, head.new)
    if change is None:
        return _promoted(draft, view, fleet)
    wrong = _foreign(head, vault, fleet)
    if wrong:
        draft.hold(HoldCause.VAULT, wrong)
        return None
    seconds = stuck(draft, view, "makes the new key the current one")
    if seconds is not None:
        head.promoted = True
        draft.ask(change)
    return seconds


def _verify(draft: Draft, fleet: Fleet) -> float | None:
    """Seconds to wait for agents to say that they use the new key; None: they do, or people, or an emergency, do not wait for them."""
    head = draft.head
    behind = fleet.laggards(head.new)
    if not behind or head.nudged is HoldCause.IN_USE or head.emergency or head.promoted:
        return None
    text = f"told the new key, and not heard to use it: {named(behind, why=True)}"
    if draft.now - head.since < head.policy.apply_s * SECOND_MS:
        head.reason = text
        return QUICK_S
    draft.hold(HoldCause.IN_USE, text)
    return HELD_S


def _foreign(head: Rotation, vault: VaultState, fleet: Fleet) -> str | None:
    """Why the aliases cannot be moved: they hold what this rotation does not know, or what somebody needs."""
    if vault.current not in (head.old, head.new):
        return "Vault has a key under current that this rotation does not know"
    if lies(vault, head.new, *_NEW_PLACES) is None:
        return "the new key is not in Vault any more"
    needed = fleet.assigned(vault.old) if vault.old is not None and vault.old not in (head.old, head.new) else {}
    return f"the key under old would be lost, which is assigned to {named(needed)}" if needed else None


def _promoted(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    head = draft.head
    head.promoted = True
    if drop_incoming(draft, view) or bring_late(draft, fleet):
        return SOON_S
    if head.old is None:
        draft.end(RotationPhase.SUCCEEDED, f"{told(fleet, head.new)}; there was no key before")
    elif not head.policy.retire and not head.emergency:
        draft.end(RotationPhase.SUCCEEDED, f"{told(fleet, head.new)}; the old key is kept, in Vault as old, and valid")
    else:
        draft.move(RotationPhase.DRAINING, "the new key is the current one")
        draft.note("promoted", "the new key is current, the former one old")
    return 0


def bring_late(draft: Draft, fleet: Fleet) -> bool:
    """Assign the new key, which all others have proven, to agents that came after the rollout; tells whether there were any."""
    late = fleet.lacking(draft.head.new)
    _assign(draft, late, draft.head.new)
    return bool(late)


def told(fleet: Fleet, print_: str) -> str:
    """Who uses a key: `42 agents use the new key, 1 agent (a-7) when heard of again, 1 agent (a-3: 401) does not take it`."""
    meant = fleet.assigned(print_)
    using = sum(agent.reported == print_ for agent in meant.values())
    behind: Agents = {id: agent for id, agent in meant.items() if agent.reported != print_}
    refusing = {id: agent for id, agent in behind.items() if fleet.awake(agent)}
    asleep = {id: agent for id, agent in behind.items() if id not in refusing}
    text = f"{using} agent{'s use' if using != 1 else ' uses'} the new key"
    text += f", {named(asleep)} when heard of again" if asleep else ""
    return text + (f", {named(refusing, why=True)} not" if refusing else "")


def _assign(draft: Draft, agents: Agents, wanted: str) -> None:
    if agents:
        draft.ask(*(Assign(id, wanted, agent.assigned) for id, agent in islice(agents.items(), MAX_ASSIGNED)))
