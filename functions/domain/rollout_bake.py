"""What a gate's verdict does to the wave that bakes.

A fail turns the rollout around at any look. The rest waits for the bake's end: pass lets the next wave go, inconclusive extends the bake
and then asks a human, unreadable waits and then asks a human, and goes on by itself once metrics can be read.
"""

from __future__ import annotations

import msgspec

from functions.domain.alert_text import span
from functions.domain.rollout import HoldCause, MemberState, Outcome, Phase, Rollout, Verdict
from functions.domain.rollout_draft import Draft
from functions.domain.rollout_limits import failure, gated
from functions.domain.rollout_member import View
from functions.domain.rollout_refresh import refresh
from functions.domain.rollout_words import of_wave
from functions.domain.times import SECOND_MS

LOOK_S = 30
HELD_S = 60
"""How often a hold that ends by itself is looked at."""
_NONE = Verdict(outcome=Outcome.UNREADABLE, reason="no verdict could be had")


def wants_verdict(rollout: Rollout) -> bool:
    """Whether a step would use `Observed.verdict`."""
    if rollout.phase is Phase.HELD and rollout.hold is not None:
        return rollout.resume_to is Phase.BAKING and rollout.hold.cause in (HoldCause.INCONCLUSIVE, HoldCause.UNREADABLE)
    return rollout.phase is Phase.BAKING


def baking(draft: Draft, view: View) -> float | None:
    """A step of a wave that bakes; seconds as in `Step`."""
    refresh(draft, view)
    head = draft.head
    failed = failure(head, draft.wave)
    if failed:
        draft.fail(failed, Phase.APPLYING)
        return 0
    if not any(member.state is MemberState.APPLIED for member in draft.wave.members):
        draft.pass_wave(f"{of_wave(head, draft.wave)}: nobody is left to look at")
        return 0
    if not gated(head):
        draft.pass_wave(f"{of_wave(head, draft.wave)}: applied, there is no gate")
        return 0
    return judge(draft, view.observed.verdict or _NONE)


def judge(draft: Draft, verdict: Verdict) -> float | None:
    """What a verdict does to the current wave; seconds as in `Step`."""
    head, now, where = draft.head, draft.now, of_wave(draft.head, draft.wave)
    _remember(draft, verdict)
    head.reason = f"{where}: {verdict.reason}"
    if verdict.outcome is Outcome.FAIL:
        draft.fail(head.reason, Phase.BAKING)
        return 0
    left = (head.bake_until or now) - now
    if verdict.outcome is not Outcome.UNREADABLE:
        head.unreadable_since = None
    if left > 0:
        return min(LOOK_S, left / SECOND_MS)
    match verdict.outcome:
        case Outcome.PASS:
            draft.pass_wave(head.reason)
            return 0
        case Outcome.INCONCLUSIVE:
            return _extend(draft, verdict)
    return _wait(draft, verdict)


def _remember(draft: Draft, verdict: Verdict) -> None:
    """Keep the last verdict of each wave; the audit log gets those that say something new."""
    head = draft.head
    seen = msgspec.structs.replace(verdict, wave=head.wave, looked_at=draft.now)
    before = next((each for each in head.verdicts if each.wave == head.wave), None)
    head.verdicts = [*(each for each in head.verdicts if each.wave != head.wave), seen]
    if before is None or before.outcome is not seen.outcome:
        draft.note("verdict", f"{of_wave(head, draft.wave)}: {seen.outcome.value}: {seen.reason}")


def _extend(draft: Draft, verdict: Verdict) -> float | None:
    head = draft.head
    if head.extensions < head.policy.max_extensions:
        head.extensions += 1
        head.bake_until = draft.now + head.policy.extend_s * SECOND_MS
        return min(LOOK_S, head.policy.extend_s)
    draft.hold(HoldCause.INCONCLUSIVE, f"{head.reason}, also after {head.extensions} extensions", Phase.BAKING)
    return None


def _wait(draft: Draft, verdict: Verdict) -> float | None:
    head = draft.head
    head.unreadable_since = head.unreadable_since or draft.now
    left = head.policy.unreadable_s - (draft.now - head.unreadable_since) / SECOND_MS
    if left > 0:
        return min(LOOK_S, left)
    waited = span(head.policy.unreadable_s * SECOND_MS)
    draft.hold(HoldCause.UNREADABLE, f"{head.reason}; unreadable for {waited} after the bake", Phase.BAKING)
    return HELD_S
