"""The hot path's raw history: Timestream without boto3."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from functions.adapters.fast_client import TIMESTREAM_WRITE, FastClient, ServiceError
from functions.adapters.raw_table import Chunk, chunks, common_attributes, dimensions, rejected
from functions.domain.errors import RecordsRejected, StoreUnavailable
from functions.domain.raw import RawRecord


class FastRaw:
    """`RawWriter` on the fast client."""

    def __init__(
        self,
        database: str,
        *,
        env: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
        client: FastClient | None = None,
    ) -> None:
        self._database = database
        self._env, self._clock = env, clock
        self._front = client or FastClient(TIMESTREAM_WRITE, env=env, clock=clock)
        self._cell: FastClient | None = None
        self._until = 0.0

    def write(self, records: Sequence[RawRecord], common: Mapping[str, str]) -> None:
        """Write all, 100 a call."""
        reasons: dict[int, str] = {}
        for chunk in chunks(records):
            reasons |= self._write(chunk, common)
        if reasons:
            raise RecordsRejected(reasons)

    def close(self) -> None:
        """Let go of the connections."""
        self._front.close()
        if self._cell is not None:
            self._cell.close()

    def _write(self, chunk: Chunk, common: Mapping[str, str]) -> dict[int, str]:
        try:
            self._client().call("WriteRecords", write_request(self._database, chunk, common))
        except ServiceError as error:
            if error.code == "RejectedRecordsException":
                return rejected(chunk, error.document)
            if error.code == "ValidationException":
                return dict.fromkeys(chunk.places, str(error))
            self._until = 0.0
            raise StoreUnavailable(f"timestream: {error}") from error
        return {}

    def _client(self) -> FastClient:
        """The client of the cell that the service wants us to write to."""
        now = self._clock()
        if self._cell is None or now >= self._until:
            address, minutes = self._discover()
            if self._cell is None or self._cell.endpoint != address:
                if self._cell is not None:
                    self._cell.close()
                self._cell = FastClient(TIMESTREAM_WRITE, env=self._env, endpoint=address, clock=self._clock)
            self._until = now + minutes * 60
        return self._cell

    def _discover(self) -> tuple[str, int]:
        try:
            found: dict[str, Any] = self._front.call("DescribeEndpoints", {})["Endpoints"][0]
        except ServiceError as error:
            raise StoreUnavailable(f"timestream: {error}") from error
        address = str(found["Address"])
        return address if "://" in address else f"https://{address}", int(found["CachePeriodInMinutes"])


def write_request(database: str, chunk: Chunk, common: Mapping[str, str]) -> dict[str, Any]:
    """The request that writes a chunk."""
    return {
        "DatabaseName": database,
        "TableName": chunk.table,
        "CommonAttributes": common_attributes(common),
        "Records": _records(chunk.records),
    }


def _records(records: Sequence[RawRecord]) -> msgspec.Raw:
    """The records as `raw_table` spells them, put together as text: hundreds of small objects would cost more than all the rest."""
    encoded: dict[int, str] = {}
    out = []
    for record in records:
        shared = encoded.get(id(record.dimensions))
        if shared is None:
            encoded[id(record.dimensions)] = shared = msgspec.json.encode(dimensions(record.dimensions)).decode()
        values = ",".join([_measure(name, value) for name, value in record.values.items()])
        name = _text(record.measure)
        out.append(f'{{"MeasureName":{name},"Time":"{record.time_us}","Dimensions":{shared},"MeasureValues":[{values}]}}')
    return msgspec.Raw(f"[{','.join(out)}]".encode())


def _measure(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return f'{{"Name":{_text(name)},"Type":"VARCHAR","Value":{msgspec.json.encode(value).decode()}}}'
    return f'{{"Name":{_text(name)},"Type":"DOUBLE","Value":"{value!r}"}}'


@lru_cache(1024)
def _text(text: str) -> str:
    """A name as JSON; there are few."""
    return msgspec.json.encode(text).decode()
