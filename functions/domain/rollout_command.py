"""What people ask of a rollout: approve, pause, resume, abort, stop, retry, skip, promote.

A command changes the state, and nothing else: the next step does what follows from it. What is not possible in a phase is refused with what
is. A held wave is not approved: an approval lets a wave begin, what to do with one that has been judged is said by resume, skip or abort.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from functions.domain.errors import Conflict
from functions.domain.rollout import FINAL, Action, Approval, HoldCause, MemberState, Phase, Rollout, Step, Wave
from functions.domain.rollout_draft import Draft
from functions.domain.rollout_limits import bake_ms, missing_approval
from functions.domain.rollout_words import of_wave

MAX_DETAIL = 500
"""Characters of a comment."""
_ENDING = (Action.ABORT, Action.STOP)
_BY_PHASE: Mapping[Phase, tuple[Action, ...]] = {
    Phase.WAITING: (Action.PAUSE, Action.PROMOTE, *_ENDING),
    Phase.APPLYING: (Action.PAUSE, Action.SKIP, Action.PROMOTE, *_ENDING),
    Phase.BAKING: (Action.PAUSE, Action.SKIP, Action.PROMOTE, *_ENDING),
    Phase.HELD: (Action.RESUME, Action.SKIP, Action.PROMOTE, *_ENDING),
    Phase.PAUSED: (Action.RESUME, Action.PROMOTE, *_ENDING),
}


def commanded(rollout: Rollout, waves: Sequence[Wave], action: Action, *, by: str, now: int, detail: str = "") -> Step:
    """The rollout after an action of the token `by`; the next step does what follows. Raises `Conflict` that says what is possible."""
    allowed = possible(rollout, waves)
    if action not in allowed:
        raise Conflict(f"{action.value} is not possible: {_situation(rollout)}; {_offer(allowed)}")
    draft = Draft(rollout, waves, now)
    comment = f": {detail[:MAX_DETAIL]}" if detail else ""
    draft.note(action.value, f"{_now(draft)}{comment}", by)
    _DO[action](draft, by, comment)
    return draft.finish(0)


def possible(rollout: Rollout, waves: Sequence[Wave]) -> tuple[Action, ...]:
    """What may be asked of it now, in the order of `Action`."""
    actions = set(_BY_PHASE.get(rollout.phase, ()))
    if rollout.phase is Phase.HELD:
        actions = _when_held(rollout)
    elif rollout.resume_to is Phase.STOPPED:
        actions = set()
    elif rollout.phase is Phase.APPLYING and rollout.passed:
        actions -= {Action.SKIP, Action.PROMOTE}
    current = next((wave for wave in waves if wave.number == rollout.wave), None)
    if current is not None:
        before = next((wave for wave in waves if wave.number == rollout.wave - 1), None)
        if rollout.phase is Phase.WAITING and missing_approval(rollout, current, before):
            actions.add(Action.APPROVE)
        if rollout.phase in (Phase.APPLYING, Phase.BAKING, Phase.HELD) and _has_failed(current):
            actions.add(Action.RETRY)
    if rollout.gateless:
        actions.discard(Action.PROMOTE)
    return tuple(action for action in Action if action in actions)


def _when_held(rollout: Rollout) -> set[Action]:
    cause = rollout.hold.cause if rollout.hold else None
    if cause is HoldCause.REVERT:
        return {Action.RESUME, Action.RETRY, Action.SKIP}
    actions = set(_BY_PHASE[Phase.HELD])
    if cause is HoldCause.IRREVERSIBLE and rollout.resume_to is Phase.APPLYING:
        # Members failed: looking again would not change that.
        actions.discard(Action.RESUME)
    if rollout.resume_to is Phase.WAITING or rollout.passed:
        actions.discard(Action.SKIP)
    return actions


def _has_failed(wave: Wave) -> bool:
    return any(member.state is MemberState.FAILED for member in wave.members)


def _approve(draft: Draft, by: str, comment: str) -> None:
    draft.head.approvals.append(Approval(by=by, at=draft.now, wave=draft.head.wave))
    draft.move(Phase.WAITING, f"approved by {by}{comment}")


def _pause(draft: Draft, by: str, comment: str) -> None:
    draft.move(Phase.PAUSED, f"paused by {by}{comment}", resume_to=draft.head.phase)


def _resume(draft: Draft, by: str, comment: str) -> None:
    head, reason = draft.head, f"resumed by {by}{comment}"
    if head.phase is Phase.HELD and head.hold is not None and head.hold.cause is HoldCause.REVERT:
        draft.move(Phase.REVERTING, reason)
    elif head.phase is Phase.HELD and head.resume_to is Phase.BAKING:
        draft.bake(reason, bake_ms(head))
    else:
        draft.move(head.resume_to or Phase.APPLYING, reason)


def _abort(draft: Draft, by: str, comment: str) -> None:
    draft.head.skipping = False
    draft.turn(f"aborted by {by}{comment}")


def _stop(draft: Draft, by: str, comment: str) -> None:
    # Only a step sees whether all that were told have got it.
    draft.move(Phase.PAUSED, f"stopped by {by}{comment}", resume_to=Phase.STOPPED)


def _retry(draft: Draft, by: str, comment: str) -> None:
    head = draft.head
    if head.hold is not None and head.hold.cause is HoldCause.REVERT:
        draft.move(Phase.REVERTING, f"tried again by {by}{comment}")
        return
    for place, member in enumerate(draft.wave.members):
        if member.state is MemberState.FAILED:
            again = msgspec.structs.replace(member, state=MemberState.REVERTING, since=draft.now, detail="is told anew")
            draft.put(head.wave, place, again)
    draft.move(Phase.APPLYING, f"tried again by {by}{comment}")


def _skip(draft: Draft, by: str, comment: str) -> None:
    head, reason = draft.head, f"{of_wave(draft.head, draft.wave)} skipped by {by}{comment}"
    if head.hold is not None and head.hold.cause is HoldCause.REVERT:
        head.skipping = True
        draft.move(Phase.REVERTING, f"{head.reason}; left so by {by}{comment}")
    elif Phase.BAKING in (head.phase, head.resume_to):
        draft.pass_wave(reason)
    else:
        # What has not been told yet still is.
        head.skipping = True
        draft.move(Phase.APPLYING, reason)


def _promote(draft: Draft, by: str, comment: str) -> None:
    head, reason = draft.head, f"promoted by {by}{comment}"
    head.gateless = True
    if Phase.BAKING in (head.phase, head.resume_to):
        draft.pass_wave(reason)
    else:
        draft.move(head.resume_to or head.phase, reason)


_DO: Mapping[Action, Callable[[Draft, str, str], None]] = {
    Action.APPROVE: _approve,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.ABORT: _abort,
    Action.STOP: _stop,
    Action.RETRY: _retry,
    Action.SKIP: _skip,
    Action.PROMOTE: _promote,
}


def _now(draft: Draft) -> str:
    return f"{of_wave(draft.head, draft.wave)}, {draft.head.phase.value}"


def _situation(rollout: Rollout) -> str:
    if rollout.phase in FINAL:
        return f"the rollout is over ({rollout.phase.value})"
    if rollout.phase is Phase.REVERTING:
        return "the rollout is going back, which nothing interrupts"
    if rollout.resume_to is Phase.STOPPED:
        return "the rollout is being stopped"
    cause = f", {rollout.hold.cause.value}" if rollout.hold else ""
    return f"the rollout is {rollout.phase.value}{cause}"


def _offer(allowed: Sequence[Action]) -> str:
    return f"possible are {', '.join(allowed)}" if allowed else "nothing can be asked of it now"
