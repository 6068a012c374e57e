"""The promise, kept by real processes: the server away, the process killed, and still every point once.

An hour of outage is played in seconds: batches are cut each tenth of a second instead of each ten, and thousands of points are recorded.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from clawpulse._replay import Contents, Replay
from clawpulse._segments import Segments, streams
from tests.sdk.server import Server, running_server

ROOT = Path(__file__).parents[2]
RECORDER = Path(__file__).with_name("recorder.py")
PATIENCE_S = 60.0
FAST = {
    "CLAWPULSE_FLUSH_SECONDS": "0.1",
    "CLAWPULSE_HEARTBEAT_SECONDS": "0.5",
    "CLAWPULSE_TIMEOUT_SECONDS": "2",
    "CLAWPULSE_EXIT_SECONDS": "10",
}


class Recorder:
    """A process that records numbers; it has recorded them all when this returns."""

    def __init__(self, port: int, spool: Path, first: int, end: int, before: str = "", **env: str) -> None:
        address = {"CLAWPULSE_URL": f"http://127.0.0.1:{port}/prod", "CLAWPULSE_TOKEN": "cp_secret", "CLAWPULSE_AGENT": "agent-1"}
        own = {"PYTHONPATH": str(ROOT / "sdk" / "src"), "PATH": os.environ["PATH"], "CLAWPULSE_SPOOL": str(spool)}
        self.process = subprocess.Popen(
            [sys.executable, str(RECORDER), str(first), str(end), *([before] if before else [])],
            env={**own, **address, **FAST, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "recorded\n", self.process.communicate()[1]

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def end(self) -> str:
        """Let it end as processes do; returns what it logged."""
        return self.process.communicate(timeout=PATIENCE_S)[1]


@contextmanager
def recorder(*arguments: Any, **env: str) -> Iterator[Recorder]:
    process = Recorder(*arguments, **env)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.kill()
        process.process.communicate()


@pytest.fixture
def port() -> int:
    """A port that nobody listens on, yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def contents(spool: Path) -> list[Contents]:
    """What the streams below a spool say."""
    found = []
    for folder in spool.iterdir() if spool.exists() else ():
        for epoch, sizes in streams(str(folder)).items():
            replay, segments = Replay(), Segments(str(folder), epoch, sizes)
            for number in sizes:
                replay.segment(number, segments.load(number))
            found.append(replay.result())
    return found


def on_disk(spool: Path) -> int:
    """Points that wait there."""
    try:
        return sum(sum(batch.points for batch, _ in stream.batches) + len(stream.rows) for stream in contents(spool))
    except FileNotFoundError:  # a segment went away meanwhile
        return -1


def accounted(spool: Path) -> int:
    """Points that wait there, and those that are counted as dropped."""
    try:
        found = contents(spool)
    except FileNotFoundError:
        return -1
    counts = [stream.counts for stream in found] + [batch.counts for stream in found for batch, _ in stream.batches]
    points = sum(sum(batch.points for batch, _ in stream.batches) + len(stream.rows) for stream in found)
    return points + sum(count.get("clawpulse.dropped", 0) for count in counts)


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s"
        time.sleep(0.05)


def files(spool: Path) -> list[Path]:
    return [path for path in spool.rglob("*") if path.is_file()]


def by_epoch(server: Server) -> list[tuple[str, list[float]]]:
    """Values of `count` as they arrived, in stretches of one epoch."""
    rows = [(batch["epoch"], row["values"]) for batch in server.batches for row in batch.get("series", ()) if row["name"] == "count"]
    return [(epoch, [value for _, values in found for value in values]) for epoch, found in groupby(rows, key=lambda row: row[0])]


def test_killed_twice_during_an_outage_every_point_arrives_once_and_in_order(port: int, spool: Path) -> None:
    for first, end in ((0, 3_000), (3_000, 6_000)):
        with recorder(port, spool, first, end) as process:
            wait(lambda end=end: on_disk(spool) == 2 * end)
            process.kill()
    with recorder(port, spool, 6_000, 7_000) as process, running_server(port) as server:
        wait(lambda: server.count("count") == server.count("sum") == 7_000)
        process.end()
        assert sorted(server.values("count")) == list(range(7_000))
        assert sum(sketch.sum for sketch in server.sketches("sum")) + sum(server.values("sum")) == sum(range(7_000))
        assert server.values("clawpulse.dropped") == []
        assert server.conflicts == []
        epochs: dict[str, list[float]] = {}
        for epoch, values in by_epoch(server):
            epochs.setdefault(epoch, []).extend(values)
        assert all(values == sorted(values) for values in epochs.values())
        assert [values[0] for values in epochs.values() if values[0] < 6_000] == [0.0, 3_000.0]
    assert process.process.returncode == 0
    assert files(spool) == []


BOUND = {"CLAWPULSE_SPOOL_BYTES": "131072", "CLAWPULSE_AGGREGATE": "off"}


