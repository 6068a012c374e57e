"""The local Timestream: records written per second, and the dashboard's query over a million rows."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# The plugin is installed in LocalStack's environment only.
sys.path.append(str(Path(__file__).parents[2] / "localstack/plugin/src"))
from clawpulse_localstack.timestream.engine import Engine

NOW_NS = 1_795_464_000_000_000_000
BATCHES = 100
ROWS = 1_000_000
P95 = (
    "SELECT bin(time, 1m) AS minute, count(*), approx_percentile(latency_ms, 0.95) FROM bench.big"
    " WHERE time > ago({range}) AND tier = 'fast' GROUP BY bin(time, 1m) ORDER BY 1"
)


def rows() -> Iterator[dict[str, str]]:
    """The table's rows; asserts nothing."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(str(Path(folder) / "ts.duckdb"), "http://127.0.0.1", clock=lambda: NOW_NS)
        try:
            engine.dispatch("timestream-write", "CreateDatabase", {"DatabaseName": "bench"})
            for table in ("one", "many", "big"):
                engine.dispatch("timestream-write", "CreateTable", {"DatabaseName": "bench", "TableName": table})
            yield from _writes(engine)
            yield from _queries(engine)
        finally:
            engine.close()


def _writes(engine: Engine) -> Iterator[dict[str, str]]:
    requests = [_request("one", batch) for batch in range(BATCHES)]
    first = _timed(lambda: [_send(engine, request) for request in requests])
    again = _timed(lambda: [_send(engine, request) for request in requests])
    many = [_request("many", batch) for batch in range(BATCHES)]
    with ThreadPoolExecutor(4) as pool:
        threads = _timed(lambda: list(pool.map(lambda request: _send(engine, request), many)))
    yield {"what": "write, batches of 100 durable each", "figure": _rate(first), "bound": "several thousand/s"}
    yield {"what": "write the same again (retries)", "figure": _rate(again), "beside": "first time", "ratio": f"{first / again:.2f}"}
    yield {"what": "write from 4 threads", "figure": _rate(threads), "beside": "one thread", "ratio": f"{first / threads:.2f}"}


def _queries(engine: Engine) -> Iterator[dict[str, str]]:
    _fill(engine)
    for span in ("15m", "5h"):
        sql = P95.format(range=span)
        taken = min(_timed(lambda sql=sql: _query(engine, sql)) for _ in range(5))
        yield {"what": f"p95 per minute of the last {span}, {ROWS:,} rows", "figure": f"{taken * 1000:.1f} ms"}
    taken = min(_timed(lambda: _query(engine, "SELECT * FROM bench.big ORDER BY time DESC LIMIT 50")) for _ in range(5))
    yield {"what": f"newest 50 of {ROWS:,} rows", "figure": f"{taken * 1000:.1f} ms"}
    late = min(_timed(lambda number=number: _send(engine, _request("big", number, age_s=3600 * 4))) for number in range(5))
    yield {"what": f"write 100 late records into {ROWS:,} rows", "figure": f"{late * 1000:.1f} ms"}


def _fill(engine: Engine) -> None:
    """A million rows by SQL: what is measured is the query."""
    _send(engine, _request("big", 0))
    store = engine._store
    columns = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 't3' AND column_name LIKE 'c%'"
    measured = {"DOUBLE": "random() * 1000", "VARCHAR": "CASE WHEN i % 3 = 0 THEN 'fast' ELSE 'smart' END"}
    values = ", ".join(f"{measured[type_]} AS {name}" for name, type_ in store.run(columns))
    start = NOW_NS // 1000 - 5 * 3600 * 1_000_000
    store.run(
        f"INSERT INTO store.data.t3 BY NAME SELECT make_timestamp({start} + i * 18000) AS time, 'task' AS measure_name, hash(i) AS key,"
        f" 1 AS version, 0 AS digest, {values} FROM range({ROWS}) r(i)"
    )


def _request(table: str, batch: int, age_s: int = 0) -> dict[str, Any]:
    rng = random.Random(f"{table}{batch}{age_s}")
    base = NOW_NS // 1000 - age_s * 1_000_000 + batch * 100
    return {
        "DatabaseName": "bench",
        "TableName": table,
        "CommonAttributes": {
            "MeasureName": "task",
            "MeasureValueType": "MULTI",
            "TimeUnit": "MICROSECONDS",
            "Dimensions": [{"Name": "workspace", "Value": "default"}, {"Name": "agent", "Value": f"agent-{batch % 30}"}],
        },
        "Records": [_record(base + number, rng) for number in range(100)],
    }


def _record(time_us: int, rng: random.Random) -> dict[str, Any]:
    measures = {"latency_ms": rng.random() * 1000, "tokens_in": 812.0, "tokens_out": 95.0, "cost_usd": rng.random()}
    values = [{"Name": name, "Type": "DOUBLE", "Value": str(value)} for name, value in measures.items()]
    values.append({"Name": "task_id", "Type": "VARCHAR", "Value": str(rng.getrandbits(64))})
    return {"Time": str(time_us), "Dimensions": [{"Name": "tier", "Value": rng.choice(("fast", "smart"))}], "MeasureValues": values}


def _send(engine: Engine, request: dict[str, Any]) -> None:
    engine.dispatch("timestream-write", "WriteRecords", request)


def _query(engine: Engine, sql: str) -> None:
    engine.dispatch("timestream-query", "Query", {"QueryString": sql})


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _rate(seconds: float) -> str:
    return f"{BATCHES * 100 / seconds:,.0f} records/s"
