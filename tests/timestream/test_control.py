from __future__ import annotations

import datetime as dt

import pytest

from tests.timestream.support import ADDRESS, Timestream, record

ARN = "arn:aws:timestream:us-east-1:000000000000:database/"


def test_a_database_is_described_as_it_was_created(ts: Timestream) -> None:
    created = ts.call("CreateDatabase", DatabaseName="other", KmsKeyId="key-1", Tags=[{"Key": "env", "Value": "dev"}])
    assert created == ts.call("DescribeDatabase", DatabaseName="other")
    database = created["Database"]
    assert database["Arn"] == ARN + "other"
    assert database["KmsKeyId"] == "key-1"
    assert database["CreationTime"] == dt.datetime(2026, 11, 23, 20, tzinfo=dt.UTC)
    assert ts.call("ListTagsForResource", ResourceARN=database["Arn"]) == {"Tags": [{"Key": "env", "Value": "dev"}]}


def test_a_table_has_the_documented_defaults(ts: Timestream) -> None:
    table = ts.call("DescribeTable", DatabaseName="app", TableName="tbl")["Table"]
    assert table["RetentionProperties"] == {"MemoryStoreRetentionPeriodInHours": 6, "MagneticStoreRetentionPeriodInDays": 73000}
    assert table["MagneticStoreWriteProperties"] == {"EnableMagneticStoreWrites": False}
    assert (table["TableStatus"], table["Arn"]) == ("ACTIVE", ARN + "app/table/tbl")
    assert table["Schema"] == {"CompositePartitionKey": [{"Type": "MEASURE"}]}
    assert ts.call("DescribeDatabase", DatabaseName="app")["Database"]["TableCount"] == 1


def test_a_table_is_updated(ts: Timestream) -> None:
    ts.clock.forward(seconds=5)
    retention = {"MemoryStoreRetentionPeriodInHours": 26, "MagneticStoreRetentionPeriodInDays": 35}
    location = {"S3Configuration": {"BucketName": "rejected"}}
    magnetic = {"EnableMagneticStoreWrites": True, "MagneticStoreRejectedDataLocation": location}
    ts.call("UpdateTable", DatabaseName="app", TableName="tbl", RetentionProperties=retention, MagneticStoreWriteProperties=magnetic)
    table = ts.call("DescribeTable", DatabaseName="app", TableName="tbl")["Table"]
    assert table["RetentionProperties"] == retention
    assert table["MagneticStoreWriteProperties"] == magnetic
    assert table["LastUpdatedTime"] - table["CreationTime"] == dt.timedelta(seconds=5)


def test_names_are_case_sensitive(ts: Timestream) -> None:
    ts.call("CreateTable", DatabaseName="app", TableName="TBL")
    assert [table["TableName"] for table in ts.call("ListTables", DatabaseName="app")["Tables"]] == ["TBL", "tbl"]


def test_creating_twice_is_a_conflict(ts: Timestream) -> None:
    assert ts.error("CreateDatabase", DatabaseName="app").code == "ConflictException"
    error = ts.error("CreateTable", DatabaseName="app", TableName="tbl")
    assert (error.code, error.status) == ("ConflictException", 409)


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("DescribeDatabase", {"DatabaseName": "nope"}, "The database nope does not exist."),
        ("DeleteDatabase", {"DatabaseName": "nope"}, "The database nope does not exist."),
        ("CreateTable", {"DatabaseName": "nope", "TableName": "tbl"}, "The database nope does not exist."),
        ("ListTables", {"DatabaseName": "nope"}, "The database nope does not exist."),
        ("DescribeTable", {"DatabaseName": "app", "TableName": "nope"}, "The table nope does not exist."),
        ("DeleteTable", {"DatabaseName": "app", "TableName": "nope"}, "The table nope does not exist."),
        ("UpdateTable", {"DatabaseName": "app", "TableName": "nope"}, "The table nope does not exist."),
        ("ListTagsForResource", {"ResourceARN": ARN + "app/table/nope"}, "The table nope does not exist."),
    ],
)
def test_what_is_missing_is_named(ts: Timestream, operation: str, request_: dict[str, str], message: str) -> None:
    error = ts.error(operation, **request_)
    assert (error.code, error.message, error.status) == ("ResourceNotFoundException", message, 404)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("ab", "Member must have length greater than or equal to 3"),
        ("x" * 257, "Member must have length less than or equal to 256"),
        ("a b c", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("naïve", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
    ],
)
def test_names_follow_the_rules(ts: Timestream, name: str, rule: str) -> None:
    error = ts.error("CreateDatabase", DatabaseName=name)
    assert error.code == "ValidationException"
    assert error.message == f"1 validation error detected: Value '{name}' at 'databaseName' failed to satisfy constraint: {rule}"


