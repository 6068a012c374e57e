"""Decides how many agents a group should have: pure, and made only from what was observed, so that a repeat changes nothing.

A signal votes once it has been in its zone for as long as its policy says, since the last change at least, and has cooled down
(`scaling_signals`). One vote is enough to grow. To shrink, no signal may be high or unreadable, and those that must agree have to. Counts
are chosen so that levels come to the middle between their thresholds, or for the known tasks; and none is gone down to that would have
passed a threshold for growing lately (`scaling_need`): what was changed does not call for the opposite.

    votes ─▶ wanted ─▶ stabilisation ─▶ step ─▶ min and max ─▶ desired
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from functions.domain import scaling_need
from functions.domain.scaling import Action, Decision, GroupPolicy, Memory, Observed, Past, Signal, SignalState, Vote, Zone
from functions.domain.scaling_need import Need, least, whole
from functions.domain.scaling_signals import episodes, saw, states
from functions.domain.times import SECOND_MS

MAX_WANTED = 4_000
"""Observations remembered for stabilisation: an hour of one a second."""
GENTLE = 0.1
"""The share of the agents that latency asks for or gives up: it does not tell how many are needed."""


def decide(policy: GroupPolicy, observed: Observed, memory: Memory, now: int) -> Decision:
    """The decision at `now` (ms), which only tells whether `observed` is stale; all else counts by `observed.time`.

    An observation that is not newer than that of the memory changes nothing, nor does one that is stale. `Decision.memory` is for the next
    decision.
    """
    too_old = stale(policy, observed.time, now)
    if too_old or observed.time <= memory.time:
        return _nothing_new(policy, observed, memory, too_old=too_old)
    seen = saw(policy, observed, memory)
    found = states(policy, observed, memory, seen)
    before = _before(observed, memory)
    past = scaling_need.lately(observed, memory.lately)
    need = scaling_need.need(policy, observed, past)
    now_wanted = _wanted(policy, observed, found, need)
    window = [*memory.wanted, (observed.time, now_wanted)]
    desired, reason, limits = _Case(policy, observed, before, found, window, past, need).count()
    still, told = episodes(policy, observed, memory, found)
    return Decision(
        group=policy.name,
        time=observed.time,
        action=_action(before, desired),
        before=before,
        desired=desired,
        current=observed.current,
        wanted=now_wanted,
        min=policy.min,
        max=policy.max,
        reason=reason,
        limits=limits,
        signals=found,
        told=told,
        memory=Memory(
            time=observed.time,
            desired=desired,
            changed=memory.changed if desired == before else observed.time,
            seen=seen,
            wanted=_kept(policy, window, observed.time),
            lately=past,
            episodes=still,
        ),
    )


def stale(policy: GroupPolicy, time: int, now: int) -> bool:
    """Whether what speaks of `time` says nothing of `now` any more."""
    return now - time > policy.stale_after_s * SECOND_MS


def bounded(policy: GroupPolicy, count: int) -> int:
    """A count between the policy's bounds."""
    return min(policy.max, max(policy.min, count))


