"""A loopback HTTP server that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Answers:
    """Answers by `METHOD /path`: a JSON value, or (status, value), or a function of what was asked."""

    url: str
    table: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def find(self, asked: Asked) -> tuple[int, Any]:
        self.asked.append(asked)
        found = self.table.get(
            f"{asked.method} {asked.path}", (404, {"title": "Not Found", "status": 404, "detail": f"no route {asked.path}"})
        )
        found = found(asked) if callable(found) else found
        return found if isinstance(found, tuple) else (200, found)


class _Handler(BaseHTTPRequestHandler):
    answers: Answers

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(
            self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers.items()), json.loads(data) if data else None
        )
        status, value = self.answers.find(asked)
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if status in (301, 302):
            self.send_header("Location", self.answers.url + "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  the names that http.server looks for

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def running() -> Iterator[Answers]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    answers = Answers(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"answers": answers})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
