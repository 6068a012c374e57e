"""The agents of a workspace as rotations see them, and whose keys are whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from functions.domain.errors import StoreUnavailable
from functions.domain.fleet import AgentState, decode_snapshot
from functions.domain.rotation_view import KeyAgent, agent_of, serves
from functions.ports import FleetStore, KeyStore
from functions.rotation_launch import apart as apart


@dataclass(frozen=True, slots=True)
class Agents:
    """All agents that are not retired, with what is assigned to them."""

    states: Mapping[str, AgentState]
    assigned: Mapping[str, Mapping[str, str]]
    """By agent and provider."""

    @classmethod
    def read(cls, fleet: FleetStore, keys: KeyStore, workspace: str) -> Agents:
        """As they are now. Raises `StoreUnavailable`, also without a snapshot: an agent that is not in one is taken for forgotten."""
        data = fleet.snapshot(workspace)
        if data is None:
            raise StoreUnavailable(f"there is no snapshot of {workspace} yet")
        return cls(decode_snapshot(data).agents, keys.all_keys(workspace))

    @property
    def providers(self) -> set[str]:
        """Those of which any agent has, or is to have, a key."""
        reported = {provider for state in self.states.values() if serves(state) for provider in state.keys}
        return reported | {provider for keys in self.assigned.values() for provider in keys}

    def of(self, provider: str) -> dict[str, KeyAgent]:
        """By id, as far as a provider's key is concerned."""
        return {
            id: agent_of(state, provider, self.assigned.get(id, {}).get(provider)) for id, state in self.states.items() if serves(state)
        }
