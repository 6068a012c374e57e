"""Each minute: what no execution does by itself.

- A rollout whose execution has died, or was never started, gets a new one; also one that waits for a time or holds until metrics can be
  read, for those are looked at again and again, and one whose notices were not queued.
- Agents without a desired configuration get that of the revision in force, once its rollout has succeeded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from functions.domain.desired import Desired, hash_of
from functions.domain.errors import StoreUnavailable
from functions.domain.fleet import decode_snapshot
from functions.domain.revision import Revision
from functions.domain.rollout import UNMANAGED_TEXT, Phase, Rollout
from functions.domain.stepped import overdue
from functions.ports import FleetStore, RevisionStore, RolloutStore
from functions.rollout_launch import Parts, members_elsewhere, restart
from functions.rollouts.joining import serves
from functions.rollouts.targets import Targets

_LOG = logging.getLogger(__name__)
MAX_RESTARTS = 100
MAX_ADOPTED = 500
"""Of one run; the next goes on."""


class Swept(NamedTuple):
    """What a run did."""

    restarted: list[str]
    """Ids of rollouts."""
    adopted: list[str]
    """Ids of agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The use case."""

    parts: Parts
    fleet: FleetStore
    revisions: RevisionStore
    targets: Targets

    def run(self, workspace: str, now: int) -> Swept:
        """One run; `now` in ms. Raises `StoreUnavailable`."""
        return Swept(self._restart(workspace, now), list(self._adopt(workspace, now)))

    def _restart(self, workspace: str, now: int) -> list[str]:
        restarted: list[str] = []
        for id in sorted(self.parts.rollouts.registry(workspace).rollouts):
            head = self._head(workspace, id)
            if head is not None and overdue(head, now) and restart(self.parts, workspace, head, now):
                restarted.append(id)
            if len(restarted) == MAX_RESTARTS:
                break
        return restarted

    def _head(self, workspace: str, id: str) -> Rollout | None:
        try:
            return self.parts.rollouts.head(workspace, id)
        except StoreUnavailable as error:
            # One that cannot be read must not keep the others waiting.
            _LOG.error("the sweep passes over the rollout %s of %s: %s", id, workspace, error)
            return None

    def _adopt(self, workspace: str, now: int) -> Iterator[str]:
        revision = self.revisions.latest(workspace)
        if revision is None or not _in_force(self.parts.rollouts, workspace, revision):
            return
        data = self.fleet.snapshot(workspace)
        if data is None:
            return
        configured = self.parts.desired.hashes(workspace)
        bare = [state for state in decode_snapshot(data).agents.values() if state.id not in configured and serves(state)]
        target = self.targets.of_revision(workspace, revision) if bare else None
        if target is None:
            return
        taken = {agent for _, agent in members_elsewhere(self.parts.rollouts, workspace, self.parts.rollouts.registry(workspace))}
        wanted = ((state.id, target(state.id, state.tags, UNMANAGED_TEXT)) for state in bare if state.id not in taken)
        for agent, text in islice(((agent, text) for agent, text in wanted if text), MAX_ADOPTED):
            document = Desired(text=text, hash=hash_of(text), time=now, by=f"revision {revision.number}")
            if self.parts.desired.put(workspace, agent, document, None):
                yield agent


def _in_force(rollouts: RolloutStore, workspace: str, revision: Revision) -> bool:
    if revision.version == 0:
        # It is put, and still being applied.
        return False
    if revision.rollout is None:
        return True
    head = rollouts.head(workspace, revision.rollout)
    return head is not None and head.phase is Phase.SUCCEEDED
