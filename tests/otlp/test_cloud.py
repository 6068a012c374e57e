"""Through the gateway of the local cloud: binary bodies in both directions, the real stores, a real token."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from functions.adapters.batches import Batches
from functions.adapters.raw import RawQueries
from functions.domain.rollup_codec import rows
from functions.domain.times import DAY_MS, minute_of
from tests.cloud import DeployedCloud
from tests.otlp.support import JSON, PROTOBUF, gauge, metrics, point, protobuf, span, traces

pytestmark = pytest.mark.cloud

AGENT = "otlp-1"


def totals(cloud: DeployedCloud, since: int) -> dict[str, float]:
    batches = Batches(cloud.client("dynamodb"), cloud.settings.batches_table, cloud.settings.buckets)
    found: dict[str, float] = {}
    for minute in range(minute_of(since) - 1, minute_of(int(time.time() * 1000)) + 1):
        for item in batches.read_minute("default", minute):
            for row in rows(item.data) if item.agent == AGENT else ():
                found[row.key.name] = found.get(row.key.name, 0.0) + row.sum
    return found


def post(cloud: DeployedCloud, path: str, body: bytes, *, chunked: bool = False, **headers: str) -> tuple[int, str, bytes]:
    url = urlsplit(f"{cloud.api_url}{path}")
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
    said = {"Authorization": f"Bearer {cloud.token}", "x-clawpulse-agent": AGENT, **headers}
    sent: Any = iter([body[:100], body[100:]]) if chunked else body
    connection.request("POST", url.path, sent, said, encode_chunked=chunked)
    response = connection.getresponse()
    answer = response.status, response.headers["Content-Type"], response.read()
    connection.close()
    return answer


def test_the_official_exporter_speaks_to_the_gateway(cloud: DeployedCloud) -> None:
    since = int(time.time() * 1000)
    headers = {"authorization": f"Bearer {cloud.token}", "x-clawpulse-agent": AGENT}
    for number, compression in enumerate((Compression.NoCompression, Compression.Gzip)):
        exporter = OTLPMetricExporter(endpoint=f"{cloud.api_url}/v1/metrics", headers=headers, compression=compression, timeout=60)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=600_000, export_timeout_millis=60_000)
        provider = MeterProvider([reader], resource=Resource.create({"process.pid": number}), shutdown_on_exit=False)
        meter = provider.get_meter("app")
        requests, took = meter.create_counter("cloud.requests"), meter.create_histogram("cloud.took")
        for value in (3.0, 40.0):
            requests.add(2)
            took.record(value)
            assert provider.force_flush(60_000)
        provider.shutdown()
    found = totals(cloud, since)
    assert (found["cloud.requests"], found["cloud.took"]) == (8.0, pytest.approx(86.0))


def test_both_codings_pass_chunked_or_not_and_the_answer_is_in_the_same(cloud: DeployedCloud) -> None:
    now = int(time.time() * 1000)
    document = metrics(gauge("cloud.gauge", point(2.5, at=now), point(1.0, at=now - 2 * DAY_MS)))
    body = protobuf("/v1/metrics", document)
    status, kind, answer = post(cloud, "/v1/metrics", body, chunked=True, **{"Content-Type": PROTOBUF})
    assert (status, kind) == (200, PROTOBUF)
    assert ExportMetricsServiceResponse.FromString(answer).partial_success.rejected_data_points == 1
    zipped = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    status, kind, answer = post(cloud, "/v1/metrics", gzip.compress(json.dumps(document).encode()), **zipped)
    assert (status, kind, json.loads(answer)["partialSuccess"]["rejectedDataPoints"]) == (200, JSON, "1")
    status, kind, answer = post(cloud, "/v1/metrics", b"\xff\xff", **{"Content-Type": PROTOBUF})
    assert (status, kind, answer[:2]) == (400, PROTOBUF, b"\x08\x03")
    assert totals(cloud, now)["cloud.gauge"] == 5.0


def test_spans_are_in_the_feed(cloud: DeployedCloud) -> None:
    now = int(time.time() * 1000)
    document = traces(span("turn", ms=250, end=now, status={"code": 2}))
    assert post(cloud, "/v1/traces", json.dumps(document).encode(), **{"Content-Type": JSON})[::2] == (200, b"{}")
    assert totals(cloud, now)["task.latency_ms"] == 250.0
    queries, database = RawQueries(cloud.client("timestream-query")), cloud.settings.raw_database
    (row,) = queries.query(f"""SELECT status, latency_ms FROM "{database}"."tasks" WHERE agent = '{AGENT}'""", 2).rows
    assert (row["status"], row["latency_ms"]) == ("failed", 250.0)
