"""The memory of alerting in DynamoDB (`alert_table` tells how it looks): every write that others could make too is on condition."""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from functions.adapters import alert_table as table
from functions.adapters import delivery_table
from functions.adapters.faults import code_of, store_faults
from functions.adapters.transactions import transact
from functions.domain.alert import AlertState, Edge
from functions.domain.dispatch import Change
from functions.domain.incident import Incident, IncidentUnreadable, decode_incident

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_LOG = logging.getLogger(__name__)
_STORE = "alerts table"
_BATCH = 25
_WRITERS = 8
_LARGEST = 280_000
"""Bytes of an item; DynamoDB takes 400 KB, the local cloud counts them as base64."""
_ATTEMPTS = 8
_PAUSE_S = 0.05


class Alerts:
    """`AlertStore`."""

    def __init__(
        self,
        client: DynamoDBClient,
        name: str,
        *,
        now: Callable[[], float] = clock.time,
        sleep: Callable[[float], None] = clock.sleep,
    ) -> None:
        self._client = client
        self._name = name
        self._now = now
        self._sleep = sleep

    def states(self, workspace: str) -> list[AlertState]:
        """All states."""
        return list(_sound(self._query(table.states(workspace)), table.state_of))

    def claim(self, workspace: str, claims: Sequence[tuple[AlertState, Edge | None]]) -> list[bool]:
        """Write states and their edges, each pair both or none; a storm of alerts side by side."""
        if len(claims) <= 1:
            return [self._claim(workspace, *claim) for claim in claims]
        with ThreadPoolExecutor(min(_WRITERS, len(claims))) as pool:
            return list(pool.map(lambda claim: self._claim(workspace, *claim), claims))

    def _claim(self, workspace: str, state: AlertState, edge: Edge | None) -> bool:
        writes = [self._next_version(table.state_item(workspace, state), state.version)]
        if edge is not None:
            writes.append({"Put": {"TableName": self._name, "Item": table.edge_item(workspace, edge)}})
        return self._transact(writes)

    def post(self, workspace: str, edges: Iterable[Edge]) -> None:
        """Put edges into the outbox; each has a key of its own, so a repeat writes the same."""
        for edge in edges:
            with store_faults(_STORE):
                self._client.put_item(TableName=self._name, Item=table.edge_item(workspace, edge))

    def forget(self, workspace: str, state: AlertState) -> bool:
        """Delete a state that still has this version."""
        with store_faults(_STORE):
            try:
                self._client.delete_item(
                    TableName=self._name,
                    Key=table.state_key(workspace, state),
                    ConditionExpression="v = :v",
                    ExpressionAttributeValues={":v": {"N": str(state.version)}},
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def outbox(self, workspace: str, limit: int) -> list[Edge]:
        """Edges that wait, oldest first: their keys begin with their time."""
        return list(_sound(self._query(table.outbox(workspace), limit=limit), table.edge_of))

    def incidents(self, workspace: str) -> list[Incident]:
        """Incidents at hand."""
        return list(_sound(self._query(table.incidents(workspace)), _incident_of))

    def incident(self, workspace: str, incident: str) -> Incident | None:
        """One incident; first where the open ones are."""
        for partition in (table.incidents(workspace), table.archive(workspace)):
            with store_faults(_STORE):
                item: Any = self._client.get_item(TableName=self._name, Key=table.key(partition, incident), ConsistentRead=True).get("Item")
            if item:
                return decode_incident(item["d"]["B"])
        return None

    def save(self, workspace: str, change: Change) -> bool:
        """Write an incident and its deliveries, all or none; an archived one moves to where nobody looks each time."""
        found = change.incident
        if change.archived:
            condition = {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": str(found.version - 1)}}}
            key = table.key(table.incidents(workspace), found.id)
            writes: list[dict[str, Any]] = [
                {"Delete": {"TableName": self._name, "Key": key, **condition}},
                {"Put": {"TableName": self._name, "Item": table.incident_item(table.archive(workspace), found)}},
            ]
        else:
            writes = [self._next_version(table.incident_item(table.incidents(workspace), found), found.version)]
        writes += [{"Put": delivery_table.new(self._name, workspace, delivery)} for delivery in change.deliveries]
        return self._transact(writes)

    def amend(self, workspace: str, incident: Incident) -> bool:
        """Write an incident where it is."""
        condition = {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": str(incident.version - 1)}}}
        for partition in (table.incidents(workspace), table.archive(workspace)):
            if self._transact([{"Put": {"TableName": self._name, "Item": table.incident_item(partition, incident), **condition}}]):
                return True
        return False

    def dispatched(self, workspace: str, edges: Iterable[Edge]) -> None:
        """Take edges out of the outbox."""
        for some in batched(edges, _BATCH, strict=False):
            left: Any = {self._name: [{"DeleteRequest": {"Key": table.edge_key(workspace, edge)}} for edge in some]}
            for attempt in range(_ATTEMPTS):
                with store_faults(_STORE):
                    left = self._client.batch_write_item(RequestItems=left).get("UnprocessedItems")
                if not left:
                    break
                self._sleep(_PAUSE_S * 2**attempt)

    def history(self, workspace: str, since: int) -> list[Incident]:
        """Incidents opened since then, newest first: their ids begin with the time."""
        found = [
            incident
            for partition in (table.incidents(workspace), table.archive(workspace))
            for incident in _sound(self._query(partition, first=table.first_incident(since)), _incident_of)
        ]
        return sorted(found, key=lambda incident: incident.opened, reverse=True)

    def silences(self, workspace: str) -> dict[str, Mapping[str, Any]]:
        """Documents of silences that are not over."""
        now = self._now()
        return {item["s"]["S"]: table.document_of(item) for item in self._query(table.silences(workspace)) if int(item["x"]["N"]) > now}

    def put_silence(self, workspace: str, silence: str, document: Mapping[str, Any]) -> None:
        """Create or replace one."""
        with store_faults(_STORE):
            self._client.put_item(TableName=self._name, Item=table.silence_item(workspace, silence, document))

    def drop_silence(self, workspace: str, silence: str) -> bool:
        """Delete one; tells whether there was one."""
        with store_faults(_STORE):
            key = table.key(table.silences(workspace), silence)
            answer = self._client.delete_item(TableName=self._name, Key=key, ReturnValues="ALL_OLD")
        return bool(answer.get("Attributes"))

    def baselines(self, workspace: str) -> bytes | None:
        """What was stored of baselines last."""
        with store_faults(_STORE):
            item: Any = self._client.get_item(TableName=self._name, Key=table.baselines_key(workspace)).get("Item")
        return table.baselines_of(item) if item else None

    def put_baselines(self, workspace: str, data: bytes) -> None:
        """Replace them, unless they are too many."""
        item = table.baselines_item(workspace, data)
        if len(item["d"]["B"]) <= _LARGEST:
            with store_faults(_STORE):
                self._client.put_item(TableName=self._name, Item=item)

    def _next_version(self, item: Any, version: int) -> dict[str, Any]:
        """A put on condition that the stored item has the version before, or is not there before the first."""
        if version == 1:
            condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(p)"}
        else:
            condition = {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": str(version - 1)}}}
        return {"Put": {"TableName": self._name, "Item": item, **condition}}

    def _transact(self, writes: Any) -> bool:
        return transact(self._client, writes, _STORE)

    def _query(self, partition: str, *, first: str = "", limit: int | None = None) -> list[Any]:
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "p = :p AND s >= :s",
            "ExpressionAttributeValues": {":p": {"S": partition}, ":s": {"S": first or "\0"}},
            "ConsistentRead": True,
            "PaginationConfig": {"MaxItems": limit},
        }
        with store_faults(_STORE):
            return [item for page in self._client.get_paginator("query").paginate(**request) for item in page["Items"]]


def _incident_of(item: Any) -> Incident:
    return decode_incident(item["d"]["B"])


def _sound[T](items: Iterable[Any], read: Callable[[Any], T]) -> Iterator[T]:
    """What can be read of some items: a damaged one, or one of a later release, must not keep all others from being told."""
    for item in items:
        try:
            yield read(item)
        except (msgspec.DecodeError, IncidentUnreadable) as error:
            _LOG.error("left out of the alerts table: %s %s: %s", item["p"]["S"], item["s"]["S"], error)
