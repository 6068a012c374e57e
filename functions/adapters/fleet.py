"""Inventory, snapshot and settings in DynamoDB."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults
from functions.adapters.parts import query
from functions.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CHUNK = 280_000
"""Bytes; DynamoDB takes 400 KB an item, and the local cloud counts bytes as their base64."""
_STORE = "fleet table"
_SLOTS = ("a", "b")
_READINGS = 5
_KEYS = ("p", "s")


class Fleet:
    """`FleetStore`. A record's fields are attributes of their own, so that writers of different fields never meet."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def agents(self, workspace: str) -> dict[str, dict[str, Any]]:
        """Inventory records by agent id."""
        return {item["s"]["S"]: _record(item) for item in self._query(f"{workspace}|agents")}

    def agent(self, workspace: str, agent: str) -> dict[str, Any] | None:
        """One inventory record."""
        item = self._get(f"{workspace}|agents", agent)
        return _record(item) if item else None

    def update_agent(self, workspace: str, agent: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Set the named fields (None removes one), create the record if need be; returns the whole record."""
        if not changes:
            return self.agent(workspace, agent) or {}
        key = _key(f"{workspace}|agents", agent)
        with store_faults(_STORE):
            answer: Any = self._client.update_item(TableName=self._table, Key=key, ReturnValues="ALL_NEW", **_update(changes))
        return _record(answer["Attributes"])

    def forget_agent(self, workspace: str, agent: str) -> bool:
        """Delete the record; tells whether there was one."""
        with store_faults(_STORE):
            answer = self._client.delete_item(TableName=self._table, Key=_key(f"{workspace}|agents", agent), ReturnValues="ALL_OLD")
        return bool(answer.get("Attributes"))

    def snapshot(self, workspace: str) -> bytes | None:
        """The newest snapshot. Read again when it was replaced meanwhile."""
        for _ in range(_READINGS):
            head = self._get(f"{workspace}|snapshot", "head")
            if head is None:
                return None
            chunks = self._query(f"{workspace}|snapshot", head["slot"]["S"] + "|") if int(head["c"]["N"]) > 1 else iter(())
            data: bytes = head["d"]["B"] + b"".join(chunk["d"]["B"] for chunk in list(chunks)[: int(head["c"]["N"]) - 1])
            if zlib.crc32(data) == int(head["v"]["N"]):
                return data
        raise StoreUnavailable(f"{_STORE}: the snapshot of {workspace} is being replaced faster than it can be read")

    def put_snapshot(self, workspace: str, data: bytes) -> None:
        """Replace the snapshot: further chunks into the slot that is not in use, then the head, which names the slot."""
        partition = f"{workspace}|snapshot"
        head = self._get(partition, "head")
        slot = _SLOTS[1] if head and head["slot"]["S"] == _SLOTS[0] else _SLOTS[0]
        parts = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)] or [b""]
        for index, part in enumerate(parts[1:], 1):
            self._put(partition, f"{slot}|{index:03d}", {"d": {"B": part}})
        described = {"slot": {"S": slot}, "c": {"N": str(len(parts))}, "v": {"N": str(zlib.crc32(data))}}
        self._put(partition, "head", {"d": {"B": parts[0]}, **described})

    def settings(self, workspace: str, name: str) -> dict[str, Any] | None:
        """One settings document."""
        item = self._get(f"{workspace}|settings", name)
        document: dict[str, Any] | None = msgspec.json.decode(item["d"]["S"]) if item else None
        return document

    def put_settings(self, workspace: str, name: str, document: Mapping[str, Any]) -> None:
        """Replace one settings document."""
        self._put(f"{workspace}|settings", name, _text(document))

    def replace_settings(self, workspace: str, name: str, document: Mapping[str, Any], seen: Mapping[str, Any] | None) -> bool:
        """Replace one settings document if it still is `seen`, which was read as text, and gives the same text again."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(p)"}
        if seen is not None:
            condition = {"ConditionExpression": "d = :seen", "ExpressionAttributeValues": {":seen": _text(seen)["d"]}}
        item = {**_key(f"{workspace}|settings", name), **_text(document)}
        with store_faults(_STORE):
            try:
                self._client.put_item(TableName=self._table, Item=item, **condition)
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def _get(self, partition: str, sort: str) -> Any:
        with store_faults(_STORE):
            return self._client.get_item(TableName=self._table, Key=_key(partition, sort), ConsistentRead=True).get("Item")

    def _put(self, partition: str, sort: str, attributes: Mapping[str, Any]) -> None:
        with store_faults(_STORE):
            self._client.put_item(TableName=self._table, Item={**_key(partition, sort), **attributes})

    def _query(self, partition: str, prefix: str = "") -> Iterator[Any]:
        """Items of a partition, sorted, strongly consistent."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": {"S": partition}},
            "ConsistentRead": True,
        }
        if prefix:
            request["KeyConditionExpression"] += " AND begins_with(s, :prefix)"
            request["ExpressionAttributeValues"][":prefix"] = {"S": prefix}
        return query(self._client, request, _STORE)


def _key(partition: str, sort: str) -> dict[str, Any]:
    return {"p": {"S": partition}, "s": {"S": sort}}


def _text(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"d": {"S": msgspec.json.encode(document).decode()}}


def _record(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: msgspec.json.decode(value["S"]) for name, value in item.items() if name not in _KEYS}


def _update(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The expressions that set and remove fields."""
    names = {f"#{index}": name for index, name in enumerate(changes)}
    kept = {mark: changes[name] for mark, name in names.items() if changes[name] is not None}
    removed = [mark for mark in names if mark not in kept]
    parts = ["SET " + ", ".join(f"{mark} = :{mark[1:]}" for mark in kept)] if kept else []
    parts += ["REMOVE " + ", ".join(removed)] if removed else []
    update: dict[str, Any] = {"UpdateExpression": " ".join(parts), "ExpressionAttributeNames": names}
    if kept:
        update["ExpressionAttributeValues"] = {f":{mark[1:]}": {"S": msgspec.json.encode(value).decode()} for mark, value in kept.items()}
    return update
