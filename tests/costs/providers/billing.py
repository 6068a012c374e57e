"""What providers of tests bill: requests by time, model, tier, key and place, and what is billed beside them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Billed:
    """Some requests, or something else."""

    at: int
    """ms."""
    model: str | None = None
    input: int = 0
    """Without cached tokens."""
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    usd: Decimal = Decimal(0)
    tier: str = "standard"
    key: str | None = "key_1"
    place: str | None = None
    """Workspace or project."""
    item: str = "tokens"
    """What it is for."""
