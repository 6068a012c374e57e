"""What the tests of the engine share: a clock to turn, and short ways to write and ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clawpulse_localstack.timestream.engine import Engine
from clawpulse_localstack.timestream.errors import TimestreamError

NOW_MS = 1_795_464_000_000
"""2026-11-23 20:00:00 UTC."""
ADDRESS = "http://127.0.0.1:4566"


@dataclass
class FakeClock:
    ns: int = NOW_MS * 1_000_000

    def __call__(self) -> int:
        return self.ns

    def forward(self, *, seconds: float = 0, hours: float = 0, days: float = 0) -> None:
        self.ns += int((seconds + hours * 3600 + days * 86_400) * 1e9)


@dataclass
class Timestream:
    """An engine with a database `app` and a table `tbl`."""

    engine: Engine
    clock: FakeClock
    path: str

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        service = "timestream-query" if operation in {"Query", "CancelQuery", "PrepareQuery"} else "timestream-write"
        return self.engine.dispatch(service, operation, request)

    def error(self, operation: str, **request: Any) -> TimestreamError:
        try:
            self.call(operation, **request)
        except TimestreamError as error:
            return error
        raise AssertionError(f"{operation} did not fail")

    def write(self, *records: dict[str, Any], common: dict[str, Any] | None = None, table: str = "tbl") -> dict[str, Any]:
        return self.call("WriteRecords", DatabaseName="app", TableName=table, CommonAttributes=common or {}, Records=list(records))

    def rejected(self, *records: dict[str, Any], common: dict[str, Any] | None = None, table: str = "tbl") -> list[dict[str, Any]]:
        error = self.error("WriteRecords", DatabaseName="app", TableName=table, CommonAttributes=common or {}, Records=list(records))
        assert error.code == "RejectedRecordsException"
        assert error.message == "One or more records have been rejected. See RejectedRecords for details."
        return list(error.fields["RejectedRecords"])

    def rows(self, sql: str) -> list[list[Any]]:
        """Plain values of all pages."""
        found, token = [], None
        while True:
            page = self.call("Query", QueryString=sql, **({"NextToken": token} if token else {}))
            found += [[plain(datum) for datum in row["Data"]] for row in page["Rows"]]
            token = page.get("NextToken")
            if token is None:
                return found

    def value(self, expression: str) -> Any:
        """One value of a select without a table."""
        return self.rows(f"SELECT {expression}")[0][0]

    def invalid(self, sql: str) -> str:
        """The message of a query that is refused."""
        error = self.error("Query", QueryString=sql)
        assert error.code == "ValidationException", error
        return error.message


def plain(datum: dict[str, Any]) -> Any:
    """A datum without its wrappers: text, None, list, or tuple for a row."""
    if datum.get("NullValue"):
        return None
    if "ScalarValue" in datum:
        return datum["ScalarValue"]
    if "ArrayValue" in datum:
        return [plain(item) for item in datum["ArrayValue"]]
    if "RowValue" in datum:
        return tuple(plain(item) for item in datum["RowValue"]["Data"])
    return [(point["Time"], plain(point["Value"])) for point in datum["TimeSeriesValue"]]


def record(value: object = 1.0, *, at_ms: int = NOW_MS, measure: str = "cpu", kind: str = "DOUBLE", **extra: Any) -> dict[str, Any]:
    """A single-measure record of host a."""
    base = {"Dimensions": [{"Name": "host", "Value": "a"}], "MeasureName": measure, "MeasureValue": str(value), "MeasureValueType": kind}
    return base | {"Time": str(at_ms)} | extra


def multi(values: dict[str, tuple[str, object]], *, at_ms: int = NOW_MS, measure: str = "m", **extra: Any) -> dict[str, Any]:
    """A multi-measure record of host a: name to type and value."""
    measures = [{"Name": name, "Type": kind, "Value": str(value)} for name, (kind, value) in values.items()]
    base = {"Dimensions": [{"Name": "host", "Value": "a"}], "MeasureName": measure, "MeasureValueType": "MULTI", "MeasureValues": measures}
    return base | {"Time": str(at_ms)} | extra
