"""Synthetic fleets with what is wrong in them written down: what detection is measured by. All from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from functions.domain.alert_columns import Floats
from functions.domain.seasons import hour_of_week, weekday

MONDAY = 490_992  # 2026-01-05, 00:00 UTC
DAY = 24
WEEK = 168


@dataclass
class Label:
    """Something wrong with a series in first_hour <= hour < last_hour; how hard to see it is in `kind`."""

    series: int
    first_hour: int
    last_hour: int
    up: bool
    kind: str


@dataclass
class Fleet:
    """Hourly series from `first_hour` on, what each is like, and what is wrong in those from `watch_from` on."""

    values: Floats
    counts: Floats
    first_hour: int
    watch_from: int
    kinds: list[str]
    labels: list[Label] = field(default_factory=list)


def traffic(kind: str, hours: np.ndarray, rng: np.random.Generator) -> Floats:
    """Expected tasks in each hour."""
    day, of_day = weekday(hours), hours % DAY
    noon = np.exp(-(((of_day - rng.uniform(11, 15)) / 4) ** 2))
    level = np.exp(rng.normal(3.5, 0.8))
    shapes = {
        "steady": np.ones(len(hours)),
        "daily": 0.3 + 1.4 * noon,
        "office": np.where((day < 5) & (of_day >= 8) & (of_day < 18), 2.0, 0.0),
        "weekends off": np.where(day < 5, 0.4 + 1.6 * noon, 0.15),
        "nightly job": np.where(of_day == 3, 8.0, 0.6),
        "weekly job": np.where(hour_of_week(hours) == 5, 12.0, 0.8),
        "grows": (0.5 + noon) * 1.05 ** ((hours - hours[0]) / WEEK),
        "rare": np.full(len(hours), 0.5 / level),
        "sparse": np.full(len(hours), 0.02 / level),
    }
    return level * shapes[kind]


def cost(kind: str, hours: np.ndarray, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Cost an hour: a Poisson number of tasks whose level wanders for hours, of lognormal cost."""
    level = np.exp(wander(len(hours), 0.15, rng.uniform(0.2, 0.9), rng))
    tasks = rng.poisson(traffic(kind, hours, rng) * level)
    tail = rng.uniform(0.4, 1.1)
    return summed(-4, tail, tasks, rng), tasks.astype(np.float64)


