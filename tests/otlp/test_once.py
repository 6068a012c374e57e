"""Totals count once: whatever write we die before, and however many requests of one exporter come at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.errors import StoreUnavailable
from functions.domain.otlp_streams import KEEP_MS, TOUCH_MS
from functions.domain.times import MINUTE_MS
from functions.ports import PutOutcome, Slot
from tests.fakes.batches import MemoryBatches
from tests.fakes.exporters import MemoryExporters
from tests.fakes.raw import MemoryRaw
from tests.otlp.support import NOW, World, counter, histogram, metrics, ns, point

METRICS = "/v1/metrics"
START = NOW - 1000


class Died(BaseException):
    """The process is gone: nothing catches it."""


class Fuse:
    """Dies before the n-th write, or after it was done and before anyone heard of it."""

    def __init__(self, writes: int, *, after: bool = False) -> None:
        self.left = writes
        self._after = after

    def around[T](self, write: Callable[[], T]) -> T:
        self.left -= 1
        if self.left == -1 and not self._after:
            raise Died
        result = write()
        if self.left == -1:
            raise Died
        return result


class FusedBatches(MemoryBatches):
    def __init__(self, inner: MemoryBatches, fuse: Fuse) -> None:
        super().__init__()
        self.items, self.marks, self._fuse = inner.items, inner.marks, fuse

    def put(self, *args: Any) -> PutOutcome:
        return self._fuse.around(lambda: super(FusedBatches, self).put(*args))

    def mark_late(self, *args: Any) -> None:
        return self._fuse.around(lambda: super(FusedBatches, self).mark_late(*args))


class FusedExporters(MemoryExporters):
    def __init__(self, inner: MemoryExporters, fuse: Fuse) -> None:
        super().__init__()
        self.records, self._fuse = inner.records, fuse

    def write(self, *args: Any, **options: Any) -> bool:
        return self._fuse.around(lambda: super(FusedExporters, self).write(*args, **options))


class FusedRaw(MemoryRaw):
    def __init__(self, inner: MemoryRaw, fuse: Fuse) -> None:
        super().__init__()
        self.records, self._fuse = inner.records, fuse

    def write(self, *args: Any) -> None:
        return self._fuse.around(lambda: super(FusedRaw, self).write(*args))


def fused(world: World, fuse: Fuse) -> Any:
    """A process of the same stores that will die."""
    return world.process(
        batches=FusedBatches(world.batches, fuse), exporters=FusedExporters(world.exporters, fuse), raw=FusedRaw(world.raw, fuse)
    )


def request(total: int, at: int) -> dict[str, Any]:
    """A counter and a histogram that have reached a total, in two minutes so that several items are written."""
    late = point(total, at=at - MINUTE_MS, start=START - 2 * MINUTE_MS, kind="early")
    counts = {"count": str(total), "sum": total * 5.0, "bucketCounts": [str(total), "0"], "explicitBounds": [9.0]}
    took = {"timeUnixNano": ns(at), "startTimeUnixNano": ns(START), **counts}
    return metrics(counter("requests", point(total, at=at, start=START), late), histogram("took", took))


def truth(total: int) -> dict[str, float]:
    return {"requests": 2.0 * total, "took": total * 5.0}


def sums(world: World) -> dict[str, float]:
    return {name: total for name, (_, total) in world.totals().items()}


def raw_sum(world: World) -> float:
    return sum(float(record["value"]) for record in world.raw_values("points"))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("retried", [False, True])
@pytest.mark.parametrize("writes", range(12))
def test_dying_between_any_two_writes_loses_and_doubles_nothing(writes: int, retried: bool, after: bool) -> None:
    world = World()
    now = NOW + 5 * MINUTE_MS
    world.accept(METRICS, request(3, NOW), now=now)
    fuse = Fuse(writes, after=after)
    try:
        world.accept(METRICS, request(10, NOW + 100), now=now, otlp=fused(world, fuse))
        died = False
    except Died:
        died = True
    # What is left over once more (raw records, two items with their late marks), the record, and what is new: eleven writes.
    assert died is (writes < 11)
    if retried:
        world.accept(METRICS, request(10, NOW + 100), now=now + 1, otlp=world.process())
        assert sums(world) == truth(10)
    # The exporter may as well have given up that request: its next one tells of the same.
    world.accept(METRICS, request(12, NOW + 200), now=now + 2, otlp=world.process())
    assert sums(world) == truth(12)
    assert raw_sum(world) == truth(12)["requests"]
    assert {key[1] for key in world.batches.marks} == {NOW // MINUTE_MS, NOW // MINUTE_MS - 1}
    assert world.faults == []


def test_a_store_that_fails_leaves_a_retry_to_make_it_good() -> None:
    class Failing(MemoryBatches):
        def put(self, *_: Any) -> PutOutcome:
            raise StoreUnavailable("away")

    world = World()
    status, _ = world.post(METRICS, request(3, NOW), otlp=world.process(batches=Failing()))
    assert (status, sums(world)) == (503, {})
    world.accept(METRICS, request(3, NOW), otlp=world.process(), now=NOW + 5)
    assert sums(world) == truth(3)


class Gated(MemoryExporters):
    """Lets two readers read before either may write."""

    def __init__(self, gate: threading.Barrier) -> None:
        super().__init__()
        self._gate = gate
        self._lock = threading.Lock()
        self.refused = 0

    def read(self, *args: Any) -> Slot:
        slot = super().read(*args)
        if not self._gate.broken and slot.version == 0:
            self._gate.wait(5)
        return slot

    def write(self, *args: Any, **options: Any) -> bool:
        with self._lock:
            done = super().write(*args, **options)
            self.refused += not done
        return done


def test_of_two_requests_at_once_one_waits_for_the_other() -> None:
    gated = Gated(threading.Barrier(2))
    world = World()
    posts = [(request(3, NOW), world.process(exporters=gated)), (request(10, NOW + 100), world.process(exporters=gated))]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda post: world.accept(METRICS, post[0], otlp=post[1]), posts))
    assert gated.refused >= 1
    assert sums(world) == truth(10)


def test_many_at_once_repeated_and_out_of_order_come_to_the_truth() -> None:
    world = World()
    gated = Gated(threading.Barrier(1))
    totals = [total for total in range(1, 13) for _ in range(2)]
    processes = [world.process(exporters=gated) for _ in range(4)]
    lock = threading.Lock()

    def send(place: int) -> None:
        total = totals[place]
        while True:
            # Processes are single-threaded: each of the four takes one request at a time.
            with locks[place % 4]:
                status, _ = world.post(METRICS, request(total, NOW + total), otlp=processes[place % 4])
            if status == 200:
                return
            with lock:
                assert status == 503

    locks = [threading.Lock() for _ in processes]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, reversed(range(len(totals)))))
    assert sums(world) == truth(12)


def test_who_is_always_slower_is_told_to_come_back() -> None:
    class Taken(MemoryExporters):
        def write(self, *_: Any, **__: Any) -> bool:
            return False

    world = World()
    status, answer = world.post(METRICS, request(3, NOW), otlp=world.process(exporters=Taken()))
    assert (status, answer["headers"]["Retry-After"]) == (503, "1")


def test_nothing_is_written_before_a_token_that_may_not_is_refused() -> None:
    world = World()
    document = metrics(counter("requests", point(3, start=START, shard="other")))
    assert world.post(METRICS, document, tags="shard=acme")[0] == 403
    assert (world.batches.items, world.exporters.records) == ({}, {})
    world.accept(METRICS, metrics(counter("requests", point(3, start=START))), tags="shard=acme")
    assert sums(world) == {"requests": 3.0}


def test_what_is_left_over_keeps_the_tag_scope_that_it_came_with() -> None:
    world = World()
    with pytest.raises(Died):
        world.accept(METRICS, request(3, NOW), tags="shard=acme", otlp=fused(world, Fuse(1)))
    world.accept(METRICS, request(3, NOW), tags="shard=acme", otlp=world.process())
    assert world.tags("requests") == [{"shard": "acme"}] * 2


def test_exporters_and_tag_scopes_are_apart() -> None:
    world = World()
    for resource in ({"host__name": "a", "process__pid": 1}, {"host__name": "a", "process__pid": 2}):
        for scope in ("", "shard=acme"):
            world.accept(METRICS, metrics(counter("requests", point(3, start=START)), **resource), tags=scope)
    assert sums(world) == {"requests": 12.0}


def test_a_post_that_tells_nothing_new_writes_a_sign_of_life_only() -> None:
    world = World()
    world.accept(METRICS, request(3, NOW))
    records, items = dict(world.exporters.records), len(world.batches.items)
    world.accept(METRICS, request(3, NOW + 100), now=NOW + 100)
    assert (world.exporters.records, len(world.batches.items)) == (records, items + 1)
    assert sums(world) == truth(3)


def test_the_record_of_an_exporter_that_goes_on_stays_and_that_of_a_silent_one_goes() -> None:
    world = World()
    world.accept(METRICS, request(3, NOW))
    later = NOW + TOUCH_MS + 1
    world.accept(METRICS, request(3, later), now=later)
    assert {expires for _, expires in world.exporters.records.values()} == {later + KEEP_MS}
    silent = later + KEEP_MS + 2000
    # Known for so long that its start is no news: counting begins anew.
    world.accept(METRICS, request(50, silent), now=silent)
    assert sums(world) == truth(3)
    world.accept(METRICS, request(51, silent + 100), now=silent + 100)
    assert sums(world) == {"requests": 8.0, "took": 20.0}


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(1, 9)), min_size=1, max_size=8), st.randoms())
def test_processes_that_die_at_any_time_count_every_increment_once(steps: Sequence[tuple[int, bool, int]], random: Any) -> None:
    world = World()
    total, sent = 0, []
    for number, (writes, after, more) in enumerate(steps):
        total += more
        sent.append(request(total, NOW + number))
        try:
            world.accept(METRICS, random.choice(sent), otlp=fused(world, Fuse(writes, after=after)))
        except Died:
            continue
    world.accept(METRICS, sent[-1], otlp=world.process())
    assert sums(world) == truth(total)
    assert raw_sum(world) == truth(total)["requests"]
