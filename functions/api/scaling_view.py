"""How groups and their decisions are shown."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from functions.api.models import Answer, Moment
from functions.domain.scaling import Action, Decision, Signal, SignalState, Vote, Zone
from functions.domain.scaling_formats import BY_NAME
from functions.domain.scaling_state import GroupState


class SignalAnswer(Answer):
    """How one signal stands."""

    signal: Signal
    zone: Zone = Field(description="`silent`: nobody reports it, or too little is known; `unreadable`: not sealed yet, or damaged.")
    since: Moment
    value: float | None
    baseline: float | None
    level: float | None = Field(description="What thresholds are compared with: tasks an agent, a multiple of the baseline, a fraction.")
    vote: Vote
    reason: str


class ToldAnswer(Answer):
    """What people were told."""

    signal: Signal
    began: bool = Field(description="False when it is over.")
    since: Moment
    text: str


class TargetAnswer(Answer):
    """What is set because of decisions."""

    asg: str = Field(description="Name of the Auto Scaling group.")
    capacity: int
    done: Moment | None = Field(description="When it was; null while it waits.")
    error: str | None = Field(description="Why it could not be done.")


class GroupAnswer(Answer):
    """One group, in flat numbers. What is not known is null, never 0; of a stale group that is all numbers."""

    group: str
    tags: str
    stale: bool
    as_of: Moment | None = Field(description="What all of it speaks of.")
    decided: Moment | None
    desired: int | None
    current: int | None = Field(description="Agents that are alive.")
    wanted: int | None = Field(description="What the signals ask for, before steps, cooldowns and bounds.")
    min: int | None
    max: int | None
    action: Action | None
    changed: Moment | None = Field(description="When `desired` last changed; null when it never did.")
    queue_depth: float | None
    latency_p95_ms: float | None
    latency_baseline_ms: float | None
    saturation: float | None
    rate_limited_per_minute: float | None
    cost_usd_per_hour: float | None
    cost_baseline_usd_per_hour: float | None
    reason: str
    limits: list[str] = Field(description="What kept the count from what is wanted.")
    signals: list[SignalAnswer]
    paging: list[Signal] = Field(description="Signals that people were told of, and that are not over.")
    target: TargetAnswer | None


class HistoryEntry(Answer):
    """One decision."""

    time: Moment
    action: Action
    before: int
    desired: int
    current: int
    wanted: int
    reason: str
    limits: list[str]
    told: list[ToldAnswer]
    signals: list[SignalAnswer]


_FLAT = tuple(figure.name for figure in BY_NAME.values() if figure.signal is not None)


def flat(state: GroupState, now: int) -> GroupAnswer:
    """One group as of now."""
    decision, stale = state.decision, state.stale(now)
    if stale:
        return _without_numbers(state.group, state.tags, f"nothing is known of the group since: {decision.reason}", decision.time)
    figures: dict[str, Any] = {name: BY_NAME[name].of(decision) for name in _FLAT}
    return GroupAnswer.model_construct(
        group=state.group,
        tags=state.tags,
        stale=False,
        as_of=decision.time,
        decided=state.decided,
        desired=decision.desired,
        current=decision.current,
        wanted=decision.wanted,
        min=decision.min,
        max=decision.max,
        action=decision.action,
        changed=decision.memory.changed,
        **figures,
        reason=decision.reason,
        limits=decision.limits,
        signals=[_signal(one) for one in decision.signals],
        paging=sorted(decision.memory.episodes),
        target=_target(state),
    )


def unknown(group: str) -> GroupAnswer:
    """A group of the policy that nothing was decided of yet."""
    return _without_numbers(group, "", "nothing has been decided of it yet", None)


def entry(decision: Decision) -> HistoryEntry:
    """One decision of the past."""
    return HistoryEntry.model_construct(
        time=decision.time,
        action=decision.action,
        before=decision.before,
        desired=decision.desired,
        current=decision.current,
        wanted=decision.wanted,
        reason=decision.reason,
        limits=decision.limits,
        told=[ToldAnswer.model_construct(signal=one.signal, began=one.began, since=one.since, text=one.text) for one in decision.told],
        signals=[_signal(one) for one in decision.signals],
    )


def _without_numbers(group: str, tags: str, reason: str, as_of: int | None) -> GroupAnswer:
    nothing: dict[str, Any] = dict.fromkeys(
        ("decided", "desired", "current", "wanted", "min", "max", "action", "changed", "target", *_FLAT)
    )
    return GroupAnswer.model_construct(
        group=group, tags=tags, stale=True, as_of=as_of, reason=reason, limits=[], signals=[], paging=[], **nothing
    )


def _signal(state: SignalState) -> SignalAnswer:
    return SignalAnswer.model_construct(
        signal=state.signal,
        zone=state.zone,
        since=state.since,
        value=state.value,
        baseline=state.baseline,
        level=state.level,
        vote=state.vote,
        reason=state.reason,
    )


def _target(state: GroupState) -> TargetAnswer | None:
    found = state.target
    if found is None:
        return None
    return TargetAnswer.model_construct(asg=found.asg, capacity=found.capacity, done=found.done, error=found.error or None)
