"""Query, CancelQuery, PrepareQuery."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from clawpulse_localstack.timestream import names
from clawpulse_localstack.timestream.catalog import Catalog
from clawpulse_localstack.timestream.clock import HOUR_NS, Clock
from clawpulse_localstack.timestream.errors import constraint, invalid
from clawpulse_localstack.timestream.paging import PAGE_ROWS, Result, Results
from clawpulse_localstack.timestream.sql import faults
from clawpulse_localstack.timestream.sql.metadata import metadata
from clawpulse_localstack.timestream.sql.rewrite import Rewriter, Translation
from clawpulse_localstack.timestream.store import Store

MAX_QUERY_BYTES = 262_144
TIMEOUT_S = 60.0
IDEMPOTENCY_NS = 4 * HOUR_NS
MAX_REMEMBERED = 256
MAX_REMEMBERED_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answer to a client token."""

    sql: str
    response: dict[str, Any]
    size: int
    expires: int


class Querier:
    """Runs queries, each on a cursor of its own."""

    def __init__(self, store: Store, catalog: Catalog, clock: Clock, spool: Path) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._lock = threading.Lock()
        self._results = Results(spool, clock)
        self._running: dict[str, duckdb.DuckDBPyConnection] = {}
        self._remembered: OrderedDict[str, Remembered] = OrderedDict()

    def query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One page of rows."""
        sql, client_token = _query_string(request), request.get("ClientToken")
        limit = PAGE_ROWS if request.get("MaxRows") is None else names.bounded(request["MaxRows"], "maxRows", 1, PAGE_ROWS)
        if request.get("NextToken"):
            with self._lock:
                result, offset = self._results.find(request["NextToken"], sql)
                return self._page(result, offset, limit)[0]
        if client_token and (known := self._known(client_token, sql)):
            return known
        result = self._run(sql)
        with self._lock:
            response, size = self._page(result, 0, limit)
            if "NextToken" in response:
                self._results.keep(result)
            else:
                self._results.discard(result)
            if client_token:
                self._remember(client_token, Remembered(sql, response, size, self._clock() + IDEMPOTENCY_NS))
        return response

    def cancel_query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Stop a running query, or end the paging through a finished one."""
        query_id = request.get("QueryId")
        if not query_id:
            raise constraint("null", "queryId", "Member must not be null")
        with self._lock:
            if running := self._running.get(query_id):
                running.interrupt()
                return {}
            cancelled = self._results.cancel(query_id)
        if cancelled is None:
            raise invalid(f"The query with the id {query_id} is not running.")
        return {} if cancelled else {"CancellationMessage": "The query has already been cancelled."}

    def prepare_query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of a query that is not run."""
        sql = _query_string(request)
        result = self._run(sql, rows=0)
        self._results.discard(result)
        found = [
            {"Name": column["Name"], "Type": column["Type"], "Aliased": not column["Name"].startswith("_col")} for column in result.columns
        ]
        return {"QueryString": sql, "Columns": found, "Parameters": []}

    def close(self) -> None:
        """Interrupt what runs, forget all pages."""
        with self._lock:
            for running in self._running.values():
                running.interrupt()
            self._results.close()

    def _page(self, result: Result, offset: int, limit: int) -> tuple[dict[str, Any], int]:
        rows, following, size = result.page(offset, limit)
        response: dict[str, Any] = {
            "QueryId": result.query_id,
            "Rows": rows,
            "ColumnInfo": result.columns,
            # Nothing is metered here.
            "QueryStatus": {"ProgressPercentage": 100.0, "CumulativeBytesScanned": 0, "CumulativeBytesMetered": 0},
        }
        if following is not None:
            response["NextToken"] = self._results.token(result, following)
        return response, size

    def _known(self, client_token: str, sql: str) -> dict[str, Any] | None:
        with self._lock:
            known = self._remembered.get(client_token)
            if known is None or known.expires <= self._clock():
                return None
            if known.sql != sql:
                raise invalid("The client token was used with another query string.")
            return known.response

    def _remember(self, client_token: str, answer: Remembered) -> None:
        self._remembered[client_token] = answer
        while len(self._remembered) > MAX_REMEMBERED or sum(known.size for known in self._remembered.values()) > MAX_REMEMBERED_BYTES:
            self._remembered.popitem(last=False)

    def _run(self, sql: str, rows: int | None = None) -> Result:
        query_id = "AEB" + secrets.token_hex(24).upper()
        if (table := metadata(sql, self._catalog, self._store)) is not None:
            return self._results.spool(query_id, sql, table.schema, table.to_batches())
        translation = Rewriter(sql, self._catalog, self._clock).translate()
        try:
            return self._execute(query_id, sql, translation, rows)
        except duckdb.BinderException as error:
            if translation.source.find(exp.Unnest) is None:
                raise faults.translate(error, translation, sql) from None
        except duckdb.Error as error:
            raise faults.translate(error, translation, sql) from None
        return self._run_over_maps(query_id, sql, translation, rows)

    def _run_over_maps(self, query_id: str, sql: str, first: Translation, rows: int | None) -> Result:
        translation = Rewriter(sql, self._catalog, self._clock, maps=True).translate()
        try:
            return self._execute(query_id, sql, translation, rows)
        except duckdb.Error as error:
            raise faults.translate(error, first, sql) from None

    def _execute(self, query_id: str, sql: str, translation: Translation, rows: int | None) -> Result:
        with self._cursor(query_id) as cursor:
            statement = translation.sql if rows is None else f"SELECT * FROM ({translation.sql}) LIMIT {rows}"  # noqa: S608
            reader = cursor.execute(statement).fetch_record_batch(PAGE_ROWS)
            return self._results.spool(query_id, sql, reader.schema, _batches(reader))

    @contextmanager
    def _cursor(self, query_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._store.reader()
        timer = threading.Timer(TIMEOUT_S, cursor.interrupt)
        timer.daemon = True
        timer.start()
        with self._lock:
            self._running[query_id] = cursor
        try:
            yield cursor
        finally:
            timer.cancel()
            with self._lock:
                del self._running[query_id]
            cursor.close()


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    yield from reader


def _query_string(request: Mapping[str, Any]) -> str:
    sql = request.get("QueryString")
    if not sql:
        raise constraint("null" if sql is None else "", "queryString", "Member must have length greater than or equal to 1")
    if len(sql.encode()) > MAX_QUERY_BYTES:
        raise constraint(f"{len(sql)} characters", "queryString", f"Member must have length less than or equal to {MAX_QUERY_BYTES}")
    return str(sql)
