"""Approval links in DynamoDB, in the table of rollouts: partition `{ws}|link`, sort key the link's id; `d` the link, `v` its version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults
from functions.domain.approval_link import ApprovalLink
from functions.domain.times import DAY_MS, SECOND_MS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEPT_MS = 30 * DAY_MS
"""After it expired: so long its page says what became of it."""
_STORE = "rollouts table"
_LINK = msgspec.json.Decoder(ApprovalLink)


class ApprovalLinks:
    """`LinkStore`."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def put(self, workspace: str, link: ApprovalLink) -> None:
        """Put a new one."""
        with store_faults(_STORE):
            self._client.put_item(TableName=self._name, Item=_item(workspace, link))

    def read(self, workspace: str, link: str) -> ApprovalLink | None:
        """One by its id."""
        with store_faults(_STORE):
            found: Any = self._client.get_item(TableName=self._name, Key=_key(workspace, link), ConsistentRead=True).get("Item")
        return _LINK.decode(found["d"]["S"]) if found else None

    def save(self, workspace: str, link: ApprovalLink) -> bool:
        """Replace the one of the version before."""
        with store_faults(_STORE):
            try:
                self._client.put_item(
                    TableName=self._name,
                    Item=_item(workspace, link),
                    ConditionExpression="v = :v",
                    ExpressionAttributeValues={":v": {"N": str(link.version - 1)}},
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True


def _key(workspace: str, link: str) -> Any:
    return {"p": {"S": f"{workspace}|link"}, "s": {"S": link}}


def _item(workspace: str, link: ApprovalLink) -> Any:
    return _key(workspace, link.id) | {
        "d": {"S": msgspec.json.encode(link).decode()},
        "v": {"N": str(link.version)},
        "x": {"N": str((link.expires + KEPT_MS) // SECOND_MS)},
    }
