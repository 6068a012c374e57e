"""A real HTTP server on loopback that plays ClawPulse's API: answers as scripted, keeps what was posted, each batch id once."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clawpulse.sketch import Sketch


@dataclass
class Reply:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    after: float = 0.0
    close: bool = False


@dataclass
class Post:
    body: bytes
    headers: Mapping[str, str]
    connection: int
    time: float
    status: int

    @property
    def batch(self) -> dict[str, Any]:
        return json.loads(gzip.decompress(self.body))


class Server:
    """`replies` are given in order, then `default`. `conflicts` are ids that came with two contents, which must not happen."""

    def __init__(self, port: int = 0) -> None:
        self.posts: list[Post] = []
        self.conflicts: list[tuple[Any, ...]] = []
        self._texts: dict[tuple[Any, ...], bytes] = {}
        self.replies: list[Reply] = []
        self.default = Reply()
        self._changed = threading.Condition()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = server._take(body, dict(self.headers), self.client_address[1], self.path)
                time.sleep(reply.after)
                answer = json.dumps(reply.body).encode()
                self.send_response_only(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                self.close_connection = reply.close

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self._http.server_port}/prod"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _take(self, body: bytes, headers: Mapping[str, str], connection: int, path: str) -> Reply:
        with self._changed:
            reply = self.replies.pop(0) if self.replies else self.default
            if path != "/prod/v1/batches":
                reply = Reply(404)
            elif reply.status == 200:
                self._compare(gzip.decompress(body))
            self.posts.append(Post(body, headers, connection, time.monotonic(), reply.status))
            self._changed.notify_all()
        return reply

    def _compare(self, text: bytes) -> None:
        identity = batch_id(json.loads(text))
        if self._texts.setdefault(identity, text) != text:
            self.conflicts.append(identity)

    @property
    def batches(self) -> list[dict[str, Any]]:
        """What was accepted, each batch id once."""
        seen = {}
        for post in list(self.posts):
            if post.status == 200:
                batch = post.batch
                seen.setdefault(batch_id(batch), batch)
        return list(seen.values())

    @property
    def full_batches(self) -> list[dict[str, Any]]:
        """Without heartbeats."""
        return [batch for batch in self.batches if batch.keys() & {"series", "events", "sketches"}]

    def values(self, name: str) -> list[float]:
        return [
            value for batch in self.batches for series in batch.get("series", ()) if series["name"] == name for value in series["values"]
        ]

    def sketches(self, name: str) -> list[Sketch]:
        """What arrived of a metric in sketches."""
        rows = [row for batch in self.batches for row in batch.get("sketches", ()) if row["name"] == name]
        return [Sketch.from_bytes(base64.b64decode(row["sketch"])) for row in rows]

    def count(self, name: str) -> int:
        """Values of a metric that arrived, in whatever form."""
        return len(self.values(name)) + sum(sketch.count for sketch in self.sketches(name))

    def event_count(self, name: str) -> int:
        return sum(len(row["times"]) for batch in self.batches for row in batch.get("events", ()) if row["name"] == name)

    def wait(self, condition: Callable[[], bool], seconds: float = 15.0) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, seconds), f"not within {seconds} s; posts: {[(p.status, p.batch) for p in self.posts]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def batch_id(batch: Mapping[str, Any]) -> tuple[Any, ...]:
    return batch["agent"], batch["epoch"], batch["seq"]


@contextmanager
def running_server(port: int = 0) -> Iterator[Server]:
    server = Server(port)
    try:
        yield server
    finally:
        server.close()
