"""How many agents a load needs, and how long tasks then wait: the arithmetic that the command line and the API share.

    agents = ceil(arrival rate x service time / (utilisation x concurrency)), with headroom ceil(agents x 1.3)

Rounding is exact: figures count as the decimals that they are written as, so that no error of floats makes an agent more. The wait is
Erlang C's, for Poisson arrivals and exponential service times; `variability` scales it for others (Allen and Cunneen).
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, isfinite, log
from typing import NamedTuple

LATENCY, BATCH = 0.65, 0.85
"""Utilisation to plan for: where somebody waits for the answer, and where nobody does."""
BURST_MARGIN = 0.1
"""By how much the utilisation is lowered when arrivals come in bursts."""
HEADROOM = 1.3
MAX_SERVERS = 1_000_000
"""Agents times concurrency; more is a slip of the pen."""
_LATE = 0.05
"""Of the tasks that the 95th percentile of the wait leaves out."""


class Wait(NamedTuple):
    """What tasks wait before an agent takes them. Seconds."""

    probability: float
    """That a task has to wait at all."""
    mean_s: float
    p95_s: float


class Plan(NamedTuple):
    """How many agents a load needs."""

    agents: int
    with_headroom: int
    exact: float
    """Before rounding up."""
    arrival_rate: float
    """Tasks a second."""
    service_time: float
    """Seconds that a task keeps an agent busy."""
    utilization: float
    """The share of their time that agents shall be busy."""
    headroom: float
    concurrency: float
    """Tasks that an agent works on at a time."""
    load: float
    """Tasks under way on average, erlang."""
    wait: Wait | None
    """With `agents`; None without load, and when they are too few for any bound."""
    wait_with_headroom: Wait | None


def plan(arrival_rate: float, service_time: float, utilization: float, *, headroom: float = HEADROOM, concurrency: float = 1) -> Plan:
    """The agents that a load needs. Raises ValueError that names the figure which cannot be."""
    exact = exact_agents(arrival_rate, service_time, utilization, concurrency)
    agents = ceil(exact)
    most = padded(agents, headroom)
    load = arrival_rate * service_time
    if most * concurrency > MAX_SERVERS:
        raise ValueError(f"arrival_rate x service_time: {load:g} tasks at a time need more than {MAX_SERVERS:,} agents")
    waits = [waiting(load, service_time, int(count * concurrency)) for count in (agents, most)]
    return Plan(agents, most, float(exact), arrival_rate, service_time, utilization, headroom, concurrency, load, *waits)


def exact_agents(arrival_rate: float, service_time: float, utilization: float, concurrency: float = 1) -> Fraction:
    """The agents that a load needs, before rounding up. Raises ValueError."""
    checked(arrival_rate, "arrival_rate", 0, 1e9)
    checked(service_time, "service_time", 0, 1e9)
    checked(utilization, "utilization", 0.01, 1)
    checked(concurrency, "concurrency", 1, 1e6)
    return _decimal(arrival_rate) * _decimal(service_time) / (_decimal(utilization) * _decimal(concurrency))


def padded(agents: int, headroom: float = HEADROOM) -> int:
    """A number of agents with room for what is not foreseen. Raises ValueError."""
    return ceil(agents * _decimal(checked(headroom, "headroom", 1, 100)))


def lowered(utilization: float) -> float:
    """The utilisation to plan for when arrivals come in bursts; not less than 0.05."""
    return max(0.05, float(_decimal(utilization) - _decimal(BURST_MARGIN)))


def waiting(load: float, service_time: float, servers: int, variability: float = 1.0) -> Wait | None:
    """The wait of `load` erlang before so many servers; None without load, or when they are too few and the queue grows without end.

    `variability` is the mean of the arrivals' index of dispersion and the service times' squared coefficient of variation.
    """
    if not 0 < load < servers:
        return None
    busy = erlang_c(load, servers)
    drain = service_time * variability / (servers - load)
    return Wait(busy, busy * drain, max(0.0, log(busy / _LATE) * drain) if busy > 0 else 0.0)


def erlang_b(load: float, servers: int) -> float:
    """The probability that all servers are busy, where nobody waits. The recursion loses no digits and cannot overflow."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """The probability that a task has to wait; 1 when the servers are too few."""
    if load >= servers:
        return 1.0
    blocked = erlang_b(load, servers)
    return blocked / (1 - load / servers * (1 - blocked))


def checked(value: float, name: str, low: float, high: float) -> float:
    """The value; raises ValueError that names it unless it is between the two."""
    if not (isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must be a number from {low:,g} to {high:,g}, not {value!r}")
    return value


def _decimal(value: float) -> Fraction:
    """The number as it is written: 0.1 is one tenth."""
    return Fraction(repr(float(value)))
