"""Sealed rollups in DynamoDB. A rollup larger than an item lies in chunks, whose tag tells which belong together."""

from __future__ import annotations

import time as clock
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from functions.adapters.faults import store_faults
from functions.adapters.parts import put_batch, query
from functions.domain.rollup import Rollup
from functions.domain.rollup_codec import encode
from functions.domain.times import HOURS_PER_DAY, MINUTES_PER_HOUR
from functions.domain.usage import BUCKETS
from functions.ports import Resolution

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CHUNK = 280_000
"""Bytes; DynamoDB takes 400 KB an item, and the local cloud counts bytes as their base64."""
WRITERS = 8
"""Requests at once."""
_BATCH = 25
_BATCH_BYTES = 4_000_000
"""DynamoDB takes 16 MB a request, on the wire a third more than here."""
_STORE = "rollups table"
_BUCKETS_PER_PARTITION = {Resolution.MINUTE: MINUTES_PER_HOUR, Resolution.HOUR: HOURS_PER_DAY}
_DIGITS = {Resolution.MINUTE: 10, Resolution.HOUR: 8}


class Rollups:
    """`RollupStore`."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        *,
        consistent: bool = False,
        now: Callable[[], float] = clock.time,
        sleep: Callable[[float], None] = clock.sleep,
    ) -> None:
        """`consistent` reads cost double; seal needs them, for it builds hours of minutes that it wrote a moment ago."""
        self._client = client
        self._table = table
        self._consistent = consistent
        self._now = now
        self._sleep = sleep

    def put_group(self, workspace: str, resolution: Resolution, time: int, rollup: Rollup, expires: int) -> None:
        """Replace the group rollup of one bucket."""
        self._put_whole(_group_kind(resolution), workspace, resolution, time, encode(rollup), expires)

    def read_group(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        """Encoded group rollups of start <= time < end."""
        return self._read_whole(_group_kind(resolution), workspace, resolution, start, end)

    def put_matrix(self, workspace: str, resolution: Resolution, time: int, rollup: Rollup, expires: int) -> None:
        """Replace the agent matrix of one bucket."""
        self._put_whole(_matrix_kind(resolution), workspace, resolution, time, encode(rollup), expires)

    def read_matrix(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        """Encoded agent matrices of start <= time < end."""
        return self._read_whole(_matrix_kind(resolution), workspace, resolution, start, end)

    def put_usage(self, workspace: str, hour: int, bucket: int, rollup: Rollup, expires: int) -> None:
        """Replace one piece of an hour's usage."""
        self._put_whole(_usage_kind(bucket), workspace, Resolution.HOUR, hour, encode(rollup), expires)

    def read_usage(self, workspace: str, start: int, end: int, bucket: int | None = None) -> dict[int, list[bytes]]:
        """Encoded usage of start <= hour < end."""
        kinds = [_usage_kind(number) for number in (range(BUCKETS) if bucket is None else (bucket,))]
        found: dict[int, list[bytes]] = {}
        for part in self._read_parts(kinds, workspace, Resolution.HOUR, start, end):
            for hour, data in part.items():
                found.setdefault(hour, []).append(data)
        return found

    def put_failures(self, workspace: str, resolution: Resolution, time: int, data: bytes, expires: int) -> None:
        """Replace the groups of failures of one bucket."""
        self._put_whole(_failures_kind(resolution), workspace, resolution, time, data, expires)

    def read_failures(self, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        """Encoded groups of failures of start <= time < end."""
        return self._read_whole(_failures_kind(resolution), workspace, resolution, start, end)

    def _put_whole(self, kind: str, workspace: str, resolution: Resolution, time: int, data: bytes, expires: int) -> None:
        """Replace one bucket; its first chunk, which tells of the others, last."""
        items = _chunks(_partition(kind, workspace, resolution, time), _number(resolution, time), data, expires)
        for item in reversed(items):
            self._put(item)

    def _read_whole(self, kind: str, workspace: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for part in self._read_parts((kind,), workspace, resolution, start, end):
            found.update(part)
        return found

    def _read_parts(self, kinds: Sequence[str], workspace: str, resolution: Resolution, start: int, end: int) -> Iterator[dict[int, bytes]]:
        """What each partition has, kind by kind; all are asked side by side."""
        width = _BUCKETS_PER_PARTITION[resolution]
        firsts = range(start - start % width, end, width)
        partitions = [_partition(kind, workspace, resolution, first) for kind in kinds for first in firsts]
        bounds = (_number(resolution, start), f"{_number(resolution, end - 1)}~")
        return map(_joined, self._each(lambda partition: list(self._query(partition, *bounds)), partitions))

    def put_agents(self, workspace: str, resolution: Resolution, time: int, rollups: Mapping[str, Rollup], expires: int) -> None:
        """Replace the rollups of many agents in one bucket."""
        sort = f"{resolution.value}|{_number(resolution, time)}"
        items: list[dict[str, Any]] = []
        for agent, rollup in rollups.items():
            first, *others = _chunks(f"{workspace}|agent|{agent}", sort, encode(rollup), expires)
            items.append({**first, "s": {"S": sort}})
            for other in others:  # as good as never: one agent's bucket beyond an item
                self._put(other)
        list(self._each(self._write, _batches(items)))

    def read_agent(self, workspace: str, agent: str, resolution: Resolution, start: int, end: int) -> dict[int, bytes]:
        """Encoded rollups of one agent, start <= time < end."""
        prefix = f"{resolution.value}|"
        items = self._query(f"{workspace}|agent|{agent}", prefix + _number(resolution, start), f"{prefix}{_number(resolution, end - 1)}~")
        return _joined(items, prefix)

    def _put(self, item: dict[str, Any]) -> None:
        with store_faults(_STORE):
            self._client.put_item(TableName=self._table, Item=item)

    def _each[T, R](self, work: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
        """Do the parts side by side; in order, and in this thread where there is just one."""
        todo = list(parts)
        if len(todo) <= 1:
            yield from map(work, todo)
            return
        with ThreadPoolExecutor(min(WRITERS, len(todo))) as pool:
            yield from pool.map(work, todo)

    def _write(self, items: Sequence[dict[str, Any]]) -> None:
        """Write a batch, and again what DynamoDB did not take for lack of capacity."""
        put_batch(self._client, self._table, items, _STORE, self._sleep)

    def _query(self, partition: str, first: str, last: str) -> Iterator[Any]:
        """Items that have not expired: DynamoDB deletes days late."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "p = :p AND s BETWEEN :first AND :last",
            "ExpressionAttributeValues": {":p": {"S": partition}, ":first": {"S": first}, ":last": {"S": last}},
            "ConsistentRead": self._consistent,
        }
        now = self._now()
        return (item for item in query(self._client, request, _STORE) if int(item["x"]["N"]) > now)


def _group_kind(resolution: Resolution) -> str:
    return resolution.value


def _matrix_kind(resolution: Resolution) -> str:
    return f"a{resolution.value}"


def _usage_kind(bucket: int) -> str:
    return f"u{bucket}"


def _failures_kind(resolution: Resolution) -> str:
    return f"f{resolution.value}"


def _partition(kind: str, workspace: str, resolution: Resolution, time: int) -> str:
    return f"{workspace}|{kind}|{time // _BUCKETS_PER_PARTITION[resolution]}"


def _number(resolution: Resolution, time: int) -> str:
    return f"{time:0{_DIGITS[resolution]}d}"


def _item(partition: str, sort: str, data: bytes, expires: int) -> dict[str, Any]:
    return {"p": {"S": partition}, "s": {"S": sort}, "d": {"B": data}, "x": {"N": str(expires)}}


def _chunks(partition: str, number: str, data: bytes, expires: int) -> list[dict[str, Any]]:
    parts = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    shared = {"c": {"N": str(len(parts))}, "v": {"N": str(zlib.crc32(data))}}
    return [_item(partition, f"{number}|{index:03d}", part, expires) | shared for index, part in enumerate(parts)]


def _batches(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """As many items a request as DynamoDB takes, in number and bytes."""
    batch: list[dict[str, Any]] = []
    size = 0
    for item in items:
        if batch and (len(batch) == _BATCH or size + len(item["d"]["B"]) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item["d"]["B"])
    if batch:
        yield batch


def _joined(items: Iterable[Any], prefix: str = "") -> dict[int, bytes]:
    """Rollups by bucket. One that is being replaced right now, so that its chunks do not fit, is left out of this reading."""
    chunks: dict[int, list[Any]] = {}
    for item in items:
        chunks.setdefault(int(item["s"]["S"].removeprefix(prefix).partition("|")[0]), []).append(item)
    whole = {time: _join(parts) for time, parts in chunks.items()}
    return {time: data for time, data in whole.items() if data is not None}


def _join(parts: Sequence[Any]) -> bytes | None:
    data = b"".join(part["d"]["B"] for part in parts[: int(parts[0]["c"]["N"])])
    return data if zlib.crc32(data) == int(parts[0]["v"]["N"]) else None
