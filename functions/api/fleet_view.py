"""The fleet as the API shows it: the snapshot, and over it what operators edited since.

A snapshot is up to 15 s old, but who edits an agent expects to see it at once. Each edit first writes a small mark with its time; a reader
whose snapshot is older than the mark, or hardly newer, reads the inventory too and lays it over. So all other reads, which are nearly all,
cost one snapshot and one mark, and never a read of the whole inventory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.api.endpoint import Call
from functions.domain.fleet import AgentState, Snapshot, decode_snapshot, state_of
from functions.domain.health import assess, shadow_reason, transition
from functions.domain.roster import apply_edits
from functions.domain.roster import is_remnant as is_remnant
from functions.domain.summary import select, stale
from functions.domain.workspace import DOCUMENT, WorkspaceSettings

EDITS = "edits"
"""Name of the mark among the workspace's documents: `{"at": ms}`."""
SETTLES_MS = 30_000
"""For this long an edit may be missing in a snapshot with a later time: the tick had read the inventory before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetView:
    """The fleet as of now."""

    time: int | None
    """When the snapshot was taken, ms; None before the first."""
    agents: list[AgentState]
    """Those that the caller may see, by id."""
    everyone: Mapping[str, AgentState]
    """All of the workspace: never for an answer, only to find out what a selector means."""
    snapshot: Snapshot | None
    settings: WorkspaceSettings

    def stale(self, now: int) -> bool:
        """Whether this is too old to be taken for the present."""
        return stale(self.time, now)

    def tags(self) -> dict[str, dict[str, str]]:
        """Effective tags by agent."""
        return {state.id: state.tags for state in self.agents}


def view(call: Call) -> FleetView:
    """The caller's fleet as of now."""
    workspace = call.caller.workspace
    settings = settings_of(call)
    snapshot = load_snapshot(call)
    states = dict(snapshot.agents) if snapshot else {}
    time = snapshot.time if snapshot else None
    if _edited_since(call, time):
        states = overlay(states, call.services.fleet.agents(workspace), settings, call.now)
    visible = select(states.values(), call.caller.tags)
    return FleetView(time=time, agents=visible, everyone=states, snapshot=snapshot, settings=settings)


def load_snapshot(call: Call) -> Snapshot | None:
    """The workspace's newest snapshot; None before the first."""
    data = call.services.fleet.snapshot(call.caller.workspace)
    return decode_snapshot(data) if data else None


def known_tags(call: Call, agent: str) -> dict[str, str] | None:
    """Effective tags of an agent, by its record alone; None for one that the inventory does not know."""
    record = call.services.fleet.agent(call.caller.workspace, agent)
    return None if record is None or is_remnant(record) else state_of(agent, record).tags


def mark_edit(call: Call) -> None:
    """Say that the inventory is about to change; before the change, so that a crash between the two hides nothing."""
    call.services.fleet.put_settings(call.caller.workspace, EDITS, {"at": call.now})


def settings_of(call: Call) -> WorkspaceSettings:
    """The workspace's settings."""
    return WorkspaceSettings.parse(call.services.fleet.settings(call.caller.workspace, DOCUMENT))


def overlay(
    states: Mapping[str, AgentState], records: Mapping[str, Mapping[str, Any]], settings: WorkspaceSettings, now: int
) -> dict[str, AgentState]:
    """Agents of a snapshot as the inventory has them now: edited, new or forgotten ones."""
    known = {agent: record for agent, record in records.items() if not is_remnant(record)}
    return {agent: overlaid(agent, states.get(agent), record, settings, now) for agent, record in known.items()}


def overlaid(agent: str, state: AgentState | None, record: Mapping[str, Any], settings: WorkspaceSettings, now: int) -> AgentState:
    """One agent's state with what operators edited laid over, judged anew where that decides."""
    if state is None:
        state = state_of(agent, record)
        before = None
    else:
        before = state.retired
        apply_edits(state, record)
    if state.retired != before:
        state.health = transition(state.health if state.health.since else None, assess(state, now, settings.health), now)
    state.shadow = shadow_reason(state, now, settings.health, settings.inventory)
    return state


def _edited_since(call: Call, time: int | None) -> bool:
    mark = call.services.fleet.settings(call.caller.workspace, EDITS)
    return time is None or (mark is not None and int(mark["at"]) > time - SETTLES_MS)
