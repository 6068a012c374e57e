"""Finds out where members stand, asks for what they shall have, and tells those whose turn has come."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from functions.domain.rollout import HoldCause, Member, MemberState, Wave
from functions.domain.rollout_draft import Draft
from functions.domain.rollout_member import Fate, View, forward, tell
from functions.domain.rollout_plan import share
from functions.domain.times import SECOND_MS

SETTLE_MS = 30_000
"""Writes of a step come at most so long after its `now`: whoever makes them stops before that, the next step makes the rest. Nothing is
over before the last write that contradicts its end must have come: a slow one could undo it, unseen."""
QUICK_S, SLOW_S = 5, 15
QUICK_FOR_MS = 60 * SECOND_MS
OPEN = (MemberState.SENT, MemberState.REVERTING)
"""States that a report ends."""


def refresh(draft: Draft, view: View, fate: Callable[[Member, View], Fate] = forward) -> None:
    """Look at all members of the waves that have begun, the current one first; what is too much for one version is cut."""
    for wave in draft.waves(draft.head.wave, 0):
        for place, member in enumerate(wave.members):
            if draft.full:
                draft.cut = True
                return
            _settle(draft, view, wave.number, place, fate(member, view))


def tell_more(draft: Draft, view: View) -> None:
    """Tell waiting members of the waves that have begun: those of the current one, and earlier ones' that were gone at their turn."""
    for wave in draft.waves(draft.head.wave, 0):
        _tell_wave(draft, view, wave)


def _tell_wave(draft: Draft, view: View, wave: Wave) -> None:
    """Tell as many as may be unavailable at a time. Sleepers take nobody's place."""
    places = max(1, share(draft.head.policy.max_unavailable, len(wave.members), up=False))
    taken = sum(member.state in OPEN for member in wave.members)
    for place, member in enumerate(wave.members):
        if member.state is not MemberState.WAITING:
            continue
        if draft.full:
            draft.cut = True
            return
        fate = tell(member, view)
        taken += fate.member.state is MemberState.SENT
        if taken > places:
            return
        _settle(draft, view, wave.number, place, fate)


def deaf(draft: Draft, view: View) -> float | None:
    """Seconds to wait because nobody in the fleet is heard of: nothing is told or judged then. After `unreadable_s` people are told."""
    head = draft.head
    if not view.deaf:
        head.unreadable_since = None
        return None
    head.unreadable_since = head.unreadable_since or view.now
    if view.now - head.unreadable_since >= head.policy.unreadable_s * SECOND_MS:
        draft.hold(HoldCause.UNREADABLE, "no agent of the whole fleet is heard of: are reports coming in?", head.phase)
    return SLOW_S


def pace(draft: Draft) -> float:
    """Seconds until reports are looked for again."""
    if draft.cut:
        return 0
    return QUICK_S if draft.now - draft.head.since < QUICK_FOR_MS else SLOW_S


def unsettled(now: int, at: int) -> float:
    """Seconds until writes that a step at `at` (ms; 0: none did) asked for must have come; 0: they have."""
    return max(0, at + SETTLE_MS - now) / SECOND_MS if at else 0


def any_open(draft: Draft) -> bool:
    """Whether a report, or a write, is still to come from any member."""
    return bool(draft.writes) or draft.cut or any(member.state in OPEN for member in draft.members())


def _settle(draft: Draft, view: View, number: int, place: int, fate: Fate) -> None:
    member, wanted = fate
    if wanted is not None and wanted != view.has(member.agent):
        draft.write(member, view.observed.desired.get(member.agent), wanted)
        if member.state in OPEN:
            # Its time to report begins when it is told.
            member = msgspec.structs.replace(member, since=view.now)
    draft.put(number, place, member)
