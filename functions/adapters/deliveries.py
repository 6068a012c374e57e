"""Deliveries in DynamoDB: a delivery and its thread are written together, on condition of the versions that were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.adapters import delivery_table as table
from functions.adapters.faults import code_of, store_faults
from functions.adapters.transactions import transact
from functions.domain.delivery import Claimed, Delivery, Thread, first_id

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_STORE = "alerts table"
_CONDITION_FAILED = "ConditionalCheckFailedException"


class Deliveries:
    """`DeliveryStore`."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def create(self, workspace: str, delivery: Delivery) -> bool:
        """Put a new delivery; False when its id is known."""
        with store_faults(_STORE):
            try:
                self._client.put_item(**table.new(self._name, workspace, delivery))
            except ClientError as error:
                if code_of(error) != _CONDITION_FAILED:
                    raise
                return False
        return True

    def read(self, workspace: str, delivery: str) -> Delivery | None:
        """One delivery."""
        found = self._get(table.key(workspace, delivery))
        return table.delivery_of(found) if found else None

    def thread(self, workspace: str, delivery: Delivery) -> Thread:
        """The thread of a delivery; an empty one before its first message."""
        found = self._get(table.thread_key(workspace, delivery.thread))
        return table.thread_of(found) if found else Thread()

    def save(self, workspace: str, after: Claimed) -> bool:
        """Write both, if both still are what `after` was made from; tells whether it did."""
        delivery, thread = after
        writes: Any = [
            self._put(table.item(workspace, delivery), delivery.version),
            self._put(table.thread_item(workspace, delivery, thread), thread.version, may_be_absent=thread.version == 1),
        ]
        return transact(self._client, writes, _STORE)

    def recent(self, workspace: str, since: int) -> list[Delivery]:
        """All deliveries made since a time (ms), oldest first."""
        pages: Any = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="p = :p AND s >= :s",
            ExpressionAttributeValues={":p": {"S": table.partition(workspace)}, ":s": {"S": first_id(since)}},
            ConsistentRead=True,
        )
        with store_faults(_STORE):
            return [table.delivery_of(item) for page in pages for item in page["Items"]]

    def _get(self, key: Any) -> Any:
        with store_faults(_STORE):
            return self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")

    def _put(self, item: table.Attributes, version: int, *, may_be_absent: bool = False) -> dict[str, Any]:
        condition = "v = :v OR attribute_not_exists(p)" if may_be_absent else "v = :v"
        values = {":v": {"N": str(version - 1)}}
        return {
            "Put": {"TableName": self._name, "Item": item, "ConditionExpression": condition, "ExpressionAttributeValues": values},
        }
