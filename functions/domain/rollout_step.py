"""Steps a rollout: what becomes of it by what is seen now. docs/rollouts.md has its phases as a picture.

A step looks at levels, never at edges: it finds out anew where each member stands, and asks again for each write that is not yet so. A step
that crashed before its writes, one that comes twice and one that nobody made for an hour do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from functions.domain.rollout import FINAL, MAX_WAVE, Hold, HoldCause, MemberState, Observed, Outcome, Phase, Rollout, Step, Wave
from functions.domain.rollout_back import held_back, reverting
from functions.domain.rollout_bake import HELD_S, LOOK_S, baking, judge, wants_verdict
from functions.domain.rollout_draft import Draft
from functions.domain.rollout_limits import bake_ms, blocked, failure, gated
from functions.domain.rollout_member import View, forward, kept
from functions.domain.rollout_refresh import OPEN, QUICK_S, SETTLE_MS, any_open, deaf, pace, refresh, tell_more, unsettled
from functions.domain.rollout_words import agents, of_wave, standing
from functions.domain.times import SECOND_MS

__all__ = ["SETTLE_MS", "step", "wants_joined", "wants_verdict"]

MAX_JOINED = 2
"""Waves for agents that joined meanwhile; those that come later are the sweep's business."""
BLOCKED_S = 300
"""How often a wave that waits for its time or a freeze looks whether that has changed."""


def step(rollout: Rollout, waves: Sequence[Wave], observed: Observed, now: int) -> Step:
    """The next state; `now` in ms. `waves` are all of the rollout's. Nothing that is given is changed."""
    if rollout.phase in FINAL:
        return Step(rollout, (), (), (), None)
    draft = Draft(rollout, waves, now)
    seconds = _PHASES[rollout.phase](draft, View.of(rollout, observed, now))
    draft.head.stepped_at = now
    return draft.finish(seconds)


def wants_joined(rollout: Rollout) -> bool:
    """Whether a step would use `Observed.joined`."""
    return rollout.phase is Phase.APPLYING and rollout.passed and rollout.joined < MAX_JOINED


def _waiting(draft: Draft, view: View) -> float | None:
    refresh(draft, view)
    head, wave = draft.head, draft.wave
    hold = blocked(head, wave, draft.before, view.observed, view.now)
    if hold is not None:
        return _block(draft, hold)
    seconds = deaf(draft, view)
    if seconds is not None:
        return seconds
    text = f"{of_wave(head, wave)}: {agents(len(wave.members))}"
    draft.move(Phase.APPLYING, text)
    draft.note("wave", text)
    return _applying(draft, view)


def _block(draft: Draft, hold: Hold) -> float | None:
    head = draft.head
    if head.hold is None or head.hold.cause is not hold.cause:
        draft.note("held", hold.reason)
        if hold.cause is HoldCause.APPROVAL:
            draft.notify("approval", hold.reason)
    head.hold, head.reason = hold, hold.reason
    if hold.cause is HoldCause.APPROVAL:
        return None
    return BLOCKED_S if hold.until is None else min(BLOCKED_S, max(1.0, (hold.until - draft.now) / SECOND_MS))


def _applying(draft: Draft, view: View) -> float | None:
    refresh(draft, view)
    head = draft.head
    seconds = deaf(draft, view)
    if seconds is not None:
        return seconds
    if head.passed:
        return _finishing(draft, view)
    failed = failure(head, draft.wave)
    if failed:
        draft.fail(failed, Phase.APPLYING)
        return 0
    tell_more(draft, view)
    members = draft.wave.members
    head.reason = f"{of_wave(head, draft.wave)}: {standing(members)}"
    waiting = any(member.state is MemberState.WAITING for member in members)
    hurried = head.gateless or head.skipping
    if waiting or (not hurried and any(member.state in OPEN for member in members)):
        return pace(draft)
    return _applied(draft)


def _applied(draft: Draft) -> float | None:
    """All of the wave are told, and have reported if they are waited for."""
    head, wave = draft.head, draft.wave
    where = of_wave(head, wave)
    failed = failure(head, wave)
    if failed:
        draft.fail(failed, Phase.APPLYING)
    elif not any(member.state in (MemberState.APPLIED, *OPEN) for member in wave.members):
        draft.note("verdict", f"{where}: no gate, for nobody is there to look at: {standing(wave.members)}")
        draft.pass_wave(f"{where}: {standing(wave.members)}")
    elif gated(head):
        ms = bake_ms(head)
        draft.bake(f"{where}: {standing(wave.members)}", ms)
        return min(LOOK_S, ms / SECOND_MS)
    else:
        draft.pass_wave(f"{where}: {standing(wave.members)}; no gate")
    return 0


def _finishing(draft: Draft, view: View) -> float | None:
    """The last wave has passed: who joined meanwhile comes along, then it is over."""
    known = {member.agent for member in draft.members()}
    joined = [member for member in view.observed.joined if member.agent not in known][:MAX_WAVE]
    if joined and draft.head.joined < MAX_JOINED and not draft.full:
        draft.add(joined)
        draft.move(Phase.WAITING, f"{agents(len(joined))} joined meanwhile")
        return 0
    tell_more(draft, view)
    draft.head.reason = standing(draft.members())
    if any_open(draft) or any(member.state is MemberState.WAITING for member in draft.members()):
        return pace(draft)
    return _end(draft, Phase.SUCCEEDED, draft.head.reason)


def _held(draft: Draft, view: View) -> float | None:
    head = draft.head
    cause = head.hold.cause if head.hold else HoldCause.INCONCLUSIVE
    if cause is HoldCause.REVERT:
        return held_back(draft, view)
    refresh(draft, view)
    verdict = view.observed.verdict
    if head.resume_to is Phase.BAKING and verdict is not None:
        if cause is HoldCause.UNREADABLE and verdict.outcome is not Outcome.UNREADABLE:
            draft.move(Phase.BAKING, "metrics can be read again")
            return baking(draft, view)
        if cause is HoldCause.INCONCLUSIVE and verdict.outcome is Outcome.FAIL:
            return judge(draft, verdict)
    if cause is HoldCause.UNREADABLE and head.resume_to is not Phase.BAKING and not view.deaf:
        draft.move(head.resume_to or Phase.APPLYING, "reports come in again")
        return 0
    return HELD_S if cause is HoldCause.UNREADABLE else None


def _paused(draft: Draft, view: View) -> float | None:
    """Nobody else is told; what was told before comes to be so."""
    stopping = draft.head.resume_to is Phase.STOPPED
    refresh(draft, view, kept if stopping else forward)
    if draft.writes or draft.cut:
        return 0 if draft.cut else QUICK_S
    if not stopping:
        return None
    return _end(draft, Phase.STOPPED, f"{draft.head.reason}; {standing(draft.members())}")


def _end(draft: Draft, phase: Phase, reason: str) -> float | None:
    seconds = unsettled(draft.now, draft.head.back_at)
    if seconds:
        return seconds
    draft.end(phase, reason)
    return None


_PHASES: Mapping[Phase, Callable[[Draft, View], float | None]] = {
    Phase.WAITING: _waiting,
    Phase.APPLYING: _applying,
    Phase.BAKING: baking,
    Phase.HELD: _held,
    Phase.PAUSED: _paused,
    Phase.REVERTING: reverting,
}
