"""`POST /v1/batches` behind API Gateway: reads the request, calls the use case, says what became of it."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from functions.adapters.batches_fast import FastBatches
from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.raw_fast import FastRaw
from functions.adapters.reads_fast import FastDesired, FastSettings
from functions.domain.errors import ClawPulseError, InvalidInput, NotAllowed, NotAuthenticated, StoreError
from functions.domain.rollup import TagPairs, sorted_pairs
from functions.domain.selector import parse_tags
from functions.domain.times import SECOND_MS
from functions.domain.token import Scope, TokenState, grants
from functions.domain.wire import decompress
from functions.ingest.service import Ingest, Sender
from functions.runtime.fault_log import log_fault
from functions.runtime.problems import problem_of
from functions.runtime.settings import Settings

SERVICE = "ingest"


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Entry point of the function."""
    return handle(event, _ingest(), int(time.time() * SECOND_MS))


def handle(event: Mapping[str, Any], ingest: Ingest, now: int) -> dict[str, Any]:
    """The answer to one request; never raises."""
    try:
        answer = ingest.accept(_sender(event), _text(event), now)
    except Exception as error:
        return _problem(error, event)
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return {"statusCode": 200, "headers": headers, "body": msgspec.json.encode(answer).decode()}


def _problem(error: Exception, event: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(error, StoreError) or not isinstance(error, ClawPulseError):
        log_fault(SERVICE, "batch not taken", error, request=(event.get("requestContext") or {}).get("requestId"))
    problem = problem_of(error)
    return {"statusCode": problem.status, "headers": problem.headers(), "body": problem.body()}


def _sender(event: Mapping[str, Any]) -> Sender:
    """Whose token it is; raises `NotAuthenticated` with the reason, `NotAllowed` naming the scope."""
    found = (event.get("requestContext") or {}).get("authorizer") or {}
    if not found.get("workspace"):
        raise NotAuthenticated("no token: send Authorization: Bearer cp_…")
    if found.get("state") != TokenState.ACTIVE:
        raise NotAuthenticated(f"the token is {found.get('state') or 'of no known state'}")
    scopes = str(found.get("scopes") or "").split()
    if not grants(scopes, Scope.INGEST):
        raise NotAllowed(f"this needs the scope {Scope.INGEST}; the token has {', '.join(scopes) or 'none'}")
    return Sender(found["workspace"], _scope(found.get("tags") or ""))


@lru_cache(256)
def _scope(text: str) -> TagPairs:
    return sorted_pairs(parse_tags(text))


def _text(event: Mapping[str, Any]) -> bytes:
    """The JSON text of the request."""
    body = event.get("body")
    if not body:
        raise InvalidInput("the request has no body")
    try:
        data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(errors="surrogatepass")
    except binascii.Error:
        raise InvalidInput("the body is no base64, though the request says so") from None
    headers = event.get("headers") or {}
    encoding = next((value for name, value in headers.items() if name.lower() == "content-encoding"), None)
    return decompress(data, (encoding or "").strip().lower())


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
    )
