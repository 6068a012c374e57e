"""The same through boto3 and LocalStack: endpoint discovery, wire formats, modelled errors."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import BareCloud
from tests.timestream.support import plain

pytestmark = pytest.mark.cloud
NAME = {"DatabaseName": "wire-test", "TableName": "points"}


@pytest.fixture(scope="module")
def write(localstack: BareCloud) -> Iterator[Any]:
    client = localstack.client("timestream-write")
    client.create_database(DatabaseName=NAME["DatabaseName"])
    client.create_table(**NAME, RetentionProperties={"MemoryStoreRetentionPeriodInHours": 26, "MagneticStoreRetentionPeriodInDays": 35})
    yield client
    client.delete_table(**NAME)
    client.delete_database(DatabaseName=NAME["DatabaseName"])


@pytest.fixture(scope="module")
def query(localstack: BareCloud) -> Any:
    return localstack.client("timestream-query")


def points(count: int, start_ms: int) -> dict[str, Any]:
    common = {"MeasureName": "p", "MeasureValueType": "MULTI", "Dimensions": [{"Name": "agent", "Value": "a"}]}
    records = [
        {"Time": str(start_ms + number), "MeasureValues": [{"Name": "value", "Type": "DOUBLE", "Value": str(number)}]}
        for number in range(count)
    ]
    return {"CommonAttributes": common, "Records": records}


def test_discovery_leads_back_to_this_cloud(localstack: BareCloud, write: Any, query: Any) -> None:
    for client in (write, query):
        [endpoint] = client.describe_endpoints()["Endpoints"]
        assert endpoint == {"Address": localstack.endpoint, "CachePeriodInMinutes": 1440}


def test_times_and_properties_are_typed(write: Any) -> None:
    table = write.describe_table(**NAME)["Table"]
    assert abs(table["CreationTime"] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=10)
    assert table["RetentionProperties"] == {"MemoryStoreRetentionPeriodInHours": 26, "MagneticStoreRetentionPeriodInDays": 35}
    assert "wire-test" in [database["DatabaseName"] for database in write.list_databases()["Databases"]]


def test_rejected_records_are_modelled(write: Any) -> None:
    now = int(time.time() * 1000)
    batch = points(2, now)
    batch["Records"][1]["Time"] = "0"
    with pytest.raises(write.exceptions.RejectedRecordsException) as caught:
        write.write_records(**NAME, **batch)
    [rejected] = caught.value.response["RejectedRecords"]
    assert rejected["RecordIndex"] == 1
    assert "outside the time range" in rejected["Reason"]
    batch = points(1, now)
    batch["Records"][0]["MeasureValues"][0]["Value"] = "99"
    with pytest.raises(write.exceptions.RejectedRecordsException) as caught:
        write.write_records(**NAME, **batch)
    assert caught.value.response["RejectedRecords"][0]["ExistingVersion"] == 1
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 419


def test_rows_come_back_through_the_paginator(write: Any, query: Any) -> None:
    start = int(time.time() * 1000) - 60_000
    assert write.write_records(**NAME, **points(100, start))["RecordsIngested"]["Total"] == 100
    span = f"from_milliseconds({start}) AND from_milliseconds({start + 99})"
    sql = f'SELECT value, time FROM "wire-test"."points" WHERE time BETWEEN {span} ORDER BY time'
    rows: list[list[Any]] = []
    for page in query.get_paginator("query").paginate(QueryString=sql, PaginationConfig={"PageSize": 30}):
        assert len(page["Rows"]) <= 30
        rows += [[plain(datum) for datum in row["Data"]] for row in page["Rows"]]
    assert [float(row[0]) for row in rows] == list(range(100))


def test_every_shape_of_value_crosses_the_wire(query: Any) -> None:
    sql = (
        "SELECT 1.5, true, NULL, now(), ARRAY[1, 2], ROW(1, 'a'), 1h,"
        " create_time_series(t.time, t.v) FROM (VALUES (TIMESTAMP '2026-01-01 00:00:00', 2.0)) AS t(time, v)"
    )
    answer = query.query(QueryString=sql)
    assert answer["Rows"][0]["Data"][7] == {"TimeSeriesValue": [{"Time": "2026-01-01 00:00:00.000000000", "Value": {"ScalarValue": "2.0"}}]}
    assert answer["Rows"][0]["Data"][2] == {"NullValue": True}
    assert answer["ColumnInfo"][4]["Type"] == {"ArrayColumnInfo": {"Type": {"ScalarType": "INTEGER"}}}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ('SELECT nope FROM "wire-test".points', "line 1:8: Column 'nope' does not exist"),
        ("DROP TABLE x", "line 1:1: mismatched input 'DROP'. Expecting: 'DESC', 'DESCRIBE', 'SELECT', 'SHOW', 'VALUES', 'WITH'"),
    ],
)
def test_query_errors_are_modelled(write: Any, query: Any, sql: str, message: str) -> None:
    with pytest.raises(query.exceptions.ValidationException) as caught:
        query.query(QueryString=sql)
    assert caught.value.response["Error"]["Message"] == message


def test_control_errors_are_modelled(write: Any) -> None:
    with pytest.raises(write.exceptions.ConflictException):
        write.create_database(DatabaseName="wire-test")
    with pytest.raises(write.exceptions.ResourceNotFoundException):
        write.describe_table(DatabaseName="wire-test", TableName="absent")
    with pytest.raises(write.exceptions.ValidationException):
        write.delete_database(DatabaseName="wire-test")
    with pytest.raises(ClientError):
        write.list_batch_load_tasks()
