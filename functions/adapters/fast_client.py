"""A client of AWS's JSON protocol that costs little to import and little per call: one kept connection, own signatures.

Only for the hot path, and only for calls that may be repeated safely: whatever may help is tried again with jitter, within a budget of
time. Not for several threads.
"""

from __future__ import annotations

import http.client
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from functions.adapters.signing import Credentials, signed
from functions.domain.errors import StoreUnavailable

TIMEOUT_S = 3.0
"""To connect, and to wait for an answer."""
BUDGET_S = 4.0
"""For one call with all its repetitions: no new one is started after that."""
MAX_IDLE_S = 50.0
"""A connection unused for longer may be dead without knowing it: Lambda freezes us between requests."""
ATTEMPTS = 4
_FIRST_PAUSE_S = 0.05
_THROTTLING = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TransactionConflictException",
        "InternalServerError",
        "InternalServerException",
        "ServiceUnavailable",
    }
)


class ServiceError(Exception):
    """The service understood and said no."""

    def __init__(self, code: str, document: Mapping[str, Any]) -> None:
        super().__init__(f"{code}: {document.get('message') or document.get('Message') or 'no message'}")
        self.code = code
        self.document = document


class _Again(Exception):
    """Repeating the call may help."""


@dataclass(frozen=True, slots=True)
class Service:
    """How to speak to a service. `name` is the one it signs with, `variable` the end of its `AWS_ENDPOINT_URL_…`."""

    name: str
    target: str
    variable: str
    host: str
    """With `{region}` in it."""
    content_type: str = "application/x-amz-json-1.0"


DYNAMODB = Service("dynamodb", "DynamoDB_20120810", "DYNAMODB", "dynamodb.{region}.amazonaws.com")
TIMESTREAM_WRITE = Service("timestream", "Timestream_20181101", "TIMESTREAM_WRITE", "ingest.timestream.{region}.amazonaws.com")


class FastClient:
    """Calls one service at one endpoint."""

    def __init__(
        self,
        service: Service,
        *,
        env: Mapping[str, str] = os.environ,
        endpoint: str = "",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`endpoint` is a URL; without one it is what the environment says, or AWS's own."""
        self.service = service
        self._env = env
        self._region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1"
        self.endpoint = endpoint or endpoint_of(service, env, self._region)
        self._clock, self._sleep = clock, sleep
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def call(self, operation: str, request: object, attempts: int = ATTEMPTS) -> Any:
        """The decoded answer. `request` is encoded as JSON, bytes as base64.

        Raises `ServiceError` when the service refuses, `StoreUnavailable` when it could not be had in time.
        """
        body = msgspec.json.encode(request)
        until = self._clock() + BUDGET_S
        for attempt in range(1, attempts + 1):
            kept = self._connection is not None
            try:
                return self._once(operation, body)
            except _Again as fault:
                pause = 0.0 if kept and attempt == 1 else random.random() * _FIRST_PAUSE_S * 2**attempt
                if attempt == attempts or self._clock() + pause > until:
                    raise StoreUnavailable(f"{self.service.name}: {fault}") from None
                self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, operation: str, body: bytes) -> Any:
        status, answer = self._exchange(operation, body)
        if status == http.client.OK:
            return msgspec.json.decode(answer) if answer else {}
        document = _document(answer)
        code = str(document.get("__type", "")).rpartition("#")[2] or f"status {status}"
        if status >= http.client.INTERNAL_SERVER_ERROR or status == http.client.TOO_MANY_REQUESTS or code in _THROTTLING:
            raise _Again(code)
        raise ServiceError(code, document)

    def _exchange(self, operation: str, body: bytes) -> tuple[int, bytes]:
        connection = self._connect()
        headers = signed(
            "POST",
            "/",
            {
                "host": urlsplit(self.endpoint).netloc,
                "content-type": self.service.content_type,
                "x-amz-target": f"{self.service.target}.{operation}",
            },
            body,
            region=self._region,
            service=self.service.name,
            credentials=Credentials.from_env(self._env),
            now=self._clock(),
        )
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise _Again(str(error) or type(error).__name__) from None
        self._used = self._clock()
        if response.will_close:
            self.close()
        return response.status, answer

    def _connect(self) -> http.client.HTTPConnection:
        if self._clock() - self._used > MAX_IDLE_S:
            self.close()
        if self._connection is None:
            url = urlsplit(self.endpoint)
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(url.hostname or "", url.port, timeout=TIMEOUT_S)
        return self._connection


def endpoint_of(service: Service, env: Mapping[str, str], region: str) -> str:
    """Where a service is, as boto3 would find it."""
    override = env.get(f"AWS_ENDPOINT_URL_{service.variable}") or env.get("AWS_ENDPOINT_URL")
    return override or f"https://{service.host.format(region=region)}"


def _document(answer: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return document if isinstance(document, dict) else {}
