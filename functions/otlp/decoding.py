"""Bodies of OTLP requests: protobuf, or JSON as OTLP has it (ids in hexadecimal, unknown fields ignored)."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from functions.domain.errors import InvalidInput

type Request = ExportMetricsServiceRequest | ExportTraceServiceRequest | ExportLogsServiceRequest

_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
_UNREAD = frozenset({"exemplars", "links"})
"""What we look at in no case, and need not be right."""


def from_protobuf[R: Request](body: bytes, kind: type[R]) -> R:
    """Read protobuf; raises `InvalidInput`."""
    try:
        request: R = kind.FromString(body)
    except DecodeError as error:
        raise InvalidInput(f"the body is no {kind.__name__}: {error}") from None
    return request


def from_json[R: Request](body: bytes, kind: type[R]) -> R:
    """Read OTLP's JSON; raises `InvalidInput`."""
    # Only who sends JSON waits for its reader.
    from google.protobuf.json_format import ParseDict, ParseError

    try:
        document = _with_ids(json.loads(body))
        if not isinstance(document, dict):
            raise InvalidInput(f"the body is no {kind.__name__}: it must be an object")
        request: R = ParseDict(document, kind(), ignore_unknown_fields=True)
    except RecursionError:
        raise InvalidInput("the body is nested too deeply") from None
    except (ParseError, ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(f"the body is no {kind.__name__}: {str(error)[:300]}") from None
    return request


def _with_ids(value: Any) -> Any:
    """The document with ids as protobuf's JSON has them, in base64."""
    if isinstance(value, dict):
        return {
            key: _id(key, inner) if key in _IDS and isinstance(inner, str) else _with_ids(inner)
            for key, inner in value.items()
            if key not in _UNREAD
        }
    return [_with_ids(inner) for inner in value] if isinstance(value, list) else value


def _id(key: str, text: str) -> str:
    try:
        return b64encode(bytes.fromhex(text)).decode()
    except ValueError:
        raise InvalidInput("is not hexadecimal", key) from None
