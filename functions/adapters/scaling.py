"""Scaling decisions in the alerts table.

p                            s      d
{ws}|scaling                 group  GroupState, zlib over msgpack; `v` its version
{ws}|scaling-log|{group}     time   Decision without memory, likewise: one for each observation
{ws}|scaling-changes|{group} time   likewise those alone that changed a count or told something
"""

from __future__ import annotations

import logging
import time as clock
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from functions.adapters.alert_table import key
from functions.adapters.faults import code_of, store_faults
from functions.adapters.parts import query
from functions.adapters.transactions import transact
from functions.domain.scaling import HISTORY_KEPT_MS, Decision
from functions.domain.scaling_state import GroupState, without_memory
from functions.domain.times import SECOND_MS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_LOG = logging.getLogger(__name__)
_STORE = "alerts table"
_ENCODER = msgspec.msgpack.Encoder()
_STATE, _DECISION = msgspec.msgpack.Decoder(GroupState), msgspec.msgpack.Decoder(Decision)


class ScalingTable:
    """`ScalingStore`."""

    def __init__(self, client: DynamoDBClient, table: str, *, now: Callable[[], float] = clock.time) -> None:
        self._client = client
        self._table = table
        self._now = now

    def scaling_states(self, workspace: str) -> list[GroupState]:
        """Of all groups, by name."""
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": {"S": _states(workspace)}},
            "ConsistentRead": True,
        }
        return list(_sound(query(self._client, request, _STORE), _STATE))

    def scaling_state(self, workspace: str, group: str) -> GroupState | None:
        """Of one group."""
        with store_faults(_STORE):
            item = self._client.get_item(TableName=self._table, Key=key(_states(workspace), group), ConsistentRead=True).get("Item")
        return next(_sound([item] if item else [], _STATE), None)

    def save_scaling(self, workspace: str, state: GroupState, entry: Decision | None = None) -> bool:
        """Replace the state of version n - 1, and add an entry to the history."""
        item = key(_states(workspace), state.group) | {"d": _packed(state), "v": {"N": str(state.version)}}
        entries = [self._put(one) for one in _entries(workspace, entry)] if entry else []
        return transact(self._client, [self._put(item, **_seen(state.version - 1)), *entries], _STORE)

    def forget_scaling(self, workspace: str, state: GroupState) -> bool:
        """Delete a state that still has this version."""
        with store_faults(_STORE):
            try:
                self._client.delete_item(TableName=self._table, Key=key(_states(workspace), state.group), **_seen(state.version))
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def scaling_history(self, workspace: str, group: str, start: int, end: int, limit: int, *, changes: bool) -> list[Decision]:
        """The newest decisions of a time."""
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "p = :p AND s BETWEEN :start AND :end",
            "ExpressionAttributeValues": {
                ":p": {"S": _log(workspace, group, changes=changes)},
                ":start": {"S": _sort(start)},
                ":end": {"S": _sort(end - 1)},
            },
            "ScanIndexForward": False,
        }
        items = (item for item in query(self._client, request, _STORE) if int(item["x"]["N"]) > self._now())
        return list(islice(_sound(items, _DECISION), limit))

    def _put(self, item: Any, **condition: Any) -> dict[str, Any]:
        return {"Put": {"TableName": self._table, "Item": item, **condition}}


def _states(workspace: str) -> str:
    return f"{workspace}|scaling"


def _log(workspace: str, group: str, *, changes: bool) -> str:
    return f"{workspace}|scaling-{'changes' if changes else 'log'}|{group}"


def _sort(time: int) -> str:
    return f"{max(time, 0):013d}"


def _entries(workspace: str, decision: Decision) -> Iterator[dict[str, Any]]:
    kept = {"d": _packed(without_memory(decision)), "x": {"N": str((decision.time + HISTORY_KEPT_MS) // SECOND_MS)}}
    for changes in (False, True) if decision.desired != decision.before or decision.told else (False,):
        yield key(_log(workspace, decision.group, changes=changes), _sort(decision.time)) | kept


def _seen(version: int) -> dict[str, Any]:
    if not version:
        return {"ConditionExpression": "attribute_not_exists(p)"}
    return {"ConditionExpression": "v = :seen", "ExpressionAttributeValues": {":seen": {"N": str(version)}}}


def _packed(value: GroupState | Decision) -> dict[str, Any]:
    return {"B": zlib.compress(_ENCODER.encode(value))}


def _sound[T](items: Iterable[Any], decoder: msgspec.msgpack.Decoder[T]) -> Iterator[T]:
    """What this release can read; the rest is left out, and logged."""
    for item in items:
        try:
            yield decoder.decode(zlib.decompress(item["d"]["B"]))
        except (msgspec.DecodeError, zlib.error) as error:
            _LOG.error("left out: %s %s cannot be read: %s", item["p"]["S"], item["s"]["S"], error)
