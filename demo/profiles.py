"""Who is in the simulated fleet, and how each tier of agents works: arrivals, service times, tokens, prices. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

SHARDS = ("acme", "globex")
ERRORS = ("TimeoutError", "RateLimitError", "ToolError")
MIN_AGENTS, MAX_AGENTS = 6, 300
_MILLION = 1_000_000


class Role(StrEnum):
    """What kind of a worker an agent is."""

    STEADY = "steady"
    ZOMBIE = "zombie"
    """Its heartbeat goes on; the task that it took never ends."""
    FAILING = "failing"
    """Half of its tasks fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One kind of agents. Service times and tokens are lognormal: `median` and the spread `sigma` of the logarithm."""

    name: str
    model: str
    share: float
    """Of the fleet."""
    tasks_per_minute: float
    """Mean arrivals an agent; the gaps between them are exponential."""
    median_s: float
    sigma: float
    limit_s: float
    """A longer task is cut off here, as an agent's own timeout would."""
    tokens_in: int
    tokens_out: int
    usd_in: float
    """Per million tokens."""
    usd_out: float


TIERS = (
    Tier(
        name="fast",
        model="swift-1",
        share=0.5,
        tasks_per_minute=14,
        median_s=0.6,
        sigma=0.5,
        limit_s=6,
        tokens_in=900,
        tokens_out=180,
        usd_in=0.25,
        usd_out=1.25,
    ),
    Tier(
        name="smart",
        model="sage-4",
        share=0.3,
        tasks_per_minute=6,
        median_s=2.5,
        sigma=0.6,
        limit_s=15,
        tokens_in=4_200,
        tokens_out=900,
        usd_in=3.0,
        usd_out=15.0,
    ),
    Tier(
        name="batch",
        model="mule-2",
        share=0.2,
        tasks_per_minute=4,
        median_s=5.0,
        sigma=0.4,
        limit_s=20,
        tokens_in=12_000,
        tokens_out=2_500,
        usd_in=0.8,
        usd_out=4.0,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One agent of the simulated fleet."""

    id: str
    tier: Tier
    shard: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one task will take, and what it will come to."""

    seconds: float
    tokens_in: int
    tokens_out: int
    cost_usd: float
    error: str | None
    """Name of the error that it fails with."""


def fleet(agents: int, suffix: str = "") -> list[Member]:
    """The members: tiers by their share, shards in turn; the second fast agent fails, the second smart one is the zombie."""
    if not MIN_AGENTS <= agents <= MAX_AGENTS:
        raise ValueError(f"a fleet has {MIN_AGENTS} to {MAX_AGENTS} agents, not {agents}")
    return [
        Member(id=f"{tier.name}-{number:02d}{suffix}", tier=tier, shard=SHARDS[number % len(SHARDS)], role=_role(tier, number))
        for tier, count in zip(TIERS, _sizes(agents), strict=True)
        for number in range(1, count + 1)
    ]


def gaps(tier: Tier, rng: random.Random) -> Iterator[float]:
    """Seconds between the arrivals of a Poisson process."""
    while True:
        yield rng.expovariate(tier.tasks_per_minute / 60)


def draw(member: Member, rng: random.Random) -> Work:
    """The next task of an agent."""
    tier = member.tier
    tokens_in, tokens_out = _tokens(tier.tokens_in, rng), _tokens(tier.tokens_out, rng)
    fails = rng.random() < (0.5 if member.role is Role.FAILING else 0.005)
    return Work(
        seconds=min(tier.limit_s, tier.median_s * rng.lognormvariate(0, tier.sigma)),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_usd=round((tokens_in * tier.usd_in + tokens_out * tier.usd_out) / _MILLION, 6),
        error=rng.choice(ERRORS) if fails else None,
    )


def _role(tier: Tier, number: int) -> Role:
    special = {("fast", 2): Role.FAILING, ("smart", 2): Role.ZOMBIE}
    return special.get((tier.name, number), Role.STEADY)


def _sizes(agents: int) -> list[int]:
    """How many agents each tier has: at least two, the first takes what is left over."""
    sizes = [max(2, round(agents * tier.share)) for tier in TIERS[1:]]
    return [agents - sum(sizes), *sizes]


def _tokens(median: int, rng: random.Random) -> int:
    return max(1, round(median * rng.lognormvariate(0, 0.5)))
