"""Desired configurations in DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.adapters.desired_table import documents, head_request, heads
from functions.adapters.faults import code_of, store_faults
from functions.domain.desired import Desired

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_STORE = "fleet table"
_TAKEN = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
"""Another writer was there before us, or is there in this moment."""


class DesiredConfigs:
    """`DesiredStore`. Head and document change in one transaction."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def hash_of(self, workspace: str, agent: str) -> str | None:
        """Hash of one, None without one."""
        request: Any = head_request(self._table, workspace, agent)
        with store_faults(_STORE):
            item: Any = self._client.get_item(**request, ConsistentRead=True).get("Item")
        return item["h"]["S"] if item else None

    def hashes(self, workspace: str) -> dict[str, str]:
        """The hash of each that is set, by agent."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"S": heads(workspace)}},
            ProjectionExpression="s, h",
            ConsistentRead=True,
        )
        with store_faults(_STORE):
            found: list[Any] = [item for page in pages for item in page["Items"]]
        return {item["s"]["S"]: item["h"]["S"] for item in found}

    def get(self, workspace: str, agent: str) -> Desired | None:
        """One with its document."""
        key = _key(documents(workspace), agent)
        with store_faults(_STORE):
            item: Any = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return Desired(text=item["d"]["S"], hash=item["h"]["S"], time=int(item["t"]["N"]), by=item["b"]["S"]) if item else None

    def put(self, workspace: str, agent: str, desired: Desired, seen: str | None) -> bool:
        """Replace the one with the hash `seen`; tells whether that was still there."""
        common = {"h": {"S": desired.hash}, "t": {"N": str(desired.time)}, "b": {"S": desired.by}}
        head = {"Item": _key(heads(workspace), agent) | common, **(_unchanged(seen) if seen else _absent())}
        document = {"Item": _key(documents(workspace), agent) | common | {"d": {"S": desired.text}}}
        return self._transact("Put", head, document)

    def drop(self, workspace: str, agent: str, seen: str | None = None) -> bool:
        """Remove the one with the hash `seen`; tells whether there was one."""
        head = {"Key": _key(heads(workspace), agent), **(_unchanged(seen) if seen else _present())}
        return self._transact("Delete", head, {"Key": _key(documents(workspace), agent)})

    def _transact(self, action: str, *changes: Mapping[str, Any]) -> bool:
        items: Any = [{action: {"TableName": self._table, **change}} for change in changes]
        with store_faults(_STORE):
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                if code_of(error) != "TransactionCanceledException" or not _TAKEN & _reasons(error):
                    raise
                return False
        return True


def _key(partition: str, agent: str) -> dict[str, Any]:
    return {"p": {"S": partition}, "s": {"S": agent}}


def _unchanged(seen: str) -> dict[str, Any]:
    return {"ConditionExpression": "h = :seen", "ExpressionAttributeValues": {":seen": {"S": seen}}}


def _absent() -> dict[str, Any]:
    return {"ConditionExpression": "attribute_not_exists(p)"}


def _present() -> dict[str, Any]:
    return {"ConditionExpression": "attribute_exists(p)"}


def _reasons(error: ClientError) -> set[str]:
    """Codes of why a transaction was not made, item by item."""
    found: Any = error.response.get("CancellationReasons", [])
    return {reason.get("Code", "") for reason in found}
