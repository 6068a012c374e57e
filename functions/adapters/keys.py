"""Desired keys in DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults
from functions.adapters.key_table import attribute, keys_in, partition, request

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_STORE = "fleet table"


class DesiredKeys:
    """`KeyStore`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def keys_of(self, workspace: str, agent: str) -> dict[str, str]:
        """Those of one agent."""
        wanted: Any = request(self._table, workspace, agent)
        with store_faults(_STORE):
            return keys_in(self._client.get_item(**wanted, ConsistentRead=True).get("Item"))

    def all_keys(self, workspace: str) -> dict[str, dict[str, str]]:
        """Those of all agents."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"S": partition(workspace)}},
            ConsistentRead=True,
        )
        with store_faults(_STORE):
            items: list[Any] = [item for page in pages for item in page["Items"]]
        return {item["s"]["S"]: keys for item in items if (keys := keys_in(item))}

    def assign(self, workspace: str, agent: str, provider: str, wanted: str | None, seen: str | None) -> bool:
        """Replace the fingerprint `seen` by the one wanted; tells whether it was still there."""
        values = {":wanted": {"S": wanted}} if wanted else {}
        values |= {":seen": {"S": seen}} if seen else {}
        change: Any = {
            "TableName": self._table,
            "Key": {"p": {"S": partition(workspace)}, "s": {"S": agent}},
            "UpdateExpression": "SET #k = :wanted" if wanted else "REMOVE #k",
            "ConditionExpression": "#k = :seen" if seen else "attribute_not_exists(#k)",
            "ExpressionAttributeNames": {"#k": attribute(provider)},
            **({"ExpressionAttributeValues": values} if values else {}),
        }
        with store_faults(_STORE):
            try:
                self._client.update_item(**change)
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True
