"""Leases in DynamoDB: a conditional write decides who holds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_STORE = "fleet table"
_CONDITION_FAILED = "ConditionalCheckFailedException"


class Leases:
    """`Lease`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def acquire(self, workspace: str, name: str, holder: str, now: int, until: int) -> bool:
        """Take the lease if it is free, expired, or already the holder's."""
        return self._try(
            self._client.put_item,
            Item={**_key(workspace, name), "holder": {"S": holder}, "until": {"N": str(until)}},
            ConditionExpression="attribute_not_exists(p) OR #until <= :now OR holder = :holder",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":now": {"N": str(now)}, ":holder": {"S": holder}},
        )

    def release(self, workspace: str, name: str, holder: str) -> None:
        """Let go, if still held."""
        self._try(
            self._client.delete_item,
            Key=_key(workspace, name),
            ConditionExpression="holder = :holder",
            ExpressionAttributeValues={":holder": {"S": holder}},
        )

    def _try(self, write: Any, **request: Any) -> bool:
        """Whether a conditional write took place."""
        with store_faults(_STORE):
            try:
                write(TableName=self._table, **request)
            except ClientError as error:
                if code_of(error) != _CONDITION_FAILED:
                    raise
                return False
        return True


def _key(workspace: str, name: str) -> dict[str, Any]:
    return {"p": {"S": f"{workspace}|lease"}, "s": {"S": name}}
