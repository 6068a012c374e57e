"""The incident that must not happen again, made of seeded chance: two weeks of 80 agents, and what one prompt change did to the bill.

Friday 18:42 a prompt change: on the 15 % long-document tasks the output tokens become six times as many. Latency goes from 2.1 to 2.4 s,
errors stay at 0.3 %, the p95 cost of a task goes from $0.012 to $0.071; $4,217 are gone by Monday 09:00.

Volume follows the day (twice as much in the afternoon as at night) and the week (60 % at weekends), with noise of its own each hour and
each minute. The week before the clean one exists as hours only: it is there for the baselines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import cos, pi

import numpy as np

from functions.domain.alert_data import Bucket
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, merge_into
from functions.domain.rollup_codec import encode

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FRIDAY = 1_795_132_800_000
"""2026-11-20T00:00:00Z."""
CHANGE = FRIDAY + 18 * HOUR + 42 * MINUTE
MONDAY_NINE = FRIDAY + 3 * DAY + 9 * HOUR
CLEAN = CHANGE - 7 * DAY
WARM_UP = CLEAN - 7 * DAY

TASKS_A_MINUTE = 91.5
"""Of all 80 agents, at the mean of a weekday; chosen so that the bill comes to what it was."""
LONG_SHARE, LONG_FACTOR = 0.15, 6.0
LATENCY_MS, LATENCY_AFTER_MS = 2_100.0, 2_400.0
ERRORS = 0.003
TOKENS_IN, TOKENS_OUT = 600.0, 700.0
USD_IN, USD_OUT = 0.1e-6, 15e-6
CELLS = {name: (("env", "prod"), ("function", name), ("tier", "smart")) for name in ("short-document", "long-document")}


@dataclass
class Made:
    """Encoded rollups, and what was spent after the change."""

    group: dict[Bucket, bytes] = field(default_factory=dict)
    usd: float = 0.0
    costs: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    """Some tasks' costs before and after the change."""


def volume(time: int) -> float:
    """Tasks a minute to be expected."""
    day = 1 - 0.34 * cos(2 * pi * (time % DAY / HOUR - 3) / 24)
    weekend = (time - FRIDAY) // DAY % 7 in (1, 2)
    return TASKS_A_MINUTE * day * (0.6 if weekend else 1.0)


def make(seed: int = 7, until: int = MONDAY_NINE, minutes_until: int = CHANGE + 4 * HOUR) -> Made:
    """The whole story: hours of the first week, minutes and hours from there on, hours alone after `minutes_until`."""
    chance, made = np.random.default_rng(seed), Made()
    for hour in range(WARM_UP // HOUR, CLEAN // HOUR):
        made.group["h", hour] = encode(tasks(chance, hour * HOUR, HOUR, hourly(chance), made))
    for hour in range(CLEAN // HOUR, until // HOUR):
        noise = hourly(chance)
        if hour * HOUR >= minutes_until:
            made.group["h", hour] = encode(tasks(chance, hour * HOUR, HOUR, noise, made))
            continue
        parts = {minute: tasks(chance, minute * MINUTE, MINUTE, noise, made) for minute in range(hour * 60, hour * 60 + 60)}
        made.group.update({("m", minute): encode(part) for minute, part in parts.items()})
        made.group["h", hour] = encode(merge_into({}, parts.values()))
    return made


def hourly(chance: np.random.Generator) -> float:
    """Noise that an hour has of its own: some are busier than others."""
    return float(np.exp(chance.normal(0, 0.04)))


def tasks(chance: np.random.Generator, start: int, length: int, noise: float, made: Made) -> Rollup:
    """The tasks of a minute or an hour as a rollup."""
    rollup: Rollup = {}
    amount = chance.poisson(volume(start + length // 2) * noise * length / MINUTE)
    long = chance.binomial(amount, LONG_SHARE)
    # The hour of the change is made of minutes, so a bucket lies on one side of it.
    after = start >= CHANGE
    for name, number in (("long-document", long), ("short-document", amount - long)):
        if number:
            for metric, values in figures(chance, int(number), name == "long-document", after):
                if metric == "task.cost_usd":
                    made.usd += sum(values) if after else 0.0
                    if len(made.costs[after]) < 200_000:
                        made.costs[after] += values
                if values:
                    aggregate = rollup[SeriesKey(metric, CELLS[name])] = Aggregate()
                    aggregate.extend(values, [start] * len(values))
    return rollup


def figures(chance: np.random.Generator, amount: int, long: bool, after: bool) -> Iterator[tuple[str, list[float]]]:
    """Metrics of some tasks of one kind."""
    latency = LATENCY_AFTER_MS if after else LATENCY_MS
    yield "task.latency_ms", (latency * chance.lognormal(-0.08, 0.4, amount)).tolist()
    spread = 0.2 if long else 0.05
    tokens_in = TOKENS_IN * chance.lognormal(-0.045, 0.3, amount)
    tokens_out = TOKENS_OUT * (1.05 if long else 1.0) * chance.lognormal(-spread * spread / 2, spread, amount)
    tokens_out *= LONG_FACTOR if long and after else 1.0
    yield "task.tokens_in", tokens_in.round().tolist()
    yield "task.tokens_out", tokens_out.round().tolist()
    yield "task.cost_usd", (tokens_in * USD_IN + tokens_out * USD_OUT).tolist()
    failed = int(chance.binomial(amount, ERRORS))
    yield "task.completed", [1.0] * (amount - failed)
    yield "task.failed", [1.0] * failed
