"""Raw points as seal would store them: encoded rollups of the group and of the agent matrix, read as columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from functions.domain.alert_columns import Columns, TagSets
from functions.domain.alert_data import Bucket, Buckets
from functions.domain.fleet import AgentState, Snapshot
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.rollup_codec import encode
from functions.domain.spans import Unit
from tests.alerts.unit.reference import Agent, Point

WIDTH = {"m": 60_000, "h": 3_600_000}


def rollups(points: Iterable[Point], unit: Unit, *, of_agents: bool) -> dict[int, bytes]:
    """Encoded rollups by the number of their bucket."""
    made: dict[int, Rollup] = defaultdict(dict)
    for point in points:
        tags: TagPairs = (("agent", point.agent),) if of_agents else (("tier", point.tier),)
        made[point.time // WIDTH[unit]].setdefault(SeriesKey(point.name, tags), Aggregate()).add(point.value, point.time)
    return {bucket: encode(rollup) for bucket, rollup in made.items()}


def buckets(points: Iterable[Point], readable: Iterable[Bucket], *, of_agents: bool = False, tags: TagSets | None = None) -> Buckets:
    """All these buckets, empty where there are no points."""
    points, sets = list(points), tags or TagSets()
    found = {unit: rollups(points, unit, of_agents=of_agents) for unit in {unit for unit, _ in readable}}
    return Buckets(sets, {(unit, number): Columns(found[unit].get(number), sets) for unit, number in readable})


def snapshot(agents: Iterable[Agent], now: int, settled: int) -> Snapshot:
    states = {
        agent.name: AgentState(
            id=agent.name, name=agent.name, tags={"tier": agent.tier}, first_seen=agent.first_seen, last_seen=agent.last_seen
        )
        for agent in agents
    }
    return Snapshot(workspace="w", time=now - 2_000, agents=states, rates_minute=settled)
