"""What is stored of a group: the last decision with its memory, and what is still to be told or done because of it.

All of it is saved, on condition of the version, before anything is told or done; what went through is taken out after. So of two runs at
once one acts, and a crash in between repeats what was not recorded and loses nothing: events carry an id to be told apart by, alerting
knows an edge by its id, and setting a capacity again changes nothing.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from functions.domain.alert import Edge, EdgeKind, Severity, episode_id
from functions.domain.scaling import Action, Decision, GroupPolicy, Memory, Signal, Told, Usual

MAX_WAITING: Final = 100
"""Changes that wait to be announced; older ones are dropped, and that is logged."""
_RULES: Final = {Signal.RATE_LIMITED: "scaling-rate-limited", Signal.COST: "scaling-cost-burn"}
_SEVERITIES: Final = {Signal.RATE_LIMITED: Severity.CRITICAL, Signal.COST: Severity.WARNING}
"""Rate limits want a human now: no count of agents helps."""


class Setting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a target is to be set to, or was."""

    asg: str
    capacity: int
    """Instances."""
    action: Action
    """A target is never lowered to grow, nor raised to shrink."""
    done: int | None = None
    """When it was, ms."""
    error: str = ""
    """Why it could not be done, last."""


class GroupState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One group as it is stored."""

    group: str
    tags: str
    """Selector, as text."""
    decided: int
    """When the decision was made, ms."""
    decision: Decision
    version: int
    """Goes up with every write, and is the condition of the next."""
    stale_after_s: int
    usual: Usual | None = None
    unannounced: list[Decision] = []
    """Changes that EventBridge and SNS have not been told of, oldest first."""
    untold: list[Told] = []
    """What alerting has not been told of, oldest first."""
    target: Setting | None = None

    @property
    def waiting(self) -> bool:
        """Whether anything is still to be told or done."""
        return bool(self.unannounced or self.untold or (self.target and self.target.done is None))

    def stale(self, now: int) -> bool:
        """Whether it says nothing of `now` (ms) any more."""
        return now - self.decision.time > self.stale_after_s * 1000


def next_state(known: GroupState | None, policy: GroupPolicy, decision: Decision, usual: Usual | None, now: int) -> GroupState | None:
    """What is to be saved after a decision; None when it changes nothing of what is stored."""
    news = known is None or decision.memory != known.decision.memory
    if not news or decision.memory.desired is None:
        return None
    changed = decision.desired != decision.before
    waiting = [*(known.unannounced if known else []), *([without_memory(decision)] if changed else [])]
    return GroupState(
        group=policy.name,
        tags=policy.tags,
        decided=now,
        decision=decision,
        version=known.version + 1 if known else 1,
        stale_after_s=policy.stale_after_s,
        usual=usual,
        unannounced=waiting[-MAX_WAITING:],
        untold=[*(known.untold if known else []), *decision.told],
        target=_target(known, policy, decision) if policy.target else None,
    )


def without_memory(decision: Decision) -> Decision:
    """The decision as it is told and remembered in the history."""
    return replace(decision, memory=Memory())


def change_id(workspace: str, decision: Decision) -> str:
    """The same whenever one change is announced."""
    return f"{workspace}/{decision.group}/{decision.time}/{decision.desired}"


def edge_of(group: str, tags: dict[str, str], told: Told) -> Edge:
    """An episode's beginning or end as alerting takes it: routes and silences match on `signal`, `group` and the group's tags."""
    rule, series = _RULES[told.signal], {"group": group}
    episode = episode_id(rule, series, told.since)
    kind = EdgeKind.FIRING if told.began else EdgeKind.RESOLVED
    return Edge(
        id=f"{episode}-{kind}",
        kind=kind,
        rule=rule,
        series=series,
        episode=episode,
        at=told.at,
        since=told.since,
        severity=_SEVERITIES[told.signal],
        labels={**tags, "group": group, "signal": str(told.signal), "pack": "scaling"},
        reason=told.text,
    )


def _target(known: GroupState | None, policy: GroupPolicy, decision: Decision) -> Setting | None:
    """What the target has to be set to: only what a decision changed, so that a count which was set by hand meanwhile stays."""
    before = known.target if known else None
    if policy.target is None:
        return None
    if decision.action is Action.HOLD:
        return before if before and before.asg == policy.target.asg else None
    capacity = -(-decision.desired // policy.target.agents_per_instance)
    return Setting(asg=policy.target.asg, capacity=capacity, action=decision.action)
