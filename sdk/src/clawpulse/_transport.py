"""Posts batches over one kept connection."""

from __future__ import annotations

import http.client
import json
import time
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from clawpulse import _version, wire
from clawpulse._delivery import Answer
from clawpulse._settings import Settings

_MAX_ANSWER = 2**20
_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, http.client.CannotSendRequest)
"""How a kept connection shows that the server closed it meanwhile."""


class Transport(Protocol):
    """Delivers bytes and tells what came of it; never raises."""

    def post(self, body: bytes, timeout: float) -> Answer:
        """Post one batch, at most `timeout` seconds for each wait on the network."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class HttpTransport:
    """`POST /v1/batches` by http.client."""

    def __init__(self, settings: Settings) -> None:
        self._parts = urlsplit(settings.url)
        self._headers = {
            "Authorization": f"Bearer {settings.token}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": f"clawpulse-python/{_version.__version__}",
        }
        self._connection: http.client.HTTPConnection | None = None

    def post(self, body: bytes, timeout: float) -> Answer:
        kept = self._connection is not None
        try:
            return self._try(body, timeout)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            if not (kept and isinstance(error, _STALE)):
                return Answer(0, f"{type(error).__name__}: {error}".rstrip(": "))
        return self.post(body, timeout)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _try(self, body: bytes, timeout: float) -> Answer:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._open(timeout)
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        connection.request("POST", self._parts.path + wire.PATH, body, self._headers)
        response = connection.getresponse()
        text = response.read(_MAX_ANSWER)
        if response.will_close or not response.isclosed():
            self.close()
        return _answer(response, text)

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        return kind(self._parts.hostname or "", self._parts.port, timeout=timeout)


def _answer(response: http.client.HTTPResponse, text: bytes) -> Answer:
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        content = {}
    wait = _retry_after(response.getheader("Retry-After"), response.getheader("Date"))
    return Answer(response.status, _reason(response, content, text), wait, content)


def _reason(response: http.client.HTTPResponse, content: dict[str, Any], text: bytes) -> str:
    """What the server said, in a line."""
    said = content.get("detail") or content.get("title") or content.get("message") or text[:200].decode("utf-8", "replace")
    return f"{response.status} {response.reason}: {wire.CONTROL.sub(' ', str(said))[:300]}".rstrip(": ")


def _retry_after(value: str | None, date: str | None) -> float | None:
    """Seconds of a Retry-After header, in either of its forms; None for anything else. `date` is the server's clock, if it says."""
    if value is None:
        return None
    try:
        if value.strip().isdigit():
            return float(value)
        now = parsedate_to_datetime(date).timestamp() if date else time.time()
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None
