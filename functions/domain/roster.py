"""The roster: the fleet while a tick works on it. It joins the snapshot with the inventory, takes batches in, and says what to write back.

The inventory decides who exists: an agent whose record is gone was forgotten, and only a batch that came in after that brings it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from functions.domain import fleet_changes, presence
from functions.domain.fleet import CONFIG, EDITED, AgentState, Snapshot, apply_record, state_of
from functions.domain.health import Transition, assess, shadow_reason, transition
from functions.domain.minutes import Part
from functions.domain.times import DAY_MS
from functions.domain.workspace import WorkspaceSettings

FORGOTTEN_FOR_MS = 2 * DAY_MS
"""As long as batch items are kept, a forgotten agent's old ones may be read again."""

type Record = Mapping[str, Any]


class Roster:
    """Agents by id; changes the snapshot in place."""

    def __init__(self, snapshot: Snapshot, records: Mapping[str, Record], now: int) -> None:
        self._snapshot = snapshot
        self._now = now
        self._remnants = [agent for agent, record in records.items() if is_remnant(record)]
        self._records = {agent: record for agent, record in records.items() if not is_remnant(record)}
        self._conflicts: dict[str, str] = {}
        self._touched: set[str] = set()
        self._before = {agent: fleet_changes.features(state) for agent, state in snapshot.agents.items()}
        self._forget()
        for agent, record in self._records.items():
            state = snapshot.agents.get(agent)
            if state is None:
                snapshot.agents[agent] = state_of(agent, record)
                snapshot.agents[agent].watched_since = now
                if not snapshot.time:
                    # The snapshot was lost, not the agent; else a tick that died has left the record of a new one.
                    self._before[agent] = fleet_changes.features(snapshot.agents[agent])
            else:
                apply_edits(state, record)
            snapshot.agents[agent].recorded = True

    def admit(self, part: Part) -> bool:
        """Take an item in; False when it is not to be counted, because its token contradicts the agent's tags."""
        agent = part.item.agent
        if part.item.received <= self._snapshot.forgotten.get(agent, -1):
            return True
        state = self._snapshot.agents.get(agent)
        if state is None:
            state = self._snapshot.agents[agent] = AgentState(id=agent, name=agent, watched_since=self._now)
        fault = presence.conflict(state, part.item.info)
        if fault:
            self._conflicts[agent] = fault
            return False
        presence.observe(state, part)
        self._touched.add(agent)
        return True

    def settle(self) -> None:
        """Complete the folding of what was admitted."""
        for agent in self._touched:
            presence.settle(self._snapshot.agents[agent], self._now)

    def judge(self, settings: WorkspaceSettings) -> list[Transition]:
        """Give every agent its health; returns the changes of colour. Call after `settle`."""
        changed = []
        for agent, state in self._snapshot.agents.items():
            known = state.first_seen is not None or agent in self._records
            before = state.health if known and state.health.since else None
            state.health = transition(before, assess(state, self._now, settings.health), self._now)
            state.shadow = shadow_reason(state, self._now, settings.health, settings.inventory)
            if before is None or before.status is not state.health.status:
                changed.append(Transition(agent, before, state.health, state.tags))
        return changed

    def note_changes(self) -> None:
        """Keep in the snapshot what was changed since the one before. Call after `settle`."""
        snapshot = self._snapshot
        snapshot.changes = fleet_changes.merged(snapshot.changes, fleet_changes.differences(self._before, snapshot.agents), self._now)

    def changes(self, limit: int) -> list[tuple[str, dict[str, Any]]]:
        """What to write to the inventory, for at most `limit` agents: observed fields that differ from the record."""
        differing = ((agent, _changes(state, self._records.get(agent, {}))) for agent, state in self._snapshot.agents.items())
        return list(islice(((agent, changes) for agent, changes in differing if changes), limit))

    def note_recorded(self, agent: str) -> None:
        """The agent's changes are written."""
        self._snapshot.agents[agent].recorded = True

    def remnants(self) -> list[str]:
        """Records to delete: what a write of seal left of an agent that an operator forgot in the same moment."""
        return self._remnants

    def warnings(self) -> list[str]:
        """Agent ids in conflict, as sentences."""
        return [self._conflicts[agent] for agent in sorted(self._conflicts)]

    def remote_tags(self) -> dict[str, dict[str, str]]:
        """Tags set remotely, by agent."""
        return {agent: state.remote_tags for agent, state in self._snapshot.agents.items() if state.remote_tags}

    def first_seen(self) -> int | None:
        """When the first agent of all was seen, ms."""
        return min((state.first_seen for state in self._snapshot.agents.values() if state.first_seen is not None), default=None)

    def seen_since(self, time: int) -> list[str]:
        """Agents that may have sent something at or after a time."""
        return [agent for agent, state in self._snapshot.agents.items() if (state.last_seen or 0) >= time]

    def _forget(self) -> None:
        snapshot = self._snapshot
        for agent in [agent for agent, state in snapshot.agents.items() if state.recorded and agent not in self._records]:
            del snapshot.agents[agent]
            # What came in since the last tick may be from before it was forgotten; who is alive comes again.
            snapshot.forgotten[agent] = self._now
        horizon = self._now - FORGOTTEN_FOR_MS
        snapshot.forgotten = {agent: time for agent, time in snapshot.forgotten.items() if time > horizon}


def is_remnant(record: Record) -> bool:
    """Whether a record is only what a write of seal left of an agent that an operator forgot in the same moment."""
    return "first_seen" not in record and not any(key in record for key in EDITED)


def apply_edits(state: AgentState, record: Record) -> None:
    """Take the operators' fields from the record, and leave what is observed as it is: the snapshot is newer."""
    observed = _observed(state)
    apply_record(state, {**observed, **{key: record[key] for key in EDITED if key in record}})


def _observed(state: AgentState) -> dict[str, Any]:
    return {
        "first_seen": state.first_seen,
        "reported_name": state.reported_name,
        "model": state.model,
        "host": state.host,
        "local_tags": state.local_tags,
        "scope": state.scope,
        "versions": state.versions,
        "status": str(state.health.status),
        "status_since": state.health.since,
        **{name: getattr(state, name) for name in CONFIG},
    }


def _changes(state: AgentState, record: Record) -> dict[str, Any]:
    """Empty when nothing material changed: being seen again, or a reason with another figure, is no cause to write."""
    if state.first_seen is None:
        return {}
    observed = _observed(state)
    changes = {key: value for key, value in observed.items() if (record.get(key) or None) != (value or None)}
    if changes:
        changes.update(last_seen=state.last_seen, status_reason=state.health.reason)
    return changes
