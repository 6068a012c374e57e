"""Going back: every member that was told is told its old configuration, and that it runs it is verified.

Ends when each is back, or asleep and told. One that refuses is asked once more; if it refuses again, people have to see why.
"""

from __future__ import annotations

from functions.domain.rollout import HoldCause, MemberState, Phase
from functions.domain.rollout_bake import HELD_S
from functions.domain.rollout_draft import Draft
from functions.domain.rollout_member import View, backward
from functions.domain.rollout_refresh import any_open, pace, refresh, unsettled
from functions.domain.rollout_words import agents, reasons, standing
from functions.domain.times import SECOND_MS


def reverting(draft: Draft, view: View) -> float | None:
    """A step of a rollout that goes back; seconds as in `Step`."""
    head = draft.head
    head.unreadable_since = (head.unreadable_since or view.now) if view.deaf else None
    if head.unreadable_since is not None and view.now - head.unreadable_since >= head.policy.unreadable_s * SECOND_MS:
        # All have been told; the whole fleet may be switched off.
        view = view._replace(deaf=False)
    refresh(draft, view, backward)
    if any_open(draft):
        return pace(draft)
    refusing = [member for member in draft.members() if member.state is MemberState.FAILED]
    if refusing and not head.skipping:
        draft.hold(HoldCause.REVERT, f"{agents(len(refusing))} did not go back: {reasons(refusing)}", None)
        return HELD_S
    return _end(draft)


def held_back(draft: Draft, view: View) -> float | None:
    """A step of one that is held because members refuse to go back."""
    refresh(draft, view, backward)
    if any_open(draft) or any(member.state is MemberState.FAILED for member in draft.members()):
        return HELD_S
    return _end(draft)


def _end(draft: Draft) -> float | None:
    left = unsettled(draft.now, draft.head.sent_at)
    if left:
        return left
    draft.end(Phase.REVERTED, f"{draft.head.reason}; {standing(draft.members())}")
    return None
