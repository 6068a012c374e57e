"""What was acknowledged is there after a restart, and after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clawpulse_localstack.timestream.engine import Engine
from tests.timestream.support import ADDRESS, NOW_MS, FakeClock, Timestream, multi, record

WRITER = """
import sys
from clawpulse_localstack.timestream.engine import Engine
from tests.timestream.support import ADDRESS, NOW_MS, FakeClock, Timestream, record

ts = Timestream(Engine(sys.argv[1], ADDRESS, clock=FakeClock()), FakeClock(), sys.argv[1])
ts.call("CreateDatabase", DatabaseName="app")
ts.call("CreateTable", DatabaseName="app", TableName="tbl")
for batch in range(100_000):
    ts.write(*(record(batch, at_ms=NOW_MS + batch, Dimensions=[{"Name": f"d{batch % 9}", "Value": str(i)}]) for i in range(20)))
    print(batch, flush=True)
"""


@contextmanager
def opened(path: str) -> Iterator[Timestream]:
    engine = Engine(path, ADDRESS, clock=FakeClock())
    try:
        yield Timestream(engine, FakeClock(), path)
    finally:
        engine.close()


def test_everything_is_there_after_a_restart(ts: Timestream) -> None:
    ts.write(multi({"x": ("DOUBLE", 1), "s": ("VARCHAR", "v")}), record(2, Version=7))
    ts.call("TagResource", ResourceARN="arn:aws:timestream:us-east-1:000000000000:database/app", Tags=[{"Key": "k", "Value": "v"}])
    questions = ["SELECT * FROM app.tbl ORDER BY measure_name", "DESCRIBE app.tbl", "SHOW MEASURES FROM app.tbl"]
    before = [ts.rows(question) for question in questions]
    described = ts.call("DescribeTable", DatabaseName="app", TableName="tbl"), ts.call("ListDatabases")
    ts.engine.close()
    with opened(ts.path) as again:
        assert [again.rows(question) for question in questions] == before
        assert (again.call("DescribeTable", DatabaseName="app", TableName="tbl"), again.call("ListDatabases")) == described
        assert again.rejected(record(3, Version=7))[0]["ExistingVersion"] == 7
        again.write(multi({"x": ("DOUBLE", 1), "new": ("BIGINT", 1)}, at_ms=NOW_MS + 1))
        assert again.rejected(multi({"x": ("BIGINT", 1)}))[0]["Reason"].startswith("The type BIGINT")
        again.call("CreateTable", DatabaseName="app", TableName="second")
        assert again.rows("SELECT count(*) FROM app.second") == [["0"]]


def test_acknowledged_writes_survive_kill_9(tmp_path: Path) -> None:
    path = str(tmp_path / "ts.duckdb")
    process = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True, cwd=Path.cwd(), env=_environment())
    try:
        acknowledged = _read_until(process, batches=60)
    finally:
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=30)
    last = max([acknowledged, *(int(line) for line in rest.split())])
    with opened(path) as again:
        kept = {
            int(float(value)): int(count) for value, count in again.rows("SELECT measure_value::double, count(*) FROM app.tbl GROUP BY 1")
        }
        assert set(range(last + 1)) <= set(kept)
        assert len(kept) <= last + 2
        assert set(kept.values()) == {20}
        assert again.write(record(1.0, at_ms=NOW_MS + 100_000))["RecordsIngested"]["Total"] == 1


def _read_until(process: subprocess.Popen[str], batches: int) -> int:
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= batches:
                return int(line)
    finally:
        timer.cancel()
    raise AssertionError("the writer ended early")


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{Path.cwd()}:{Path.cwd() / 'localstack/plugin/src'}"}
