"""`POST /v1/batches` behind API Gateway: reads the request, calls the use case, says what became of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from functions.adapters.batches_fast import FastBatches
from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.raw_fast import FastRaw
from functions.adapters.reads_fast import FastDesired, FastKeys, FastSettings
from functions.domain.errors import ClawPulseError, InvalidInput, StoreError
from functions.domain.times import SECOND_MS
from functions.ingest.service import Ingest
from functions.runtime.fault_log import log_fault
from functions.runtime.posts import body_of, sender_of
from functions.runtime.problems import problem_of
from functions.runtime.settings import Settings

SERVICE = "ingest"


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Entry point of the function."""
    return handle(event, _ingest(), int(time.time() * SECOND_MS))


def handle(event: Mapping[str, Any], ingest: Ingest, now: int) -> dict[str, Any]:
    """The answer to one request; never raises."""
    try:
        answer = ingest.accept(sender_of(event), _text(event), now)
    except Exception as error:
        return _problem(error, event)
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return {"statusCode": 200, "headers": headers, "body": msgspec.json.encode(answer).decode()}


def _problem(error: Exception, event: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(error, StoreError) or not isinstance(error, ClawPulseError):
        log_fault(SERVICE, "batch not taken", error, request=(event.get("requestContext") or {}).get("requestId"))
    problem = problem_of(error)
    return {"statusCode": problem.status, "headers": problem.headers(), "body": problem.body()}


def _text(event: Mapping[str, Any]) -> bytes:
    """The JSON text of the request."""
    text = body_of(event)
    if not text and not event.get("body"):
        raise InvalidInput("the request has no body")
    return text


@cache
def _ingest() -> Ingest:
    settings = Settings.from_env()
    client = FastClient(DYNAMODB)
    return Ingest(
        batches=FastBatches(client, settings.batches_table, settings.buckets),
        raw=FastRaw(settings.raw_database) if settings.raw_history else None,
        settings=FastSettings(client, settings.fleet_table),
        report=lambda message, error: log_fault(SERVICE, message, error),
        desired=FastDesired(client, settings.fleet_table),
        keys=FastKeys(client, settings.fleet_table),
    )
