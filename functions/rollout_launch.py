"""Starting and steering rollouts: what the API, budgets and scheduled functions share. Sees ports, not adapters.

    wanted texts ─▶ members that would change ─▶ waves ─▶ create, if no other rollout has one of them ─▶ first execution

That no agent is in two rollouts rests on the registry: whoever read all rollouts of one version of it creates his own on condition that it
still has that version (`RolloutStore.create`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from functions.domain.desired import hash_of
from functions.domain.errors import Conflict, NotFound, StoreUnavailable
from functions.domain.rollout import (
    FINAL,
    UNMANAGED,
    UNMANAGED_TEXT,
    Action,
    Entry,
    Member,
    MemberState,
    Phase,
    Policy,
    Reversibility,
    Rollout,
    Wave,
)
from functions.domain.rollout_command import commanded
from functions.domain.rollout_plan import begin
from functions.domain.rotation_launch import channel
from functions.domain.rotation_view import LaunchRollout
from functions.domain.stepped import driven
from functions.ports import DesiredStore, Executions, KeyStore, Registry, RolloutStore

OUT_OF_IT = frozenset({MemberState.GONE, MemberState.OVERRIDDEN})
"""Members that are no part of their rollout any more."""
_ATTEMPTS = 5
"""Of writes that others were faster with."""
_READERS = 8
_NAMED = 5
"""Agents that a conflict names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What is wanted."""

    title: str
    by: str
    """Id of the token."""
    targets: Mapping[str, str]
    """By agent, the canonical text of what it shall have (`domain.desired.canonical`)."""
    tags: Mapping[str, Mapping[str, str]]
    """Effective ones, by agent."""
    policy: Policy
    selector: str = ""
    change: Mapping[str, Any] = field(default_factory=dict)
    revision: int | None = None
    irreversible: bool = False
    backup_by: str | None = None
    """Who acknowledged that there is a backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ports."""

    rollouts: RolloutStore
    desired: DesiredStore
    executions: Executions


def preview(wanted: Launch, desired: Mapping[str, str], now: int) -> tuple[Rollout, list[Wave]]:
    """What `launch` would start; nothing is stored. `desired` has the hash of what each agent has now.

    Without an agent that would change, a rollout that is over, without waves. Raises `InvalidInput`.
    """
    members = changing(wanted, desired)
    if not members:
        return _nothing(wanted, now), []
    rollout, waves, _ = _begin(wanted, members, "", now)
    return rollout, waves


def launch(parts: Parts, workspace: str, wanted: Launch, *, id: str, now: int) -> Rollout | None:
    """Start a rollout under a fresh id (`rollout_plan.new_id`); None when no agent would change.

    Raises `Conflict`, which names the other rollout and some agents, `InvalidInput`, `StoreUnavailable`.
    """
    for _ in range(_ATTEMPTS):
        seen = parts.rollouts.registry(workspace)
        members = changing(wanted, parts.desired.hashes(workspace))
        if not members:
            return None
        refuse_taken(parts.rollouts, workspace, seen, {member.agent for member in members})
        made, waves, entries = _begin(wanted, members, id, now)
        documents = _documents(parts, workspace, wanted, members)
        # A first look right away; one that nobody takes is for the sweep.
        rollout = replace(made, drive=1, version=1, look_at=now)
        if documents is not None and parts.rollouts.create(workspace, rollout, waves, documents, entries, seen):
            _start(parts.executions, workspace, rollout)
            return rollout
    raise StoreUnavailable("others start rollouts, or change configurations, all the time")


def launch_keys(
    rollouts: RolloutStore, keys: KeyStore, executions: Executions, workspace: str, provider: str, wanted: LaunchRollout, now: int
) -> Rollout | None:
    """Start a rollout that brings a provider's key; None when there is one of its id, or agents have another key than was seen.

    Raises `Conflict`, `InvalidInput`, `StoreUnavailable`.
    """
    members = [
        Member(agent=agent, before=before, after=after, tags=dict(wanted.tags.get(agent, {})))
        for agent, (before, after) in sorted(wanted.members.items())
        if before != after
    ]
    for _ in range(_ATTEMPTS):
        seen = rollouts.registry(workspace)
        having = keys.all_keys(workspace)
        as_seen = all(having.get(member.agent, {}).get(provider, UNMANAGED) == member.before for member in members)
        if not members or not as_seen or rollouts.head(workspace, wanted.id):
            return None
        refuse_taken(rollouts, workspace, seen, {member.agent for member in members}, channel(provider))
        made, waves, entries = begin(
            id=wanted.id, title=wanted.title, by=wanted.by, now=now, members=members, policy=wanted.policy, change=wanted.change
        )
        rollout = replace(made, channel=channel(provider), drive=1, version=1, look_at=now)
        if rollouts.create(workspace, rollout, waves, {}, entries, seen):
            _start(executions, workspace, rollout)
            return rollout
    raise StoreUnavailable("others start rollouts all the time")


def command(parts: Parts, workspace: str, rollout_id: str, action: Action, *, by: str, now: int, detail: str = "") -> Rollout:
    """Do what somebody asks of a rollout; a new execution carries it out.

    Raises `NotFound`, `Conflict` when the phase does not allow it, `StoreUnavailable`.
    """
    for _ in range(_ATTEMPTS):
        found = parts.rollouts.read(workspace, rollout_id)
        if found is None:
            raise NotFound(f"there is no rollout {rollout_id}")
        after = command_seen(parts.rollouts, parts.executions, workspace, *found, action, by=by, now=now, detail=detail)
        if after:
            return after
    raise StoreUnavailable(f"the rollout {rollout_id} is being changed all the time")


def command_seen(
    rollouts: RolloutStore,
    executions: Executions,
    workspace: str,
    seen: Rollout,
    waves: Sequence[Wave],
    action: Action,
    *,
    by: str,
    now: int,
    detail: str = "",
) -> Rollout | None:
    """Do what is asked of a rollout as it was seen; None when it was changed meanwhile. Raises `Conflict`, `StoreUnavailable`."""
    step = commanded(seen, waves, action, by=by, now=now, detail=detail)
    after = driven(replace(step.rollout, version=seen.version), now)
    if not rollouts.save(workspace, after, step.waves, step.entries):
        return None
    _start(executions, workspace, after)
    return after


def restart(parts: Parts, workspace: str, rollout: Rollout, now: int) -> bool:
    """Have a new execution step a rollout, and all older ones end; False when it was changed meanwhile."""
    after = driven(rollout, now)
    if not parts.rollouts.save(workspace, after, [], []):
        return False
    parts.executions.start(workspace, after.id, after.drive)
    return True


def changing(wanted: Launch, desired: Mapping[str, str]) -> list[Member]:
    """The agents that have something else, as members."""
    members = [
        Member(agent=agent, before=desired.get(agent, UNMANAGED), after=hash_of(text), tags=dict(wanted.tags.get(agent, {})))
        for agent, text in sorted(wanted.targets.items())
    ]
    return [member for member in members if member.before != member.after]


def members_elsewhere(
    rollouts: RolloutStore, workspace: str, seen: Registry, own: str = "", channel: str = ""
) -> Iterator[tuple[str, str]]:
    """Rollout and agent of all that take part in the registry's rollouts of a channel, those of `own` left out."""
    for id in sorted(seen.rollouts - {own}):
        found = rollouts.read(workspace, id)
        if found is not None and found[0].channel == channel and found[0].phase not in FINAL:
            yield from ((id, member.agent) for wave in found[1] for member in wave.members if member.state not in OUT_OF_IT)


