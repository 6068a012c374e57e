"""The DynamoDB tables and the Timestream database, as the data stack makes them, for tests against LocalStack without a stack."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

_numbers = count(1)
RAW_TABLES = ("points", "tasks", "events")


@dataclass(frozen=True)
class Tables:
    """Names of tables that one test has to itself."""

    batches: str
    rollups: str
    fleet: str
    tokens: str
    alerts: str
    rollouts: str


def create_tables(dynamodb: Any) -> Tables:
    """Make a fresh set; `dynamodb` is a boto3 client."""
    number = next(_numbers)
    tables = Tables(*(f"{name}-{number}" for name in ("batches", "rollups", "fleet", "tokens", "alerts", "rollouts")))
    for name in (tables.batches, tables.rollups, tables.fleet, tables.alerts, tables.rollouts):
        _create(dynamodb, name, keys=("p", "s"))
    index = {"IndexName": "workspace", "KeySchema": _schema(("w", "p")), "Projection": {"ProjectionType": "ALL"}}
    _create(dynamodb, tables.tokens, keys=("p",), attributes=("p", "w"), GlobalSecondaryIndexes=[index])
    return tables


def create_raw_history(timestream: Any) -> str:
    """Make a fresh database with our tables; `timestream` is a boto3 client of timestream-write. Returns its name."""
    database = f"raw-{next(_numbers)}"
    timestream.create_database(DatabaseName=database)
    for table in RAW_TABLES:
        timestream.create_table(
            DatabaseName=database,
            TableName=table,
            RetentionProperties={"MemoryStoreRetentionPeriodInHours": 26, "MagneticStoreRetentionPeriodInDays": 35},
        )
    return database


def _create(dynamodb: Any, name: str, keys: tuple[str, ...], attributes: tuple[str, ...] = (), **options: Any) -> None:
    dynamodb.create_table(
        TableName=name,
        KeySchema=_schema(keys),
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in attributes or keys],
        BillingMode="PAY_PER_REQUEST",
        **options,
    )
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "x"})


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
