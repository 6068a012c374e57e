"""Usage: what each agent did in an hour, by cell, for everything that counts in days and months: cost, reports, capacity.

A usage rollup's keys are an agent's series with the agent among the tags: `("task.cost_usd", (("agent", "a7"), ("model", …)))`.
Seal writes it when it builds an hour, in `BUCKETS` pieces by agent, and keeps it for as long as people ask for bills.

What a task cost is one of three things, which are never mixed (`tasks.COST`, `PRICED`, `UNPRICED`):

    task.cost_usd       reported with the task; tag `cost_source` says who priced it, where the client says so
    cost.priced_usd     made of tokens, at the list price that `cost_source` names; as many points as tasks
    cost.unpriced       tokens of tasks that nobody can price, with as many points as there are tasks; never 0 USD
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zlib import crc32

from functions.domain import tasks
from functions.domain.cost_intake import COST_SOURCE as COST_SOURCE
from functions.domain.cost_intake import TOKENS_CACHE_READ as TOKENS_CACHE_READ
from functions.domain.cost_intake import TOKENS_CACHE_WRITE as TOKENS_CACHE_WRITE
from functions.domain.cost_intake import WITHOUT_COST as WITHOUT_COST
from functions.domain.rollup import Rollup, SeriesKey
from functions.domain.series import AGENT

BUCKETS = 8
"""Pieces that an hour's usage is stored in."""
KEPT_DAYS = 400
LEASE = "seal"
"""Who writes usage holds it: seal, and who prices it anew."""

TOKENS = (tasks.TOKENS_IN, tasks.TOKENS_OUT, TOKENS_CACHE_READ, TOKENS_CACHE_WRITE)

PRICED = "cost.priced_usd"
UNPRICED = "cost.unpriced"

CPU = "agent.cpu"
MEMORY = "agent.memory"
QUEUE_DEPTH = "queue.depth"
QUEUE_WAIT = "openclaw.queue.wait_ms"
ACTIVE_WORKERS = "fleet.active_workers"
MAX_WORKERS = "fleet.max_workers"
RATE_LIMITED = "llm.rate_limited"
HEARTBEAT = "fleet.heartbeat"
GAUGES = (CPU, MEMORY, QUEUE_DEPTH, QUEUE_WAIT, ACTIVE_WORKERS, MAX_WORKERS, RATE_LIMITED)

METRICS = frozenset((*tasks.NAMES, *TOKENS, *WITHOUT_COST.values(), PRICED, UNPRICED, *GAUGES, HEARTBEAT))
"""All that usage has."""

HEALTH = "agent.health"
"""Seal's own (`health_hours`), never what clients send: value is the number of ticks that found the agent with this `status`."""
STATUS = "status"


def bucket_of(agent: str) -> int:
    """The piece that an agent's usage is in."""
    return crc32(agent.encode()) % BUCKETS


def usage_of(agents: Mapping[str, Rollup]) -> Rollup:
    """Usage of some agents' hours; shares their aggregates, which stay as they are."""
    return {
        SeriesKey(key.name, tuple(sorted(((AGENT, agent), *key.tags)))): aggregate
        for agent, rollup in agents.items()
        for key, aggregate in rollup.items()
        if key.name in METRICS
    }


def replaced(stored: Rollup, fresh: Rollup, agents: Iterable[str]) -> Rollup:
    """Stored usage with all that it has of some agents replaced by what is fresh; their health stays."""
    gone = set(agents)
    return {key: aggregate for key, aggregate in stored.items() if key.name == HEALTH or dict(key.tags).get(AGENT) not in gone} | fresh
