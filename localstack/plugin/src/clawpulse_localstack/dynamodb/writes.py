"""Which items a DynamoDB request may change: pure, from the request alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

Attributes = Mapping[str, Mapping[str, Any]]


def touched(operation: str, request: Mapping[str, Any]) -> Iterator[tuple[str, Attributes]]:
    """Table name and attributes (at least the key's) of each item that the request may write or delete."""
    match operation:
        case "PutItem":
            yield _table(request), request["Item"]
        case "UpdateItem" | "DeleteItem":
            yield _table(request), request["Key"]
        case "BatchWriteItem":
            for table, changes in request["RequestItems"].items():
                for change in changes:
                    yield (
                        table.rpartition("/")[2],
                        change["PutRequest"]["Item"] if "PutRequest" in change else change["DeleteRequest"]["Key"],
                    )
        case "TransactWriteItems":
            for action in request["TransactItems"]:
                for kind, change in action.items():
                    if kind != "ConditionCheck":
                        yield _table(change), change["Item"] if kind == "Put" else change["Key"]


def plain(value: Mapping[str, Any]) -> dict[str, str]:
    """A key attribute as it stands in JSON: bytes are base64 there."""
    ((kind, content),) = value.items()
    return {kind: base64.b64encode(content).decode() if isinstance(content, bytes) else content}


def _table(request: Mapping[str, Any]) -> str:
    return str(request["TableName"]).rpartition("/")[2]  # a name or an ARN