def test_retention_is_bounded(ts: Timestream) -> None:
    retention = {"MemoryStoreRetentionPeriodInHours": 8767, "MagneticStoreRetentionPeriodInDays": 1}
    error = ts.error("CreateTable", DatabaseName="app", TableName="new", RetentionProperties=retention)
    assert "retentionProperties.memoryStoreRetentionPeriodInHours" in error.message
    assert "less than or equal to 8766" in error.message


def test_only_an_empty_database_is_deleted(ts: Timestream) -> None:
    ts.write(record())
    error = ts.error("DeleteDatabase", DatabaseName="app")
    assert (error.code, "contains tables" in error.message) == ("ValidationException", True)
    ts.call("DeleteTable", DatabaseName="app", TableName="tbl")
    ts.call("DeleteDatabase", DatabaseName="app")
    assert ts.call("ListDatabases")["Databases"] == []


def test_a_table_made_anew_is_empty(ts: Timestream) -> None:
    ts.write(record())
    ts.call("DeleteTable", DatabaseName="app", TableName="tbl")
    ts.call("CreateTable", DatabaseName="app", TableName="tbl")
    assert ts.rows('SELECT count(*) FROM "app"."tbl"') == [["0"]]
    assert ts.rows("DESCRIBE app.tbl") == [["measure_name", "varchar", "MEASURE_NAME"], ["time", "timestamp", "TIMESTAMP"]]


def test_lists_are_paged_in_order(ts: Timestream) -> None:
    for number in range(45):
        ts.call("CreateTable", DatabaseName="app", TableName=f"table-{number:02d}")
    sizes, names, token = [], [], None
    while True:
        page = ts.call("ListTables", DatabaseName="app", NextToken=token)
        sizes.append(len(page["Tables"]))
        names += [table["TableName"] for table in page["Tables"]]
        if (token := page.get("NextToken")) is None:
            break
    assert sizes == [20, 20, 6]
    assert names == sorted(names)
    assert len(set(names)) == 46
    assert len(ts.call("ListTables", MaxResults=3)["Tables"]) == 3
    assert "less than or equal to 20" in ts.error("ListDatabases", MaxResults=21).message
    assert ts.error("ListDatabases", NextToken="!").code == "ValidationException"


def test_tags_are_set_and_removed(ts: Timestream) -> None:
    for arn in (ARN + "app", ARN + "app/table/tbl"):
        ts.call("TagResource", ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
        ts.call("UntagResource", ResourceARN=arn, TagKeys=["a", "absent"])
        assert ts.call("ListTagsForResource", ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert ts.error("ListTagsForResource", ResourceARN="arn:aws:s3:::x").code == "ValidationException"
    assert ts.error("TagResource", ResourceARN=ARN + "app", Tags=[{"Key": "", "Value": ""}]).code == "ValidationException"


def test_both_services_tell_the_endpoint(ts: Timestream) -> None:
    expected = {"Endpoints": [{"Address": ADDRESS, "CachePeriodInMinutes": 1440}]}
    assert ts.engine.dispatch("timestream-write", "DescribeEndpoints", {}) == expected
    assert ts.engine.dispatch("timestream-query", "DescribeEndpoints", {}) == expected


def test_an_operation_that_is_not_kept_is_named(ts: Timestream) -> None:
    error = ts.error("CreateBatchLoadTask")
    assert error.code == "UnknownOperationException"
    assert "CreateBatchLoadTask" in error.message
