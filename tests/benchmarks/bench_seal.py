"""Seal: CPU of sealing one minute of 1,000 agents with 10 metrics, and of a whole tick; sketches merged one by one and all at once.

The stores are in memory, but their rollups are really encoded and decoded. Figures are CPU seconds of one core.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import numpy as np
from ddsketch import DDSketch
from ddsketch.pb.proto import DDSketchProto, pb

from clawpulse.sketch import Sketch
from functions.domain import rollup_codec
from functions.domain.cells import Cells
from functions.domain.items import AgentInfo, StoredItem
from functions.domain.minutes import decode_items, merge_minute
from functions.domain.rollup import Aggregate, Rollup, SeriesKey, merge_into
from functions.domain.sketches import merge_grouped
from functions.domain.times import HOUR_MS, MINUTE_MS, SECOND_MS
from functions.domain.workspace import WorkspaceSettings
from functions.ports import LateMark, Resolution
from functions.seal.service import SealService
from tests.fakes.fleet import MemoryFleet
from tests.fakes.lease import MemoryLease
from tests.fakes.rollups import MemoryRollups

AGENTS = 1_000
BATCHES = 4
"""A minute, of each agent."""
TASKS = 3
"""A batch."""
METRICS = (
    *("task.started", "task.completed", "task.latency_ms", "task.tokens_in", "task.tokens_out", "task.cost_usd"),
    *("queue.depth", "fleet.active_workers", "agent.cpu", "agent.memory"),
)
START = 497_000 * HOUR_MS
MINUTE = START // MINUTE_MS
WS = "bench"


class Batches:
    """A `BatchReader` over items made beforehand."""

    def __init__(self, minutes: dict[int, list[StoredItem]]) -> None:
        self._minutes = minutes

    def read_minute(self, workspace: str, minute: int) -> list[StoredItem]:
        return self._minutes.get(minute, [])

    def late_marks(self, workspace: str, limit: int) -> list[LateMark]:
        return []

    def clear_late(self, workspace: str, mark: LateMark) -> bool:
        return True


def rows() -> Iterator[dict[str, str]]:
    """The table's rows; asserts nothing."""
    items = _minute(MINUTE)
    yield from _one_minute(items)
    yield from _ticks(items)
    yield from _sketches()


def _one_minute(items: list[StoredItem]) -> Iterator[dict[str, str]]:
    fast = _cpu(lambda: _seal(items))
    slow = _cpu(lambda: _seal_one_by_one(items), times=1)
    yield {
        "what": f"seal one minute: {AGENTS:,} agents x {len(METRICS)} metrics, {len(items):,} batches",
        "figure": f"{fast:.2f} s",
        "beside": f"merged one by one {slow:.2f} s",
        "ratio": f"1/{slow / fast:.1f}",
        "bound": "<= 2 s",
    }


def _ticks(items: list[StoredItem]) -> Iterator[dict[str, str]]:
    minutes = {MINUTE: items, MINUTE + 1: _minute(MINUTE + 1)}
    fleet = MemoryFleet()
    service = SealService(Batches(minutes), MemoryRollups(), fleet, MemoryLease())
    for what, second in (("a tick, all agents new", 59), ("a tick, nothing to finish", 90), ("a tick that finishes a minute", 105)):
        now = START + second * SECOND_MS
        taken = _cpu(lambda now=now: service.tick(WS, now, now, "bench"), times=1)
        yield {"what": what, "figure": f"{taken:.2f} s", "bound": "15 s between ticks"}
    size = len(fleet.snapshot(WS) or b"")
    yield {
        "what": f"snapshot of {AGENTS:,} agents, written each tick",
        "figure": f"{size / 1000:.0f} kB",
        "beside": f"{size / AGENTS:.0f} bytes an agent",
    }


