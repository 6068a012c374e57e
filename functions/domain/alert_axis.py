"""The axis of a rule: which series it has, and for which of them a rollup's row or an agent counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from functions.domain.alert_columns import Ints, TagSets
from functions.domain.fleet import AgentState
from functions.domain.rollup import TagPairs, sorted_pairs
from functions.domain.selector import Selector
from functions.domain.series import AGENT

type Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Roster:
    """The agents that can have alerts, in a fixed order: all but those that are out of service on purpose."""

    states: Sequence[AgentState]
    tags: Sequence[Tags]
    """Each agent's tags, with `agent` as its id."""

    @classmethod
    def of(cls, agents: Mapping[str, AgentState]) -> Roster:
        """The roster of a snapshot."""
        states = [state for state in agents.values() if not state.retired]
        return cls(states, [{AGENT: state.id, **state.tags} for state in states])


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Series of a rule in a fixed order; their numbers are called slots."""

    series: Sequence[TagPairs]
    of_tags: Ints
    """Slot of each tag set (by its number), -1 for what is not selected."""
    of_agent: Ints
    """Slot of each agent of the roster, -1 likewise."""
    index: Mapping[TagPairs, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.series)


class AxisMaker:
    """Finds slots, giving out new ones as series come up."""

    def __init__(self, select: Selector, per: Sequence[str]) -> None:
        self._select, self._per = select, per
        self._index: dict[TagPairs, int] = {} if per else {(): 0}
        self._looks_at = tuple(sorted({*per, *select.keys()}))
        self._known: dict[tuple[str | None, ...], int] = {}

    def slot(self, tags: Tags) -> int:
        """The slot of some tags; -1 when they are not selected. Tag sets that agree in what the rule looks at are judged once."""
        key = tuple(tags.get(name) for name in self._looks_at)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._find(tags)
        return found

    def _find(self, tags: Tags) -> int:
        if not self._select.matches(tags):
            return -1
        return self._index.setdefault(tuple((key, tags[key]) for key in self._per if key in tags), len(self._index))

    def axis(self, roster: Roster, sets: TagSets, *, of_agents: bool) -> Axis:
        """The axis over a roster and the tag sets of a kind of rollup; `of_agents`: those are agents' ids, their tags are the roster's."""
        of_agent = self._slots(roster.tags)
        if of_agents:
            by_id = {state.id: slot for state, slot in zip(roster.states, of_agent.tolist(), strict=True)}
            of_tags = np.array([by_id.get(dict(pairs).get(AGENT, ""), -1) for pairs in sets.sets], dtype=np.int64)
        else:
            of_tags = self._slots([dict(pairs) for pairs in sets.sets])
        return Axis(tuple(self._index), of_tags, of_agent, self._index)

    def _slots(self, tags: Sequence[Tags]) -> Ints:
        return np.fromiter(map(self.slot, tags), dtype=np.int64, count=len(tags))


def budget_axis(groups: Sequence[TagPairs]) -> Axis:
    """A slot a budget. They may overlap, so no tag set and no agent has one slot: each budget picks its own (`alert_measures.Period`)."""
    nothing = np.zeros(0, dtype=np.int64)
    return Axis(tuple(groups), nothing, nothing, {pairs: number for number, pairs in enumerate(groups)})


def agents_axis(ids: Sequence[str], roster: Roster, sets: TagSets) -> Axis:
    """The axis of some agents, over the tag sets of the agent matrix."""
    slots = {agent: slot for slot, agent in enumerate(ids)}
    of_tags = np.array([slots.get(dict(pairs).get(AGENT, ""), -1) for pairs in sets.sets], dtype=np.int64)
    of_agent = np.array([slots.get(state.id, -1) for state in roster.states], dtype=np.int64)
    series = [((AGENT, agent),) for agent in ids]
    return Axis(series, of_tags, of_agent, {pairs: slot for slot, pairs in enumerate(series)})


def series_of(tags: Tags) -> TagPairs:
    """Tags of a stored state as an axis has them."""
    return sorted_pairs(dict(tags))
