"""A real HTTP server on loopback that plays ClawPulse's API as strictly as the real one: what `functions.domain` refuses, it refuses."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from functions.domain.errors import InvalidInput, TooLarge
from functions.domain.intake import plan
from functions.domain.key_fingerprint import fingerprint, told

TOKEN = "cp_test_secretsecretsecret"
SALT = "0a1b2c3d"
Key = tuple[str, str, int]


@dataclass
class Post:
    """One request with a batch."""

    batch: dict[str, Any]
    status: int
    packed: bool
    time: float

    @property
    def key(self) -> Key:
        return self.batch["agent"], self.batch["epoch"], self.batch["seq"]


@dataclass
class Server:
    """Answers 200, or what `status` and `statuses` (the next ones) say. Counts a batch once, as the real one does."""

    port: int = 0
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    document: bytes | None = None
    """The desired configuration."""
    served: bytes | None = None
    """What is sent in its place."""
    keys: dict[str, str] = field(default_factory=dict)
    """The API key that the agent is to use, by provider."""
    keys_served: Callable[[str], tuple[int, bytes]] | None = None
    """What is given in its place, by provider."""
    keys_asked: list[str] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    batches: dict[Key, dict[str, Any]] = field(default_factory=dict)
    conflicts: list[Key] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    connections: int = 0
    _digests: dict[Key, str] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                server.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(*server.take(self.path, self.headers.get("Authorization", ""), self.headers.get("Content-Encoding", ""), body))

            def do_GET(self) -> None:
                self._answer(*server.give(self.path, self.headers.get("Authorization", ""), self.headers.get("If-None-Match", "")))

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/live"

    @property
    def desired(self) -> str | None:
        return hashlib.sha256(self.document).hexdigest()[:32] if self.document is not None else None

    def take(self, path: str, authorization: str, encoding: str, body: bytes) -> tuple[int, bytes]:
        with self._changed:
            try:
                text = gzip.decompress(body) if encoding == "gzip" else body
                status, answer = self._judge(path, authorization, text)
                self.posts.append(Post(json.loads(text), status, encoding == "gzip", time.monotonic()))
            except (OSError, EOFError, ValueError) as error:
                status, answer = 400, {"detail": f"not gzip or not JSON: {error}"}
                self.rejected.append(str(answer))
            self._changed.notify_all()
            return status, json.dumps(answer).encode()

    def _judge(self, path: str, authorization: str, text: bytes) -> tuple[int, dict[str, Any]]:
        status = self.statuses.pop(0) if self.statuses else self.status
        if status != 200:
            return status, {"type": "about:blank", "title": "scripted", "status": status, "detail": f"scripted {status}"}
        if path != "/live/v1/batches" or authorization != f"Bearer {TOKEN}":
            return 401, {"detail": "unknown token"}
        try:
            planned = plan(text, workspace="w", dimensions=frozenset(("tier", "shard")), scope=(), now=int(time.time() * 1000), raw=True)
        except (InvalidInput, TooLarge) as error:
            self.rejected.append(str(error))
            return 400, {"detail": str(error)}
        return self._keep(json.loads(text), text, planned.answer(False))

    def _keep(self, batch: dict[str, Any], text: bytes, planned: Any) -> tuple[int, dict[str, Any]]:
        key, digest = (batch["agent"], batch["epoch"], batch["seq"]), hashlib.sha256(text).hexdigest()
        if self._digests.setdefault(key, digest) != digest:
            self.conflicts.append(key)
            return 409, {"detail": "other content"}
        answer = msgspec.to_builtins(planned)
        self.rejected += [rejection["reason"] for rejection in answer["rejected"]] if key not in self.batches else []
        answer["duplicate"] = key in self.batches
        self.batches.setdefault(key, batch)
        if "config" in batch.get("info", {}):
            answer["desired"] = self.desired
        if "keys" in batch.get("info", {}):
            answer["desiredKeys"] = told({provider: fingerprint(key, SALT) for provider, key in self.keys.items()})
        return 200, answer

    def give(self, path: str, authorization: str, known: str) -> tuple[int, bytes]:
        parts = urlsplit(path)
        if parts.path.startswith("/live/v1/keys/") and "agent" in parse_qs(parts.query):
            return self._give_key(parts.path.rpartition("/")[2], authorization)
        if parts.path != "/live/v1/config" or "agent" not in parse_qs(parts.query):
            return 404, b"{}"
        if authorization != f"Bearer {TOKEN}":
            return 401, b"{}"
        if self.document is None:
            return 404, b"{}"
        return (304, b"") if known == f'"{self.desired}"' else (200, self.served or self.document)

    def _give_key(self, provider: str, authorization: str) -> tuple[int, bytes]:
        self.keys_asked.append(provider)
        if authorization != f"Bearer {TOKEN}":
            return 401, b"{}"
        if self.keys_served:
            return self.keys_served(provider)
        return (200, self.keys[provider].encode()) if provider in self.keys else (404, b'{"detail": "no key is assigned"}')

    def points(self, name: str, part: str = "series") -> list[tuple[float, Any]]:
        """(ms, value) of a metric over all batches in the order of their making; events have their payload for a value."""
        found = []
        for batch in sorted(self.batches.values(), key=lambda batch: (batch["time"], batch["seq"])):
            for row in batch.get(part, ()):
                if row["name"] == name:
                    values = row["values"] if part == "series" else row.get("payloads", [None] * len(row["times"]))
                    found += [(batch["time"] + time, value) for time, value in zip(row["times"], values, strict=True)]
        return found

    def values(self, name: str) -> list[Any]:
        return [value for _, value in self.points(name)]

    def wait(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, seconds), f"not within {seconds} s; {len(self.posts)} posts, {self.rejected[:3]}"

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It accepts connections and answers nothing."""
        with self._changed:
            yield

    def close(self) -> None:
        """Nobody listens any more: connections are refused."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@contextmanager
def running_server(**settings: Any) -> Iterator[Server]:
    server = Server(**settings)
    try:
        yield server
    finally:
        server.close()
