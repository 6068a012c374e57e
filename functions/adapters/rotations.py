"""Rotations in the rollouts table, with lines of the audit log among those of rollouts.

p                    s          d
{ws}|rotations       rotation   Rotation, zlib over msgpack; `v` its version
{ws}|rotation-queue  -          `q` ids of those that are not over, in the order of their turns; `e` those of them that are emergencies;
                                `v` how often that has changed

No key is ever here: a rotation knows its keys by their fingerprints.
"""

from __future__ import annotations

import logging
import time as clock
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from functions.adapters.faults import store_faults
from functions.adapters.parts import ATTEMPTS, PAUSE_S, query
from functions.adapters.rollout_table import KEPT_MS, Attributes, audit_items, key
from functions.adapters.transactions import transact
from functions.domain.errors import StoreUnavailable
from functions.domain.rollout import Entry
from functions.domain.rotation import FINAL_ROTATION, Rotation
from functions.domain.rotation_queue import placed
from functions.domain.times import SECOND_MS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_LOG = logging.getLogger(__name__)
_STORE = "rollouts table"
_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Rotation)


class _Queue(NamedTuple):
    version: int = 0
    rotations: tuple[str, ...] = ()
    emergencies: frozenset[str] = frozenset()

    def with_one(self, rotation: Rotation) -> _Queue:
        order = placed(self.rotations, self.emergencies, rotation.id, emergency=rotation.emergency)
        return _Queue(self.version + 1, order, self.emergencies | ({rotation.id} if rotation.emergency else set()))

    def without(self, id: str) -> _Queue:
        return _Queue(self.version + 1, tuple(other for other in self.rotations if other != id), self.emergencies - {id})


class Rotations:
    """`RotationStore`."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        *,
        now: Callable[[], float] = clock.time,
        sleep: Callable[[float], None] = clock.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._now = now
        self._sleep = sleep

    def rotation_queue(self, workspace: str) -> tuple[str, ...]:
        """Ids of those that are not over, in the order of their turns."""
        return self._queue(workspace).rotations

    def create_rotation(self, workspace: str, rotation: Rotation, entries: Sequence[Entry]) -> bool:
        """Put a new one into the queue; False when its id is known."""
        absent = {"ConditionExpression": "attribute_not_exists(p)"}
        for attempt in range(ATTEMPTS):
            queue = self._queue(workspace)
            made = self._transact(
                self._put(_item(workspace, rotation), **absent),
                self._put_queue(workspace, queue.with_one(rotation)),
                *map(self._put, audit_items(workspace, rotation.version, entries)),
            )
            if made:
                return True
            if self._version(workspace, rotation.id) is not None:
                return False
            self._sleep(PAUSE_S * 2**attempt)
        raise StoreUnavailable(f"{_STORE}: others start and end rotations all the time")

    def rotation(self, workspace: str, rotation: str) -> Rotation | None:
        """One of them. Raises `StoreUnavailable` for one that this release cannot read."""
        item = self._get(key(_partition(workspace), rotation))
        return _read(item) if item and self._lives(item) else None

    def rotations(self, workspace: str, limit: int, before: str | None = None) -> list[Rotation]:
        """Newest first. One that cannot be read is left out, and logged."""
        return [found for _, found in zip(range(limit), self._sound(workspace, before), strict=False)]

    def save_rotation(self, workspace: str, rotation: Rotation, entries: Sequence[Entry]) -> bool:
        """Replace version n - 1, append to the audit log, and leave the queue if all is over."""
        seen = rotation.version - 1
        version = {"ConditionExpression": "v = :seen", "ExpressionAttributeValues": {":seen": {"N": str(seen)}}}
        writes = [self._put(_item(workspace, rotation), **version), *map(self._put, audit_items(workspace, rotation.version, entries))]
        if rotation.phase not in FINAL_ROTATION or rotation.notices:
            return self._transact(*writes)
        for attempt in range(ATTEMPTS):
            queue = self._queue(workspace)
            leaving = [self._put_queue(workspace, queue.without(rotation.id))] if rotation.id in queue.rotations else []
            if self._transact(*writes, *leaving):
                return True
            if self._version(workspace, rotation.id) != seen:
                return False
            self._sleep(PAUSE_S * 2**attempt)
        raise StoreUnavailable(f"{_STORE}: others start and end rotations all the time")

    def _queue(self, workspace: str) -> _Queue:
        item = self._get(_queue_key(workspace))
        if not item:
            return _Queue()
        rotations, emergencies = (tuple(id["S"] for id in item[name]["L"]) for name in ("q", "e"))
        return _Queue(int(item["v"]["N"]), rotations, frozenset(emergencies))

    def _put_queue(self, workspace: str, queue: _Queue) -> dict[str, Any]:
        """Replace the queue if it has the version before."""
        lists = {"q": _texts(queue.rotations), "e": _texts(sorted(queue.emergencies))}
        item = _queue_key(workspace) | lists | {"v": {"N": str(queue.version)}}
        if queue.version == 1:
            return self._put(item, ConditionExpression="attribute_not_exists(p)")
        return self._put(item, ConditionExpression="v = :seen", ExpressionAttributeValues={":seen": {"N": str(queue.version - 1)}})

    def _version(self, workspace: str, rotation: str) -> int | None:
        item = self._get(key(_partition(workspace), rotation))
        return int(item["v"]["N"]) if item else None

    def _sound(self, workspace: str, before: str | None) -> Iterator[Rotation]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "p = :p" + (" AND s < :before" if before else ""),
            "ExpressionAttributeValues": {":p": {"S": _partition(workspace)}} | ({":before": {"S": before}} if before else {}),
            "ConsistentRead": True,
            "ScanIndexForward": False,
        }
        for item in filter(self._lives, query(self._client, request, _STORE)):
            try:
                yield _read(item)
            except StoreUnavailable as error:
                _LOG.error("left out: %s", error)

    def _put(self, item: Any, **condition: Any) -> dict[str, Any]:
        return {"Put": {"TableName": self._table, "Item": item, **condition}}

    def _transact(self, *writes: Any) -> bool:
        return transact(self._client, list(writes), _STORE)

    def _get(self, wanted: Any) -> Any:
        with store_faults(_STORE):
            return self._client.get_item(TableName=self._table, Key=wanted, ConsistentRead=True).get("Item")

    def _lives(self, item: Any) -> bool:
        return "x" not in item or int(item["x"]["N"]) > self._now()


def _partition(workspace: str) -> str:
    return f"{workspace}|rotations"


def _queue_key(workspace: str) -> Attributes:
    return key(f"{workspace}|rotation-queue", "-")


def _texts(texts: Sequence[str]) -> dict[str, Any]:
    return {"L": [{"S": text} for text in texts]}


def _item(workspace: str, rotation: Rotation) -> Attributes:
    """One that is over goes by itself, later."""
    over = rotation.phase in FINAL_ROTATION
    expires = {"x": {"N": str((rotation.since + KEPT_MS) // SECOND_MS)}} if over else {}
    data = {"B": zlib.compress(_ENCODER.encode(rotation))}
    return key(_partition(workspace), rotation.id) | {"d": data, "v": {"N": str(rotation.version)}} | expires


def _read(item: Any) -> Rotation:
    try:
        return _DECODER.decode(zlib.decompress(item["d"]["B"]))
    except (msgspec.DecodeError, zlib.error) as error:
        raise StoreUnavailable(f"{_STORE}: {item['p']['S']} {item['s']['S']} cannot be read: {error}") from error
