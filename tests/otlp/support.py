"""OTLP requests to test with, and the intake with stores in memory behind a real HTTP server."""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import isfinite
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from functions.domain.rollup_codec import rows
from functions.domain.times import MINUTE_MS
from functions.otlp.handler import handle
from functions.otlp.service import Otlp
from functions.ports import BatchWriter, ExporterStore, RawWriter
from tests.fakes.batches import MemoryBatches
from tests.fakes.exporters import MemoryExporters
from tests.fakes.fleet import MemoryFleet
from tests.fakes.raw import MemoryRaw

NOW = 29_924_640 * MINUTE_MS + 20_000
"""ms; 20 s into a minute."""
NS = 1_000_000
REQUESTS: dict[str, Any] = {
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}
FIXTURE = Path(__file__).parent / "fixtures" / "openclaw.jsonl"
TRACE = "5b8efff798038103d269b633813fc60c"
PROTOBUF, JSON = "application/x-protobuf", "application/json"


def recorded() -> list[dict[str, Any]]:
    """What an OpenClaw 2026.4.29 sent, post by post."""
    return [json.loads(line) for line in FIXTURE.read_text().splitlines()]


def ns(ms: int) -> str:
    """A time as OTLP's JSON has it."""
    return str(ms * NS)


def attributes(**said: Any) -> list[dict[str, Any]]:
    """Attributes; two underscores stand for a dot."""
    kinds = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
    return [{"key": key.replace("__", "."), "value": {kinds[type(value)]: value}} for key, value in said.items()]


def metrics(*found: dict[str, Any], scope: str = "app", **resource: Any) -> dict[str, Any]:
    """A metrics request of one resource."""
    said = attributes(**(resource or {"service__instance__id": "agent-7"}))
    return {"resourceMetrics": [{"resource": {"attributes": said}, "scopeMetrics": [{"scope": {"name": scope}, "metrics": list(found)}]}]}


def point(value: float, *, at: int = NOW, start: int | None = None, **said: Any) -> dict[str, Any]:
    """A data point of a number; times in ms."""
    number = {"asInt": str(value)} if isinstance(value, int) else {"asDouble": value if isfinite(value) else "NaN"}
    began = {} if start is None else {"startTimeUnixNano": ns(start)}
    return {"timeUnixNano": ns(at), **began, **number, "attributes": attributes(**said)}


def gauge(name: str, *points: dict[str, Any], unit: str = "") -> dict[str, Any]:
    return {"name": name, "unit": unit, "gauge": {"dataPoints": list(points)}}


def counter(name: str, *points: dict[str, Any], unit: str = "", temporality: int = 2, monotonic: bool = True) -> dict[str, Any]:
    """A sum, cumulative unless `temporality` is 1."""
    return {
        "name": name,
        "unit": unit,
        "sum": {"aggregationTemporality": temporality, "isMonotonic": monotonic, "dataPoints": list(points)},
    }


def histogram(name: str, *points: dict[str, Any], unit: str = "", temporality: int = 2) -> dict[str, Any]:
    return {"name": name, "unit": unit, "histogram": {"aggregationTemporality": temporality, "dataPoints": list(points)}}


def span(name: str = "work", *, ms: int = 100, end: int = NOW, trace: str = TRACE, parent: str = "", **more: Any) -> dict[str, Any]:
    """A span that ended at `end`."""
    times = {"startTimeUnixNano": ns(end - ms), "endTimeUnixNano": ns(end)}
    return {"name": name, "traceId": trace, "spanId": "eee19b7ec3c1b174", "parentSpanId": parent, **times, **more}


