"""One record of a WriteRecords request: common attributes merged in, checked, values parsed. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from clawpulse_localstack.timestream import names
from clawpulse_localstack.timestream.errors import constraint, invalid

Value = float | int | bool | str
"""A parsed measure value; a TIMESTAMP is in microseconds."""

UNITS = {"SECONDS": 1_000_000_000, "MILLISECONDS": 1_000_000, "MICROSECONDS": 1_000, "NANOSECONDS": 1}
TYPES = ("DOUBLE", "BIGINT", "VARCHAR", "BOOLEAN", "TIMESTAMP")
MULTI = "MULTI"
_INT64 = 2**63


class Rejected(Exception):
    """The record cannot be written; the text is the reason that the caller gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A record that is fit to be written."""

    time_ns: int
    measure_name: str
    multi: bool
    dimensions: Mapping[str, str]
    values: Mapping[str, tuple[str, Value]]
    """Column name to type and value."""
    version: int

    @property
    def series_type(self) -> str:
        """What SHOW MEASURES says of the measure name."""
        return "multi" if self.multi else next(iter(self.values.values()))[0].lower()

    @property
    def key(self) -> int:
        """A stable hash of what makes the record the same record: time, dimensions, measure name."""
        return _hash(self.time_ns, self.measure_name, sorted(self.dimensions.items()))

    @property
    def digest(self) -> int:
        """A stable hash of the measure values."""
        return _hash(sorted(self.values.items()))


def resolve(common: Mapping[str, Any], record: Mapping[str, Any], index: int) -> Point:
    """The record as it will be written. Raises `Rejected`, or `TimestreamError` where AWS refuses the whole request."""
    merged = {**common, **{name: value for name, value in record.items() if value is not None}}
    _check_enums(merged, index)
    dimensions = _dimensions(common.get("Dimensions") or [], record.get("Dimensions") or [])
    name = merged.get("MeasureName")
    if not name:
        raise Rejected("The measure name must be specified.")
    if len(name.encode()) > names.MAX_NAME_BYTES:
        raise Rejected(f"The measure name exceeds the maximum supported length: {names.MAX_NAME_BYTES} bytes.")
    multi = merged.get("MeasureValueType") == MULTI
    values = _multi(common, record) if multi else _single(merged)
    if taken := next((column for column in values if column in dimensions), None):
        raise Rejected(f"The measure name '{taken}' is also the name of a dimension.")
    time_ns = _time(merged)
    return Point(time_ns=time_ns, measure_name=name, multi=multi, dimensions=dimensions, values=values, version=_version(merged, index))


def _check_enums(merged: Mapping[str, Any], index: int) -> None:
    at = f"records.{index + 1}.member"
    for member, allowed in (("TimeUnit", tuple(UNITS)), ("MeasureValueType", (*TYPES, MULTI))):
        value = merged.get(member)
        if value is not None and value not in allowed:
            rule = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
            raise constraint(value, f"{at}.{member[0].lower()}{member[1:]}", rule)


def _version(merged: Mapping[str, Any], index: int) -> int:
    version = merged.get("Version")
    return 1 if version is None else names.bounded(version, f"records.{index + 1}.member.version", 1, _INT64 - 1)


def _time(merged: Mapping[str, Any]) -> int:
    text = merged.get("Time")
    if text is None or text == "":
        raise Rejected("The record time must be specified.")
    try:
        return int(text) * UNITS[merged.get("TimeUnit") or "MILLISECONDS"]
    except ValueError:
        raise Rejected(f"The record time '{text}' is not a whole number.") from None


def _dimensions(common: list[Mapping[str, str]], own: list[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for dimension in (*common, *own):
        name, value = dimension.get("Name") or "", dimension.get("Value")
        if name in found:
            raise invalid(
                f"Dimension names must be unique in a record: '{name}' is given more than once, in CommonAttributes or in the record."
            )
        if fault := names.column_fault(name, "dimension", names.MAX_DIMENSION_NAME_BYTES):
            raise Rejected(fault)
        if value is None:
            raise Rejected(f"The value of the dimension '{name}' must be specified.")
        found[name] = value
    if not found:
        raise Rejected("At least one dimension must be specified.")
    if len(found) > names.MAX_DIMENSIONS:
        raise Rejected(f"The record has {len(found)} dimensions, more than the maximum of {names.MAX_DIMENSIONS}.")
    if sum(len(name.encode()) + len(value.encode()) for name, value in found.items()) > names.MAX_SERIES_BYTES:
        raise Rejected(f"The size of dimension names and values exceeds the maximum of {names.MAX_SERIES_BYTES} bytes.")
    return found


def _single(merged: Mapping[str, Any]) -> dict[str, tuple[str, Value]]:
    if merged.get("MeasureValues"):
        raise Rejected("Measure values are only allowed for records of type MULTI.")
    kind, text = merged.get("MeasureValueType") or "DOUBLE", merged.get("MeasureValue")
    if text is None or text == "":
        raise Rejected("The measure value must be specified.")
    _check_size([text])
    return {f"measure_value::{kind.lower()}": (kind, parse(text, kind))}


def _multi(common: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, tuple[str, Value]]:
    if record.get("MeasureValue") is not None or common.get("MeasureValue") is not None:
        raise Rejected("A record of type MULTI takes MeasureValues, not a MeasureValue.")
    measures = [*(common.get("MeasureValues") or []), *(record.get("MeasureValues") or [])]
    if not measures:
        raise Rejected("A record of type MULTI must have measure values.")
    if len(measures) > names.MAX_MEASURES_PER_RECORD:
        raise Rejected(f"The record has {len(measures)} measures, more than the maximum of {names.MAX_MEASURES_PER_RECORD}.")
    _check_size([measure.get("Value") or "" for measure in measures])
    found: dict[str, tuple[str, Value]] = {}
    for measure in measures:
        name, kind = measure.get("Name") or "", measure.get("Type") or ""
        if fault := names.column_fault(name, "measure", names.MAX_NAME_BYTES):
            raise Rejected(fault)
        if name in found:
            raise Rejected(f"The measure '{name}' is given more than once.")
        if kind not in TYPES:
            raise Rejected(f"The measure '{name}' must have one of the types {', '.join(TYPES)}.")
        found[name] = (kind, parse(measure.get("Value"), kind, name))
    return found


def _check_size(texts: list[str]) -> None:
    if sum(len(text.encode()) for text in texts) > names.MAX_VALUE_BYTES:
        raise Rejected(f"The size of the measure values exceeds the maximum of {names.MAX_VALUE_BYTES} bytes.")


def parse(text: str | None, kind: str, name: str | None = None) -> Value:
    """A measure value from its text; TIMESTAMP is given in milliseconds. Raises `Rejected`."""
    what = f"measure '{name}'" if name else "measure"
    if text is None or text == "":
        raise Rejected(f"The value of the {what} must be specified.")
    try:
        value: Value = _PARSERS[kind](text)
    except ValueError:
        raise Rejected(f"The value of the {what} cannot be parsed as {kind}.") from None
    return value


def _double(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _bigint(text: str) -> int:
    value = int(text)
    if not -_INT64 <= value < _INT64:
        raise ValueError(text)
    return value


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


_PARSERS: Mapping[str, Any] = {
    "DOUBLE": _double,
    "BIGINT": _bigint,
    "VARCHAR": str,
    "BOOLEAN": _boolean,
    "TIMESTAMP": lambda text: _bigint(text) * 1000,
}


def _hash(*parts: object) -> int:
    # repr of strings, numbers and tuples is unambiguous, and the same in every process.
    return int.from_bytes(blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest())
