"""A real HTTP server on loopback that plays a vendor: checks each request against the vendor's documents, answers as they say."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    status: int = 200
    body: Any = None
    """Text, bytes, or what is sent as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0


class Refused(Exception):
    """The request is not as the document wants it; `reply` is what the vendor says then."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.body))
        self.reply = reply


class Vendor:
    """`faults` are answered first, in their order, to requests that are fine otherwise."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refusals: list[str] = []
        """What was wrong with requests that the vendor did not take."""
        self.faults: list[Reply] = []
        self.url = ""
        self._lock = threading.Lock()

    def check(self, request: Request) -> Reply:
        """The vendor's answer; raises `Refused`."""
        raise NotImplementedError

    def take(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if self.faults:
                return self.faults.pop(0)
            try:
                return self.check(request)
            except Refused as refusal:
                self.refusals.append(str(refusal))
                return refusal.reply


@contextmanager
def serving(vendor: Vendor) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = vendor.take(Request(self.command, self.path, headers, body))
            time.sleep(reply.after)
            content = reply.body if isinstance(reply.body, bytes) else as_bytes(reply.body)
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            with suppress(ConnectionError):
                # Who asked may not have waited.
                self.end_headers()
                self.wfile.write(content)

        do_POST = do_PATCH = do_GET = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    vendor.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()


def units(text: str) -> int:
    """Characters as JavaScript counts them, the strictest way."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_text(value: Any, most: int, least: int = 1) -> bool:
    """A text of a length that can be sent as UTF-8 and has no control characters but new lines and tabs."""
    if not isinstance(value, str) or not least <= units(value) <= most:
        return False
    return all(character in "\n\t" or (character >= " " and not "\x7f" <= character <= "\x9f") for character in value) and not any(
        "\ud800" <= character <= "\udfff" for character in value
    )
