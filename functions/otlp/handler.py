"""`POST /v1/metrics`, `/v1/traces`, `/v1/logs` behind API Gateway: reads the request, calls the use case, answers as OTLP wants it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from functions.adapters.batches_fast import FastBatches
from functions.adapters.exporters_fast import FastExporters
from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.raw_fast import FastRaw
from functions.adapters.reads_fast import FastSettings
from functions.domain.errors import ClawPulseError, StoreError
from functions.domain.otlp_points import Refusals
from functions.domain.otlp_resource import options
from functions.domain.times import SECOND_MS
from functions.otlp import answers
from functions.otlp.decoding import Request, from_json, from_protobuf
from functions.otlp.service import Otlp
from functions.runtime.fault_log import log_fault
from functions.runtime.posts import body_of, header, sender_of
from functions.runtime.problems import Problem, problem_of
from functions.runtime.settings import Settings

SERVICE = "otlp"
MAX_BYTES = 4 * 1_048_576
"""Of a request, unzipped."""
MEDIA_TYPES = {"application/json": answers.JSON, "application/x-protobuf": answers.PROTOBUF, "application/protobuf": answers.PROTOBUF}


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Entry point of the function."""
    return handle(event, _otlp(), int(time.time() * SECOND_MS))


def handle(event: Mapping[str, Any], otlp: Otlp, now: int) -> dict[str, Any]:
    """The answer to one request; never raises."""
    said = header(event, "content-type").partition(";")[0].strip().lower()
    media_type = MEDIA_TYPES.get(said)
    if media_type is None:
        detail = f"the content type {said[:100] or 'none'!r} is not possible; send {answers.PROTOBUF} or {answers.JSON}"
        return answers.refused(Problem(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail=detail), answers.JSON)
    signal = str(event.get("path") or "").rpartition("/")[2]
    try:
        return answers.accepted(signal, _take(signal, event, otlp, now, media_type), media_type)
    except Exception as error:
        if isinstance(error, StoreError) or not isinstance(error, ClawPulseError):
            log_fault(SERVICE, f"{signal} not taken", error, request=(event.get("requestContext") or {}).get("requestId"))
        return answers.refused(problem_of(error), media_type)


def _take(signal: str, event: Mapping[str, Any], otlp: Otlp, now: int, media_type: str) -> Refusals:
    sender = sender_of(event)
    said = options({name.lower(): value or "" for name, value in (event.get("headers") or {}).items()})
    body = body_of(event, MAX_BYTES)
    digest = sha256(body).hexdigest()
    if signal == "metrics":
        return otlp.metrics(sender, _read(body, ExportMetricsServiceRequest, media_type), said, digest, now)
    if signal == "traces":
        return otlp.traces(sender, _read(body, ExportTraceServiceRequest, media_type), said, digest, now)
    return otlp.logs(sender, _read(body, ExportLogsServiceRequest, media_type), said, digest, now)


def _read[R: Request](body: bytes, kind: type[R], media_type: str) -> R:
    return from_json(body, kind) if media_type == answers.JSON else from_protobuf(body, kind)


@cache
def _otlp() -> Otlp:
    settings = Settings.from_env()
    client = FastClient(DYNAMODB)
    return Otlp(
        batches=FastBatches(client, settings.batches_table, settings.buckets),
        raw=FastRaw(settings.raw_database) if settings.raw_history else None,
        settings=FastSettings(client, settings.fleet_table),
        exporters=FastExporters(client, settings.batches_table),
        report=lambda message, error: log_fault(SERVICE, message, error),
    )
