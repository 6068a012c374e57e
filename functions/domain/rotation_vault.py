"""What becomes of a provider's aliases in Vault, one write at a time.

Each write leaves both keys under some alias, so that an agent finds the one that it is to use by its fingerprint, whatever dies in between:

    promote   current=A          next=B    ─▶ old=A ─▶ current=B ─▶ next gone
    demote    current=B  old=A             ─▶ next=B ─▶ current=A ─▶ (agents back; nothing forward can come any more) ─▶ next, old gone
"""

from __future__ import annotations

from functions.domain.alert_text import span
from functions.domain.rollout import HoldCause
from functions.domain.rotation import Alias, VaultState
from functions.domain.rotation_draft import HELD_S, LOOK_S, SOON_S, STALL_MS, Draft
from functions.domain.rotation_view import CopyAlias, DeleteAlias, RevokeKey, RotationView, VaultFault
from functions.domain.times import MINUTE_MS

UNREAD_MS = 15 * MINUTE_MS
"""Vault, or a provider, that cannot be asked for so long is something for people. It goes on by itself when it can."""

type Change = CopyAlias | DeleteAlias
_PLACES = {Alias.CURRENT: 0, Alias.NEXT: 1, Alias.OLD: 2}


def lies(vault: VaultState, print_: str | None, *aliases: Alias) -> Alias | None:
    """The first of some aliases (all, unless named) that has a key."""
    keys = (vault.current, vault.next, vault.old)
    return next((alias for alias in aliases or _PLACES if print_ is not None and keys[_PLACES[alias]] == print_), None)


def promotion(vault: VaultState, old: str | None, new: str) -> Change | None:
    """The next write; None: it is promoted. The new key lies under `next` or `current`."""
    if vault.current == new:
        return delete(vault, Alias.NEXT, new) if vault.next == new else None
    if old is not None and vault.old != old:
        return copy(vault, Alias.CURRENT, Alias.OLD, old)
    return copy(vault, Alias.NEXT, Alias.CURRENT, new)


def demotion(vault: VaultState, old: str, new: str) -> Change | None:
    """The next write; None: the former key is `current` again. It lies under `old` or `current`."""
    if vault.current != new:
        return None
    if vault.next != new:
        return copy(vault, Alias.CURRENT, Alias.NEXT, new)
    return copy(vault, Alias.OLD, Alias.CURRENT, old)


def copy(vault: VaultState, source: Alias, target: Alias, print_: str) -> CopyAlias:
    """Put what lies under an alias under another one, too."""
    return CopyAlias(source, target, print_, vault.versions[_PLACES[target]])


def delete(vault: VaultState, alias: Alias, print_: str) -> DeleteAlias:
    """Take an alias away."""
    return DeleteAlias(alias, print_, vault.versions[_PLACES[alias]])


def unread(draft: Draft, view: RotationView) -> float | None:
    """Seconds to wait because Vault cannot be read; None: it can. One that refuses, and one that is away for long, is told to people."""
    head, fault = draft.head, view.vault
    if not isinstance(fault, VaultFault):
        head.unread_since = None
        return None
    head.unread_since = head.unread_since or draft.now
    waited = draft.now - head.unread_since
    if not fault.retry:
        draft.hold(HoldCause.VAULT, f"Vault refuses: {fault.text}")
        return HELD_S
    if waited >= UNREAD_MS:
        draft.hold(HoldCause.VAULT, f"Vault cannot be reached for {span(UNREAD_MS)}: {fault.text}")
        return HELD_S
    head.reason = f"waits for Vault: {fault.text}"
    return LOOK_S


def stuck(draft: Draft, view: RotationView, what: str) -> float | None:
    """Seconds until it is looked whether Vault has `what`; one that refuses it, or does not come to have it, is told to people."""
    stalled = draft.stalled(what)
    if view.refusal and not isinstance(view.refusal.effect, RevokeKey):
        draft.hold(HoldCause.VAULT, f"{what}: refused: {view.refusal.text}")
        return None
    if stalled:
        draft.hold(HoldCause.VAULT, f"{what}: not so after {span(STALL_MS)}")
        return None
    return SOON_S
