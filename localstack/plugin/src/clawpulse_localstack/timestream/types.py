"""Arrow's types and values as Timestream shows them: `ColumnInfo` and `Datum`."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow import types as kinds

Datum = dict[str, Any]
NULL: Datum = {"NullValue": True}

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, and only formatted
_DAY_NS = 86_400 * 10**9
_SERIES = ["time", "value"]


def columns(schema: pa.Schema, first: pa.RecordBatch | None) -> list[dict[str, Any]]:
    """`ColumnInfo` of a result. The first rows tell apart the two kinds of intervals, which DuckDB holds in one."""
    infos = []
    for place, field in enumerate(schema):
        info = {"Name": field.name, "Type": type_of(field.type)}
        if (
            _is_interval(field.type)
            and first is not None
            and any(value is not None and value.months for value in first.column(place).to_pylist())
        ):
            info["Type"] = {"ScalarType": "INTERVAL_YEAR_TO_MONTH"}
        infos.append(info)
    return infos


def type_of(kind: pa.DataType) -> dict[str, Any]:
    """`Type` of a column or element."""
    if is_series(kind):
        return {"TimeSeriesMeasureValueColumnInfo": {"Type": type_of(kind.value_type.field("value").type)}}
    if _is_list(kind):
        return {"ArrayColumnInfo": {"Type": type_of(kind.value_type)}}
    if kinds.is_map(kind):
        return {"ArrayColumnInfo": {"Type": type_of(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))}}
    if kinds.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        return {"RowColumnInfo": [({"Name": field.name} if field.name else {}) | {"Type": type_of(field.type)} for field in fields]}
    return {"ScalarType": _scalar_type(kind)}


def is_series(kind: pa.DataType) -> bool:
    """Whether a type is a time series: a list of rows of time and value."""
    if not _is_list(kind) or not kinds.is_struct(kind.value_type):
        return False
    row = kind.value_type
    return [row.field(place).name for place in range(row.num_fields)] == _SERIES and kinds.is_timestamp(row.field(0).type)


def data(array: pa.Array) -> list[Datum]:
    """The values of a column, in Timestream's texts."""
    kind = array.type
    if is_series(kind):
        return [NULL if rows is None else {"TimeSeriesValue": rows} for rows in _nested(array, _points)]
    if _is_list(kind):
        return [NULL if rows is None else {"ArrayValue": rows} for rows in _nested(array, data)]
    if kinds.is_map(kind):
        return [NULL if rows is None else {"ArrayValue": rows} for rows in _nested(array, data)]
    if kinds.is_struct(kind):
        return _rows(array)
    return [NULL if text is None else {"ScalarValue": text} for text in _texts(array)]


def _nested(array: pa.Array, render: Callable[[pa.Array], list[Datum]]) -> list[list[Datum] | None]:
    offsets, valid = array.offsets.to_pylist(), array.is_valid().to_pylist()
    elements = array.values[offsets[0] : offsets[-1]] if len(array) else array.values[:0]
    rendered = render(elements)
    return [rendered[offsets[i] - offsets[0] : offsets[i + 1] - offsets[0]] if valid[i] else None for i in range(len(array))]


def _points(rows: pa.Array) -> list[Datum]:
    times, values = data(rows.field(0)), data(rows.field(1))
    return [{"Time": time["ScalarValue"], "Value": value} for time, value in zip(times, values, strict=True)]


def _rows(array: pa.Array) -> list[Datum]:
    fields = [data(array.field(place)) for place in range(array.type.num_fields)]
    valid = array.is_valid().to_pylist()
    return [{"RowValue": {"Data": [field[row] for field in fields]}} if valid[row] else NULL for row in range(len(array))]


def _texts(array: pa.Array) -> list[str | None]:
    kind = array.type
    if kinds.is_timestamp(kind):
        scale = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]
        return [None if value is None else _timestamp(value * scale) for value in array.cast(pa.int64()).to_pylist()]
    return [None if value is None else _text(value) for value in array.to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double(value)
    if isinstance(value, Decimal):
        return double(float(value)) if value.as_tuple().exponent else str(value)
    if isinstance(value, dt.time):
        return value.strftime("%H:%M:%S.%f") + "000"
    if isinstance(value, pa.MonthDayNano):
        return _interval(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def double(value: float) -> str:
    """As Java prints doubles, and so AWS."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    mantissa = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{mantissa}E{len(digits) - 1 + int(exponent)}"


def _timestamp(nanoseconds: int) -> str:
    seconds, fraction = divmod(nanoseconds, 10**9)
    return f"{_EPOCH + dt.timedelta(seconds=seconds)}.{fraction:09d}"


def _interval(value: pa.MonthDayNano) -> str:
    if value.months and not value.days and not value.nanoseconds:
        years, months = divmod(abs(value.months), 12)
        return f"{'-' if value.months < 0 else ''}{years}-{months}"
    total = (value.months * 30 + value.days) * _DAY_NS + value.nanoseconds
    days, rest = divmod(abs(total), _DAY_NS)
    seconds, fraction = divmod(rest, 10**9)
    return f"{'-' if total < 0 else ''}{days} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:09d}"


def _scalar_type(kind: pa.DataType) -> str:
    for test, name in _SCALARS:
        if test(kind):
            return name
    return "VARCHAR"


def _is_interval(kind: pa.DataType) -> bool:
    return bool(kind == pa.month_day_nano_interval())


def _is_list(kind: pa.DataType) -> bool:
    return bool(kinds.is_list(kind) or kinds.is_large_list(kind))


def _is_big(kind: pa.DataType) -> bool:
    return bool(kinds.is_int64(kind) or kinds.is_unsigned_integer(kind) or (kinds.is_decimal(kind) and kind.scale == 0))


_SCALARS: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (kinds.is_null, "UNKNOWN"),
    (kinds.is_boolean, "BOOLEAN"),
    (_is_big, "BIGINT"),
    (kinds.is_integer, "INTEGER"),
    (kinds.is_decimal, "DOUBLE"),
    (kinds.is_floating, "DOUBLE"),
    (kinds.is_timestamp, "TIMESTAMP"),
    (kinds.is_date, "DATE"),
    (kinds.is_time, "TIME"),
    (_is_interval, "INTERVAL_DAY_TO_SECOND"),
)
