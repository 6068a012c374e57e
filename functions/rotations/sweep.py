"""Each minute: what no execution of a rotation does by itself.

- A rotation whose execution has died, or was never started, gets a new one; also one whose notices were not queued.
- Agents that have no key, or are to have one that is not in Vault any more, are to have the current one (`rotation_fleet.strays`).
- Keys that get old are rotated, or people told of them (`schedule`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from functions.domain.errors import StoreError
from functions.domain.rotation_fleet import strays
from functions.domain.stepped import overdue
from functions.ports import FleetStore, KeyStore
from functions.rotation_launch import Parts, restart
from functions.rotations.agents import Agents, apart
from functions.rotations.schedule import Schedule

_LOG = logging.getLogger(__name__)
MAX_ASSIGNED = 500
"""Agents of one provider in one run; the next goes on."""


class Swept(NamedTuple):
    """What a run did."""

    restarted: list[str]
    """Ids of rotations."""
    assigned: list[str]
    """`agent/provider` of strays."""
    started: list[str]
    """Ids of rotations that were due."""
    old: list[str]
    """Providers whose key people are told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The use case."""

    parts: Parts
    fleet: FleetStore
    keys: KeyStore
    schedule: Schedule

    def run(self, workspace: str, now: int) -> Swept:
        """One run at `now` (ms). What Vault or a provider does not do now is done by a later run. Raises `StoreError`."""
        return Swept(list(self._restart(workspace, now)), list(self._assign(workspace)), *self.schedule.run(workspace, now))

    def _restart(self, workspace: str, now: int) -> Iterator[str]:
        for id in self.parts.rotations.rotation_queue(workspace):
            try:
                rotation = self.parts.rotations.rotation(workspace, id)
                if rotation is not None and overdue(rotation, now) and restart(self.parts, workspace, rotation, now):
                    yield id
            except StoreError as error:
                # One that cannot be read must not keep the others waiting.
                _LOG.error("the sweep passes over the rotation %s of %s: %s", id, workspace, error)

    def _assign(self, workspace: str) -> Iterator[str]:
        if self.fleet.snapshot(workspace) is None:
            return
        agents = Agents.read(self.fleet, self.keys, workspace)
        for provider in sorted(agents.providers):
            try:
                yield from self._assign_strays(workspace, provider, agents)
            except StoreError as error:
                _LOG.error("agents of %s without a key of %s wait: %s", workspace, provider, error)

    def _assign_strays(self, workspace: str, provider: str, agents: Agents) -> Iterator[str]:
        found = agents.of(provider)
        own = apart(self.parts.vault, workspace, provider, found)
        for shard in ("", *sorted(own)):
            state = self.parts.vault.state(workspace, provider, shard)
            for id, agent in islice(strays(found, state, shard=shard, apart=own), MAX_ASSIGNED):
                if self.keys.assign(workspace, id, provider, state.current, agent.assigned):
                    yield f"{id}/{provider}"
