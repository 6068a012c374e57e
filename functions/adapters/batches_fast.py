"""The hot path's batch store: DynamoDB without boto3."""

from __future__ import annotations

import time
from typing import Any

from functions.adapters import batch_table
from functions.adapters.fast_client import FastClient, ServiceError
from functions.domain.errors import StoreUnavailable
from functions.domain.items import BatchItem
from functions.domain.times import SECOND_MS
from functions.ports import PutOutcome


class FastBatches:
    """`BatchWriter` on the fast client."""

    def __init__(self, client: FastClient, table: str, buckets: int) -> None:
        self._client = client
        self._table = table
        self._buckets = buckets

    def put(self, workspace: str, item: BatchItem) -> PutOutcome:
        """Write the item unless its key exists."""
        request = batch_table.put_request(self._table, self._buckets, workspace, item)
        try:
            self._client.call("PutItem", request)
        except ServiceError as error:
            if error.code != "ConditionalCheckFailedException":
                raise _unavailable(error) from error
            there = error.document.get("Item") or self._read(request)
            return PutOutcome.DUPLICATE if there.get("h", {}).get("S") == item.digest else PutOutcome.CONFLICT
        return PutOutcome.WRITTEN

    def mark_late(self, workspace: str, agent: str, minute: int, stamp: str) -> None:
        """Set or replace the mark."""
        now = int(time.time() * SECOND_MS)
        try:
            self._client.call("PutItem", batch_table.late_request(self._table, self._buckets, workspace, agent, minute, stamp, now))
        except ServiceError as error:
            raise _unavailable(error) from error

    def _read(self, put: dict[str, Any]) -> dict[str, Any]:
        """The item that stands in the way, for stores that do not return it."""
        request = {"TableName": self._table, "Key": batch_table.key_of(put), "ConsistentRead": True}
        try:
            found: dict[str, Any] = self._client.call("GetItem", request).get("Item", {})
        except ServiceError as error:
            raise _unavailable(error) from error
        return found


def _unavailable(error: ServiceError) -> StoreUnavailable:
    # Nothing that a client sends gets here: what the table refuses now is ours to mend, and the client keeps its batch until then.
    return StoreUnavailable(f"batches table: {error}")
