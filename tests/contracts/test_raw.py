"""Raw history keeps these promises, whoever writes it: in memory, on boto3, and on the fast client."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from functions.adapters.raw import RawQueries, RawWrites
from functions.adapters.raw_fast import FastRaw
from functions.domain.errors import InvalidCursor, RecordsRejected, StoreUnavailable
from functions.domain.raw import RawRecord
from functions.ports import RawWriter
from tests.fakes.raw import MemoryRaw
from tests.tables import create_raw_history

COMMON = {"workspace": "ws", "agent": "agent-1", "batch": "ep.0"}
NOW_US = int(time.time()) * 1_000_000


@dataclass
class Store:
    writer: RawWriter
    count: Callable[[str], int]
    """Records of a table."""


def memory(_request: Any) -> Store:
    raw = MemoryRaw()
    return Store(raw, lambda table: sum(key[0] == table for key in raw.records))


def on_boto3(request: Any) -> Store:
    cloud = request.getfixturevalue("localstack")
    database = create_raw_history(cloud.client("timestream-write"))
    return Store(RawWrites(cloud.client("timestream-write"), database), counter(cloud, database))


def on_fast_client(request: Any) -> Store:
    cloud = request.getfixturevalue("localstack")
    database = create_raw_history(cloud.client("timestream-write"))
    raw = FastRaw(database, env=fast_env(cloud))
    request.addfinalizer(raw.close)
    return Store(raw, counter(cloud, database))


def fast_env(cloud: Any) -> Mapping[str, str]:
    return {**os.environ, "AWS_ENDPOINT_URL": cloud.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def counter(cloud: Any, database: str) -> Callable[[str], int]:
    queries = RawQueries(cloud.client("timestream-query"))

    def count(table: str) -> int:
        (row,) = queries.query(f'SELECT count(*) AS n FROM "{database}"."{table}"', 1).rows
        return int(row["n"])

    return count


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud), pytest.param(on_fast_client, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> Store:
    make: Callable[[Any], Store] = request.param
    return make(request)


def point(number: int, value: float = 1.0, tier: str = "fast", table: str = "points") -> RawRecord:
    return RawRecord(table=table, measure="agent.cpu", time_us=NOW_US + number, dimensions={"tier": tier}, values={"value": value})


def test_more_records_than_a_call_takes_go_to_their_tables(store: Store) -> None:
    store.writer.write([point(i, table="points" if i % 3 else "events") for i in range(250)], COMMON)
    assert (store.count("points"), store.count("events")) == (166, 84)


def test_the_same_again_changes_nothing(store: Store) -> None:
    for _ in range(3):
        store.writer.write([point(i) for i in range(5)], COMMON)
    assert store.count("points") == 5


def test_what_differs_in_a_dimension_is_another_record(store: Store) -> None:
    store.writer.write([point(0, tier="fast"), point(0, tier="smart")], COMMON)
    store.writer.write([point(0)], {**COMMON, "batch": "ep.1"})
    assert store.count("points") == 3


def test_other_values_under_a_known_key_are_rejected_by_place_and_the_others_written(store: Store) -> None:
    store.writer.write([point(150)], COMMON)
    with pytest.raises(RecordsRejected) as caught:
        store.writer.write([point(i, value=2.0) for i in range(200)], COMMON)
    assert list(caught.value.reasons) == [150]
    assert "already exists" in caught.value.reasons[150]
    assert store.count("points") == 200


@pytest.fixture
def written(localstack: Any) -> tuple[Any, str]:
    database = create_raw_history(localstack.client("timestream-write"))
    raw = FastRaw(database, env=fast_env(localstack))
    values = {"task_id": 'täsk "1"', "status": "failed", "latency_ms": 812.25, "errors": 1.0, "attributes": '{"a":"b"}'}
    task = RawRecord(table="tasks", measure="task", time_us=NOW_US + 7, dimensions={"tier": "fast"}, values=values)
    raw.write([task, *(point(i, value=float(i)) for i in range(25))], COMMON)
    raw.close()
    return localstack, database


@pytest.mark.cloud
def test_rows_are_typed(written: tuple[Any, str]) -> None:
    cloud, database = written
    page = RawQueries(cloud.client("timestream-query")).query(
        f'SELECT *, 7 AS n, true AS yes, NULL AS nothing FROM "{database}"."tasks"', 10
    )
    (row,) = page.rows
    assert row["time"] == NOW_US // 1000
    assert (row["workspace"], row["agent"], row["batch"], row["tier"]) == ("ws", "agent-1", "ep.0", "fast")
    assert (row["task_id"], row["status"], row["latency_ms"], row["errors"]) == ('täsk "1"', "failed", 812.25, 1.0)
    assert (row["n"], row["yes"], row["nothing"], row["attributes"]) == (7, True, None, '{"a":"b"}')


@pytest.mark.cloud
def test_pages_have_all_rows_once(written: tuple[Any, str]) -> None:
    cloud, database = written
    queries, sql = RawQueries(cloud.client("timestream-query")), f'SELECT value FROM "{database}"."points" ORDER BY value'
    values, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = queries.query(sql, 10, cursor)
        values += [row["value"] for row in page.rows]
        cursor, pages = page.cursor, pages + 1
        assert len(page.rows) <= 10
        assert pages < 10
    assert values == [float(i) for i in range(25)]


@pytest.mark.cloud
def test_a_cursor_of_nobody_is_invalid(written: tuple[Any, str]) -> None:
    cloud, database = written
    with pytest.raises(InvalidCursor):
        RawQueries(cloud.client("timestream-query")).query(f'SELECT value FROM "{database}"."points"', 10, "bogus")


@pytest.mark.cloud
def test_a_database_that_is_not_there_is_a_store_that_is_unavailable(localstack: Any) -> None:
    raw = FastRaw("nowhere", env=fast_env(localstack))
    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        raw.write([point(0)], COMMON)
    raw.close()
