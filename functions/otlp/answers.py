"""Answers as OTLP wants them: in the request's encoding, with what was refused; errors as `google.rpc.Status`."""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import Any, Final

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from functions.domain.otlp_points import Refusals
from functions.runtime.problems import Problem

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_RESPONSES: Final[dict[str, tuple[Any, str]]] = {
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
}
_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 413: 3, 415: 3, 503: 14}
"""gRPC's code of a status; anything else is INTERNAL."""
_INTERNAL = 13


def accepted(signal: str, refusals: Refusals, media_type: str) -> dict[str, Any]:
    """What was taken is written; the answer tells of the rest."""
    kind, field = _RESPONSES[signal]
    message = refusals.message()
    if media_type == JSON:
        count = {_camel(field): str(refusals.count)} if refusals.count else {}
        body = msgspec.json.encode({"partialSuccess": {**count, "errorMessage": message}} if message else {})
    else:
        response = kind()
        if message:
            setattr(response.partial_success, field, refusals.count)
            response.partial_success.error_message = message
        body = response.SerializeToString()
    return _answer(HTTPStatus.OK, body, media_type, {"Cache-Control": "no-store"})


def refused(problem: Problem, media_type: str) -> dict[str, Any]:
    """Why nothing was taken, or not all of it can be."""
    code = _CODES.get(problem.status, _INTERNAL)
    message = f"{problem.field}: {problem.detail}" if problem.field else problem.detail
    if media_type == JSON:
        body = msgspec.json.encode({"code": code, "message": message})
    else:
        text = message.encode(errors="replace")
        # google.rpc.Status: two fields, which is less than the package that has them.
        body = b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text
    return _answer(problem.status, body, media_type, problem.headers())


def _answer(status: int, body: bytes, media_type: str, headers: dict[str, str]) -> dict[str, Any]:
    binary = media_type != JSON
    return {
        "statusCode": int(status),
        "headers": {**headers, "Content-Type": media_type},
        "body": base64.b64encode(body).decode() if binary else body.decode(),
        "isBase64Encoded": binary,
    }


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)
