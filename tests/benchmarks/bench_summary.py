"""Summary: CPU of the dashboard's figures over 7 days of 1,000 agents, from hour and minute rollups; and of a series over the same.

Nothing here reads Timestream. The rollups are really encoded and decoded, the store is a dict. Figures are CPU seconds of one core.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from clawpulse.sketch import Sketch
from functions.domain import rollup_codec
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.selector import Selector
from functions.domain.series import Aggregation, query
from functions.domain.series_bins import Part, evaluate
from functions.domain.spans import bucket_ms, cover
from functions.domain.summary import RANGES
from functions.domain.summary_tasks import task_figures
from functions.domain.tasks import LATENCY, count_tasks
from functions.domain.times import HOUR_MS, MINUTE_MS

NAMES = [
    "task.started",
    "task.completed",
    "task.latency_ms",
    "task.tokens_in",
    "task.tokens_out",
    "task.cost_usd",
    "queue.depth",
    "fleet.active_workers",
    "agent.cpu",
    "agent.memory",
]
NOW = 497_000 * HOUR_MS + 30 * MINUTE_MS
EVERYTHING = Selector()
ONE_ENV = Selector.parse("env=prod")


def rows() -> Iterator[dict[str, str]]:
    """The table's rows; asserts nothing."""
    for cells in (18, 100):
        week = _week(cells)
        fast = _cpu(lambda week=week: task_figures(((None, rollup_codec.Table(data)) for _, data in week), EVERYTHING))
        sample = week[::10]
        naive = _cpu(lambda sample=sample: _naive(sample), times=1) * len(week) / len(sample)
        yield {
            "what": f"summary of 7 days: {len(week)} rollups of {cells} cells x {len(NAMES)} metrics",
            "figure": f"{fast * 1000:.0f} ms",
            "beside": f"one by one {naive * 1000:.0f} ms",
            "ratio": f"1/{naive / fast:.1f}",
            "bound": "<= 300 ms",
        }
        series = _cpu(lambda week=week: _series(week))
        yield {"what": f"p99 by tier over the same, {cells} cells", "figure": f"{series * 1000:.0f} ms"}


def _week(cells: int) -> list[tuple[int, bytes]]:
    """Start and bytes of every rollup that a summary of 7 days reads."""
    spans = cover(NOW - RANGES["7d"], NOW, NOW)
    pool = {"h": _encoded(cells, 2_000), "m": _encoded(cells, 60)}
    source = random.Random(3)
    return [(bucket_ms(span.unit, bucket), source.choice(pool[span.unit])) for span in spans for bucket in range(span.first, span.last)]


def _encoded(cells: int, points: int) -> list[bytes]:
    """Some rollups of as many points a series as fit the bucket: 1,000 agents finish about 12 tasks a minute each."""
    return [rollup_codec.encode(_rollup(cells, points, random.Random(seed))) for seed in range(3)]


def _rollup(cells: int, points: int, source: random.Random) -> Rollup:
    made: Rollup = {}
    for number in range(cells):
        for name in NAMES:
            aggregate = made[SeriesKey(name, _cell(number))] = Aggregate()
            one = name in ("task.started", "task.completed")
            values = [1.0 if one else source.lognormvariate(5, 1) for _ in range(points)]
            aggregate.extend(values, [NOW] * points)
    return made


def _cell(number: int) -> TagPairs:
    tier, shard = ("fast", "smart", "batch")[number % 3], ("acme", "globex")[number % 2]
    return (("env", "prod"), ("model", f"m{number // 6}"), ("shard", shard), ("tier", tier))


def _naive(week: list[tuple[int, bytes]]) -> None:
    """The same without numpy and without skipping: every row decoded, each sketch merged on its own. On a tenth, for it takes long."""
    latency = Sketch()
    for _, data in week:
        rollup = rollup_codec.decode(data)
        count_tasks((key.name, value.sketch.count, value.sketch.sum) for key, value in rollup.items() if ONE_ENV.matches(dict(key.tags)))
        for key, value in rollup.items():
            if key.name == LATENCY:
                latency.merge(value.sketch)
    latency.quantiles((0.5, 0.95, 0.99))


def _series(week: list[tuple[int, bytes]]) -> None:
    asked = query(
        metric=LATENCY,
        aggregation=Aggregation("p99"),
        selector=EVERYTHING,
        by=("tier",),
        start=NOW - RANGES["7d"],
        end=NOW,
        step_s=3600,
    )
    evaluate(asked, [Part(start, rollup_codec.Table(data)) for start, data in week], NOW)


def _cpu(work: Callable[[], object], times: int = 5) -> float:
    """The least CPU seconds of some runs, after one to warm up."""
    work()
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    """Print the rows."""
    for row in rows():
        print(
            "  ".join(
                f"{row.get(column, ''):<{width}}"
                for column, width in (("what", 66), ("figure", 8), ("beside", 22), ("ratio", 8), ("bound", 0))
            )
        )


if __name__ == "__main__":
    main()
