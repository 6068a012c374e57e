"""The engine: what the outside talks to."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clawpulse_localstack.timestream.catalog import Catalog
from clawpulse_localstack.timestream.clock import Clock
from clawpulse_localstack.timestream.control import Control
from clawpulse_localstack.timestream.errors import TimestreamError
from clawpulse_localstack.timestream.query import Querier
from clawpulse_localstack.timestream.retention import Evictor
from clawpulse_localstack.timestream.store import Store
from clawpulse_localstack.timestream.write import Writer

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]

_CONTROL = (
    "DescribeEndpoints",
    "CreateDatabase",
    "DescribeDatabase",
    "ListDatabases",
    "UpdateDatabase",
    "DeleteDatabase",
    "CreateTable",
    "DescribeTable",
    "ListTables",
    "UpdateTable",
    "DeleteTable",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
)


class Engine:
    """One account's Timestream in one region, on one file. Thread-safe; one process may have the file open."""

    def __init__(
        self, path: str, address: str, *, clock: Clock = time.time_ns, region: str = "us-east-1", account: str = "000000000000"
    ) -> None:
        """`path` of the DuckDB file, which is created if need be; `address` is what DescribeEndpoints answers."""
        self._store = Store(path)
        catalog = Catalog(self._store)
        control = Control(catalog, clock, address, region, account)
        self._evictor = Evictor(self._store, catalog, clock)
        self._querier = Querier(self._store, catalog, clock, Path(path + ".results"))
        writer = Writer(self._store, catalog, clock)
        self._write: dict[str, Operation] = {name: self._locked(getattr(control, _snake(name))) for name in _CONTROL}
        self._write["WriteRecords"] = writer.write_records
        self._query: dict[str, Operation] = {
            "DescribeEndpoints": control.describe_endpoints,
            "Query": self._querier.query,
            "CancelQuery": self._querier.cancel_query,
            "PrepareQuery": self._querier.prepare_query,
        }
        self._closing = threading.Lock()
        self._closed = False
        self._evictor.start()

    def dispatch(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call; shapes are botocore's, times aware datetimes. Raises `TimestreamError`."""
        operations = {"timestream-write": self._write, "timestream-query": self._query}.get(service, {})
        if operation not in operations:
            raise TimestreamError(
                "UnknownOperationException", f"The local Timestream does not have the operation {operation} of {service}."
            )
        return operations[operation](request)

    def evict(self, now: int) -> int:
        """Delete rows whose retention ended before `now` (ns); returns how many. Happens by itself every few minutes."""
        return self._evictor.evict(now)

    def close(self) -> None:
        """Stop background work and close the file. A second call does nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._evictor.close()
        self._querier.close()
        self._store.close()

    def _locked(self, operation: Operation) -> Operation:
        def run(request: Mapping[str, Any]) -> dict[str, Any]:
            with self._store.lock:
                return operation(request)

        return run


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
