"""The official SDK and its exporters send over real sockets, and everything comes out right."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from functions.domain.rollup_codec import rows
from functions.domain.tasks import count_tasks
from functions.otlp.handler import handle
from tests.otlp.support import World, serving

HEADERS = {"authorization": "Bearer cp_x", "x-clawpulse-agent": "sdk-1"}
RESOURCE = Resource.create({"service.name": "worker", "service.version": "1.2.3", "env": "prod"})
DELTA = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}


@dataclass
class Server:
    world: World
    url: str
    requests: list[dict[str, Any]]


@pytest.fixture
def server() -> Iterator[Server]:
    world = World()
    seen: list[dict[str, Any]] = []

    def answer(event: dict[str, Any]) -> dict[str, Any]:
        seen.append(event)
        return handle(event, world.otlp, time.time_ns() // 1_000_000)

    with serving(answer) as url:
        yield Server(world, url, seen)


def reader(server: Server, **options: Any) -> PeriodicExportingMetricReader:
    exporter = OTLPMetricExporter(endpoint=f"{server.url}/v1/metrics", headers=HEADERS, **options)
    return PeriodicExportingMetricReader(exporter, export_interval_millis=600_000)


@pytest.mark.parametrize("temporality", [None, DELTA])
@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_metrics(server: Server, compression: Compression, temporality: Any) -> None:
    views = [View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())]
    provider = MeterProvider(
        [reader(server, compression=compression, preferred_temporality=temporality)], resource=RESOURCE, views=views, shutdown_on_exit=False
    )
    meter = provider.get_meter("app")
    requests, took = meter.create_counter("requests"), meter.create_histogram("took", unit="ms")
    exponential, usage = meter.create_histogram("exponential"), meter.create_histogram("gen_ai.client.token.usage")
    open_, temperature = meter.create_up_down_counter("open"), meter.create_gauge("temperature")
    for turn in range(3):
        for value in (3.0, 40.0, 800.0):
            requests.add(1, {"tier": "fast", "user": f"u{turn}"})
            took.record(value * (turn + 1))
            exponential.record(value * (turn + 1))
            usage.record(100, {"gen_ai.token.type": "input", "gen_ai.request.model": "m"})
            usage.record(7, {"gen_ai.token.type": "output", "gen_ai.request.model": "m"})
        open_.add(2)
        temperature.set(20.5 + turn)
        assert provider.force_flush()
    provider.shutdown()

    totals = server.world.totals("sdk-1")
    counts = count_tasks((name, count, total) for name, (count, total) in totals.items())
    assert totals["requests"][1] == 9
    assert totals["took"] == totals["exponential"] == (9, pytest.approx(843.0 * 6))
    assert (counts.tokens_in, counts.tokens_out) == (900, 63)
    # At shutdown the reader collects once more.
    assert totals["open"][1] in (12, 18)
    assert totals["temperature"][0] in (3, 4)
    assert server.world.tags("requests")[0] == {"tier": "fast"}
    for stored, _ in server.world.batches.items.values():
        assert (stored.info.tags, stored.info.versions) == ({"env": "prod"}, {"service": "1.2.3"})
        for row in rows(stored.data):
            if row.key.name == "exponential":
                assert 3.0 <= row.min <= row.max <= 2400.0
    assert (server.requests[0]["headers"].get("Content-Encoding") == "gzip") is (compression is Compression.Gzip)


def test_a_process_that_starts_again_is_another_exporter_of_the_same_agent(server: Server) -> None:
    for number in (1, 2):
        provider = MeterProvider([reader(server)], resource=Resource.create({"process.pid": number}), shutdown_on_exit=False)
        counter = provider.get_meter("app").create_counter("requests")
        for _ in range(2):
            counter.add(5)
            provider.force_flush()
        provider.shutdown()
    assert server.world.totals("sdk-1")["requests"] == (4, 20.0)


def test_traces(server: Server) -> None:
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{server.url}/v1/traces", headers=HEADERS)))
    tracer = provider.get_tracer("agent")
    usage = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 50, "gen_ai.usage.output_tokens": 5, "gen_ai.request.model": "m"}
    for number in range(3):
        with tracer.start_as_current_span(
            "invoke_agent", kind=SpanKind.INTERNAL, attributes={"gen_ai.operation.name": "invoke_agent"}
        ) as root:
            with tracer.start_as_current_span("chat m", kind=SpanKind.CLIENT, attributes=usage):
                pass
            if number == 2:
                root.record_exception(TimeoutError("too slow"))
                root.set_status(Status(StatusCode.ERROR, "too slow"))
    provider.shutdown()

    totals = server.world.totals("sdk-1")
    counts = count_tasks((name, count, total) for name, (count, total) in totals.items())
    assert (counts.finished, counts.failed, counts.tokens_in) == (3, 1, 0)
    assert server.world.tags("task.errors") == [{"error": "TimeoutError"}]
    by_task: dict[str, list[dict[str, Any]]] = {}
    for record in server.world.raw_values("tasks"):
        by_task.setdefault(record["task_id"], []).append(record)
    assert len(by_task) == 3
    for records in by_task.values():
        assert sum(record.get("tokens_in", 0) for record in records) == 50
        assert sum("latency_ms" in record for record in records) == 1
    (failed,) = [record for record in server.world.raw_values("tasks") if record.get("status") == "failed"]
    assert (failed["error"], json.loads(failed["attributes"])["message"]) == ("TimeoutError", "too slow")


def test_logs(server: Server) -> None:
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{server.url}/v1/logs", headers=HEADERS)))
    logger = provider.get_logger("app")
    now = time.time_ns()
    for severity, body in ((SeverityNumber.INFO, "hello"), (SeverityNumber.WARN, "hm"), (SeverityNumber.ERROR, "token=hunter2 refused")):
        logger.emit(timestamp=now, severity_number=severity, severity_text=severity.name, body=body)
    provider.shutdown()
    assert server.world.totals("sdk-1") == {"log.warnings": (1, 1.0), "log.error": (1, 1.0)}
    (event,) = server.world.raw_values("events")
    assert json.loads(event["payload"])["body"] == "token=[redacted] refused"


def test_what_no_retry_can_mend_is_sent_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    exporter = OTLPLogExporter(endpoint=f"{server.url}/v1/logs", headers={"authorization": "Bearer cp_x"})
    provider = LoggerProvider(resource=Resource.create(), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("app").emit(timestamp=time.time_ns(), severity_number=SeverityNumber.ERROR, body="boom")
    provider.shutdown()
    assert len(server.requests) == 1
    assert "code: 400" in caplog.text
