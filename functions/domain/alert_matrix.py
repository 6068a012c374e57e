"""The agent matrix: chosen metrics of all agents in one rollup a bucket, so that a rule about each agent reads one item and not thousands.

Its keys are `SeriesKey(name, (("agent", id),))`: an agent's series of one name, whatever their tags, are one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.series import AGENT


def agent_matrix(rollups: Mapping[str, Rollup], names: Collection[str]) -> Rollup:
    """The matrix of some agents' rollups; `rollups` stay as they are."""
    matrix: Rollup = {}
    for agent, rollup in rollups.items():
        tags = ((AGENT, agent),)
        for key, aggregate in rollup.items():
            if key.name in names:
                _add(matrix, SeriesKey(key.name, tags), aggregate)
    return matrix


def _add(matrix: Rollup, key: SeriesKey, aggregate: Aggregate) -> None:
    mine = matrix.get(key)
    if mine is None:
        matrix[key] = Aggregate(aggregate.sketch.copy(), aggregate.last, aggregate.last_time)
    else:
        mine.merge(aggregate)
