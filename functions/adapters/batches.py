"""The batch store on boto3: what seal reads, and a writer that the contract suite holds against the fast one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.adapters import batch_table
from functions.adapters.faults import code_of, store_faults
from functions.adapters.parts import query
from functions.domain.items import BatchItem, StoredItem
from functions.domain.times import SECOND_MS
from functions.ports import LateMark, PutOutcome

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_CONDITION_FAILED = "ConditionalCheckFailedException"
_STORE = "batches table"


class Batches:
    """`BatchReader` and `BatchWriter`."""

    def __init__(self, client: DynamoDBClient, table: str, buckets: int) -> None:
        self._client = client
        self._table = table
        self._buckets = buckets

    def put(self, workspace: str, item: BatchItem) -> PutOutcome:
        """Write the item unless its key exists."""
        request = batch_table.put_request(self._table, self._buckets, workspace, item)
        with store_faults(_STORE):
            try:
                self._client.put_item(**request)
            except ClientError as error:
                if code_of(error) != _CONDITION_FAILED:
                    raise
                there: Any = error.response.get("Item") or self._read(batch_table.key_of(request))
                return PutOutcome.DUPLICATE if there.get("h", {}).get("S") == item.digest else PutOutcome.CONFLICT
        return PutOutcome.WRITTEN

    def mark_late(self, workspace: str, agent: str, minute: int, stamp: str) -> None:
        """Set or replace the mark."""
        now = int(time.time() * SECOND_MS)
        with store_faults(_STORE):
            self._client.put_item(**batch_table.late_request(self._table, self._buckets, workspace, agent, minute, stamp, now))

    def read_minute(self, workspace: str, minute: int) -> list[StoredItem]:
        """Every item of the minute over all buckets, strongly consistent."""
        partitions = [batch_table.partition(workspace, bucket, minute) for bucket in range(self._buckets)]
        return [batch_table.stored(item) for partition in partitions for item in self._query(partition, ConsistentRead=True)]

    def late_marks(self, workspace: str, limit: int) -> list[LateMark]:
        """Marks, newest minute first."""
        found = self._query(batch_table.late_partition(workspace), ConsistentRead=True, ScanIndexForward=False, Limit=limit)
        return [_mark(item) for item in islice(found, limit)]

    def clear_late(self, workspace: str, mark: LateMark) -> bool:
        """Remove the mark unless a newer stamp has replaced it."""
        with store_faults(_STORE):
            try:
                self._client.delete_item(
                    TableName=self._table,
                    Key={"p": {"S": batch_table.late_partition(workspace)}, "s": {"S": f"{mark.minute}|{mark.bucket}"}},
                    ConditionExpression="stamp = :stamp",
                    ExpressionAttributeValues={":stamp": {"S": mark.stamp}},
                )
            except ClientError as error:
                if code_of(error) != _CONDITION_FAILED:
                    raise
                return False
        return True

    def _read(self, key: batch_table.Attributes) -> Any:
        return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})

    def _query(self, partition: str, **options: Any) -> Iterator[Any]:
        """All items of a partition, page by page."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": {"S": partition}},
            **options,
        }
        return query(self._client, request, _STORE)


def _mark(item: Any) -> LateMark:
    minute, _, bucket = item["s"]["S"].partition("|")
    return LateMark(int(minute), int(bucket), item["stamp"]["S"])
