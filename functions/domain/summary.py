"""The fleet's figures at a glance: here those of the snapshot (health, queue, saturation); rates are in `summary_tasks`.

Missing is null: no task has no error rate, no price no cost, no gauge no queue. A figure is never older than it says: `as_of` is the
snapshot's time, `minute` the minute that the rates speak of, and gauges of agents that fell silent are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from functions.domain.fleet import AgentState, Status
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS

TIER = "tier"
STALE_AFTER_MS = 60 * SECOND_MS
GAUGE_LASTS_MS = 5 * MINUTE_MS
RANGES = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 7 * 24 * HOUR_MS}


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFigures:
    """What the snapshot tells of some agents."""

    agents: int
    health: dict[str, int]
    """Agents by colour, all four."""
    shadows: int
    queue_depth: float | None
    """Sum of what agents have waiting; None when none reports it."""
    saturation: float | None
    """Active workers over workers, of the agents that report both."""


@dataclass(frozen=True, slots=True)
class ByTier[Figures]:
    """Figures of all, and of each tier."""

    all: Figures
    tiers: dict[str, Figures]


def stale(snapshot_time: int | None, now: int) -> bool:
    """Whether the snapshot is too old to be taken for the present."""
    return snapshot_time is None or now - snapshot_time > STALE_AFTER_MS


def select(agents: Iterable[AgentState], selector: Selector) -> list[AgentState]:
    """The agents that a selector means, ordered by id; `agent` stands for the id."""
    return sorted((state for state in agents if selector.matches({AGENT: state.id, **state.tags})), key=lambda state: state.id)


def fleet_figures(agents: Sequence[AgentState], time: int) -> ByTier[FleetFigures]:
    """Figures of agents as of a snapshot's time (ms)."""
    tiers: dict[str, list[AgentState]] = defaultdict(list)
    for state in agents:
        if TIER in state.tags:
            tiers[state.tags[TIER]].append(state)
    return ByTier(_fleet(agents, time), {tier: _fleet(members, time) for tier, members in sorted(tiers.items())})


def _fleet(agents: Sequence[AgentState], time: int) -> FleetFigures:
    health = {status.value: 0 for status in Status}
    for state in agents:
        health[state.health.status.value] += 1
    queues = [queue for state in agents if (queue := fresh(state, "queue_depth", time)) is not None]
    workers = [
        (active, most)
        for state in agents
        if (active := fresh(state, "active_workers", time)) is not None and (most := fresh(state, "max_workers", time))
    ]
    return FleetFigures(
        agents=len(agents),
        health=health,
        shadows=sum(state.shadow is not None for state in agents),
        queue_depth=sum(queues) if queues else None,
        saturation=sum(active for active, _ in workers) / sum(most for _, most in workers) if workers else None,
    )


def fresh(state: AgentState, gauge: str, time: int) -> float | None:
    """A gauge's value; None when it is unknown, or nothing was heard of the agent lately: its last word says nothing of now."""
    value: float | None = getattr(state.gauges, gauge)
    return value if time - (state.last_seen or 0) <= GAUGE_LASTS_MS else None
