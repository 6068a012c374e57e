"""What a rollout's policy says at a point of its way: what the current wave waits for, how long it bakes, when it has failed."""

from __future__ import annotations

from functions.domain.rollout import Hold, HoldCause, MemberState, Observed, Reversibility, Rollout, Wave
from functions.domain.rollout_words import agents, of_wave, reasons
from functions.domain.times import SECOND_MS


def late_wave(head: Rollout) -> bool:
    """Whether the current wave is one of agents that joined: the configuration was judged before, nobody is left to compare them with."""
    return head.wave >= head.waves - head.joined


def gated(head: Rollout) -> bool:
    """Whether the current wave has a gate."""
    return head.policy.gates and not head.gateless and not head.skipping and not late_wave(head)


def bake_ms(head: Rollout) -> int:
    """How long a wave bakes."""
    longer = head.policy.irreversible_bake if head.reversibility is Reversibility.IRREVERSIBLE else 1.0
    return round(head.policy.bake_s * longer * SECOND_MS)


def blocked(head: Rollout, wave: Wave, before: Wave | None, observed: Observed, now: int) -> Hold | None:
    """What the current wave waits for before it begins: an approval, its time, the end of a freeze. `before` is the wave before it."""
    approval = missing_approval(head, wave, before)
    if approval:
        return Hold(cause=HoldCause.APPROVAL, reason=approval)
    not_before = head.policy.not_before
    if not_before is not None and now < not_before:
        return Hold(cause=HoldCause.SCHEDULE, reason="is not to begin yet", until=not_before)
    return observed.frozen


def missing_approval(head: Rollout, wave: Wave, before: Wave | None) -> str | None:
    """Why the current wave needs an approval that it does not have."""
    if late_wave(head) or any(approval.wave == wave.number for approval in head.approvals):
        return None
    policy, text = head.policy, f"{of_wave(head, wave)}, {agents(len(wave.members))}, needs an approval"
    if head.reversibility is Reversibility.IRREVERSIBLE and wave.number == 0:
        return f"{text}: the change is irreversible"
    named = [f"wave:{wave.number}"]
    named += [] if before else ["start"]
    named += [] if before and before.stage == wave.stage else [f"stage:{wave.stage}"]
    return text if any(name in policy.approve for name in named) else None


def failure(head: Rollout, wave: Wave) -> str | None:
    """Why the current wave has failed by what its members report: more of them than the policy bears, or all that could take it."""
    if head.gateless or head.skipping or late_wave(head):
        return None
    failed = [member for member in wave.members if member.state is MemberState.FAILED]
    took = any(member.state is MemberState.APPLIED for member in wave.members)
    coming = any(member.state in (MemberState.WAITING, MemberState.SENT, MemberState.REVERTING) for member in wave.members)
    if len(failed) > head.policy.max_failed or (failed and not took and not coming):
        return f"{of_wave(head, wave)}: {agents(len(failed))} of {len(wave.members)} failed: {reasons(failed)}"
    return None