def step_of(text: str, count: int) -> int:
    """How many agents a step such as `4` or `50%` is of so many; one at least."""
    return max(1, count * int(text[:-1]) // 100) if text.endswith("%") else int(text)


def _before(observed: Observed, memory: Memory) -> int:
    """The count that the last decision left; before the first, the agents that are there."""
    return observed.current if memory.desired is None else memory.desired


def _nothing_new(policy: GroupPolicy, observed: Observed, memory: Memory, *, too_old: bool) -> Decision:
    """The count stays; only bounds that were changed meanwhile hold at once."""
    before = _before(observed, memory)
    desired = bounded(policy, before)
    why = "what is known of the group is too old" if too_old else "nothing new is known of the group"
    return Decision(
        group=policy.name,
        time=observed.time,
        action=_action(before, desired),
        before=before,
        desired=desired,
        current=observed.current,
        wanted=desired,
        min=policy.min,
        max=policy.max,
        reason=f"stays at {desired}: {why}" if desired == before else _by_bounds(policy, before, desired),
        signals=[] if too_old else states(policy, observed, memory, memory.seen),
        stale=too_old,
        memory=memory if desired == memory.desired or memory.desired is None else replace(memory, desired=desired, changed=memory.time),
    )


def _wanted(policy: GroupPolicy, observed: Observed, found: Sequence[SignalState], need: Need | None) -> int:
    """The count that the signals, as they are at this moment, call for."""
    must: list[int] = []
    may: list[int] = []
    for state in found:
        rule = policy.scaling().get(state.signal)
        if rule is None or state.level is None:
            continue
        if state.zone is not Zone.MIDDLE:
            count = _needed(state, state.level / rule.middle, observed.current, need)
            (must if rule.must_agree or state.zone is Zone.HIGH else may).append(count)
        elif rule.must_agree:
            must.append(observed.current)
    # A signal that need not agree does not keep agents that the others do not want.
    return max(must or may, default=observed.current)


def _needed(state: SignalState, ratio: float, current: int, need: Need | None) -> int:
    """The agents that one signal asks for: more than there are if it is high, never more if it is low."""
    latency = state.signal is Signal.LATENCY
    gentle = max(1, int(current * GENTLE))
    if state.zone is not Zone.HIGH:
        return max(0, current - gentle) if latency else min(whole(max(current, 1) * ratio), current)
    count = current + gentle if latency else whole(max(current, 1) * ratio)
    if need is not None:
        count = min(count, need.agents) if latency else need.agents
    return max(count, current + 1)


def _voices(found: Sequence[SignalState], vote: Vote) -> str:
    return "; ".join(state.reason for state in found if state.vote is vote)


def _opposed(policy: GroupPolicy, found: Sequence[SignalState]) -> str:
    """Why the group must not shrink, although some signal asks for it; empty when nothing is in the way."""
    for state in found:
        rule = policy.scaling().get(state.signal)
        if rule is None:
            continue
        waits = rule.must_agree and state.zone in (Zone.MIDDLE, Zone.LOW) and state.vote is not Vote.DOWN
        if waits or state.zone in (Zone.HIGH, Zone.UNREADABLE):
            return state.reason
    return ""


@dataclass(frozen=True, slots=True)
class _Case:
    """What a count is chosen by."""

    policy: GroupPolicy
    observed: Observed
    before: int
    found: Sequence[SignalState]
    window: Sequence[tuple[int, int]]
    past: Sequence[Past]
    need: Need | None

    def count(self) -> tuple[int, str, list[str]]:
        """The count, why, and what keeps it from what is wanted."""
        inside = bounded(self.policy, self.before)
        if inside != self.before:
            return inside, _by_bounds(self.policy, self.before, inside), []
        up, down = (_voices(self.found, vote) for vote in (Vote.UP, Vote.DOWN))
        if up:
            return self._grown(up + self._known())
        if down:
            opposed = _opposed(self.policy, self.found)
            if not opposed:
                return self._shrunk(down)
            return self.before, f"stays at {self.before}: {down}; but {opposed}", []
        return self.before, f"stays at {self.before}: no signal asks for another count", []

    def _known(self) -> str:
        """What the tasks ask for, as a clause to add."""
        if self.need is None:
            return ""
        more = ", yet it is not enough: one more" if self.need.agents <= self.observed.current else ""
        return f"; {self.need.text}{more}"

    def _grown(self, why: str) -> tuple[int, str, list[str]]:
        policy, before, current = self.policy, self.before, self.observed.current
        wanted = min(_lately(self.window, policy.stabilise_up_s))
        # Agents that were asked for and are not there yet are waited for: the step is counted from those that are.
        stepped = min(wanted, current + step_of(policy.step_up, current))
        desired = max(before, bounded(policy, stepped))
        limits = _limits(policy, self.window[-1][1], wanted, stepped, desired, policy.step_up)
        if desired == before:
            held = "that is the most that there may be" if before == policy.max else f"{current} of them are there"
            return before, f"stays at {before}, for {held}: {why}", limits
        return desired, f"from {before} to {desired}: {why}", limits

    def _shrunk(self, why: str) -> tuple[int, str, list[str]]:
        policy, before = self.policy, self.before
        wanted = max(_lately(self.window, policy.stabilise_down_s))
        stepped = max(wanted, before - step_of(policy.step_down, before))
        enough = least(policy, self.observed, self.past)
        allowed = min(before, bounded(policy, stepped))
        desired = min(before, bounded(policy, max(stepped, enough.agents)))
        limits = _limits(policy, self.window[-1][1], wanted, stepped, allowed, policy.step_down)
        # The least that there may be needs no other reason.
        turns = enough.agents > allowed
        if turns:
            limits.append(f"no turning back: {enough.text}")
        if desired < before:
            return desired, f"from {before} to {desired}: {why}", limits
        if before == policy.min:
            return before, f"stays at {before}, for that is the least that there may be: {why}", limits
        held = enough.text if turns else "fewer could not do what was to be done lately"
        return before, f"stays at {before}, for {held}: {why}", limits


def _lately(window: Sequence[tuple[int, int]], seconds: int) -> list[int]:
    """What was wanted in the last seconds, the newest at least."""
    since = window[-1][0] - seconds * SECOND_MS
    return [count for time, count in window if time >= since]


def _limits(policy: GroupPolicy, now_wanted: int, wanted: int, stepped: int, desired: int, step: str) -> list[str]:
    """What stood between what is wanted and what is decided."""
    found = []
    if wanted != now_wanted:
        found.append(f"stabilisation: {now_wanted} are wanted now, {wanted} were lately")
    if stepped != wanted:
        found.append(f"step: {wanted} are wanted, one decision goes {step} at most")
    if desired != stepped and desired in (policy.min, policy.max):
        found.append(f"bounds: from {policy.min} to {policy.max}")
    return found


def _by_bounds(policy: GroupPolicy, before: int, desired: int) -> str:
    return f"from {before} to {desired}: there may be from {policy.min} to {policy.max}"


def _action(before: int, desired: int) -> Action:
    return Action.GROW if desired > before else Action.SHRINK if desired < before else Action.HOLD


def _kept(policy: GroupPolicy, window: Sequence[tuple[int, int]], time: int) -> list[tuple[int, int]]:
    """What stabilisation will look back to."""
    since = time - max(policy.stabilise_up_s, policy.stabilise_down_s) * SECOND_MS
    return [entry for entry in window if entry[0] >= since][-MAX_WANTED:]
