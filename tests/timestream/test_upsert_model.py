"""Upserts against a model of a few lines, restarts among them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from clawpulse_localstack.timestream.engine import Engine
from clawpulse_localstack.timestream.errors import TimestreamError
from tests.timestream.support import ADDRESS, NOW_MS, FakeClock, Timestream, record

Write = tuple[int, str, int, int]
"""Time, host, value, version."""

writes = st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.integers(0, 2), st.integers(1, 3))
steps = st.lists(st.one_of(st.lists(writes, min_size=1, max_size=8), st.just("restart")), max_size=8)


def model(state: dict[tuple[int, str], tuple[int, int]], batch: list[Write]) -> list[tuple[int, int]]:
    """Change the state as AWS documents it; the indexes that are rejected, with the version that stands."""
    rejected = []
    for index, (time, host, value, version) in enumerate(batch):
        known = state.get((time, host))
        if known is None or version > known[1]:
            state[time, host] = (value, version)
        elif value != known[0]:
            rejected.append((index, known[1]))
    return rejected


def send(ts: Timestream, batch: list[Write]) -> list[tuple[int, int]]:
    records = [
        record(value, at_ms=NOW_MS + time, Dimensions=[{"Name": "host", "Value": host}], Version=version)
        for time, host, value, version in batch
    ]
    try:
        ts.write(*records)
    except TimestreamError as error:
        return [(rejected["RecordIndex"], rejected["ExistingVersion"]) for rejected in error.fields["RejectedRecords"]]
    return []


@settings(max_examples=25, deadline=None)
@given(steps)
def test_upserts_follow_the_model(found: list[list[Write] | str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, state = str(Path(folder) / "ts.duckdb"), dict[tuple[int, str], tuple[int, int]]()
        ts = Timestream(Engine(path, ADDRESS, clock=FakeClock()), FakeClock(), path)
        try:
            ts.call("CreateDatabase", DatabaseName="app")
            ts.call("CreateTable", DatabaseName="app", TableName="tbl")
            for step in found:
                if isinstance(step, str):
                    ts.engine.close()
                    ts.engine = Engine(path, ADDRESS, clock=FakeClock())
                else:
                    assert send(ts, step) == model(state, step)
                rows = ts.rows("SELECT to_milliseconds(time), host, measure_value::double FROM app.tbl") if state else []
                assert {(int(time) - NOW_MS, host): float(value) for time, host, value in rows} == {key: v for key, (v, _) in state.items()}
                assert len(rows) == len(state)
        finally:
            ts.engine.close()
