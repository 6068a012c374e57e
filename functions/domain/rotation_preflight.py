"""Preflight: all that must be so before a rotation changes anything.

Whoever fails is refused, with every reason; what nobody can tell now is asked again for five minutes, then people decide.
"""

from __future__ import annotations

from functions.domain.alert_text import span
from functions.domain.errors import InvalidInput
from functions.domain.gate_text import count, percent
from functions.domain.rollout import HoldCause, Member
from functions.domain.rollout_plan import plan
from functions.domain.rotation import Check, Rotation, RotationPhase, VaultState
from functions.domain.rotation_draft import HELD_S, LOOK_S, Draft
from functions.domain.rotation_fleet import Fleet, named
from functions.domain.rotation_policy import to_rollout_policy
from functions.domain.rotation_vault import lies
from functions.domain.rotation_view import RotationView, VaultFault
from functions.domain.times import MINUTE_MS, SECOND_MS

PATIENCE_MS = 5 * MINUTE_MS
_FIRST_S = 2
_CAUSES = {"vault": HoldCause.VAULT, "accepted": HoldCause.PROVIDER, "fleet": HoldCause.UNREADABLE}


def preflight(draft: Draft, view: RotationView, fleet: Fleet) -> float | None:
    """A step of preflight; seconds as in `RotationStep`."""
    head, vault = draft.head, view.vault
    if isinstance(vault, VaultFault) and not vault.retry:
        head.checks, head.unread_since = _checks(draft.head, view, fleet), draft.now
        draft.hold(HoldCause.VAULT, f"Vault refuses: {vault.text}")
        return HELD_S
    if isinstance(vault, VaultState):
        _compare(head, vault, fleet)
    head.checks = _checks(head, view, fleet)
    wrong = [check for check in head.checks if not check.ok and not check.retry]
    if wrong:
        draft.close(RotationPhase.REFUSED, "; ".join(check.detail for check in wrong))
        return 0
    unknown = [check for check in head.checks if check.retry]
    if unknown:
        return _wait(draft, unknown)
    if head.dry_run:
        draft.close(RotationPhase.SUCCEEDED, "dry run: it would begin; nothing was changed")
        return 0
    draft.move(RotationPhase.STAGING, "preflight passed")
    draft.note("preflight", "; ".join(check.detail for check in head.checks))
    return 0


def _compare(head: Rotation, vault: VaultState, fleet: Fleet) -> None:
    """Which key is the old one."""
    left = {} if vault.current != head.new else {id: agent for id, agent in fleet.members.items() if agent.assigned == vault.old}
    head.follows = bool(left) and vault.old is not None
    head.old = vault.old if head.follows else vault.current


def _checks(head: Rotation, view: RotationView, fleet: Fleet) -> list[Check]:
    if isinstance(view.vault, VaultFault):
        return [_unread("vault", view.vault), _fleet(head, fleet), _agents(head, fleet)]
    return [
        _differs(head, view.vault),
        _accepted(view),
        _vault(head, view, view.vault, fleet),
        _fleet(head, fleet),
        _agents(head, fleet),
    ]


def _unread(name: str, fault: VaultFault) -> Check:
    return Check(name=name, ok=False, detail=f"Vault: {fault.text}", retry=fault.retry)


def _differs(head: Rotation, vault: VaultState) -> Check:
    if head.follows:
        return Check(name="differs", ok=True, detail="the new key is current already; agents that an earlier rotation left out get it")
    if vault.current == head.new:
        return Check(name="differs", ok=False, detail="the new key is the one in use")
    first = "the first key of this provider" if vault.current is None else "another key than the one in use"
    return Check(name="differs", ok=True, detail=first)


def _accepted(view: RotationView) -> Check:
    if view.test is None:
        return Check(name="accepted", ok=False, detail="the new key was not tried yet", retry=True)
    if view.test.accepted:
        return Check(name="accepted", ok=True, detail=f"the provider takes the new key: {view.test.detail}")
    text = "the provider cannot be asked" if view.test.retry else "the provider does not take the new key"
    return Check(name="accepted", ok=False, detail=f"{text}: {view.test.detail}", retry=view.test.retry)


def _vault(head: Rotation, view: RotationView, vault: VaultState, fleet: Fleet) -> Check:
    if not view.incoming and lies(vault, head.new) is None:
        return Check(name="vault", ok=False, detail="the new key is not in Vault any more: give it again")
    # Promoting overwrites `old`: who uses what lies there now has to be brought along.
    needed = fleet.assigned(vault.old) if vault.old is not None and vault.old not in (head.old, head.new) else {}
    left = {id: agent for id, agent in needed.items() if id not in fleet.members}
    if left:
        text = f"the key before the present one would be lost, which is assigned outside of this rotation to {named(left)}"
        return Check(name="vault", ok=False, detail=f"{text}: take them in")
    return Check(name="vault", ok=True, detail="Vault can be read and written")


def _fleet(head: Rotation, fleet: Fleet) -> Check:
    members = fleet.members
    if not members:
        return Check(name="fleet", ok=True, detail="no agent uses this provider yet: each gets the key once it does")
    if fleet.deaf and not head.emergency:
        return Check(name="fleet", ok=False, detail="no agent of the whole fleet is heard of: are reports coming in?", retry=True)
    share = sum(agent.healthy for agent in members.values()) / len(members)
    text = f"{percent(share)} of {len(members)} agents are green or yellow, {percent(head.policy.min_healthy)} are needed"
    return _unless_urgent(head, "fleet", share >= head.policy.min_healthy, text)


def _agents(head: Rotation, fleet: Fleet) -> Check:
    if not fleet.mute:
        return _waves(head, fleet)
    text = f"without reports of keys of {head.provider}, so that no other can be told: {named(fleet.mute)}; narrow it by tags"
    return _unless_urgent(head, "agents", False, text)


def _waves(head: Rotation, fleet: Fleet) -> Check:
    members = [Member(agent=id, before="", after="", tags=dict(agent.tags)) for id, agent in fleet.members.items()]
    try:
        waves = plan(members, to_rollout_policy(head.policy, at_once=head.emergency))
    except InvalidInput as error:
        return Check(name="agents", ok=False, detail=str(error))
    return Check(name="agents", ok=True, detail=f"all agents can be told another key: {len(members)} in {count(len(waves), 'wave')}")


def _unless_urgent(head: Rotation, name: str, ok: bool, text: str) -> Check:
    """A leaked key waits for nobody's health."""
    if head.emergency and not ok:
        return Check(name=name, ok=True, detail=f"{text} (an emergency goes on all the same)")
    return Check(name=name, ok=ok, detail=text)


def _wait(draft: Draft, unknown: list[Check]) -> float | None:
    head, text = draft.head, "; ".join(check.detail for check in unknown)
    if head.trying_since < head.since or draft.gap:
        head.trying_since = draft.now
    waited = draft.now - head.trying_since
    if waited >= PATIENCE_MS:
        cause = next(cause for name, cause in _CAUSES.items() if any(check.name == name for check in unknown))
        if cause is HoldCause.VAULT:
            head.unread_since = draft.now
        draft.hold(cause, f"not answered for {span(PATIENCE_MS)}: {text}")
        return HELD_S if cause is HoldCause.VAULT else None
    head.reason = text
    return min(LOOK_S, max(_FIRST_S, waited / SECOND_MS / 2))
