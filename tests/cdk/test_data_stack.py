from __future__ import annotations

import pytest

from tests.cdk.template import Stage

TABLES = ("Batches", "Rollups", "Fleet", "Tokens", "Alerts", "Rollouts")
STATEFUL = ("AWS::DynamoDB::Table", "AWS::Timestream::Database", "AWS::Timestream::Table", "AWS::S3::Bucket", "AWS::KMS::Key")


def test_data_outlives_its_stack(live: Stage) -> None:
    stateful = {name: found for name, found in live.data.resources.items() if found["Type"] in STATEFUL}
    assert {found["Type"] for found in stateful.values()} == set(STATEFUL)
    for name, found in stateful.items():
        assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Retain", "Retain"), name


def test_the_app_stack_holds_no_data(live: Stage) -> None:
    assert not [name for name, found in live.app.resources.items() if found["Type"] in STATEFUL]


@pytest.mark.parametrize("name", TABLES)
def test_tables_expire_items_recover_and_scale_by_themselves(live: Stage, name: str) -> None:
    table = live.data.named("AWS::DynamoDB::Table", name)
    assert table["TimeToLiveSpecification"] == {"AttributeName": "x", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize(("name", "keys"), [(name, "p" if name == "Tokens" else "ps") for name in TABLES])
def test_tables_have_the_agreed_keys(live: Stage, name: str, keys: str) -> None:
    schema = live.data.named("AWS::DynamoDB::Table", name)["KeySchema"]
    assert [(key["AttributeName"], key["KeyType"]) for key in schema] == list(zip(keys, ("HASH", "RANGE"), strict=False))


def test_tokens_are_found_by_workspace(live: Stage) -> None:
    (index,) = live.data.named("AWS::DynamoDB::Table", "Tokens")["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "workspace"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["w", "p"]
    assert index["Projection"] == {"ProjectionType": "ALL"}


@pytest.mark.parametrize(("name", "own_key"), [(name, name not in ("Batches", "Rollups")) for name in TABLES])
def test_who_and_where_is_under_a_key_of_the_team(live: Stage, name: str, own_key: bool) -> None:
    encryption = live.data.named("AWS::DynamoDB::Table", name).get("SSESpecification", {})
    assert (encryption.get("SSEType") == "KMS") is own_key
    assert ("KMSMasterKeyId" in encryption) is own_key


def test_the_key_rotates_and_alarms_may_use_it(live: Stage) -> None:
    key = live.data.only("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    services = [statement["Principal"].get("Service") for statement in key["KeyPolicy"]["Statement"]]
    assert "cloudwatch.amazonaws.com" in services


def test_raw_history_has_three_tables_that_take_late_points(live: Stage) -> None:
    tables = live.data.of("AWS::Timestream::Table").values()
    assert {table["TableName"] for table in tables} == {"points", "tasks", "events"}
    for table in tables:
        assert table["RetentionProperties"] == {"MemoryStoreRetentionPeriodInHours": "26", "MagneticStoreRetentionPeriodInDays": "35"}
        assert table["MagneticStoreWriteProperties"] == {"EnableMagneticStoreWrites": True}
    assert "KmsKeyId" in live.data.only("AWS::Timestream::Database")


def test_buckets_are_closed_and_expire(live: Stage) -> None:
    buckets = live.data.of("AWS::S3::Bucket")
    assert len(buckets) == 2
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]
        assert all(rule["ExpirationInDays"] for rule in bucket["LifecycleConfiguration"]["Rules"])
    refused = [
        statement
        for policy in live.data.of("AWS::S3::BucketPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ]
    assert len(refused) == 2


def test_a_stage_may_give_its_data_up(disposable: Stage) -> None:
    tables = [found for found in disposable.data.resources.values() if found["Type"] == "AWS::DynamoDB::Table"]
    assert {table["DeletionPolicy"] for table in tables} == {"Delete"}
    assert {table["Properties"].get("DeletionProtectionEnabled", False) for table in tables} == {False}
