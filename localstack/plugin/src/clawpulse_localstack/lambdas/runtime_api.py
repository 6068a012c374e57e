"""The Lambda Runtime API of one execution environment: what awslambdaric talks to."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

_ROOT = "/2018-06-01/runtime/"
MAX_RESPONSE = 6 * 1024 * 1024 + 100
_TOO_LARGE = json.dumps(
    {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes).",
    }
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the function answered to one invocation."""

    request_id: str
    payload: bytes
    failed: bool


class RuntimeApi:
    """A loopback server for exactly one process; invocations go in, outcomes come out."""

    def __init__(self, timeout: int) -> None:
        self.ready = threading.Event()
        """Set once the function has initialised, or failed to."""
        self.init_error: bytes | None = None
        self.outcomes: queue.Queue[Outcome] = queue.Queue()
        self.timeout = timeout
        self._pending: queue.Queue[Mapping[str, str] | None] = queue.Queue()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True, name="runtime-api").start()

    @property
    def address(self) -> str:
        """For `AWS_LAMBDA_RUNTIME_API`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def submit(self, invocation: Mapping[str, str]) -> None:
        """Hand an invocation to the process's next poll."""
        self._pending.put(invocation)

    def next_invocation(self) -> Mapping[str, str] | None:
        """Wait for the next invocation; None when the environment closes."""
        self.ready.set()
        return self._pending.get()

    def init_failed(self, error: bytes) -> None:
        """Keep why the function's module could not be loaded."""
        self.init_error = error
        self.ready.set()

    def close(self) -> None:
        """Stop serving and let a waiting poll go."""
        self._pending.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that is ended drops its connection; anything else goes to LocalStack's log."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one write

    @property
    def _api(self) -> RuntimeApi:
        return cast("_Server", self.server).api

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the function's own log tells."""

    def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self) -> None:
        """`invocation/next`: the only thing the runtime client asks for."""
        invocation = self._api.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation["invoke-id"],
            "Lambda-Runtime-Invoked-Function-Arn": invocation["invoked-function-arn"],
            "Lambda-Runtime-Trace-Id": invocation["trace-id"],
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._api.timeout) * 1000)),
        }
        try:
            self._reply(200, headers, invocation["payload"].encode())
        except OSError:  # the process ended while it waited
            self.close_connection = True

    def do_POST(self) -> None:
        """`init/error`, `invocation/<id>/response` or `invocation/<id>/error`."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.path.removeprefix(_ROOT).strip("/").split("/"):
            case ["init", "error"]:
                self._api.init_failed(body)
            case ["invocation", request_id, "response"] if len(body) > MAX_RESPONSE:
                self._api.outcomes.put(Outcome(request_id, _TOO_LARGE.encode(), failed=True))
            case ["invocation", request_id, ("response" | "error") as kind]:
                self._api.outcomes.put(Outcome(request_id, body, failed=kind == "error"))
            case _:
                self._reply(404, {}, b'{"errorType":"NotFound"}')
                return
        self._reply(202, {}, b'{"status":"OK"}')