def check_the_newest(server: Server, total: int) -> None:
    """All of the newest points of both series arrived, and the rest is exactly what was reported."""
    counts, sums = sorted(server.values("count")), sorted(server.values("sum"))
    dropped = sum(server.values("clawpulse.dropped"))
    assert counts == list(range(total - len(counts), total))
    assert sums == list(range(total - len(sums), total))
    assert 0 < dropped == 2 * total - len(counts) - len(sums)
    assert server.conflicts == []


def test_beyond_the_bound_the_oldest_are_dropped_and_the_number_is_right(port: int, spool: Path) -> None:
    with recorder(port, spool, 0, 8_000, **BOUND) as process:
        wait(lambda: accounted(spool) == 16_000)
        assert sum(path.stat().st_size for path in files(spool)) <= 131_072
        with running_server(port) as server:
            log = process.end()
            check_the_newest(server, 8_000)
    assert log.count("buffer is full") == 1
    assert files(spool) == []


def test_so_it_is_when_the_process_was_killed_in_between(port: int, spool: Path) -> None:
    with recorder(port, spool, 0, 6_000, **BOUND) as process:
        wait(lambda: accounted(spool) == 12_000)
        process.kill()
    with recorder(port, spool, 6_000, 12_000, **BOUND) as process:
        wait(lambda: accounted(spool) == 24_000)
        with running_server(port) as server:
            process.end()
            check_the_newest(server, 12_000)
    assert files(spool) == []


def test_a_living_process_delivers_what_another_left(port: int, spool: Path) -> None:
    with recorder(port, spool, 0, 500) as one, recorder(port, spool, 500, 1_000) as other:
        wait(lambda: on_disk(spool) == 2_000)
        assert len(contents(spool)) == 2
        one.kill()
        with running_server(port) as server:
            wait(lambda: server.count("count") == server.count("sum") == 1_000)
            other.end()
            assert sorted(server.values("count")) == list(range(1_000))
            assert server.conflicts == []
    assert files(spool) == []


def test_what_a_process_leaves_at_its_end_the_next_one_delivers(port: int, spool: Path) -> None:
    with recorder(port, spool, 0, 500, CLAWPULSE_EXIT_SECONDS="0.1") as process:
        process.end()
    with running_server(port) as server:
        with recorder(port, spool, 500, 600) as process:
            process.end()
            wait(lambda: server.count("count") == 600)
        assert sorted(server.values("count")) == list(range(600))
        assert server.conflicts == []


def test_a_server_that_hangs_keeps_nothing_from_being_written(spool: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, never answers
        port = silent.getsockname()[1]
        with recorder(port, spool, 0, 500, CLAWPULSE_TIMEOUT_SECONDS="60") as process:
            silent.accept()[0].close()
            waiting, _ = silent.accept()
            wait(lambda: on_disk(spool) == 1_000)
            process.kill()
            waiting.close()
    with running_server(port) as server, recorder(port, spool, 500, 600) as process:
        wait(lambda: server.count("count") == 600)
        assert server.conflicts == []


def test_a_child_that_lives_on_does_not_keep_the_lock(port: int, spool: Path) -> None:
    with recorder(port, spool, 0, 100, "fork_that_stays") as process:
        wait(lambda: on_disk(spool) == 201)
        process.process.send_signal(signal.SIGKILL)
        with running_server(port) as server, recorder(port, spool, 100, 200):
            wait(lambda: server.count("count") == 200)
            assert server.values("parent") == [1.0]
            assert server.conflicts == []


def test_a_full_disk_costs_nothing_but_the_safety(port: int, spool: Path) -> None:
    with recorder(port, spool, 0, 3_000, "limit_files", CLAWPULSE_AGGREGATE="off") as process:
        wait(lambda: on_disk(spool) > 0)
        with running_server(port) as server:
            log = process.end()
            assert sorted(server.values("count")) == sorted(server.values("sum")) == list(range(3_000))
            assert len({batch["epoch"] for batch in server.batches}) > 1
            assert server.values("clawpulse.dropped") == []
            assert server.conflicts == []
    assert log.count("waits in memory") == 1
    assert files(spool) == []


def test_a_spool_that_cannot_be_is_told_once_and_does_no_harm(port: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with running_server(port) as server, recorder(port, tmp_path / "file" / "spool", 0, 100) as process:
        log = process.end()
        assert sorted(server.values("count")) == list(range(100))
    assert log.count("waits in memory") == 1
    assert "cp_secret" not in log


def test_nobody_else_can_read_it_and_the_token_is_not_in_it(port: int, spool: Path) -> None:
    with recorder(port, spool, 0, 100) as process:
        wait(lambda: on_disk(spool) == 200)
        (folder,) = spool.iterdir()
        assert spool.stat().st_mode & 0o777 == folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in files(spool)} == {0o600}
        assert not [path for path in files(spool) if b"cp_secret" in path.read_bytes()]
        process.kill()


def test_what_was_meant_for_one_address_never_goes_to_another(port: int, spool: Path) -> None:
    with recorder(port, spool, 0, 100) as process:
        wait(lambda: on_disk(spool) == 200)
        process.kill()
    with running_server() as other, recorder(other.port, spool, 100, 200) as process:
        process.end()
        assert sorted(other.values("count")) == list(range(100, 200))
    assert on_disk(spool) == 200
