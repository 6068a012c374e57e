"""Loads to try policies with: tasks that come in, minute by minute, either made up or as they came."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_MINUTES = 7 * 24 * 60


class Shape(StrEnum):
    """How a made-up load goes between `rate` and `peak`."""

    STEADY = "steady"
    """Always `rate`."""
    STEP = "step"
    """`rate`, and `peak` from a third of the time on."""
    RAMP = "ramp"
    """From `rate` to `peak` in a straight line."""
    SPIKE = "spike"
    """`rate`, and `peak` for ten minutes, once each `period`."""
    WAVE = "wave"
    """Up and down like a sine, once each `period`."""
    SQUARE = "square"
    """Half of each `period` `rate`, half `peak`."""


SPIKE_MINUTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthetic:
    """A load that nobody had."""

    shape: Shape
    rate: float
    """Tasks a second."""
    peak: float
    period: int = 120
    """Minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What comes in, and what serving it takes."""

    arrivals: Sequence[float]
    """Tasks by minute."""
    service_s: float
    """Mean seconds that a task takes an agent."""
    service_p95_s: float
    random: bool
    """Whether arrivals are means that tasks scatter around (Poisson), or counts that are known."""


def arrivals(load: Synthetic, minutes: int) -> list[float]:
    """Expected tasks by minute."""
    level = _LEVELS[load.shape]
    return [60 * (load.rate + (load.peak - load.rate) * level(minute, minutes, load.period)) for minute in range(minutes)]


type _Level = Callable[[int, int, int], float]
"""From minute, minutes in all and period to the share of the way from `rate` to `peak`."""

_LEVELS: dict[Shape, _Level] = {
    Shape.STEADY: lambda minute, minutes, period: 0.0,
    Shape.STEP: lambda minute, minutes, period: float(minute >= minutes / 3),
    Shape.RAMP: lambda minute, minutes, period: minute / max(1, minutes - 1),
    Shape.SPIKE: lambda minute, minutes, period: float(0 <= minute % period - period // 2 < SPIKE_MINUTES),
    Shape.WAVE: lambda minute, minutes, period: (1 - math.cos(2 * math.pi * minute / period)) / 2,
    Shape.SQUARE: lambda minute, minutes, period: float(minute % period >= period / 2),
}