def _sketches() -> Iterator[dict[str, str]]:
    rng = random.Random(5)
    for size in (5, 50, 500):
        values = [[rng.lognormvariate(6, 1) for _ in range(size)] for _ in range(10_000)]
        blobs, peers = [Sketch(some).to_bytes() for some in values], [_peer(some) for some in values[:300]]
        groups = np.arange(len(blobs)) % 100
        fast = _cpu(lambda blobs=blobs, groups=groups: merge_grouped(blobs, groups, 100), times=15) / len(blobs)
        pure = _cpu(lambda blobs=blobs: _merge_pure(blobs), times=1) / len(blobs)
        peer = _cpu(lambda peers=peers: _merge_peer(peers)) / len(peers)
        yield {
            "what": f"decode and merge a sketch of {size} values, 10,000 at once",
            "figure": f"{fast * 1e6:.2f} us",
            "beside": f"ddsketch {peer * 1e6:.0f} us, our own one by one {pure * 1e6:.1f} us",
            "ratio": f"1/{peer / fast:.0f}, 1/{pure / fast:.0f}",
            "bound": "<= 1/150 of ddsketch",
        }


def _minute(minute: int) -> list[StoredItem]:
    return [_item(number, part, minute) for part in range(BATCHES) for number in range(AGENTS)]


def _item(number: int, part: int, minute: int) -> StoredItem:
    rng = random.Random(number * 1000 + part)
    time_ms = minute * MINUTE_MS + part * 15_000 + rng.randrange(15_000)
    tags = (("tier", ("fast", "smart", "batch")[number % 3]),)
    rollup: Rollup = {}
    for name in METRICS:
        aggregate = rollup[SeriesKey(name, tags)] = Aggregate()
        for _ in range(TASKS):
            aggregate.add(1.0 if name in ("task.started", "task.completed") else rng.lognormvariate(5, 1), time_ms)
    return StoredItem(
        agent=f"agent-{number:04d}",
        batch=f"k3f9x2.{minute * BATCHES + part}",
        minute=minute,
        received=time_ms + 500,
        info=AgentInfo(tags={"env": "prod", "shard": ("acme", "globex")[number % 2]}, versions={"openclaw": "2026.9.6"}),
        data=rollup_codec.encode(rollup),
    )


def _seal(items: list[StoredItem]) -> None:
    """What the service does to finish a minute."""
    parts, _ = decode_items(items)
    merged = merge_minute(parts, {}, _cells())
    store = MemoryRollups()
    store.put_group(WS, Resolution.MINUTE, MINUTE, merged.group, 0)
    store.put_agents(WS, Resolution.MINUTE, MINUTE, merged.agents, 0)


def _seal_one_by_one(items: list[StoredItem]) -> None:
    """The same without numpy: each rollup decoded, each sketch merged on its own."""
    cells, agents, group = _cells(), {}, {}  # type: ignore[var-annotated]
    for item in items:
        base = cells.restrict(item.info.tags)
        part = {SeriesKey(key.name, cells.place(base, key.tags)): value for key, value in rollup_codec.decode(item.data).items()}
        merge_into(agents.setdefault(item.agent, {}), [part])
    merge_into(group, agents.values())
    store = MemoryRollups()
    store.put_group(WS, Resolution.MINUTE, MINUTE, group, 0)
    store.put_agents(WS, Resolution.MINUTE, MINUTE, agents, 0)


def _cells() -> Cells:
    return Cells(WorkspaceSettings().dimensions, 497_000, {}, {})


def _merge_pure(blobs: list[bytes]) -> None:
    merged = [Sketch() for _ in range(100)]
    for number, blob in enumerate(blobs):
        merged[number % 100].merge(Sketch.from_bytes(blob))


def _peer(values: list[float]) -> bytes:
    sketch = DDSketch(0.01)
    for value in values:
        sketch.add(value)
    encoded: bytes = DDSketchProto.to_proto(sketch).SerializeToString()
    return encoded


def _merge_peer(blobs: list[bytes]) -> None:
    merged = DDSketch(0.01)
    for blob in blobs:
        message = pb.DDSketch()
        message.ParseFromString(blob)
        merged.merge(DDSketchProto.from_proto(message))


def _cpu(work: Callable[[], object], times: int = 3) -> float:
    """The least CPU seconds of some runs."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    """Print the rows."""
    widths = {"what": 68, "figure": 8, "beside": 46, "ratio": 14, "bound": 0}
    for row in rows():
        print("  ".join(f"{row.get(column, ''):<{width}}" for column, width in widths.items()))


if __name__ == "__main__":
    main()
