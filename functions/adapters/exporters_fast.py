"""What is remembered of exporters of cumulative metrics, in the batches table, without boto3.

Partition `{workspace}|otlp|{agent}`, sort key the exporter's id. A write names the version that it replaces, so of two at once one fails.
One that is repeated because its answer was lost fails, too: who writes reads again then, and finds his own record.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from functions.adapters.fast_client import FastClient, ServiceError
from functions.domain.errors import StoreUnavailable
from functions.domain.times import SECOND_MS
from functions.ports import Slot


class FastExporters:
    """`ExporterStore`."""

    def __init__(self, client: FastClient, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, workspace: str, agent: str, exporter: str, now: int) -> Slot:
        """The newest record; TTL deletes days late, so an expired one may still be there."""
        request = {"TableName": self._table, "Key": _key(workspace, agent, exporter), "ConsistentRead": True}
        try:
            item: dict[str, Any] = self._client.call("GetItem", request).get("Item") or {}
        except ServiceError as error:
            raise StoreUnavailable(f"batches table: {error}") from error
        if not item:
            return Slot()
        alive = int(item["x"]["N"]) * SECOND_MS > now
        return Slot(int(item["v"]["N"]), b64decode(item["d"]["B"]) if alive else None)

    def write(self, workspace: str, agent: str, exporter: str, data: bytes, *, seen: int, expires: int) -> bool:
        """Put the next version on condition that the one seen is still there."""
        item = {
            **_key(workspace, agent, exporter),
            "v": {"N": str(seen + 1)},
            "d": {"B": data},
            "x": {"N": str(expires // SECOND_MS)},
        }
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(p)"}
        if seen:
            condition = {"ConditionExpression": "v = :seen", "ExpressionAttributeValues": {":seen": {"N": str(seen)}}}
        try:
            self._client.call("PutItem", {"TableName": self._table, "Item": item, **condition})
        except ServiceError as error:
            if error.code == "ConditionalCheckFailedException":
                return False
            raise StoreUnavailable(f"batches table: {error}") from error
        return True


def _key(workspace: str, agent: str, exporter: str) -> dict[str, Any]:
    return {"p": {"S": f"{workspace}|otlp|{agent}"}, "s": {"S": exporter}}
