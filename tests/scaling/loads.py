"""What the tests of simulations share."""

from __future__ import annotations

from typing import Any

from functions.domain.scaling import GroupPolicy
from functions.domain.scaling_load import Load, Shape, Synthetic, arrivals
from functions.domain.scaling_queue import Agents
from functions.domain.scaling_simulate import Wanted

START = 1_795_464_000_000
MINUTES = 360
CYCLES = {Shape.STEADY: 0, Shape.STEP: 1, Shape.RAMP: 1}
"""How often a load goes up and down; the others do once a period."""


def policy(**more: Any) -> GroupPolicy:
    return GroupPolicy(**{"name": "fast", "tags": "tier=fast", "min": 1, "max": 1000, **more})


def load(
    shape: Shape = Shape.STEADY, rate: float = 4.2, peak: float = 12.0, minutes: int = MINUTES, period: int = 120, service_s: float = 3.1
) -> Load:
    made = Synthetic(shape=shape, rate=rate, peak=peak, period=period)
    return Load(arrivals=arrivals(made, minutes), service_s=service_s, service_p95_s=2.5 * service_s, random=True)


def wanted(load: Load, agents: Agents | None = None, **more: Any) -> Wanted:
    return Wanted(**{"policy": policy(), "load": load, "agents": agents or Agents(), "start": START, **more})
