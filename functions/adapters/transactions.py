"""DynamoDB transactions in which somebody else may be faster: all writes or none, and who lost is told so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_LOST = frozenset({"None", "ConditionalCheckFailed", "TransactionConflict"})
"""Reasons of a cancelled transaction that mean: somebody else was faster."""


def transact(client: DynamoDBClient, writes: Any, store: str) -> bool:
    """Make all writes; tells whether they were made. False when a condition did not hold any more; raises `StoreUnavailable` otherwise."""
    with store_faults(store):
        try:
            client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if not _was_slower(error):
                raise
            return False
    return True


def _was_slower(error: ClientError) -> bool:
    reasons: Any = error.response.get("CancellationReasons", [])
    return code_of(error) == "TransactionCanceledException" and all(reason.get("Code", "None") in _LOST for reason in reasons)
