"""How the batches table looks: one shape for the fast adapter and the one on boto3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.domain.errors import TooLarge
from functions.domain.items import BatchItem, StoredItem, bucket_of, info_from_json, info_to_json
from functions.domain.rollup_codec import encode
from functions.domain.times import SECOND_MS

KEEP_S = 48 * 3600
MAX_ITEM = 400_000
"""Bytes that DynamoDB takes, less some for names and numbers."""

type Attributes = dict[str, dict[str, Any]]


def partition(workspace: str, bucket: int, minute: int) -> str:
    """Partition key of a bucket's minute."""
    return f"{workspace}|{bucket}|{minute}"


def put_request(table: str, buckets: int, workspace: str, item: BatchItem) -> dict[str, Any]:
    """Write an item unless its key is there; the one that is there comes back."""
    return {
        "TableName": table,
        "Item": _attributes(workspace, item, buckets),
        "ConditionExpression": "attribute_not_exists(p)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def key_of(put: Mapping[str, Any]) -> Attributes:
    """The key that a put request is about."""
    return {"p": put["Item"]["p"], "s": put["Item"]["s"]}


def late_partition(workspace: str) -> str:
    """Partition key of a workspace's late marks."""
    return f"{workspace}|late"


def late_request(table: str, buckets: int, workspace: str, agent: str, minute: int, stamp: str, now: int) -> dict[str, Any]:
    """Write or replace a late mark; `now` is ms."""
    item = {
        "p": {"S": late_partition(workspace)},
        "s": {"S": f"{minute}|{bucket_of(agent, buckets)}"},
        "stamp": {"S": stamp},
        "x": {"N": str(now // SECOND_MS + KEEP_S)},
    }
    return {"TableName": table, "Item": item}


def stored(attributes: Mapping[str, Mapping[str, Any]]) -> StoredItem:
    """The item as seal reads it."""
    agent, _, batch = attributes["s"]["S"].partition("|")
    return StoredItem(
        agent=agent,
        batch=batch,
        minute=int(attributes["p"]["S"].rpartition("|")[2]),
        received=int(attributes["r"]["N"]),
        info=info_from_json(attributes["a"]["S"]),
        data=attributes["d"]["B"],
        failures=attributes["e"]["B"] if "e" in attributes else b"",
    )


def _attributes(workspace: str, item: BatchItem, buckets: int) -> Attributes:
    data, info = encode(item.rollup), info_to_json(item.info).decode()
    if len(data) + len(info.encode()) + len(item.failures) > MAX_ITEM:
        raise TooLarge("the batch makes more than the store takes for one minute; send it in parts")
    return {
        "p": {"S": partition(workspace, bucket_of(item.agent, buckets), item.minute)},
        "s": {"S": f"{item.agent}|{item.batch}"},
        "d": {"B": data},
        "a": {"S": info},
        "r": {"N": str(item.received)},
        "h": {"S": item.digest},
        "x": {"N": str(item.received // SECOND_MS + KEEP_S)},
        **({"e": {"B": item.failures}} if item.failures else {}),
    }
