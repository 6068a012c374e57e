"""The data points of an OTLP metrics request, one by one: flattened, checked, and with reasons for those that cannot be taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from math import isnan
from typing import TYPE_CHECKING, Any

import msgspec

from functions.domain.batch import MAX_AGE_MS, MAX_AHEAD_MS
from functions.domain.naming import MAX_NAME
from functions.domain.otlp_attributes import texts
from functions.domain.otlp_values import Buckets, Exponential, Histogram, Number, Summary, Value, value_fault

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

NS_PER_MS = 1_000_000
_NO_RECORDED_VALUE = 1
"""Bit of a data point's flags."""
_DELTA, _CUMULATIVE = 1, 2
"""Numbers of OTLP's temporalities."""
_ID_BYTES = 9
_MAX_REASONS = 5


class Meaning(Enum):
    """What a point's value says."""

    NOW = "now"
    """How it is: a gauge."""
    MORE = "more"
    """What came on top since the point before."""
    TOTAL = "total"
    """What it amounts to since the stream's start."""


class Point(msgspec.Struct, gc=False, kw_only=True):
    """One data point."""

    scope: str
    name: str
    unit: str
    attributes: dict[str, str]
    meaning: Meaning
    start: int
    """ns; 0 when the exporter does not tell."""
    time: int
    """ns."""
    value: Value
    stream: bytes
    """What tells its stream from the exporter's others."""

    @property
    def time_ms(self) -> int:
        """Its time in ms."""
        return self.time // NS_PER_MS


@dataclass(slots=True)
class Refusals:
    """What is not taken: how much of it, and why; and what is left out without being anybody's fault."""

    count: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, reason: str, count: int = 1) -> None:
        """Refuse something."""
        self.count += count
        self.reasons[reason] += count

    def note(self, reason: str) -> None:
        """Leave something out."""
        self.notes[reason] += 1

    def __iadd__(self, other: Refusals) -> Refusals:
        self.count += other.count
        self.reasons += other.reasons
        self.notes += other.notes
        return self

    def message(self) -> str:
        """All that there is to say, in sentences; empty for nothing."""
        told = [f"{count} x {reason}" for reason, count in (self.reasons + self.notes).most_common(_MAX_REASONS)]
        more = len(self.reasons) + len(self.notes) - len(told)
        return "; ".join(told + ([f"and {more} other reasons"] if more > 0 else []))


def time_fault(time_ms: int, now: int) -> str | None:
    """Why something of this time cannot be taken at `now` (ms)."""
    if time_ms < now - MAX_AGE_MS:
        return "is more than 24 h old" if time_ms else "has no time"
    return "is more than 10 min ahead of the server's clock" if time_ms > now + MAX_AHEAD_MS else None


def read(scopes: Iterable[pb.ScopeMetrics], now: int, refusals: Refusals) -> Iterator[Point]:
    """The points that can be taken, in the order of the request."""
    for scoped in scopes:
        for metric in scoped.metrics:
            kind = metric.WhichOneof("data")
            if kind is None:
                continue
            for found in _points(scoped.scope.name, metric, kind, refusals):
                fault = value_fault(found.value) or time_fault(found.time_ms, now)
                if fault:
                    refusals.add(f"{found.name[:MAX_NAME]} {fault}")
                else:
                    yield found


def _points(scope: str, metric: pb.Metric, kind: str, refusals: Refusals) -> Iterator[Point]:
    data: Any = getattr(metric, kind)
    meaning, name = _meaning(kind, data), metric.name[:MAX_NAME]
    for found in data.data_points:
        if found.flags & _NO_RECORDED_VALUE:
            refusals.note(f"{name} says that it has no value")
            continue
        value = _READERS[kind](found)
        if meaning is None:
            refusals.add(f"{name} has no aggregation temporality")
        elif value is None:
            refusals.add(f"{name} has no value")
        elif kind == "sum" and data.is_monotonic and isinstance(value, Number) and value.value < 0:
            refusals.add(f"{name} is monotonic and below zero")
        else:
            yield Point(
                scope=scope,
                name=metric.name,
                unit=metric.unit,
                attributes=texts(found.attributes),
                meaning=meaning,
                start=found.start_time_unix_nano,
                time=found.time_unix_nano,
                value=value,
                stream=_stream(scope, metric, kind, found.attributes) if meaning is Meaning.TOTAL else b"",
            )
            if kind == "summary":
                yield from _quantiles(scope, metric, found)


def _meaning(kind: str, data: Any) -> Meaning | None:
    """What the values say; None when the exporter does not tell."""
    if kind == "gauge":
        return Meaning.NOW
    if kind == "summary":
        return Meaning.TOTAL
    if kind == "sum" and not data.is_monotonic and data.aggregation_temporality == _CUMULATIVE:
        return Meaning.NOW
    return {_DELTA: Meaning.MORE, _CUMULATIVE: Meaning.TOTAL}.get(data.aggregation_temporality)


def _quantiles(scope: str, metric: pb.Metric, found: pb.SummaryDataPoint) -> Iterator[Point]:
    for each in found.quantile_values:
        if isnan(each.value):
            # Nothing was measured lately: that is no fault.
            continue
        percent = f"{each.quantile * 100:.6g}".replace(".", "_")
        yield Point(
            scope=scope,
            name=f"{metric.name}.p{percent}",
            unit=metric.unit,
            attributes=texts(found.attributes),
            meaning=Meaning.NOW,
            start=0,
            time=found.time_unix_nano,
            value=Number(each.value),
            stream=b"",
        )


def _stream(scope: str, metric: pb.Metric, kind: str, attributes: Iterable[KeyValue]) -> bytes:
    said = sorted((each.key.encode(), each.value.SerializeToString(deterministic=True)) for each in attributes)
    parts = (scope.encode(), metric.name.encode(), metric.unit.encode(), kind.encode(), *(part for pair in said for part in pair))
    return blake2b(b"".join(b"%d:%s" % (len(part), part) for part in parts), digest_size=_ID_BYTES).digest()


def _number(found: pb.NumberDataPoint) -> Number | None:
    kind = found.WhichOneof("value")
    return Number(getattr(found, kind)) if kind else None


def _histogram(found: pb.HistogramDataPoint) -> Histogram:
    return Histogram(found.count, _optional(found, "sum"), tuple(found.explicit_bounds), tuple(found.bucket_counts), *_range(found))


def _exponential(found: pb.ExponentialHistogramDataPoint) -> Exponential:
    positive, negative = (Buckets(side.offset, tuple(side.bucket_counts)) for side in (found.positive, found.negative))
    return Exponential(found.count, _optional(found, "sum"), found.scale, found.zero_count, positive, negative, *_range(found))


def _summary(found: pb.SummaryDataPoint) -> Summary:
    return Summary(found.count, found.sum)


def _range(found: pb.HistogramDataPoint | pb.ExponentialHistogramDataPoint) -> tuple[float | None, float | None]:
    # Without a value, exporters send zeros or infinities for both.
    return (_optional(found, "min"), _optional(found, "max")) if found.count else (None, None)


def _optional(found: Any, name: str) -> float | None:
    return float(getattr(found, name)) if found.HasField(name) else None


_READERS: dict[str, Any] = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}
