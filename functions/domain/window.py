"""The window: task figures of the last minutes, agent by agent, from which a tick makes rates without reading the stores again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple

import msgspec

from clawpulse.sketch import Sketch
from functions.domain import sketches, tasks
from functions.domain.fleet import AgentState, Percentiles, Rates
from functions.domain.rollup import Rollup
from functions.domain.tasks import TaskCounts

MINUTES = 5
"""What `last_5_minutes` spans."""


class _AgentMinute(msgspec.Struct, array_like=True, gc=False):
    counts: tuple[int, int, int, float, int, float, float, float, int]
    latency: bytes | None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(dict[str, _AgentMinute])


def encode_minute(agents: Iterable[str], rollups: Mapping[str, Rollup]) -> bytes:
    """The window's share of one minute: the agents that were heard of in it, and what they did."""
    return _ENCODER.encode({agent: _agent_minute(rollups.get(agent, {})) for agent in agents})


def set_rates(agents: Mapping[str, AgentState], window: Mapping[int, bytes], minute: int) -> None:
    """Set each agent's rates as of `minute`, the last of the five."""
    minutes = {number: _DECODER.decode(window[number]) for number in range(minute - MINUTES + 1, minute + 1) if number in window}
    last = _rates({agent: [figures] for agent, figures in minutes.get(minute, {}).items()}, 1)
    by_agent: dict[str, list[_AgentMinute]] = {}
    for figures_of in minutes.values():
        for agent, figures in figures_of.items():
            by_agent.setdefault(agent, []).append(figures)
    five = _rates(by_agent, MINUTES)
    for agent, state in agents.items():
        state.last_minute, state.last_5_minutes = last.get(agent), five.get(agent)


def _agent_minute(rollup: Rollup) -> _AgentMinute:
    latencies = [aggregate.sketch for key, aggregate in rollup.items() if key.name == tasks.LATENCY]
    if len(latencies) > 1:
        latencies[:1] = [latencies[0].copy()]
    for other in latencies[1:]:
        latencies[0].merge(other)
    return _AgentMinute(astuple(tasks.tasks_of(rollup)), latencies[0].to_bytes() if latencies else None)


def _rates(figures: Mapping[str, list[_AgentMinute]], span: int) -> dict[str, Rates]:
    """Rates by agent."""
    agents = list(figures)
    blobs = [(number, minute.latency) for number, agent in enumerate(agents) for minute in figures[agent] if minute.latency]
    merged = sketches.merge_grouped([blob for _, blob in blobs], [number for number, _ in blobs], len(agents))
    return {agent: _agent_rates(figures[agent], merged[number], span) for number, agent in enumerate(agents)}


def _agent_rates(minutes: list[_AgentMinute], latency: Sketch, span: int) -> Rates:
    counts = sum((TaskCounts(*minute.counts) for minute in minutes), TaskCounts())
    return Rates(
        minutes=span,
        tasks=counts.finished,
        errors=counts.failed,
        tokens_in=counts.tokens_in,
        tokens_out=counts.tokens_out,
        cost_usd=counts.cost_usd,
        priced=counts.priced,
        latency=Percentiles(*latency.quantiles((0.5, 0.95, 0.99))) if latency.count else None,
    )