def traces(*spans: dict[str, Any], scope: str = "app", **resource: Any) -> dict[str, Any]:
    said = attributes(**(resource or {"service__instance__id": "agent-7"}))
    return {"resourceSpans": [{"resource": {"attributes": said}, "scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}]}]}


def logs(*records: dict[str, Any], **resource: Any) -> dict[str, Any]:
    said = attributes(**(resource or {"service__instance__id": "agent-7"}))
    return {"resourceLogs": [{"resource": {"attributes": said}, "scopeLogs": [{"scope": {"name": "app"}, "logRecords": list(records)}]}]}


def record(body: Any, severity: int = 17, *, at: int = NOW, **more: Any) -> dict[str, Any]:
    return {"timeUnixNano": ns(at), "severityNumber": severity, "body": body if isinstance(body, dict) else {"stringValue": body}, **more}


def protobuf(path: str, document: Mapping[str, Any]) -> bytes:
    """A request of OTLP's JSON as protobuf."""
    as_base64 = json.loads(json.dumps(document), object_hook=_ids)
    data: bytes = ParseDict(as_base64, REQUESTS[path]()).SerializeToString()
    return data


def _ids(value: dict[str, Any]) -> dict[str, Any]:
    hexadecimal = {key: value[key] for key in ("traceId", "spanId", "parentSpanId") if key in value and not value[key].endswith("=")}
    return {**value, **{key: base64.b64encode(bytes.fromhex(text)).decode() for key, text in hexadecimal.items()}}


def event(path: str, body: bytes, headers: Mapping[str, str] | None = None, **authorizer: str) -> dict[str, Any]:
    """What the gateway calls the function with, as for a good token unless `authorizer` says otherwise."""
    context = {"workspace": "ws", "tokenId": "t", "scopes": "ingest", "tags": "", "state": "active", **authorizer}
    return {
        "httpMethod": "POST",
        "path": path,
        "headers": dict(headers or {}),
        "requestContext": {"requestId": "r-1", "authorizer": context},
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


class World:
    """The intake and its stores."""

    def __init__(self, *, keeps_raw: bool = True, batches: BatchWriter | None = None, exporters: ExporterStore | None = None) -> None:
        self.batches = MemoryBatches()
        self.raw = MemoryRaw()
        self.fleet = MemoryFleet()
        self.exporters = MemoryExporters()
        self.faults: list[str] = []
        self.otlp = self.process(keeps_raw=keeps_raw, batches=batches, exporters=exporters)

    def process(
        self,
        *,
        keeps_raw: bool = True,
        batches: BatchWriter | None = None,
        exporters: ExporterStore | None = None,
        raw: RawWriter | None = None,
    ) -> Otlp:
        """Another process of the function, that remembers nothing itself."""
        return Otlp(
            batches=batches or self.batches,
            raw=(raw or self.raw) if keeps_raw else None,
            settings=self.fleet,
            exporters=exporters or self.exporters,
            report=lambda message, error: self.faults.append(f"{message}: {error}"),
        )

    def post(self, path: str, document: Any, *, now: int = NOW, as_json: bool = False, otlp: Otlp | None = None, **options: Any) -> Any:
        """Post a request; the status, and the answer's message or what it says as JSON."""
        headers = {"Content-Type": JSON if as_json else PROTOBUF, **options.pop("headers", {})}
        body = document if isinstance(document, bytes) else json.dumps(document).encode() if as_json else protobuf(path, document)
        answer = handle(event(path, body, headers, **options), otlp or self.otlp, now)
        return answer["statusCode"], answer

    def accept(self, path: str, document: Any, **options: Any) -> None:
        """Post a request of which everything has to be taken."""
        status, answer = self.post(path, document, **options)
        assert (status, answer["body"]) == (200, "{}" if options.get("as_json") else "")

    def totals(self, agent: str | None = None) -> dict[str, tuple[int, float]]:
        """Count and sum of each metric over everything that was written."""
        found: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        for stored, _ in self.batches.items.values():
            for row in rows(stored.data) if agent in (None, stored.agent) else ():
                count, total = found[row.key.name]
                found[row.key.name] = (count + row.count, total + row.sum)
        return dict(found)

    def tags(self, name: str) -> list[dict[str, str]]:
        """Tags of a metric's series."""
        return [dict(row.key.tags) for stored, _ in self.batches.items.values() for row in rows(stored.data) if row.key.name == name]

    def agents(self) -> set[str]:
        """Who was heard of."""
        return {stored.agent for stored, _ in self.batches.items.values()}

    def raw_values(self, table: str) -> list[dict[str, Any]]:
        """Raw records, dimensions and values in one."""
        return [{"measure": key[1], **dict(key[3]), **values} for key, values in self.raw.records.items() if key[0] == table]


class _Handler(BaseHTTPRequestHandler):
    """HTTP into events and back, as the gateway does it, chunked bodies put together."""

    protocol_version = "HTTP/1.1"
    answer: Callable[[dict[str, Any]], dict[str, Any]]

    def do_POST(self) -> None:
        answer = type(self).answer(event(self.path, self._body(), dict(self.headers.items())))
        data = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, value in {**answer["headers"], "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[str]:
    """Serve a function on 127.0.0.1; yields the URL."""
    kind = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
