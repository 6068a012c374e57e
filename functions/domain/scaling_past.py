"""The load that a group had, from its rollups: tasks as they came, and what serving them took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from functions.domain.rollup import TagPairs
from functions.domain.scaling_load import Load
from functions.domain.selector import Selector
from functions.domain.series import AGENT
from functions.domain.series_bins import Part
from functions.domain.sketches import merge_encoded
from functions.domain.tasks import LATENCY, STARTED
from functions.domain.times import MINUTE_MS, SECOND_MS

COUNTED = frozenset((STARTED, LATENCY))


@dataclass(slots=True)
class _Past:
    started: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Tasks by the time of their bucket, ms."""
    finished: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    sketches: list[bytes] = field(default_factory=list)


def past_load(parts: Iterable[Part], selector: Selector, start: int, end: int, width: int) -> Load | None:
    """The load from `start` to `end` (ms), known by buckets of `width` ms; None when no task was measured.

    Clients that do not tell of a task's start are counted by the tasks that finished. A bucket's tasks come evenly.
    """
    past = _fold(parts, selector, width)
    if not past.sketches:
        return None
    tasks = past.started if sum(past.started.values()) else past.finished
    minutes = width // MINUTE_MS
    latency = merge_encoded(past.sketches)
    return Load(
        arrivals=[tasks.get(time // width * width, 0) / minutes for time in range(start, end, MINUTE_MS)],
        service_s=max(0.001, latency.sum / latency.count / SECOND_MS),
        service_p95_s=max(0.001, latency.quantile(0.95) / SECOND_MS),
        random=False,
    )


def _fold(parts: Iterable[Part], selector: Selector, width: int) -> _Past:
    past = _Past()
    known: dict[tuple[str, TagPairs], bool] = {}
    for part in parts:
        bucket = part.time // width * width
        for row in part.table.rows(COUNTED):
            if not row.count or not _selected(row.key.tags, part.agent, selector, known):
                continue
            if row.key.name == STARTED:
                past.started[bucket] += row.count
            else:
                past.finished[bucket] += row.count
                past.sketches.append(row.sketch)
    return past


def _selected(tags: TagPairs, agent: Mapping[str, str] | None, selector: Selector, known: dict[tuple[str, TagPairs], bool]) -> bool:
    key = (agent[AGENT] if agent else "", tags)
    if key not in known:
        known[key] = selector.matches({**(agent or {}), **dict(tags)})
    return known[key]
