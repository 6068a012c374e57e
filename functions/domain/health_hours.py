"""How well agents were, hour by hour: of the ticks of an hour, how many found each of them green, yellow or red.

    tick ─▶ counts of the hour under way, in the snapshot ── the hour is over ─▶ usage: `agent.health`, by agent and status

Grey is no judgement and is not counted. A tick that does not run is missing from all agents' counts, so shares stay true. A lost snapshot
loses the ticks of the hour so far.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from functions.domain.fleet import AgentState, Status
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.series import AGENT
from functions.domain.times import HOUR_MS
from functions.domain.usage import HEALTH, STATUS, bucket_of

COUNTED = (Status.GREEN, Status.YELLOW, Status.RED)
type Ticks = dict[str, tuple[int, int, int]]
"""By agent, in the order of `COUNTED`."""


def count(ticks: Ticks, agents: Iterable[AgentState]) -> None:
    """Count one tick, in place."""
    for state in agents:
        if state.health.status in COUNTED:
            place = COUNTED.index(state.health.status)
            before = ticks.get(state.id, (0, 0, 0))
            ticks[state.id] = (before[0] + (place == 0), before[1] + (place == 1), before[2] + (place == 2))


def as_usage(hour: int, ticks: Mapping[str, tuple[int, int, int]]) -> dict[int, Rollup]:
    """An hour's counts as usage has them, by its pieces; each is one point whose value is the number of ticks."""
    pieces: dict[int, Rollup] = {}
    for agent, counts in ticks.items():
        for status, amount in zip(COUNTED, counts, strict=True):
            if amount:
                key = SeriesKey(HEALTH, ((AGENT, agent), (STATUS, str(status))))
                pieces.setdefault(bucket_of(agent), {}).setdefault(key, Aggregate()).add(float(amount), hour * HOUR_MS)
    return pieces


def with_health(stored: Rollup, fresh: Rollup) -> Rollup:
    """A piece of usage with all that it has of health replaced."""
    return {key: aggregate for key, aggregate in stored.items() if key.name != HEALTH} | fresh
