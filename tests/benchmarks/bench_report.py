"""Report: CPU and memory of a weekly report of 500 agents, from usage of two weeks.

The usage is really encoded and decoded; the store gives bytes out of a dict. The report is made in a process of its own, which has nothing
else in its memory, so that its peak is what a function would need. Figures are CPU seconds of one core.
"""

from __future__ import annotations

import json
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from functions.domain.fleet import AgentState, Snapshot, encode_snapshot
from functions.domain.report import Report
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, TagPairs
from functions.domain.selector import Selector
from functions.domain.times import HOUR_MS, MINUTES_PER_HOUR
from functions.domain.usage import GAUGES, HEALTH, bucket_of
from functions.report_making import Parts, make_report
from functions.runtime.rule_book import RuleBook
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.deliveries import MemoryDeliveries
from tests.fakes.fleet import MemoryFleet
from tests.fakes.rollouts import MemoryRollouts
from tests.fakes.rollups import MemoryRollups
from tests.fakes.rotations import MemoryRotations

WS = "bench"
AGENTS = 500
WEEK = 168
END = 497_000
TASKS = 60
"""Of an agent in an hour."""
VARIANTS = 12
"""Different hours; the others are the same bytes again."""
_TASKS = ("task.started", "task.completed", "task.latency_ms", "task.tokens_in", "task.tokens_out", "task.cost_usd")
_CACHE = ("task.tokens_cache_read", "task.tokens_cache_write")


def rows() -> Iterator[dict[str, str]]:
    """The table's rows; asserts nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "usage"
        file.write_bytes(pickle.dumps(_pieces()))
        libraries, found = _measured(file, hours=1)["peak_mb"], _measured(file, hours=WEEK)
    yield {
        "what": f"weekly report of {AGENTS} agents with {TASKS} tasks an hour each, {found['sections']:.0f} sections",
        "figure": f"{found['cpu']:.1f} s",
        "beside": f"peak {found['peak_mb']:.0f} MB, of it {libraries:.0f} MB libraries and an hour",
        "bound": "<= 10 s, <= 512 MB",
    }


def _pieces() -> list[dict[int, bytes]]:
    """Usage of some hours, by piece, encoded."""
    made = []
    for seed in range(VARIANTS):
        store = MemoryRollups(lambda: -1.0)
        for bucket, rollup in _hour(Random(seed)).items():
            store.put_usage(WS, 0, bucket, rollup, 0)
        made.append({bucket: stored[0][0] for (_, bucket), stored in store.usage.items()})
    return made


def _hour(source: Random) -> dict[int, Rollup]:
    pieces: dict[int, Rollup] = {}
    for agent in range(AGENTS):
        rollup = pieces.setdefault(bucket_of(_id(agent)), {})
        tags: TagPairs = (("agent", _id(agent)), ("model", f"m{agent % 5}"))
        for name in (*_TASKS, *_CACHE):
            counted = name in ("task.started", "task.completed")
            _put(rollup, name, tags, [1.0 if counted else source.lognormvariate(5, 1) for _ in range(TASKS)])
        _put(rollup, "task.failed", (("agent", _id(agent)), ("error", "Timeout")), [1.0] * (agent % 3))
        for name in GAUGES:
            _put(rollup, name, tags[:1], [source.uniform(10, 60) for _ in range(MINUTES_PER_HOUR)])
        _put(rollup, HEALTH, (*tags[:1], ("status", "green")), [240.0])
    return pieces


def _put(rollup: Rollup, name: str, tags: TagPairs, values: list[float]) -> None:
    if values:
        aggregate = rollup[SeriesKey(name, tags)] = Aggregate()
        aggregate.extend(values, [END] * len(values))


def _id(number: int) -> str:
    return f"agent-{number:04d}"


def _measured(file: Path, hours: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_report", str(file), str(hours)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


class _Usage(MemoryRollups):
    """Gives out the same hours again and again."""

    def __init__(self, hours: list[dict[int, bytes]]) -> None:
        super().__init__(lambda: -1.0)
        self._hours = hours

    def read_usage(self, workspace: str, start: int, end: int, bucket: int | None = None) -> dict[int, list[bytes]]:
        return {hour: list(self._hours[hour % len(self._hours)].values()) for hour in range(start, end)}


def _report(usage: _Usage, hours: int) -> Report:
    fleet = MemoryFleet()
    states = [_state(number) for number in range(AGENTS)]
    end = END * HOUR_MS
    snapshot = Snapshot(workspace=WS, time=end, agents={state.id: state for state in states}, due_until=END * MINUTES_PER_HOUR)
    fleet.put_snapshot(WS, encode_snapshot(snapshot))
    parts = Parts(
        fleet=fleet,
        rollups=usage,
        alerts=MemoryAlerts(lambda: 0.0),
        rules=RuleBook(fleet),
        deliveries=MemoryDeliveries(),
        rollouts=MemoryRollouts(),
        rotations=MemoryRotations(),
    )
    return make_report(parts, WS, Selector(), end - hours * HOUR_MS, end, end, "bench")


def _state(number: int) -> AgentState:
    tags = {"tier": ("fast", "smart", "batch")[number % 3], "shard": ("acme", "globex")[number % 2], "tenant": f"t{number % 20}"}
    return AgentState(
        id=_id(number), name=_id(number), tags=tags, model=f"m{number % 5}", host=f"h{number}", first_seen=1, last_seen=END * HOUR_MS
    )


def _child(file: Path, hours: int) -> None:
    usage = _Usage(pickle.loads(file.read_bytes()))
    before = time.process_time()
    report = _report(usage, hours)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"cpu": cpu, "peak_mb": peak, "sections": len(report.sections)}, sys.stdout)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _child(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        for row in rows():
            print(
                "  ".join(
                    f"{row.get(column, ''):<{width}}" for column, width in (("what", 70), ("figure", 8), ("beside", 46), ("bound", 0))
                )
            )
