"""Raw history on boto3: queries, and a writer that the contract suite holds against the fast one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.adapters.faults import code_of, store_faults
from functions.adapters.raw_table import Chunk, chunks, common_attributes, dimensions, measures, rejected
from functions.domain.errors import InvalidCursor, RecordsRejected, StoreUnavailable
from functions.domain.raw import RawRecord
from functions.ports import Page

if TYPE_CHECKING:
    from types_boto3_timestream_query import TimestreamQueryClient
    from types_boto3_timestream_write import TimestreamWriteClient

MAX_ROWS = 1_000
QUERY_S = 20.0
"""How long a query may take before we give up."""
_STORE = "timestream"


class RawWrites:
    """`RawWriter`."""

    def __init__(self, client: TimestreamWriteClient, database: str) -> None:
        self._client = client
        self._database = database

    def write(self, records: Sequence[RawRecord], common: Mapping[str, str]) -> None:
        """Write all, 100 a call."""
        reasons: dict[int, str] = {}
        for chunk in chunks(records):
            reasons |= self._write(chunk, common)
        if reasons:
            raise RecordsRejected(reasons)

    def _write(self, chunk: Chunk, common: Mapping[str, str]) -> dict[int, str]:
        request: dict[str, Any] = {
            "DatabaseName": self._database,
            "TableName": chunk.table,
            "CommonAttributes": common_attributes(common),
            "Records": [_record(record) for record in chunk.records],
        }
        with store_faults(_STORE):
            try:
                self._client.write_records(**request)
            except ClientError as error:
                if code_of(error) == "RejectedRecordsException":
                    return rejected(chunk, error.response)
                if code_of(error) == "ValidationException":
                    return dict.fromkeys(chunk.places, str(error))
                raise
        return {}


class RawQueries:
    """`RawReader`."""

    def __init__(self, client: TimestreamQueryClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock

    def query(self, sql: str, limit: int, cursor: str | None = None) -> Page:
        """At most `limit` typed rows; an answer without rows means that there are none left."""
        until = self._clock() + QUERY_S
        while True:
            answer = self._page(sql, min(limit, MAX_ROWS), cursor)
            cursor = answer.get("NextToken")
            if answer["Rows"] or not cursor:
                return Page([_row(answer["ColumnInfo"], row["Data"]) for row in answer["Rows"]], cursor)
            if self._clock() > until:
                raise StoreUnavailable(f"timestream: no row within {QUERY_S:.0f} s")

    def _page(self, sql: str, rows: int, cursor: str | None) -> Any:
        request: dict[str, Any] = {"QueryString": sql, "MaxRows": rows} | ({"NextToken": cursor} if cursor else {})
        with store_faults(_STORE):
            try:
                return self._client.query(**request)
            except ClientError as error:
                if cursor and code_of(error) == "ValidationException":
                    raise InvalidCursor("is not one of this query's, or has expired", "cursor") from None
                raise


def _record(record: RawRecord) -> dict[str, Any]:
    return {
        "MeasureName": record.measure,
        "Time": str(record.time_us),
        "Dimensions": dimensions(record.dimensions),
        "MeasureValues": measures(record.values),
    }


def _row(columns: Sequence[Any], data: Sequence[Any]) -> dict[str, Any]:
    return {column.get("Name", ""): _value(column["Type"], datum) for column, datum in zip(columns, data, strict=True)}


def _value(kind: Mapping[str, Any], datum: Mapping[str, Any]) -> Any:
    """A datum as Python has it: numbers, booleans, texts, lists, times as ms."""
    if datum.get("NullValue"):
        return None
    if "ScalarValue" in datum:
        return _SCALARS.get(kind.get("ScalarType", ""), str)(datum["ScalarValue"])
    if "ArrayValue" in datum:
        inner = kind.get("ArrayColumnInfo", {}).get("Type", {})
        return [_value(inner, each) for each in datum["ArrayValue"]]
    if "RowValue" in datum:
        return _row(kind.get("RowColumnInfo", ()), datum["RowValue"]["Data"])
    inner = kind.get("TimeSeriesMeasureValueColumnInfo", {}).get("Type", {})
    return [[_time_ms(each["Time"]), _value(inner, each["Value"])] for each in datum.get("TimeSeriesValue", ())]


def _time_ms(text: str) -> int:
    """The service's times have nine digits of a second, in UTC."""
    whole, _, fraction = text.partition(".")
    seconds = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    return int(seconds) * 1000 + int(fraction.ljust(3, "0")[:3])


_SCALARS: dict[str, Callable[[str], Any]] = {
    "BIGINT": int,
    "INTEGER": int,
    "DOUBLE": float,
    "BOOLEAN": lambda text: text == "true",
    "TIMESTAMP": _time_ms,
}
