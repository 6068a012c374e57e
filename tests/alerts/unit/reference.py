"""The slow, obvious account of what rules mean: raw points, naive loops, written from the language's description alone.

It reads rule documents, not parsed rules, and knows nothing of rollups, sketches or arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import floor
from typing import Any, NamedTuple

MINUTE = 60_000


class Point(NamedTuple):
    time: int
    name: str
    agent: str
    tier: str
    value: float


class Agent(NamedTuple):
    name: str
    tier: str
    first_seen: int
    last_seen: int


class Seen(NamedTuple):
    """What one series shows at one time; value None: no data."""

    value: float | None
    threshold: float | None
    holds: bool
    clear: bool
    off: float = 0.0
    """By how much a change may be off when both of its percentiles are by 1 %: one that is small is off by more than 1 % of itself."""


type Series = tuple[tuple[str, str], ...]


def minutes(text: str) -> int:
    return int(text[:-1]) * {"m": 1, "h": 60, "s": 0}[text[-1]]


def series_of(rule: Mapping[str, Any], agents: Sequence[Agent], points: Sequence[Point]) -> list[Series]:
    per = rule.get("per", "group")
    if per == "group":
        return [()]
    if per == "agent":
        return [(("agent", agent.name),) for agent in agents]
    return sorted({(("tier", one.tier),) for one in (*agents, *points)})


def belongs(series: Series, agent: str, tier: str) -> bool:
    return all(value == {"agent": agent, "tier": tier}[key] for key, value in series)


def look(
    rule: Mapping[str, Any], series: Series, every: Sequence[Series], points: Sequence[Point], agents: Sequence[Agent], end: int
) -> Seen:
    """What a series shows when its window ends at `end`."""
    when = rule["when"]
    length = minutes(when["over"]) * MINUTE

    def at(which: Series, back: int, least: int = 1) -> float | None:
        start = end - (back + 1) * length
        return value_of(when, which, points, agents, start, start + length, max(least, when.get("min_points", 1)))

    value, threshold, clear_at, off = at(series, 0), None, None, 0.0
    limit = when.get("above", when.get("below"))
    clear_limit = when.get("clear", limit)
    if "absent" in when:
        count = value or 0
        return Seen(count, 0, count == 0, count > 0)
    if "change" in when:
        before = at(series, 1)
        if value is None or before is None or (when["change"] == "relative" and before == 0):
            return Seen(None, None, False, False)
        whole = abs(before) if when["change"] == "relative" else 1.0
        value, off = (value - before) / whole, may_be_off(when, value, before) / whole
        threshold, clear_at = limit, clear_limit
    elif "baseline" in when:
        factor = when["baseline"]["factor"]
        if when["baseline"]["of"] == "previous_window":
            base = at(series, 1, when["baseline"].get("min_points", 20))
        else:
            all_values = sorted(found for found in (at(other, 0) for other in every) if found is not None)
            base = median(all_values) if len(all_values) >= when["baseline"].get("min_points", 3) else None
        if value is None or base is None:
            return Seen(None, None, False, False)
        threshold = clear_at = factor * base
    else:
        threshold, clear_at = limit, clear_limit
    if value is None:
        return Seen(None, None, False, False)
    below = "below" in when or ("above" not in when and when.get("baseline", {}).get("factor", 2) < 1)
    if below:
        return Seen(value, threshold, value < threshold, value >= clear_at, off)
    return Seen(value, threshold, value > threshold, value <= clear_at, off)


def may_be_off(when: Mapping[str, Any], value: float, before: float) -> float:
    percentile = when.get("aggregation", "").startswith("p")
    return 0.011 * (abs(value) + abs(before)) if percentile else 0.0


def median(values: Sequence[float]) -> float:
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def value_of(
    when: Mapping[str, Any], series: Series, points: Sequence[Point], agents: Sequence[Agent], start: int, end: int, least: int
) -> float | None:
    """The figure of a window; None when it has fewer than `least` points."""
    inside = [point for point in points if start <= point.time < end and belongs(series, point.agent, point.tier)]
    heard = any(belongs(series, agent.name, agent.tier) and agent.last_seen >= start and agent.first_seen < end for agent in agents)
    alive = bool(inside) or heard
    if "absent" in when:
        return float(len([point for point in inside if point.name == when["absent"]["metric"]]))
    value, count = figure(when, inside, alive, (end - start) / 1000)
    if "divided_by" in when:
        under, count = figure(when["divided_by"], inside, alive, (end - start) / 1000)
        value = None if value is None or not under else value / under
    return None if value is None or (least > 1 and count < least) else value


def figure(term: Mapping[str, Any], inside: Sequence[Point], alive: bool, seconds: float) -> tuple[float | None, int]:
    if term.get("metric") == "task.error_rate":
        return error_rate(inside)
    name = term.get("metric", term.get("event"))
    names = name if isinstance(name, list) else [name]
    chosen = sorted((point for point in inside if point.name in names), key=lambda point: point.value)
    values = [point.value for point in chosen]
    aggregation = term.get("aggregation", "count")
    counts = "event" in term and aggregation in ("count", "sum", "rate")
    if not values:
        return (0.0 if counts and alive else None), 0
    return AGGREGATIONS.get(aggregation, quantile(aggregation))(chosen, values, seconds), len(values)


def error_rate(inside: Sequence[Point]) -> tuple[float | None, int]:
    def count(name: str) -> int:
        return len([point for point in inside if point.name == name])

    failed = max(count("task.failed"), round(sum(point.value for point in inside if point.name == "task.errors")))
    finished = max(count("task.completed") + failed, count("task.latency_ms"))
    return (failed / finished if finished else None), finished


type Figure = Callable[[Sequence[Point], Sequence[float], float], float]

AGGREGATIONS: dict[str, Figure] = {
    "avg": lambda _, values, __: sum(values) / len(values),
    "sum": lambda _, values, __: sum(values),
    "rate": lambda _, values, seconds: sum(values) / seconds,
    "count": lambda _, values, __: float(len(values)),
    "min": lambda _, values, __: values[0],
    "max": lambda _, values, __: values[-1],
    "last": lambda points, _, __: max(points, key=lambda point: (point.time, point.value)).value,
}


def quantile(name: str) -> Figure:
    q = float(name[1:]) / 100 if name.startswith("p") else 0.0
    return lambda _, values, __: values[floor(q * (len(values) - 1))]


def edges(rule: Mapping[str, Any], sights: Sequence[tuple[int, Seen]]) -> Iterator[tuple[int, str]]:
    """When a series is told as firing and as resolved, given what it showed at each time."""
    hold, keep = (minutes(rule.get(key, "0m")) * MINUTE for key in ("for", "keep_firing_for"))
    beginnings: list[int] = []
    bad_since: int | None = None
    good_since: int | None = None
    blind_since: int | None = None
    firing = flapping = False
    for now, seen in sights:
        if seen.value is None:
            blind_since = now if blind_since is None else blind_since
            continue
        if blind_since is not None and bad_since is not None and not firing and now - blind_since > hold:
            bad_since = now if seen.holds else None
        blind_since = None
        if seen.holds:
            good_since = None
            bad_since = now if bad_since is None else bad_since
            if not firing and now - bad_since >= hold:
                firing = True
                beginnings.append(now)
                flapping = len([began for began in beginnings if now - began < 60 * MINUTE]) > 5
                yield now, "firing"
            continue
        if not firing:
            bad_since = None
        elif not seen.clear:
            good_since = None
        else:
            good_since = now if good_since is None else good_since
            if now - good_since >= (max(keep, 30 * MINUTE) if flapping else keep):
                firing, bad_since, good_since = False, None, None
                yield now, "resolved"