def refuse_taken(rollouts: RolloutStore, workspace: str, seen: Registry, agents: set[str], channel: str = "") -> None:
    """Raise `Conflict` if agents are in another rollout of a channel."""
    taken: dict[str, list[str]] = {}
    for rollout, agent in members_elsewhere(rollouts, workspace, seen, channel=channel):
        if agent in agents:
            taken.setdefault(rollout, []).append(agent)
    if taken:
        raise Conflict("; ".join(f"the rollout {rollout} is not over and has {_some(named)}" for rollout, named in taken.items()))


def _some(agents: Sequence[str]) -> str:
    more = len(agents) - _NAMED
    return ", ".join(sorted(agents)[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _begin(wanted: Launch, members: Iterable[Member], id: str, now: int) -> tuple[Rollout, list[Wave], list[Entry]]:
    return begin(
        id=id,
        title=wanted.title,
        by=wanted.by,
        now=now,
        members=members,
        policy=wanted.policy,
        selector=wanted.selector,
        change=wanted.change,
        revision=wanted.revision,
        reversibility=_reversibility(wanted),
        backup_by=wanted.backup_by,
    )


def _nothing(wanted: Launch, now: int) -> Rollout:
    return Rollout(
        id="",
        title=wanted.title,
        created=now,
        by=wanted.by,
        selector=wanted.selector,
        change=dict(wanted.change),
        revision=wanted.revision,
        policy=wanted.policy,
        reversibility=_reversibility(wanted),
        phase=Phase.SUCCEEDED,
        since=now,
        reason="no agent would change",
        waves=0,
        members=0,
    )


def _reversibility(wanted: Launch) -> Reversibility:
    return Reversibility.IRREVERSIBLE if wanted.irreversible else Reversibility.REVERSIBLE


def _documents(parts: Parts, workspace: str, wanted: Launch, members: Sequence[Member]) -> dict[str, str] | None:
    """Texts of all that members have and shall have; None when one was changed since its hash was read."""
    having = {member.before: member.agent for member in members}
    known = {UNMANAGED: UNMANAGED_TEXT} | parts.rollouts.documents(workspace, having)
    texts = dict(_texts(parts.desired, workspace, {hash: agent for hash, agent in having.items() if hash not in known}))
    if any(hash_of(text) != hash for hash, text in texts.items()):
        return None
    return known | texts | {member.after: wanted.targets[member.agent] for member in members}


def _texts(desired: DesiredStore, workspace: str, agents: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """By the hash wanted, what the agents have."""

    def read(agent: str) -> str:
        found = desired.get(workspace, agent)
        return found.text if found else UNMANAGED_TEXT

    with ThreadPoolExecutor(_READERS) as pool:
        yield from zip(agents, pool.map(read, agents.values()), strict=True)


def _start(executions: Executions, workspace: str, rollout: Rollout) -> None:
    # It is written down, so the sweep starts what cannot be started now.
    with suppress(StoreUnavailable):
        executions.start(workspace, rollout.id, rollout.drive)
