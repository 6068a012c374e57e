"""Rollouts in DynamoDB (`rollout_table` tells how they look): each write of a rollout is one transaction on condition of its version."""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING, Any

import msgspec

from functions.adapters import parts
from functions.adapters import rollout_table as table
from functions.adapters.faults import store_faults
from functions.adapters.parts import ATTEMPTS, PAUSE_S
from functions.adapters.transactions import transact
from functions.domain.errors import StoreUnavailable
from functions.domain.rollout import FINAL, Entry, Rollout, Wave
from functions.ports import Registry

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_LOG = logging.getLogger(__name__)
_STORE = "rollouts table"
_WRITES = 25
_READS = 100
"""Items that DynamoDB takes, and gives, in one request."""
_WORKERS = 8
_READINGS = 5


class RolloutTable:
    """`RolloutStore`."""

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

    def registry(self, workspace: str) -> Registry:
        """Those that are not over."""
        return table.registry_of(self._get(table.registry_key(workspace)))

    def create(
        self,
        workspace: str,
        rollout: Rollout,
        waves: Sequence[Wave],
        documents: Mapping[str, str],
        entries: Sequence[Entry],
        seen: Registry,
    ) -> bool:
        """Put a new rollout, if the registry is as it was seen. Documents and waves go first: nobody sees them before there is a head.

        Raises `InvalidInput` for a wave that is too large for an item.
        """
        now = self._now_ms()
        self._write([table.wave_item(workspace, rollout, wave, now, spare=True) for wave in waves])
        self.put_documents(workspace, documents)
        absent = {"ConditionExpression": "attribute_not_exists(p)"}
        unchanged = {"ConditionExpression": "v = :seen", "ExpressionAttributeValues": {":seen": {"N": str(seen.version)}}}
        registry = table.registry_item(workspace, Registry(version=seen.version + 1, rollouts=seen.rollouts | {rollout.id}))
        return self._transact(
            self._put(table.head_item(workspace, rollout), **absent),
            self._put(registry, **(unchanged if seen.version else absent)),
            *map(self._put, table.audit_items(workspace, rollout.version, entries)),
        )

    def read(self, workspace: str, rollout: str) -> tuple[Rollout, list[Wave]] | None:
        """Head and waves of one version: read again when a wave turns out to be newer than the head."""
        for attempt in range(_READINGS):
            head = self.head(workspace, rollout)
            if head is None:
                return None
            bounds = (table.wave_sort(0), table.wave_sort(head.waves - 1))
            items = list(self._query(table.waves(workspace, head), *bounds))
            if len(items) == head.waves and all(int(item["v"]["N"]) <= head.version for item in items):
                return head, [table.wave_of(item) for item in items]
            self._sleep(PAUSE_S * 2**attempt)
        raise StoreUnavailable(f"{_STORE}: the rollout {rollout} is being replaced faster than it can be read, or lacks waves")

    def head(self, workspace: str, rollout: str) -> Rollout | None:
        """The head alone."""
        item = self._get(table.key(table.heads(workspace), rollout))
        return table.head_of(item) if item and self._lives(item) else None

    def heads(self, workspace: str, limit: int, before: str | None = None) -> list[Rollout]:
        """Heads, newest first. One that cannot be read is left out, and logged."""
        # No id is as large as a tilde, and none is empty.
        items = self._query(table.heads(workspace), "\0", before or "~", backwards=True)
        return list(_sound(_first((item for item in items if item["s"]["S"] != before), limit), table.head_of))

    def save(
        self, workspace: str, rollout: Rollout, waves: Sequence[Wave], entries: Sequence[Entry], joining: Registry | None = None
    ) -> bool:
        """Replace head and waves and append to the audit log, on condition of the head's version, and the registry's if agents join."""
        version = {"ConditionExpression": "v = :seen", "ExpressionAttributeValues": {":seen": {"N": str(rollout.version - 1)}}}
        writes = [self._put(table.head_item(workspace, rollout), **version)]
        writes += [self._put(table.wave_item(workspace, rollout, wave, self._now_ms())) for wave in waves]
        writes += map(self._put, table.audit_items(workspace, rollout.version, entries))
        if rollout.phase in FINAL and not rollout.notices:
            writes.append(self._leave_registry(workspace, rollout.id))
        elif joining is not None:
            writes.append(self._count_registry(workspace, joining))
        return self._transact(*writes)

    def put_documents(self, workspace: str, documents: Mapping[str, str]) -> None:
        """Put documents by hash."""
        now = self._now_ms()
        self._write([table.document_item(workspace, hash, text, now) for hash, text in documents.items()])

    def documents(self, workspace: str, hashes: Iterable[str]) -> dict[str, str]:
        """Texts by hash; unknown ones are absent."""
        keys = [table.key(table.documents(workspace), hash) for hash in dict.fromkeys(hashes)]
        return {
            item["s"]["S"]: table.document_of(item)
            for some in batched(keys, _READS, strict=False)
            for item in self._get_batch(some)
            if self._lives(item)
        }

    def audit(self, workspace: str, start: int, end: int, rollout: str | None = None) -> list[Entry]:
        """Entries of start <= at < end, oldest first."""
        items = self._query(table.audit(workspace), table.audit_sort(start), table.audit_sort(end))
        return [entry for entry in _sound(items, table.entry_of) if rollout in (None, entry.rollout)]

    def _leave_registry(self, workspace: str, rollout: str) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._name,
                "Key": table.registry_key(workspace),
                "UpdateExpression": "ADD v :one DELETE r :over",
                "ExpressionAttributeValues": {":one": {"N": "1"}, ":over": {"SS": [rollout]}},
            }
        }

    def _count_registry(self, workspace: str, seen: Registry) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._name,
                "Key": table.registry_key(workspace),
                "UpdateExpression": "ADD v :one",
                "ConditionExpression": "v = :seen",
                "ExpressionAttributeValues": {":one": {"N": "1"}, ":seen": {"N": str(seen.version)}},
            }
        }

    def _put(self, item: Any, **condition: Any) -> dict[str, Any]:
        return {"Put": {"TableName": self._name, "Item": item, **condition}}

    def _transact(self, *writes: Any) -> bool:
        return transact(self._client, list(writes), _STORE)

    def _get(self, key: Any) -> Any:
        with store_faults(_STORE):
            return self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")

    def _get_batch(self, keys: Iterable[Any]) -> Iterator[Any]:
        left: Any = {self._name: {"Keys": list(keys), "ConsistentRead": True}}
        for attempt in range(ATTEMPTS):
            with store_faults(_STORE):
                answer: Any = self._client.batch_get_item(RequestItems=left)
            yield from answer["Responses"].get(self._name, [])
            before, left = left, answer.get("UnprocessedKeys")
            if not left:
                return
            # More than 16 MB is given in parts, which is no reason to wait.
            if left == before:
                self._sleep(PAUSE_S * 2**attempt)
        raise StoreUnavailable(f"{_STORE}: documents were not given after {ATTEMPTS} attempts")

    def _write(self, items: Sequence[Any]) -> None:
        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(self._write_batch, batched(items, _WRITES, strict=False)))

    def _write_batch(self, items: Iterable[Any]) -> None:
        parts.put_batch(self._client, self._name, items, _STORE, self._sleep)

    def _query(self, partition: str, first: str, last: str, *, backwards: bool = False) -> Iterator[Any]:
        """Items of first <= s <= last that have not expired: DynamoDB deletes days late."""
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "p = :p AND s BETWEEN :first AND :last",
            "ExpressionAttributeValues": {":p": {"S": partition}, ":first": {"S": first}, ":last": {"S": last}},
            "ConsistentRead": True,
            "ScanIndexForward": not backwards,
        }
        return filter(self._lives, parts.query(self._client, request, _STORE))

    def _lives(self, item: Any) -> bool:
        return "x" not in item or int(item["x"]["N"]) > self._now()

    def _now_ms(self) -> int:
        return int(self._now() * 1000)


def _first(items: Iterator[Any], limit: int) -> Iterator[Any]:
    """At most so many: the next page is not asked for."""
    return (item for _, item in zip(range(limit), items, strict=False))


def _sound[T](items: Iterable[Any], read: Callable[[Any], T]) -> Iterator[T]:
    """What can be read of some items: a damaged one, or one of a later release, must not hide all others."""
    for item in items:
        try:
            yield read(item)
        except (msgspec.DecodeError, StoreUnavailable) as error:
            _LOG.error("left out of the rollouts table: %s %s: %s", item["p"]["S"], item["s"]["S"], error)
