"""What a gate looks at, read from the stores: the rollups of a wave's members and of a control, before and after the change.

A minute that is not stored is empty when it is sealed, and unreadable when it waits to be: silence of the stores is no silence of the
agents. What cannot be read is a verdict of its own, never an exception, and never a fail.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from functions.domain import backlog
from functions.domain.errors import StoreUnavailable
from functions.domain.fleet import AgentState, Snapshot, SnapshotUnreadable, decode_snapshot
from functions.domain.gate import Judgement, Panel, judge
from functions.domain.gate_panel import Axis, Damaged, Lane, Stored, panel
from functions.domain.gate_policy import GatePolicy
from functions.domain.gate_text import count
from functions.domain.rollout import Member, MemberState, Outcome, Rollout, Verdict, Wave
from functions.domain.rollup import TagPairs
from functions.domain.times import HOURS_PER_DAY, MINUTE_MS, MINUTES_PER_HOUR, SECOND_MS, minute_of
from functions.ports import FleetStore, Resolution, RollupStore

MATCHED = ("env", "tier")
"""Tags that control agents share with members."""
PAST_MINUTES = 60
SETTLING = 2
"""Minutes before a change was first seen that belong to neither side: it took place in them."""
THIN = 300
"""With fewer tasks in the past, its hours are read as well."""
MOST_AGENTS = 250
"""Of each side; more say the same, and take longer to read."""
FEW = 10
"""With fewer members left, other agents with the same tags join the control."""
LAG_MINUTES = 3
"""So long may a minute take to be sealed; what takes longer is unreadable."""
READERS = 16
"""Requests at once."""


class Unreadable(Exception):
    """Metrics cannot be read; the text says why."""


class Choice(NamedTuple):
    """Whom to look at, and when."""

    lanes: list[Lane]
    notes: list[str]
    """For people."""
    untouched: bool = True
    """See `Panel.untouched`."""


@dataclass(frozen=True, slots=True)
class GateReader:
    """Reads evidence, and has it judged."""

    rollups: RollupStore
    fleet: FleetStore
    most: int = MOST_AGENTS
    """Agents of each side that are looked at."""

    def verdict(self, workspace: str, rollout: Rollout, waves: Sequence[Wave], now: int) -> Verdict:
        """Look at the current wave at `now` (ms)."""
        try:
            snapshot = self._snapshot(workspace, now)
            choice = choose(rollout, waves, snapshot, now, self.most)
            found = self._panel(workspace, choice, snapshot, rollout.policy.gate) if choice.lanes else None
        except (StoreUnavailable, SnapshotUnreadable, Unreadable) as error:
            return Verdict(outcome=Outcome.UNREADABLE, reason=f"metrics cannot be read: {error}", looked_at=now, wave=rollout.wave)
        return _verdict(found, choice.notes, rollout, now)

    def _snapshot(self, workspace: str, now: int) -> Snapshot:
        data = self.fleet.snapshot(workspace)
        if data is None:
            raise Unreadable("there is no snapshot of the fleet yet")
        snapshot = decode_snapshot(data)
        if now - snapshot.time > LAG_MINUTES * MINUTE_MS:
            raise Unreadable(f"nothing was sealed for {(now - snapshot.time) // SECOND_MS} s")
        if not _until(snapshot):
            raise Unreadable("no minute is sealed yet")
        return snapshot

    def _panel(self, workspace: str, choice: Choice, snapshot: Snapshot, policy: GatePolicy) -> Panel:
        lanes, axis = choice.lanes, _axis(choice.lanes, snapshot)
        minutes = self._read(workspace, lanes, Resolution.MINUTE, axis.minutes)
        found = _sound(*panel(lanes, [Stored(one) for one in minutes], axis, policy.metrics, untouched=choice.untouched))
        if (found.finished * found.design.before)[found.design.changed].sum() >= THIN or not choice.untouched:
            return found
        end = axis.minutes.start // MINUTES_PER_HOUR
        axis = axis._replace(hours=range(end - HOURS_PER_DAY, end))
        hours = self._read(workspace, lanes, Resolution.HOUR, axis.hours)
        return _sound(*panel(lanes, [Stored(*both) for both in zip(minutes, hours, strict=True)], axis, policy.metrics))

    def _read(self, workspace: str, lanes: Sequence[Lane], resolution: Resolution, span: range) -> list[dict[int, bytes]]:
        def one(lane: Lane) -> dict[int, bytes]:
            return self.rollups.read_agent(workspace, lane.agent, resolution, span.start, span.stop)

        with ThreadPoolExecutor(max(1, min(READERS, len(lanes)))) as pool:
            return list(pool.map(one, lanes))


def choose(rollout: Rollout, waves: Sequence[Wave], snapshot: Snapshot, now: int, most: int = MOST_AGENTS) -> Choice:
    """Members of the current wave that have changed, and their control."""
    members = {member.agent: member for member in waves[rollout.wave].members}
    changed = _changed(members.values())
    if not changed:
        return Choice([], [f"none of {count(len(members), 'member')} has changed yet"])
    sample, until = _sample(changed, rollout.id, most), _until(snapshot)
    spans = {agent: _spans(at, until) for agent, at in sample.items()}
    lanes = [Lane(agent, True, _cell(snapshot.agents.get(agent, members[agent])), *spans[agent]) for agent in sample]
    notes = [f"{len(sample)} of {len(changed)} changed agents were looked at"] if len(sample) < len(changed) else []
    first = min(sample.values())
    control = _control(rollout, waves, _fit(rollout, snapshot, {lane.cell for lane in lanes}, now), first)
    chosen = _sample(control.since, rollout.id, most)
    for agent, since in chosen.items():
        before, after = _spans(first, until)
        lanes.append(Lane(agent, False, _cell(snapshot.agents[agent]), range(max(before.start, since), before.stop), after))
    return Choice(lanes, [*notes, control.told(len(chosen))], control.untouched)


class _Control(NamedTuple):
    since: dict[str, int]
    """By agent: the minute from which on it has been as it is."""
    origin: str
    untouched: bool = True

    def told(self, chosen: int) -> str:
        """Who they are, for people."""
        if not chosen:
            return "no control is left: judged by its own past alone"
        sampled = f" (of {len(self.since)})" if chosen < len(self.since) else ""
        return f"control of {count(chosen, 'agent')}{sampled} {self.origin}"


def _fit(rollout: Rollout, snapshot: Snapshot, cells: set[TagPairs], now: int) -> set[str]:
    """Agents that are awake and have the tags of one that has changed. Failing ones, too: an incident is not to be looked away from."""
    awake = now - rollout.policy.asleep_s * SECOND_MS
    return {
        agent for agent, state in snapshot.agents.items() if not state.retired and (state.last_seen or 0) >= awake and _cell(state) in cells
    }


def _control(rollout: Rollout, waves: Sequence[Wave], fit: set[str], first: int) -> _Control:
    """Agents that have not changed; where none is left, those that changed in earlier waves, with what they did since."""
    members = {member.agent: member for wave in waves for member in wave.members}
    untold = {agent: 0 for agent in fit if agent in members and members[agent].state is MemberState.WAITING}
    if len(untold) >= FEW:
        return _Control(untold, "not yet changed")
    others = {agent: 0 for agent in fit if agent not in members}
    if untold or others:
        return _Control(untold | others, "not yet changed" if not others else "not yet changed, or with the same tags and no part of it")
    earlier = _changed(member for wave in waves[: rollout.wave] for member in wave.members)
    since = {agent: minute_of(at) + 1 for agent, at in earlier.items() if agent in fit and at < first}
    return _Control(since, "that changed in earlier waves, for nobody is left who has not", untouched=not since)


def _changed(members: Iterable[Member]) -> dict[str, int]:
    """When each of those that have the new configuration was first seen with it."""
    return {member.agent: member.applied_at for member in members if member.state is MemberState.APPLIED and member.applied_at is not None}


def _sample(of: Mapping[str, int], salt: str, most: int) -> dict[str, int]:
    """At most so many, the same ones at each look."""
    chosen = sorted(of, key=lambda agent: (zlib.crc32(f"{salt}|{agent}".encode()), agent))[:most]
    return {agent: of[agent] for agent in chosen}


def _cell(agent: AgentState | Member) -> TagPairs:
    """The tags that count."""
    return tuple((key, agent.tags[key]) for key in MATCHED if key in agent.tags)


def _spans(change: int, until: int) -> tuple[range, range]:
    """Minutes before and after a change (ms)."""
    minute = minute_of(change)
    return range(minute - SETTLING - PAST_MINUTES, minute - SETTLING), range(minute + 1, max(minute + 1, until))


def _until(snapshot: Snapshot) -> int:
    """The first minute that nothing is known of."""
    return snapshot.due_until if snapshot.due_until is not None else snapshot.sealed_until or 0


def _axis(lanes: Sequence[Lane], snapshot: Snapshot) -> Axis:
    """The minutes of all; raises `Unreadable` when what came after the change waits to be sealed."""
    until = _until(snapshot)
    first = min(lane.before.start for lane in lanes)
    minutes = range(first, max(until, max(lane.before.stop for lane in lanes)))
    holes = {minute for minute in minutes if minute >= until or backlog.contains(snapshot.unsealed, minute)}
    since = min(lane.after.start for lane in lanes)
    overdue = [minute for minute in holes if since <= minute < minute_of(snapshot.time) - LAG_MINUTES]
    if overdue:
        raise Unreadable(f"{count(len(overdue), 'minute')} since the change are not sealed yet")
    return Axis(minutes, range(0), frozenset(holes))


def _sound(found: Panel, damaged: Sequence[Damaged]) -> Panel:
    """The panel, unless what changed agents did since the change is damaged; elsewhere a rollup more or less does not matter."""
    for one in damaged:
        if one.crucial:
            raise Unreadable(f"the rollup {one.slot} of agent {one.agent} is damaged: {one.reason}")
    return found


def _verdict(found: Panel | None, notes: Sequence[str], rollout: Rollout, now: int) -> Verdict:
    policy = rollout.policy.gate
    judged = judge(found, policy) if found else Judgement(Outcome.INCONCLUSIVE, "nothing to judge yet", [])
    return Verdict(
        outcome=judged.outcome,
        reason="; ".join([judged.reason, *notes]),
        findings=judged.findings,
        tasks=found.tasks if found else 0,
        control_tasks=found.control_tasks if found else 0,
        control_agents=found.control_agents if found else 0,
        looked_at=now,
        wave=rollout.wave,
    )
