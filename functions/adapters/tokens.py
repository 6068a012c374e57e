"""Token records in DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from functions.adapters.faults import store_faults
from functions.adapters.token_table import attributes, record_of

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

INDEX = "workspace"
_STORE = "tokens table"


class Tokens:
    """`TokenStore`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, token_id: str) -> dict[str, Any] | None:
        """One record."""
        with store_faults(_STORE):
            found: Any = self._client.get_item(TableName=self._table, Key={"p": {"S": token_id}}, ConsistentRead=True)
        return record_of(found["Item"]) if "Item" in found else None

    def put(self, record: Mapping[str, Any]) -> None:
        """Create or replace the record under its `id`."""
        with store_faults(_STORE):
            self._client.put_item(TableName=self._table, Item=attributes(record))

    def list(self, workspace: str) -> Sequence[dict[str, Any]]:
        """All records of the workspace, oldest first."""
        query: Any = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=INDEX,
            KeyConditionExpression="w = :w",
            ExpressionAttributeValues={":w": {"S": workspace}},
        )
        with store_faults(_STORE):
            records = [record_of(item) for page in query for item in page["Items"]]
        return sorted(records, key=lambda record: (record["created"], record["id"]))
