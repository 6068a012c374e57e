"""What a step of a rollout looks at, read from the stores."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from functions.domain.errors import InvalidInput, StoreUnavailable
from functions.domain.fleet import AgentState, Snapshot, decode_snapshot
from functions.domain.rollout import Hold, Observed, Phase, Rollout, Seen, Verdict, Wave
from functions.domain.rollout_freeze import FREEZES, frozen_wave, parse_freezes, unreadable
from functions.domain.rollout_step import wants_joined, wants_verdict
from functions.domain.rotation_launch import provider_of
from functions.domain.rotation_view import key_seen
from functions.ports import DesiredStore, FleetStore, KeyStore
from functions.rollouts.joining import Joined, Joining

_LOG = logging.getLogger(__name__)


class Gate(Protocol):
    """Compares a wave with its past and its control."""

    def verdict(self, workspace: str, rollout: Rollout, waves: Sequence[Wave], now: int) -> Verdict:
        """What it finds now; what cannot be read is a verdict too."""
        ...


class Sight(NamedTuple):
    """What was seen."""

    observed: Observed
    joined: Joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Reads."""

    fleet: FleetStore
    desired: DesiredStore
    gate: Gate
    joining: Joining
    keys: KeyStore
    key_gate: Gate
    """Of rollouts in a channel of keys."""

    def look(self, workspace: str, rollout: Rollout, waves: Sequence[Wave], now: int) -> Sight:
        """What a step needs. Raises `StoreUnavailable`, also without a snapshot: an agent that is not in one is taken for forgotten."""
        snapshot, provider = self._snapshot(workspace), provider_of(rollout.channel)
        if provider:
            return Sight(self._keys(workspace, rollout, waves, snapshot, provider, now), Joined())
        desired = self.desired.hashes(workspace)
        joined = self.joining.look(workspace, rollout, waves, snapshot, desired, now) if wants_joined(rollout) else Joined()
        observed = Observed(
            agents={agent: _seen(state) for agent, state in snapshot.agents.items()},
            desired=desired,
            verdict=self.gate.verdict(workspace, rollout, waves, now) if wants_verdict(rollout) else None,
            frozen=self._frozen(workspace, _next_wave(rollout, waves), now),
            joined=joined.members,
        )
        return Sight(observed, joined)

    def _keys(self, workspace: str, rollout: Rollout, waves: Sequence[Wave], snapshot: Snapshot, provider: str, now: int) -> Observed:
        """Of a rollout that brings a key: fingerprints for hashes. Nobody joins it and no freeze holds it: its rotation sees to that."""
        wanted = {agent: keys[provider] for agent, keys in self.keys.all_keys(workspace).items() if provider in keys}
        return Observed(
            agents={agent: key_seen(state, provider, wanted.get(agent)) for agent, state in snapshot.agents.items()},
            desired=wanted,
            verdict=self.key_gate.verdict(workspace, rollout, waves, now) if wants_verdict(rollout) else None,
        )

    def _snapshot(self, workspace: str) -> Snapshot:
        data = self.fleet.snapshot(workspace)
        if data is None:
            raise StoreUnavailable(f"there is no snapshot of {workspace} yet")
        return decode_snapshot(data)

    def _frozen(self, workspace: str, wave: Wave | None, now: int) -> Hold | None:
        document = self.fleet.settings(workspace, FREEZES) if wave else None
        if wave is None or document is None:
            return None
        try:
            return frozen_wave(parse_freezes(document), wave, now)
        except InvalidInput as error:
            _LOG.error("the freezes of %s are not valid: %s", workspace, error)
            return unreadable(error)


def _next_wave(rollout: Rollout, waves: Sequence[Wave]) -> Wave | None:
    """The wave that waits to begin: a freeze stops nothing else."""
    return waves[rollout.wave] if rollout.phase is Phase.WAITING else None


def _seen(state: AgentState) -> Seen:
    return Seen(
        last_seen=state.last_seen,
        applied=state.config_applied,
        written=state.config_written,
        error=state.config_error,
        retired=state.retired,
        tags=state.tags,
    )
