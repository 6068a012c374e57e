"""A small loopback server: the page's files below a stage, and answers of the API as a test sets them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from functions.api.page import FOLDER, INDEX, SECURITY, TYPES
from tests.cli import shapes

STAGE = "/_aws/execute-api/clawpulse/live"
TOKEN = "cp_ABC_secret"
ME = {"id": "ABC", "name": "on call", "workspace": "team", "scopes": ["read", "operate", "admin"], "tags": "", "expires": None}


def stamp(seconds_ago: float = 0) -> str:
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def agent(agent_id: str, status: str = "green", reason: str = "heartbeat fresh", minutes: float = 5, **changes: Any) -> dict[str, Any]:
    found = shapes.instance(agent_id, status, reason, lastSeen=stamp(4), **changes)
    found["health"]["since"] = stamp(minutes * 60)
    return found


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any = None


@dataclass
class Site:
    """What the API answers, and what it was asked. `fault` answers everything under /api: (status, problem)."""

    url: str = ""
    agents: list[dict[str, Any]] = field(default_factory=list)
    fault: tuple[int, dict[str, Any]] | None = None
    age_s: float = 3
    warnings: list[str] = field(default_factory=list)
    budgets: list[dict[str, Any]] = field(default_factory=list)
    page_size: int = 1_000
    routes: dict[str, Any] = field(default_factory=lambda: {"/api/me": ME})
    """Answers by path, or by method and path (`POST /api/silences`): the body of a 200, a pair of status and body, or what makes one of
    a `Request`. Those of the fleet come by themselves."""
    otherwise: Callable[[Request], tuple[int, Any]] | None = None
    """What answers where `routes` has nothing, those of the fleet too."""
    sent: list[Request] = field(default_factory=list)
    """What was sent that is no GET."""
    asked: list[tuple[str, dict[str, list[str]], int]] = field(default_factory=list)
    """Path, query, and the status of the answer."""
    _as_of: str = ""

    def tick(self) -> None:
        """A new snapshot."""
        self._as_of = stamp(self.age_s)

    def reply(self, request: Request) -> tuple[int, Any]:
        """The answer to any request."""
        if self.fault:
            return self.fault
        found = self.routes.get(f"{request.method} {request.path}", self.routes.get(request.path) if request.method == "GET" else None)
        if found is None and self.otherwise:
            return self.otherwise(request)
        if found is None:
            known = request.method == "GET" and request.path.startswith(("/api/dashboard/", "/api/changes"))
            return (
                self.answer(request.path, request.query) if known else shapes.problem(404, f"no answer for {request.method} {request.path}")
            )
        made = found(request) if callable(found) else found
        return made if isinstance(made, tuple) else (200, made)

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        if path == "/api/changes":
            return 200, {"changes": [], "more": 0}
        if not self._as_of:
            self.tick()
        chosen = self._chosen(query.get("tags", [""])[0])
        if isinstance(chosen, tuple):
            return chosen
        if path == "/api/dashboard/instances":
            start = int(query.get("cursor", ["0"])[0])
            end = start + self.page_size
            return 200, shapes.instances(chosen[start:end], str(end) if end < len(chosen) else None, asOf=self._as_of)
        health = {status: sum(one["health"]["status"] == status for one in chosen) for status in ("green", "yellow", "red", "grey")}
        return 200, shapes.summary(agents=len(chosen), health=health, asOf=self._as_of, warnings=self.warnings, budgets=self.budgets)

    def _chosen(self, tags: str) -> Any:
        wanted = [part.partition("=") for part in tags.split(",") if part]
        if not all(separator for _, separator, _ in wanted):
            return shapes.problem(400, f"{tags!r} is not of the form key=value", field="tags")
        return [one for one in self.agents if all(one["tags"].get(key) == value for key, _, value in wanted)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(STAGE)
        if not path.startswith("/api/"):
            return self._file(path)
        query = parse_qs(parts.query)
        status, body = self._reply(Request("GET", path, query))
        data = json.dumps(body).encode()
        etag = f'"{hashlib.sha256(data).hexdigest()}"'
        if status == 200 and self.headers.get("If-None-Match") == etag:
            status, data = 304, b""
        self.site.asked.append((path, query, status))
        return self._send(status, data, {"Content-Type": "application/json", "ETag": etag, "Cache-Control": "private, no-cache"})

    def _change(self) -> None:
        parts = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, parts.path.removeprefix(STAGE), parse_qs(parts.query), json.loads(text) if text else None)
        self.site.sent.append(request)
        status, body = self._reply(request)
        return self._send(status, b"" if status == 204 else json.dumps(body).encode(), {"Content-Type": "application/json"})

    do_POST = do_PUT = do_PATCH = do_DELETE = _change  # noqa: N815  # as the server calls them

    def _reply(self, request: Request) -> tuple[int, Any]:
        wrong = self.headers.get("Authorization") != f"Bearer {TOKEN}"
        return (401, {"message": "Unauthorized"}) if wrong else self.site.reply(request)

    def _file(self, path: str) -> None:
        file = FOLDER / (INDEX if path == "/" else path.removeprefix("/assets/"))
        if not file.is_file():
            return self._send(404, b"", {})
        return self._send(200, file.read_bytes(), {"Content-Type": TYPES[file.suffix], **SECURITY})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def running() -> Iterator[Site]:
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}{STAGE}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def fleet(size: int) -> list[dict[str, Any]]:
    """A fleet with one of each trouble, three tiers and two shards."""
    tiers = ("fast", "smart", "batch")
    agents = [
        agent(
            f"{tiers[n % 3]}-{n:03d}",
            tags={"env": "prod", "tier": tiers[n % 3], "shard": ("acme", "globex")[n % 2]},
            tasksPerMinute=4.2 + n % 7,
        )
        for n in range(size)
    ]
    trouble = [
        (1, "red", "no progress for 6 min while 1 task is open", shapes.SILENT),
        (4, "yellow", "3 of 40 tasks failed in 5 min (8%)", {}),
        (5, "grey", "never seen", {**shapes.SILENT, "lastSeen": None}),
        (7, "red", "27 of 55 tasks failed in 5 min (49%)", {"errorRate": 0.49}),
    ]
    for place, status, reason, changes in trouble:
        if place < size:
            agents[place] |= changes
            agents[place]["health"] |= {"status": status, "reason": reason}
    return agents
