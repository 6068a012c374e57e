from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from clawpulse_localstack.timestream import query
from clawpulse_localstack.timestream.errors import TimestreamError
from tests.timestream.support import NOW_MS, Timestream, multi, record


def at_once(jobs: list[Callable[[], object]]) -> list[object]:
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(job) for job in jobs]]


def test_concurrent_retries_of_one_batch_store_it_once(ts: Timestream) -> None:
    batch = [multi({"x": ("DOUBLE", number)}, at_ms=NOW_MS + number) for number in range(50)]
    at_once([lambda: [ts.write(*batch) for _ in range(5)] for _ in range(8)])
    assert ts.rows("SELECT count(*), sum(x) FROM app.tbl") == [["50", "1225.0"]]


def test_of_concurrent_writers_with_other_values_one_wins(ts: Timestream) -> None:
    codes: list[str] = []

    def write(value: int) -> bool:
        try:
            ts.write(record(value))
        except TimestreamError as error:
            codes.append(error.code)
            return False
        return True

    won = at_once([lambda value=value: write(value) for value in range(8)])
    assert sum(map(bool, won)) == 1
    assert codes == ["RejectedRecordsException"] * 7
    assert ts.rows("SELECT measure_value::double FROM app.tbl") == [[f"{won.index(True)}.0"]]


def test_queries_run_beside_writes_that_add_columns(ts: Timestream) -> None:
    def write(worker: int) -> None:
        for number in range(20):
            ts.write(
                multi({f"m{worker}_{number}": ("DOUBLE", 1)}, at_ms=NOW_MS + number, Dimensions=[{"Name": f"d{worker}", "Value": "v"}])
            )

    def read() -> list[int]:
        return [int(ts.rows("SELECT count(*) FROM app.tbl")[0][0]) for _ in range(20)]

    results = at_once([lambda worker=worker: write(worker) for worker in range(3)] + [read, read])
    for counts in results[3:]:
        assert counts == sorted(counts)
    assert ts.rows("SELECT count(*) FROM app.tbl") == [["60"]]


def test_tables_come_and_go_beside_queries(ts: Timestream) -> None:
    def churn() -> None:
        for _ in range(15):
            ts.call("CreateTable", DatabaseName="app", TableName="brief")
            ts.write(record(), table="brief")
            ts.call("DeleteTable", DatabaseName="app", TableName="brief")

    def read() -> set[str]:
        codes = set()
        for _ in range(60):
            try:
                ts.rows("SELECT * FROM app.brief")
            except TimestreamError as error:
                codes.add(error.code)
        return codes

    _, codes = at_once([churn, read])
    assert codes <= {"ValidationException"}


def test_a_running_query_is_cancelled(ts: Timestream) -> None:
    numbers = "UNNEST(sequence(1, 9999))"
    endless = f"SELECT count(*) FROM {numbers} AS a(x), {numbers} AS b(y), {numbers} AS c(z) WHERE x * y % 7 = z"
    querier: query.Querier = ts.engine._querier
    errors: list[TimestreamError] = []
    thread = threading.Thread(target=lambda: errors.append(ts.error("Query", QueryString=endless)))
    thread.start()
    try:
        ids = _wait(lambda: list(querier._running))
        assert ts.call("CancelQuery", QueryId=ids[0]) == {}
    finally:
        thread.join(timeout=30)
    assert not thread.is_alive()
    assert errors[0].code == "QueryExecutionException"
    assert ts.rows("SELECT 1") == [["1"]]


def _wait(found: Callable[[], list[str]]) -> list[str]:
    done = threading.Event()
    for _ in range(200):
        if ids := found():
            done.wait(0.2)
            return ids
        done.wait(0.02)
    raise AssertionError("the query did not start")
