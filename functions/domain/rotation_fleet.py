"""Who a rotation is about: the agents of its scope, those that use the provider, those that use one of the two keys, those that sleep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from functions.domain.rotation import Rotation, VaultState
from functions.domain.rotation_view import KeyAgent
from functions.domain.selector import Selector
from functions.domain.times import SECOND_MS

SHARD_TAG = "shard"
NAMED = 5
"""Agents that a sentence names."""

type Agents = dict[str, KeyAgent]


@dataclass(frozen=True)
class Fleet:
    """Agents as a rotation sees them at a time (ms)."""

    agents: Mapping[str, KeyAgent]
    rotation: Rotation
    apart: frozenset[str]
    now: int

    @cached_property
    def scope(self) -> Agents:
        """The agents that the rotation means, whether they use the provider or not."""
        selector = Selector.parse(self.rotation.selector)
        return {
            id: agent
            for id, agent in sorted(self.agents.items())
            if in_shard(agent, self.rotation.shard, self.apart) and selector.matches(agent.tags)
        }

    @cached_property
    def members(self) -> Agents:
        """Those of them that use the provider, as far as anybody can tell."""
        return {id: agent for id, agent in self.scope.items() if agent.uses or agent.assigned is not None}

    @cached_property
    def mute(self) -> Agents:
        """Those that cannot be told another key: they report none at all, or not the one that they are to use."""
        return {id: agent for id, agent in self.scope.items() if not agent.tells or (agent.assigned is not None and not agent.uses)}

    @cached_property
    def deaf(self) -> bool:
        """Whether there are agents, and nobody is heard of: then it is we who do not hear."""
        return bool(self.agents) and not any(map(self.awake, self.agents.values()))

    @cached_property
    def heard(self) -> int:
        """When anybody was heard of last (ms); now, where there is nobody to hear of."""
        return min(self.now, max((agent.last_seen or 0 for agent in self.agents.values()), default=self.now))

    def awake(self, agent: KeyAgent) -> bool:
        """Whether it was heard of lately."""
        return agent.last_seen is not None and self.now - agent.last_seen <= self.rotation.policy.asleep_s * SECOND_MS

    def lacking(self, print_: str) -> Agents:
        """Members that should use another key."""
        return {id: agent for id, agent in self.members.items() if agent.assigned != print_}

    def users(self, print_: str | None) -> Agents:
        """Agents, of any scope, that use a key or are to use it."""
        if print_ is None:
            return {}
        return {id: agent for id, agent in sorted(self.agents.items()) if print_ in (agent.reported, agent.assigned)}

    def assigned(self, print_: str) -> Agents:
        """Agents, of any scope, that should use a key."""
        return {id: agent for id, agent in sorted(self.agents.items()) if agent.assigned == print_}

    def laggards(self, print_: str) -> Agents:
        """Agents that are awake, should use a key, and do not say that they do."""
        return {id: agent for id, agent in self.assigned(print_).items() if self.awake(agent) and agent.reported != print_}


def in_shard(agent: KeyAgent, shard: str, apart: frozenset[str]) -> bool:
    """Whether an agent has the keys of a shard, or, if that is empty, of the workspace: then it is of no shard that has its own."""
    own = agent.tags.get(SHARD_TAG, "")
    return own == shard if shard else own not in apart


def strays(
    agents: Mapping[str, KeyAgent], vault: VaultState, *, shard: str = "", apart: frozenset[str] = frozenset()
) -> Iterator[tuple[str, KeyAgent]]:
    """Agents that are to be assigned the current key (none, where there is none), whatever rotation is under way.

    What they are to use is not in Vault any more, for they were forgotten or retired when it went; or they have no key, and none was
    assigned to them yet.
    """
    for id, agent in sorted(agents.items()):
        lost = agent.assigned is not None and agent.assigned not in (vault.current, vault.next, vault.old)
        new = vault.current is not None and agent.assigned is None and agent.uses and agent.reported is None
        if (lost or new) and in_shard(agent, shard, apart):
            yield id, agent


def named(agents: Mapping[str, KeyAgent], *, why: bool = False) -> str:
    """`1 agent (a-1)`, `7 agents (a-1, a-2, a-3, a-4, a-5 and 2 more)`; with what they report if asked for."""
    told = [f"{id}: {agent.error}" if why and agent.error else id for id, agent in list(agents.items())[:NAMED]]
    more = f" and {len(agents) - NAMED} more" if len(agents) > NAMED else ""
    return f"{len(agents)} agent{'' if len(agents) == 1 else 's'} ({'; '.join(told) if why else ', '.join(told)}{more})"
