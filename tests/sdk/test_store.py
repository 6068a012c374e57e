"""Workers and machines that die at any moment, disks that fail at any moment: what was recorded arrives once, whoever delivers it."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawpulse import _lifecycle
from clawpulse._delivery import Answer
from clawpulse._frames import frame, scan
from clawpulse._journal import Opening
from clawpulse._payload import NOTHING
from clawpulse._reports import Reports
from clawpulse._segments import Segments
from clawpulse._sender import DirectSender
from clawpulse._spool import Batch, MemoryLane, Place
from clawpulse._store import MANY, SYNC_SECONDS, Disk, Store
from clawpulse._worker import Outside, Worker
from tests.sdk.server import batch_id
from tests.sdk.test_worker import T0, some_settings

OPENING = Opening("http://127.0.0.1:9", "agent-1", "", {}, {}, True)
WORDS = (f"{number:04x}" for number in count())


class Network:
    """A server that may be away; it keeps each batch id once, and what came twice with two contents."""

    def __init__(self) -> None:
        self.away = self.deaf = False
        self.order: list[dict[str, Any]] = []
        self.conflicts: list[Any] = []
        self._texts: dict[Any, bytes] = {}

    def post(self, body: bytes, timeout: float) -> Answer:
        if self.away:
            return Answer(0, "ConnectionRefusedError")
        text = gzip.decompress(body)
        batch = json.loads(text)
        if batch_id(batch) not in self._texts:
            self.order.append(batch)
        if self._texts.setdefault(batch_id(batch), text) != text:
            self.conflicts.append(batch_id(batch))
        return Answer(0, "timed out") if self.deaf else Answer(200)

    def close(self) -> None:
        pass

    def values(self, name: str) -> list[float]:
        return [value for batch in self.order for row in batch.get("series", ()) if row["name"] == name for value in row["values"]]

    def events(self) -> int:
        return sum(len(row["times"]) for batch in self.order for row in batch.get("events", ()))


class FailingSegments(Segments):
    """A disk on which only so many more bytes find room; what does not is written as far as it goes."""

    room = 10**9
    synced: ClassVar[dict[str, int]] = {}
    """Bytes of each file that outlive the machine."""

    def sync(self) -> None:
        super().sync()
        FailingSegments.synced.update({self._path(number): size for number, size in self.sizes.items()})

    def begin(self, head: bytes) -> None:
        self._spend(len(head))
        super().begin(head)

    def append(self, data: bytes) -> Place:
        if len(data) > FailingSegments.room:
            super().append(data[: FailingSegments.room])
            FailingSegments.room = 0
            raise OSError(errno.ENOSPC, "No space left on device")
        self._spend(len(data))
        return super().append(data)

    @staticmethod
    def _spend(size: int) -> None:
        if size > FailingSegments.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        FailingSegments.room -= size


def die() -> None:
    """What the system does with the files of a process that is killed."""
    for handle in list(_lifecycle._process.handles):
        _lifecycle.closed(handle)
        os.close(handle)


def cut_power(folder: str) -> None:
    """What is left of the files when the machine dies: only what was synced."""
    die()
    for path in map(str, Path(folder).glob("*.log")):
        size = FailingSegments.synced.get(path, 0)
        os.truncate(path, min(size, os.path.getsize(path)))
        if not size:
            os.unlink(path)


class Fleet:
    """Workers of one agent, one after the other, on one folder; the clock is turned by hand."""

    def __init__(self, folder: str, max_bytes: int = 2**20) -> None:
        self.network = Network()
        self.disk = Disk(folder, OPENING, max_bytes, 5.0, FailingSegments)
        self.now, self.recorded, self.mistakes = 0.0, 0, 0
        FailingSegments.room = 10**9
        FailingSegments.synced.clear()
        self.begin()

    def begin(self) -> None:
        self.inbox: list[Any] = []
        self.reports = Reports()
        store = Store(self.disk, 2**20, self.reports, lambda: next(WORDS), self.now)
        outside = Outside(DirectSender(self.network), store, chance=lambda: 0.5, clock=lambda: T0 + self.now)
        self.worker = Worker(some_settings(), self.inbox, outside, self.reports, self.now)

    def record(self, number: int) -> None:
        for value in range(self.recorded, self.recorded + number):
            tags = {"request_id": f"r{value}", "task_id": f"t{value // 3}"}
            if value % 3 == 0:
                self.inbox += ("task.started", NOTHING, T0 + self.now, tags)
            self.inbox += ("count", value, T0 + self.now, tags)
            if value % 6 == 5:  # every other task has no end
                self.inbox += ("task.completed", NOTHING, T0 + self.now, tags)
        self.recorded += number

    def mistake(self, number: int) -> None:
        self.mistakes += number
        self.reports.count("clawpulse.invalid", number)

    def flush(self) -> None:
        self.worker.flush(self.now)
        self.turn(0.25)

    def one_batch(self) -> None:
        self.record(3)
        self.worker.flush(self.now)
        self.turn(11.0)

    def turn(self, seconds: float) -> None:
        self.now += seconds
        self.worker.step(self.now)

    def kill(self) -> None:
        """Killed after a turn, unless the disk failed and something waits in memory: that would rightly be lost."""
        self.worker.step(self.now)
        store = self.worker._store
        memory = [lane for lane in (store._own, *store._adopted) if isinstance(lane, MemoryLane)]
        if any(entry.points or entry.counts for lane in memory for entry in lane.entries):
            return
        if store._own in memory and (len(self.worker._pending) or self.reports.counts):
            return
        die()
        self.begin()

    def drain(self) -> None:
        self.network.away = self.network.deaf = False
        FailingSegments.room = 10**9
        for _ in range(400):
            self.turn(6.0)
        self.worker.flush(self.now)
        for _ in range(20):
            self.turn(6.0)

    def check(self) -> None:
        self.drain()
        assert self.network.conflicts == []
        arrived = Counter(self.network.values("count"))
        assert arrived == Counter(map(float, range(self.recorded)))
        assert self.network.events() == (self.recorded + 2) // 3 + self.recorded // 6
        assert sum(self.network.values("clawpulse.invalid")) == self.mistakes
        assert self.network.values("clawpulse.dropped") == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(1, 60)),
        st.tuples(st.just("turn"), st.sampled_from([0.25, 1.0, 6.0, 11.0])),
        st.tuples(st.just("kill"), st.none()),
        st.tuples(st.just("flush"), st.none()),
        st.tuples(st.just("mistake"), st.integers(1, 5)),
        st.tuples(st.just("network"), st.sampled_from(["up", "away", "deaf"])),
        st.tuples(st.just("room"), st.integers(0, 4_000) | st.just(10**9)),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(STEPS)
def test_whatever_fails_every_point_arrives_once(steps: Sequence[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(os.path.join(folder, "agent"), max_bytes=2**17)
        for step, much in steps:
            if step == "network":
                fleet.network.away, fleet.network.deaf = much == "away", much == "deaf"
            elif step == "room":
                FailingSegments.room = much
            else:
                getattr(fleet, step)(*([much] if much else []))
        fleet.check()
        fleet.worker.close(fleet.now)
        die()
        assert os.listdir(os.path.join(folder, "agent")) == []


POWER_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(1, 60)),
        st.tuples(st.just("turn"), st.sampled_from([0.25, 0.25, 1.0, 6.0])),
        st.tuples(st.just("power"), st.none()),
        st.tuples(st.just("flush"), st.none()),
        st.tuples(st.just("network"), st.sampled_from(["up", "away", "deaf"])),
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(POWER_STEPS)
def test_when_the_machine_dies_nothing_comes_twice_and_half_a_second_is_lost_at_most(steps: Sequence[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(os.path.join(folder, "agent"))
        noted: dict[int, float] = {}
        may_be_lost: set[int] = set()
        for step, much in steps:
            if step == "record":
                fleet.record(much)
            elif step == "network":
                fleet.network.away, fleet.network.deaf = much == "away", much == "deaf"
            elif step != "power":
                fleet.flush() if step == "flush" else fleet.turn(much)
            if step != "record":
                noted.update({value: fleet.now for value in range(fleet.recorded) if value not in noted})
            if step == "power":
                may_be_lost |= {value for value, at in noted.items() if fleet.now - at < SYNC_SECONDS}
                cut_power(fleet.disk.folder)
                fleet.begin()
        fleet.drain()
        assert fleet.network.conflicts == []
        arrived = Counter(fleet.network.values("count"))
        assert set(arrived.values()) <= {1}
        assert set(range(fleet.recorded)) - set(arrived) <= may_be_lost
        fleet.worker.close(fleet.now)
        die()


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(str(tmp_path / "agent"))


def test_fresh_batches_need_not_wait_for_a_long_backlog(fleet: Fleet) -> None:
    fleet.network.away = True
    for _ in range(2 * MANY):
        fleet.one_batch()
    backlog = fleet.worker._store.waiting
    assert backlog == 2 * MANY
    fleet.network.away = False
    fleet.now += 120.0
    for _ in range(backlog):
        fleet.one_batch()
    seqs = [batch["seq"] for batch in fleet.network.order]
    old, fresh = [seq for seq in seqs if seq < backlog], [seq for seq in seqs if seq >= backlog]
    assert old == sorted(old)
    assert fresh == sorted(fresh)
    first = seqs[: 2 * MANY - 2]
    assert sum(seq >= backlog for seq in first) >= len(first) // 2 - 1
    fleet.check()


def test_a_short_backlog_is_delivered_first(fleet: Fleet) -> None:
    fleet.network.away = True
    for _ in range(MANY // 2):
        fleet.one_batch()
    fleet.kill()
    fleet.record(3)
    fleet.drain()
    assert fleet.network.values("count") == sorted(fleet.network.values("count"))


def test_an_idle_agent_writes_nothing(fleet: Fleet) -> None:
    for _ in range(20):
        fleet.turn(15.0)
    assert len(fleet.network.order) >= 19
    assert [path.suffix for path in Path(fleet.disk.folder).iterdir()] == [".lock"]


def test_the_clock_of_the_wall_may_jump(fleet: Fleet) -> None:
    """Batches go out all the same: intervals are of the clock that does not jump."""
    wall = [0.0]
    outside = Outside(DirectSender(fleet.network), fleet.worker._store, lambda: 0.5, clock=lambda: T0 + wall[0])
    worker = Worker(some_settings(), fleet.inbox, outside, fleet.reports, 0.0)
    for number, jump in enumerate([0, 7_200, -36_000, 3_600, 0]):
        wall[0] = float(jump)
        fleet.inbox += ("count", number, T0 + jump, None)
        for _ in range(3):
            fleet.now += 6.0
            worker.step(fleet.now)
    assert fleet.network.values("count") == [0.0, 1.0, 2.0, 3.0, 4.0]
    at = [batch["time"] + row["times"][0] for batch in fleet.network.order for row in batch["series"]]
    assert at == [int((T0 + jump) * 1000) for jump in (0, 7_200, -36_000, 3_600, 0)]


def test_a_file_stays_as_long_as_a_record_in_it_waits_for_its_batch(tmp_path: Path) -> None:
    fleet = Fleet(str(tmp_path / "agent"), max_bytes=2**16)
    fleet.record(1)  # of a task that goes on
    fleet.turn(0.1)
    for number in range(2_000):
        fleet.inbox += ("other", number, T0, {"request_id": os.urandom(8).hex()})
        if number % 100 == 99:
            fleet.turn(0.1)
    names = [path.name for path in Path(fleet.disk.folder).glob("*.log")]
    assert len(names) > 1
    assert len(fleet.network.values("other")) == 2_000
    fleet.kill()
    fleet.check()


def test_counters_survive_too(fleet: Fleet) -> None:
    fleet.network.away = True
    fleet.worker._reports.dropped(7, "for a test")
    fleet.turn(1.0)
    fleet.kill()
    fleet.drain()
    assert fleet.network.values("clawpulse.dropped") == [7.0]


def test_the_memory_is_bounded_and_keeps_the_newest() -> None:
    reports = Reports()
    store = Store(None, 100, reports, lambda: "e1", 0.0)
    for seq in range(10):
        store.put(Batch(seq, b"x" * 30, 2, {"clawpulse.invalid": 1}))
    assert store.waiting == 3
    found = store.next()
    assert found is not None
    assert found[0].seq == 7
    assert reports.counts == {"clawpulse.dropped": 14, "clawpulse.invalid": 7}
    store.put(Batch(10, b"x" * 500, 1))
    assert store.waiting == 1
    assert reports.counts["clawpulse.dropped"] == 18, "what is on its way is not lost yet"
    store.retry(found[0])
    assert reports.counts["clawpulse.dropped"] == 20


def test_a_stream_that_cannot_be_read_stays_and_is_told_once(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    path = Path(fleet.disk.folder) / "abcd.0.log"
    path.write_bytes(frame(b"H", b'{"v":99}'))
    for _ in range(5):
        fleet.turn(6.0)
    assert path.exists()
    assert caplog.text.count("abcd.* stays") == 1


def test_a_damaged_stream_is_told_and_the_rest_delivered(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    fleet.network.away = True
    for _ in range(3):
        fleet.record(30)
        fleet.turn(20.0)
    (path,) = Path(fleet.disk.folder).glob("*.0.log")
    die()
    data = bytearray(path.read_bytes())
    batch = next(item for item in scan(bytes(data)).frames if item.kind == b"B")
    data[batch.offset + batch.size - 1] ^= 1
    path.write_bytes(data)
    fleet.begin()
    fleet.drain()
    arrived, dropped = fleet.network.values("count"), sum(fleet.network.values("clawpulse.dropped"))
    assert 0 < len(arrived) == len(set(arrived)) < 90
    assert 0 < dropped == 90 + 30 + 15 - len(arrived) - fleet.network.events()
    assert caplog.text.count("is damaged at") == 1


def test_a_spool_that_is_removed_under_a_process_costs_what_was_in_it_and_that_is_counted(fleet: Fleet) -> None:
    fleet.network.away = True
    fleet.one_batch()
    fleet.record(6)
    fleet.turn(1.0)
    shutil.rmtree(fleet.disk.folder)
    for _ in range(4):
        fleet.one_batch()
    before = len(fleet.network.values("count"))
    assert before == 0
    fleet.drain()
    arrived = len(fleet.network.values("count")) + fleet.network.events()
    recorded = fleet.recorded + (fleet.recorded + 2) // 3 + fleet.recorded // 6
    assert fleet.network.values("count")[-3:] == [18.0, 19.0, 20.0]
    assert sum(fleet.network.values("clawpulse.dropped")) == recorded - arrived


def test_processes_share_the_bound(fleet: Fleet, tmp_path: Path) -> None:
    others = [Store(fleet.disk._replace(max_bytes=2**20), 2**20, Reports(), lambda: next(WORDS), 0.0) for _ in range(3)]
    store = Store(fleet.disk._replace(max_bytes=2**20), 2**20, reports := Reports(), lambda: next(WORDS), 0.0)
    store.tick(0.0)
    for seq in range(40):
        store.put(Batch(seq, os.urandom(20_000), 10))
    assert store.waiting * 20_000 <= 2**20 // 5 < (store.waiting + 2) * 20_000, "this one, three others, and the fleet's"
    assert reports.counts == {"clawpulse.dropped": 10 * (40 - store.waiting)}
    for each in (store, *others):
        each.close()
