"""Agents that match a rollout's selector and are in none: they came after it was planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from functions.domain.desired import hash_of
from functions.domain.fleet import AgentState, Snapshot
from functions.domain.rollout import MAX_WAVE, UNMANAGED, UNMANAGED_TEXT, Member, Rollout, Wave
from functions.domain.selector import Selector
from functions.ports import DesiredStore, Registry, RolloutStore
from functions.rollout_launch import members_elsewhere
from functions.rollouts.targets import Target, Targets


class Joined(NamedTuple):
    """Who joins, and what comes with them."""

    members: Sequence[Member] = ()
    documents: Mapping[str, str] = {}
    """Texts that members have and shall have, by hash."""
    registry: Registry | None = None
    """As it was when none of its rollouts had them."""


class Joining:
    """Looks for them."""

    def __init__(self, rollouts: RolloutStore, desired: DesiredStore, targets: Targets) -> None:
        self._rollouts = rollouts
        self._desired = desired
        self._targets = targets

    def look(
        self, workspace: str, rollout: Rollout, waves: Sequence[Wave], snapshot: Snapshot, desired: Mapping[str, str], now: int
    ) -> Joined:
        """At most one wave of them; `desired` has the hash of what each agent has. Raises `StoreUnavailable`."""
        matching = _matching(rollout, waves, snapshot)
        target = self._targets.of_rollout(workspace, rollout) if matching else None
        if target is None:
            return Joined()
        registry = self._rollouts.registry(workspace)
        taken = {agent for _, agent in members_elsewhere(self._rollouts, workspace, registry, own=rollout.id)}
        free = [state for state in matching if state.id not in taken]
        members: list[Member] = []
        documents: dict[str, str] = {}
        for state, before, after in self._changing(workspace, free, desired, target):
            documents |= {hash_of(before): before, hash_of(after): after}
            members.append(Member(agent=state.id, before=hash_of(before), after=hash_of(after), since=now, tags=dict(state.tags)))
            if len(members) == MAX_WAVE:
                break
        return Joined(members, documents, registry) if members else Joined()

    def _changing(
        self, workspace: str, states: Sequence[AgentState], desired: Mapping[str, str], target: Target
    ) -> Iterator[tuple[AgentState, str, str]]:
        """Those that have something else than they shall have, with both texts."""
        hashes = {desired[state.id] for state in states if state.id in desired}
        texts = {UNMANAGED: UNMANAGED_TEXT} | self._rollouts.documents(workspace, hashes)
        for state in states:
            before = texts.get(desired.get(state.id, UNMANAGED)) or self._text(workspace, state.id)
            after = target(state.id, state.tags, before)
            if after not in (None, before):
                yield state, before, after

    def _text(self, workspace: str, agent: str) -> str:
        found = self._desired.get(workspace, agent)
        return found.text if found else UNMANAGED_TEXT


def _matching(rollout: Rollout, waves: Sequence[Wave], snapshot: Snapshot) -> list[AgentState]:
    selector = Selector.parse(rollout.selector)
    own = {member.agent for wave in waves for member in wave.members}
    return [state for state in snapshot.agents.values() if serves(state) and state.id not in own and selector.matches(state.tags)]


def serves(state: AgentState) -> bool:
    """Whether an agent is one to configure: it was seen, and is not retired."""
    return state.first_seen is not None and not state.retired