def latency(kind: str, hours: np.ndarray, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Mean latency of an hour in ms, slower with more traffic; not known without tasks. And the tasks."""
    expected = traffic(kind, hours, rng)
    tasks = rng.poisson(expected)
    slow = 1 + 0.3 * expected / max(expected.max(), 1e-9)
    tail = rng.uniform(0.3, 1.0)
    level = np.exp(rng.normal(7.5, 0.7)) * slow * np.exp(wander(len(hours), 0.06, rng.uniform(0.2, 0.9), rng))
    sums = level * summed(0, tail, tasks, rng)
    return np.divide(sums, tasks, out=np.full(len(hours), np.nan), where=tasks > 0), tasks.astype(np.float64)


def cpu(kind: str, hours: np.ndarray, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """CPU in percent: follows the traffic, wanders."""
    expected = traffic(kind, hours, rng)
    share = expected / max(expected.max(), 1e-9)
    values = np.clip(rng.uniform(2, 10) + rng.uniform(10, 40) * share + wander(len(hours), 2, rng.uniform(0.2, 0.9), rng), 0, 100)
    return values, np.ones(len(hours))


def summed(mean: float, sd: float, amounts: np.ndarray, rng: np.random.Generator) -> Floats:
    """Sums of so many lognormal values."""
    each = rng.lognormal(mean, sd, int(amounts.sum()))
    return np.bincount(np.repeat(np.arange(len(amounts)), amounts), each, len(amounts))


def wander(amount: int, sd: float, memory: float, rng: np.random.Generator) -> Floats:
    """Noise of a standard deviation that remembers the hour before: autoregressive."""
    noise = rng.normal(0, sd * np.sqrt(1 - memory**2), amount)
    for at in range(1, amount):
        noise[at] += memory * noise[at - 1]
    return noise


METRICS = {"cost": cost, "latency": latency, "cpu": cpu}
KINDS = ("steady", "daily", "office", "weekends off", "nightly job", "weekly job", "grows", "rare", "sparse")
ODD = {
    "spike x5, 1 h": (5.0, 1),
    "spike x3, 3 h": (3.0, 3),
    "x2, 8 h": (2.0, 8),
    "x2, 24 h": (2.0, 24),
    "stop, 8 h": (0.02, 8),
    "x0.3, 24 h": (0.3, 24),
}


def with_anomalies(metric: str, *, series: int, weeks: int, seed: int, odd: float = 0.2) -> Fleet:
    """A fleet of one metric, of which `odd` of the series has an anomaly in the last week, in hours in which it has something to do."""
    rng = np.random.default_rng(seed)
    hours = np.arange(MONDAY, MONDAY + weeks * WEEK)
    kinds = [KINDS[number % len(KINDS)] for number in range(series)]
    values, counts = (np.stack(part) for part in zip(*(METRICS[metric](kind, hours, rng) for kind in kinds), strict=True))
    fleet = Fleet(values, counts, MONDAY, MONDAY + (weeks - 1) * WEEK, kinds)
    for number in rng.choice(series, int(series * odd), replace=False):
        name = str(rng.choice(list(ODD)))
        factor, length = ODD[name]
        usual = np.nan_to_num(np.median(values[number].reshape(-1, WEEK), axis=0) if weeks > 2 else values[number][-WEEK:])
        busy = np.flatnonzero(usual[: WEEK - length] >= max(np.median(usual), 1e-9))
        if len(busy):
            start = int(rng.choice(busy)) + (weeks - 1) * WEEK
            values[number, start : start + length] *= factor
            first = MONDAY + start
            fleet.labels.append(Label(int(number), first, first + length, factor > 1, name))
    if metric == "cpu":
        np.clip(values, 0, 100, out=values)
    return fleet


MEMORY = ("flat", "daily", "wanders", "cache fills", "step", "spike", "office", "nightly restart")
LEAKS = {"5 a day": 5.0, "2 a day": 2.0, "1 a day": 1.0, "restarts, 20 a day": 20.0, "restarts, 60 a day": 60.0}


def with_leaks(*, series: int, days: int, seed: int, leaking: float = 0.1) -> Fleet:
    """Memory in percent of agents of which `leaking` leak; labels begin with the fleet."""
    rng = np.random.default_rng(seed)
    hours = np.arange(MONDAY, MONDAY + days * DAY)
    kinds = [MEMORY[number % len(MEMORY)] for number in range(series)]
    values = np.stack([memory(kind, hours, rng) for kind in kinds])
    fleet = Fleet(values, np.ones(values.shape), MONDAY, MONDAY, kinds)
    for number in rng.choice(series, int(series * leaking), replace=False):
        name = str(rng.choice(list(LEAKS)))
        kinds[number] = str(rng.choice(["flat", "daily", "office"]))
        values[number] = leaked(memory(kinds[number], hours, rng) * 0.5, LEAKS[name], rng)
        fleet.labels.append(Label(int(number), MONDAY, MONDAY + len(hours), True, name))
    return fleet


def memory(kind: str, hours: np.ndarray, rng: np.random.Generator) -> Floats:
    """Memory in percent that does not leak."""
    passed = (hours - hours[0]).astype(np.float64)
    shapes = {
        "daily": 8 * np.sin(2 * np.pi * (hours % DAY) / DAY),
        "office": np.where((weekday(hours) < 5) & (hours % DAY >= 8) & (hours % DAY < 18), 10.0, 0.0),
        "cache fills": 25 * (1 - np.exp(-passed / rng.uniform(8, 60))),
        "step": np.where(passed > rng.uniform(0.2, 0.8) * len(hours), 15.0, 0.0),
        "spike": np.where(np.abs(passed - rng.uniform(0.1, 0.9) * len(hours)) < 3, 25.0, 0.0),
        "nightly restart": (hours - 3) % DAY * rng.uniform(0.3, 0.8),
    }
    noise = wander(len(hours), 1.0, rng.uniform(0.2, 0.9), rng) + rng.normal(0, 0.3, len(hours))
    if kind == "wanders":
        noise = noise + np.cumsum(rng.normal(0, 0.4, len(hours)))
    return np.clip(rng.uniform(20, 45) + shapes.get(kind, 0.0) + noise, 0, 100)


def leaked(values: Floats, per_day: float, rng: np.random.Generator) -> Floats:
    """Values that rise beyond themselves, and are restarted before the memory is full, or at some other time."""
    held = 0.0
    for at in range(len(values)):
        held += per_day / DAY * rng.uniform(0.5, 1.5)
        if values[at] + held > 97 or rng.random() < 0.002:
            held = 0.0
        values[at] += held
    return values


WORKS = ("same", "more traffic", "less traffic", "incident of a day", "small step", "improvement")
WORSE = {"x1.25": 1.25, "x1.5": 1.5, "x2": 2.0}


@dataclass
class Tasks:
    """Sums and counts by agent and hour, and what is wrong."""

    sums: Floats
    counts: Floats
    kinds: list[str]
    labels: list[Label] = field(default_factory=list)
    first_hour: int = MONDAY


def with_regressions(*, agents: int, weeks: int, seed: int, worse: float = 0.15, creeping: bool = False, per_hour: float = 6.0) -> Tasks:
    """Cost of tasks of agents of which `worse` cost more since the last week began, or more each day."""
    rng = np.random.default_rng(seed)
    hours = np.arange(MONDAY, MONDAY + weeks * WEEK)
    kinds = [WORKS[number % len(WORKS)] for number in range(agents)]
    factors = np.ones((agents, len(hours)))
    last = hours >= hours[-1] + 1 - WEEK
    traffics = np.ones((agents, len(hours)))
    for number, kind in enumerate(kinds):
        traffics[number, last] = {"more traffic": 1.8, "less traffic": 0.5}.get(kind, 1.0)
        factors[number, last] = {"small step": 1.08, "improvement": 0.7}.get(kind, 1.0)
        if kind == "incident of a day":
            day = int(rng.integers(0, 7)) * DAY
            factors[number, len(hours) - WEEK + day :][:DAY] = 2.0
    found = Tasks(np.zeros(factors.shape), np.zeros(factors.shape), kinds)
    for number in rng.choice(agents, int(agents * worse), replace=False):
        name = str(rng.choice(list(WORSE)))
        kinds[number] = str(rng.choice(["same", "more traffic", "less traffic"]))
        factors[number] = WORSE[name] ** (np.arange(len(hours)) / (len(hours) - 1)) if creeping else np.where(last, WORSE[name], 1.0)
        found.labels.append(Label(int(number), int(hours[last][0]), int(hours[-1]) + 1, True, name))
    for number in range(agents):
        found.sums[number], found.counts[number] = spent(hours, factors[number], traffics[number] * per_hour, rng)
    return found


def spent(hours: np.ndarray, factor: Floats, tasks: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Cost and number of tasks by hour: busier by day and on workdays, dearer on weekends, with a level that wanders."""
    day = np.where(weekday(hours) < 5, 1.2, 0.5) * (0.5 + np.exp(-(((hours % DAY - 13) / 5) ** 2)))
    counts = rng.poisson(tasks * day)
    tail, level = rng.uniform(0.4, 1.2), np.exp(rng.normal(-4, 0.8))
    each = factor * np.where(weekday(hours) < 5, 1.0, 1.15) * np.exp(wander(len(hours), 0.06, 0.95, rng)) * level
    return each * summed(0, tail, counts, rng), counts.astype(np.float64)


SPENDING = ("steady", "daily", "office", "weekends off", "nightly job", "weekly job", "grows", "level moves", "runaway day", "one stops")


def spending(kind: str, weeks: int, seed: int) -> Floats:
    """Cost by hour of a team of some agents, from a Monday on."""
    rng = np.random.default_rng(seed)
    hours = np.arange(MONDAY, MONDAY + weeks * WEEK)
    shape = kind if kind in KINDS else "weekends off"
    parts = [cost(shape, hours, rng)[0] for _ in range(4)]
    if kind == "one stops":
        parts[0][int(rng.uniform(0.3, 0.9) * len(hours)) :] = 0.0
    total = np.sum(parts, axis=0)
    if kind == "level moves":
        total *= np.repeat(np.exp(np.cumsum(rng.normal(0, 0.08, weeks))), WEEK)
    if kind == "runaway day":
        day = int(rng.integers(0, weeks * 7)) * DAY
        total[day : day + DAY] *= 12
    return total


CAUSES = ("all", "some", "rolled out", "unknown", "nothing")


@dataclass
class Timeline:
    """Work of agents with the changes of two weeks, of which one, or none, is the reason of a rise."""

    tasks: Tasks
    agents: list[str]
    changes: list[tuple[str, int, int, frozenset[str] | None]]
    """Text, first and last hour, agents."""
    culprit: str | None
    at_hour: int | None


def with_culprit(cause: str, *, agents: int, factor: float, seed: int, per_hour: float = 6.0, innocent: int = 8) -> Timeline:
    """Two weeks of work that costs more after one of the changes; the others do nothing."""
    rng = np.random.default_rng(seed)
    hours = np.arange(MONDAY, MONDAY + 2 * WEEK)
    names = [f"a{number}" for number in range(agents)]
    at = int(rng.integers(4 * DAY, 10 * DAY))
    guilty = rng.random(agents) < (0.4 if cause == "some" else 1.0)
    starts = at + (np.sort(rng.integers(0, 20, agents)) if cause == "rolled out" else np.zeros(agents, dtype=int))
    factors = np.where(guilty[:, None] & (np.arange(len(hours)) >= starts[:, None]), factor if cause != "nothing" else 1.0, 1.0)
    tasks = Tasks(np.zeros(factors.shape), np.zeros(factors.shape), [cause] * agents)
    for number in range(agents):
        tasks.sums[number], tasks.counts[number] = spent(hours, factors[number], np.full(len(hours), per_hour), rng)
    changes = []
    for number in range(innocent):
        when = MONDAY + int(rng.integers(DAY, 13 * DAY))
        some = frozenset(name for name in names if rng.random() < 0.4)
        changes.append((f"innocent {number}", when, when, some if rng.random() < 0.6 else None))
    known = cause not in ("unknown", "nothing")
    if known:
        whom = frozenset(name for name, it in zip(names, guilty, strict=True) if it)
        changes.insert(int(rng.integers(0, innocent + 1)), ("guilty", MONDAY + at, MONDAY + int(starts.max()), whom))
    return Timeline(tasks, names, changes, "guilty" if known else None, MONDAY + at if cause != "nothing" else None)
