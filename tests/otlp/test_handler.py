"""From the gateway's event to its answer: encodings, refusals, errors, who is meant."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from functions.domain import usage
from functions.domain.errors import StoreUnavailable
from functions.domain.times import DAY_MS, MINUTE_MS
from functions.otlp.handler import MAX_BYTES, handle
from tests.fakes.batches import MemoryBatches
from tests.otlp.support import (
    JSON,
    NOW,
    PROTOBUF,
    World,
    counter,
    event,
    gauge,
    histogram,
    logs,
    metrics,
    ns,
    point,
    protobuf,
    record,
    span,
    traces,
)

METRICS, TRACES, LOGS = "/v1/metrics", "/v1/traces", "/v1/logs"
GAUGE = metrics(gauge("cpu", point(0.5)))


def body_of(answer: dict[str, Any]) -> bytes:
    return base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()


def problem(answer: dict[str, Any]) -> str:
    """The message of a refusal, in the encoding that it says it has."""
    if answer["headers"]["Content-Type"] == JSON:
        return str(json.loads(answer["body"])["message"])
    status = Status.FromString(body_of(answer))
    assert status.code > 0
    return str(status.message)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("headers", [{}, {"content-encoding": "gzip"}])
def test_a_request_is_taken_in_every_coding(as_json: bool, headers: dict[str, str]) -> None:
    world = World()
    body = json.dumps(GAUGE).encode() if as_json else protobuf(METRICS, GAUGE)
    status, answer = world.post(METRICS, gzip.compress(body) if headers else body, as_json=as_json, headers=headers)
    assert (status, answer["headers"]["Content-Type"]) == (200, JSON if as_json else PROTOBUF)
    assert world.totals("agent-7") == {"cpu": (1, 0.5)}


def test_json_may_have_fields_that_nobody_knows_names_of_enums_and_a_charset() -> None:
    world = World()
    document = {**metrics({**counter("requests", point(3, start=NOW - 1000)), "future": {"x": 1}}), "more": [1]}
    document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["sum"]["aggregationTemporality"] = "AGGREGATION_TEMPORALITY_DELTA"
    world.accept(METRICS, document, as_json=True, headers={"Content-Type": "application/json; charset=utf-8"})
    assert world.totals() == {"requests": (1, 3.0)}


def test_ids_in_json_are_hexadecimal() -> None:
    world = World()
    world.accept(TRACES, traces(span()), as_json=True)
    (task,) = world.raw_values("tasks")
    assert task["task_id"] == "5b8efff798038103d269b633813fc60c"


def test_both_codings_come_to_the_same() -> None:
    one, other = World(), World()
    for path, document in ((METRICS, GAUGE), (TRACES, traces(span())), (LOGS, logs(record("boom")))):
        one.accept(path, document)
        other.accept(path, document, as_json=True)
    assert one.totals() == other.totals()
    assert sorted(map(str, one.raw_values("tasks"))) != []


@pytest.mark.parametrize(
    ("path", "document", "kind", "field"),
    [
        (METRICS, metrics(gauge("cpu", point(1.0), point(2.0, at=NOW - 2 * DAY_MS))), ExportMetricsServiceResponse, "rejected_data_points"),
        (TRACES, traces(span(), span(end=NOW - 2 * DAY_MS)), ExportTraceServiceResponse, "rejected_spans"),
        (LOGS, logs(record("a"), record("b", at=NOW - 2 * DAY_MS)), ExportLogsServiceResponse, "rejected_log_records"),
    ],
)
def test_what_is_refused_is_told_and_the_rest_is_kept(path: str, document: Any, kind: Any, field: str) -> None:
    world = World()
    status, answer = world.post(path, document)
    told = kind.FromString(body_of(answer)).partial_success
    assert (status, getattr(told, field)) == (200, 1)
    assert "is more than 24 h old" in told.error_message
    status, answer = World().post(path, document, as_json=True)
    assert json.loads(answer["body"])["partialSuccess"]["rejected" + field.title().replace("_", "").removeprefix("Rejected")] == "1"
    assert len(world.totals()) >= 1


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (gauge("x", point(float("nan"))), "is nan: values are finite"),
        (gauge("x", {"timeUnixNano": ns(NOW)}), "has no value"),
        (gauge("x", point(1.0, at=0)), "has no time"),
        (gauge("x", point(1.0, at=NOW + 11 * MINUTE_MS)), "ahead of the server's clock"),
        (gauge(" ", point(1.0)), "a metric without a name"),
        (counter("x", point(1), temporality=0), "has no aggregation temporality"),
        (counter("x", point(-1), temporality=1), "below zero"),
        (histogram("x", {"timeUnixNano": ns(NOW), "count": "2", "bucketCounts": ["1", "0"], "explicitBounds": [1.0]}), "do not add up"),
        (histogram("x", {"timeUnixNano": ns(NOW), "count": str(10**10), "sum": 1.0}, temporality=1), "more than 1000000000 values"),
        (histogram("x", {"timeUnixNano": ns(NOW), "count": "2"}, temporality=1), "neither buckets nor a sum"),
    ],
)
def test_points_that_cannot_be_taken_are_refused_one_by_one(metric: Any, reason: str) -> None:
    world = World()
    status, answer = world.post(METRICS, metrics(metric, gauge("good", point(1.0))))
    told = ExportMetricsServiceResponse.FromString(body_of(answer)).partial_success
    assert (status, told.rejected_data_points) == (200, 1)
    assert reason in told.error_message
    assert world.totals() == {"good": (1, 1.0)}


def test_points_that_say_they_have_no_value_are_left_out_and_told_of() -> None:
    world = World()
    _, answer = world.post(METRICS, metrics(gauge("x", {**point(1.0), "flags": 1})))
    told = ExportMetricsServiceResponse.FromString(body_of(answer)).partial_success
    assert (told.rejected_data_points, told.error_message) == (0, "1 x x says that it has no value")
    assert (world.totals(), world.agents()) == ({}, {"agent-7"})


def test_counters_that_go_down_are_gauges_and_deltas_are_taken_as_they_are() -> None:
    world = World()
    world.accept(
        METRICS, metrics(counter("open", point(5), monotonic=False), counter("sent", point(2), point(3, at=NOW - 1), temporality=1))
    )
    assert world.totals() == {"open": (1, 5.0), "sent": (2, 5.0)}


def test_a_summary_becomes_count_sum_and_quantiles() -> None:
    world = World()
    quantiles = [{"quantile": 0.5, "value": 2.0}, {"quantile": 0.999, "value": 9.0}]
    each = {"timeUnixNano": ns(NOW), "startTimeUnixNano": ns(NOW - 1000), "count": "4", "sum": 12.0, "quantileValues": quantiles}
    world.accept(METRICS, metrics({"name": "took", "summary": {"dataPoints": [each]}}))
    assert world.totals() == {"took.count": (1, 4.0), "took.sum": (1, 12.0), "took.p50": (1, 2.0), "took.p99_9": (1, 9.0)}


def test_general_metrics_of_a_model_s_calls_are_tasks_tokens_and_calls() -> None:
    world = World()
    usage = {"timeUnixNano": ns(NOW), "count": "2", "sum": 300.0, "bucketCounts": ["0", "2"], "explicitBounds": [64.0]}
    took = {"timeUnixNano": ns(NOW), "count": "1", "sum": 0.8, "bucketCounts": ["0", "1"], "explicitBounds": [0.64]}
    attributes = [{"key": "gen_ai.request.model", "value": {"stringValue": "m"}}]
    kind = [*attributes, {"key": "gen_ai.token.type", "value": {"stringValue": "input"}}]
    failed = [*attributes, {"key": "error.type", "value": {"stringValue": "timeout"}}]
    found = (
        histogram("gen_ai.client.token.usage", {**usage, "attributes": kind}, temporality=1, unit="{token}"),
        histogram("gen_ai.client.operation.duration", {**took, "attributes": failed}, temporality=1, unit="s"),
    )
    world.accept(METRICS, metrics(*found))
    used = dict.fromkeys(("task.tokens_in", "cost.tokens_in"), (2, 300.0))
    assert world.totals() == {**used, "llm.latency_ms": (1, 800.0), "llm.errors": (1, 1.0)}
    assert world.tags("llm.errors") == [{"error": "timeout", "model": "m"}]
    # Once OpenClaw was heard of, they say nothing that it does not say itself.
    world.accept(METRICS, metrics(gauge("openclaw.up", point(1.0)), service__instance__id="agent-7", process__pid=2))
    world.accept(METRICS, metrics(*found, service__instance__id="agent-7", process__pid=3), now=NOW + 1)
    totals = world.totals()
    assert (totals["task.tokens_in"], totals["gen_ai.client.token.usage.input"]) == ((2, 300.0), (2, 300.0))


@pytest.mark.parametrize(
    ("resource", "headers", "agent"),
    [
        ({"service__instance__id": "i-1", "host__name": "h"}, {"x-clawpulse-agent": "given"}, "given"),
        ({"clawpulse__agent": "mine", "service__instance__id": "i-1"}, {}, "mine"),
        ({"service__instance__id": "i-1", "host__name": "h"}, {}, "i-1"),
        ({"service__instance__id": "3f2b8c1e-8c11-4a6e-9a49-5c7c6c1d1a11", "host__name": "h"}, {}, "h"),
        ({"service__name": "unknown_service:python", "host__name": "my host/1"}, {}, "my-host-1"),
        ({"service__name": "worker"}, {}, "worker"),
    ],
)
def test_who_the_agent_is(resource: dict[str, Any], headers: dict[str, str], agent: str) -> None:
    world = World()
    world.accept(METRICS, metrics(gauge("cpu", point(1.0)), **resource), headers=headers)
    assert world.agents() == {agent}


def test_nobody_is_told_what_to_set() -> None:
    status, answer = World().post(METRICS, metrics(gauge("cpu", point(1.0)), service__name="unknown_service:python"))
    assert status == 400
    assert "x-clawpulse-agent" in problem(answer)
    assert "service.instance.id" in problem(answer)


def test_a_collector_s_resources_are_agents_of_their_own_and_the_nameless_are_refused() -> None:
    world = World()
    groups = [metrics(gauge("cpu", point(1.0)), host__name=name)["resourceMetrics"][0] for name in ("a", "b", " ")]
    status, answer = world.post(METRICS, {"resourceMetrics": groups})
    told = ExportMetricsServiceResponse.FromString(body_of(answer)).partial_success
    assert (status, told.rejected_data_points, world.agents()) == (200, 1, {"a", "b"})


def test_tags_come_from_the_resource_the_headers_and_the_token() -> None:
    world = World()
    resource = {"host__name": "h", "deployment__environment__name": "prod", "tier": "slow", "team": "a=b", "service__version": "1.2"}
    world.accept(
        METRICS, metrics(gauge("cpu", point(1.0)), **resource), headers={"X-ClawPulse-Tags": "tier=fast,rack=7"}, tags="shard=acme"
    )
    ((stored, _),) = world.batches.items.values()
    assert stored.info.tags == {"env": "prod", "tier": "fast", "team": "a_b", "rack": "7", "shard": "acme"}
    assert (stored.info.host, stored.info.versions, stored.info.scope) == ("h", {"service": "1.2"}, {"shard": "acme"})
    assert world.tags("cpu") == [{"shard": "acme"}]


def test_a_tag_that_is_none_for_a_dimension_is_left_out_and_told() -> None:
    world = World()
    status, answer = world.post(METRICS, GAUGE, headers={"X-ClawPulse-Tags": "env=a|b,rack=7"})
    told = ExportMetricsServiceResponse.FromString(body_of(answer)).partial_success
    assert (status, told.rejected_data_points) == (200, 0)
    assert "tag env: the value of a dimension has none of" in told.error_message
    ((stored, _),) = world.batches.items.values()
    assert stored.info.tags == {"rack": "7"}


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        ({"state": "expired"}, 401, "the token is expired"),
        ({"workspace": ""}, 401, "no token"),
        ({"scopes": "read"}, 403, "this needs the scope ingest"),
        ({"tags": "env=test", "headers": {"x-clawpulse-tags": "env=prod"}}, 403, "contradicts the token"),
        ({"headers": {"Content-Type": "text/plain"}}, 415, "'text/plain' is not possible"),
        ({"headers": {"Content-Type": ""}}, 415, "application/x-protobuf"),
        ({"headers": {"Content-Encoding": "br"}}, 400, "content encoding"),
        ({"headers": {"x-clawpulse-agent": "a b"}}, 400, "x-clawpulse-agent: has characters"),
        ({"headers": {"x-clawpulse-tags": "a"}}, 400, "x-clawpulse-tags"),
        ({"headers": {"x-clawpulse-tags": "9=a"}}, 400, "9"),
        ({"headers": {"x-clawpulse-count": "both"}}, 400, "must be metrics or traces"),
    ],
)
def test_what_may_not_be(options: dict[str, Any], status: int, told: str) -> None:
    world = World()
    found, answer = world.post(METRICS, GAUGE, **options)
    assert found == status
    assert told in problem(answer)
    assert world.batches.items == {}


@pytest.mark.parametrize(
    ("body", "as_json", "status"),
    [
        (b"\xff\xff", False, 400),
        (b"{", True, 400),
        (b"[]", True, 400),
        (b"", True, 400),
        (b'{"resourceMetrics": 7}', True, 400),
        (b'{"resourceMetrics": [{"resource": {"attributes": [{"key": 7}]}}]}', True, 400),
        (b'{"x":' * 100_000, True, 400),
        (b"\x1f\x8bxx", False, 400),
        (b"\0" * (MAX_BYTES + 1), False, 413),
        (gzip.compress(b"\0" * 50_000_000), False, 413),
    ],
)
def test_what_cannot_be_read(body: bytes, as_json: bool, status: int) -> None:
    found, answer = World().post(METRICS, body, as_json=as_json)
    assert found == status
    assert problem(answer)


def test_an_id_that_is_none_is_named() -> None:
    status, answer = World().post(TRACES, traces(span(trace="xyz")), as_json=True)
    assert (status, problem(answer)) == (400, "traceId: is not hexadecimal")


def test_an_empty_request_is_good() -> None:
    assert World().post(METRICS, b"")[0] == 200
    assert World().post(METRICS, b"{}", as_json=True)[0] == 200


def test_a_store_that_is_away_is_503_with_a_time_to_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    class Away(MemoryBatches):
        def put(self, *_: Any) -> Any:
            raise StoreUnavailable("dynamodb: ThrottlingException", retry_after_s=7)

    status, answer = World(batches=Away()).post(METRICS, GAUGE)
    assert (status, answer["headers"]["Retry-After"], problem(answer)) == (503, "7", "dynamodb: ThrottlingException")
    assert json.loads(capsys.readouterr().out)["service"] == "otlp"


def test_a_bug_is_500_without_details_and_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(MemoryBatches):
        def put(self, *_: Any) -> Any:
            raise ZeroDivisionError("secret detail")

    status, answer = World(batches=Broken()).post(METRICS, GAUGE)
    assert status == 500
    assert "secret detail" not in problem(answer)
    assert json.loads(capsys.readouterr().out)["error"] == "ZeroDivisionError"


def test_good_requests_and_bad_input_leave_no_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    World().post(METRICS, GAUGE)
    World().post(METRICS, b"{", as_json=True)
    assert capsys.readouterr().out == ""


def test_the_same_bytes_make_the_same_batches() -> None:
    world = World()
    for path, document in ((METRICS, GAUGE), (TRACES, traces(span())), (LOGS, logs(record("boom")))):
        world.accept(path, document)
        items, records = dict(world.batches.items), dict(world.raw.records)
        world.accept(path, document, now=NOW + 5)
        assert (world.batches.items, world.raw.records) == (items, records)


def test_a_large_request_becomes_several_batches() -> None:
    world = World()
    points = [point(1.0, at=NOW - i % 250 * MINUTE_MS, kind=f"k{i}") for i in range(2500)]
    world.accept(METRICS, metrics(gauge("many", *points), *(gauge(f"g{i}", point(float(i))) for i in range(250))))
    totals = world.totals()
    assert totals["many"] == (2500, 2500.0)
    assert all(totals[f"g{i}"] == (1, float(i)) for i in range(250))


def priced_runs(models: int, **options: Any) -> list[Any]:
    """What OpenClaw counted of runs that it priced: tokens and cost of so many models."""
    used = {f"m{i}": options | {"openclaw__model": f"m{i}"} for i in range(models)}
    tokens = [point(7, openclaw__token=kind, **said) for said in used.values() for kind in ("input", "output", "cache_read", "cache_write")]
    return [counter("openclaw.tokens", *tokens), counter("openclaw.cost.usd", *(point(0.25, **said) for said in used.values()))]


@pytest.mark.parametrize("temporality", [1, 2])
@pytest.mark.parametrize("others", [0, 60, 97, 980, 996, 1000])
@pytest.mark.parametrize("models", [1, 19, 30])
def test_no_cut_parts_tokens_from_their_cost(temporality: int, others: int, models: int) -> None:
    """Cuts come after 100 series and after 1,000 points, of totals and of what stands for itself."""
    world = World()
    before = [counter(f"n{i % 98}", point(1, at=NOW - 2_000 + i, start=NOW - 9_000, kind=f"k{i}")) for i in range(others)]
    figures = priced_runs(models, start=NOW - 9_000)
    for each in (*before, *figures):
        each["sum"]["aggregationTemporality"] = temporality
    world.accept(METRICS, metrics(*before, *figures, scope="openclaw"))
    totals = world.totals()
    assert totals["task.cost_usd"] == (models, models * 0.25)
    assert totals["task.tokens_in"] == (models, models * 7.0)
    assert not totals.keys() & set(usage.WITHOUT_COST.values())


@pytest.mark.parametrize(
    ("scope", "name", "said", "source"),
    [
        ("openclaw", "openclaw.cost.usd", {}, "openclaw"),
        ("billing", "task.cost_usd", {}, "billing"),
        ("billing", "task.cost_usd", {"cost_source": "contract 7"}, "contract 7"),
        ("", "task.cost_usd", {}, None),
    ],
)
def test_a_cost_says_who_priced_it(scope: str, name: str, said: dict[str, str], source: str | None) -> None:
    world = World()
    world.accept(METRICS, metrics(counter(name, point(0.5, model="m", **said), temporality=1), scope=scope))
    assert world.tags("task.cost_usd") == [{"model": "m"} if source is None else {"model": "m", "cost_source": source}]


def test_more_points_than_one_request_may_bring_are_refused_with_their_number() -> None:
    world = World()
    found = [gauge("many", *(point(1.0, kind=f"k{i}") for i in range(25_000)))]
    status, answer = world.post(METRICS, metrics(*found))
    told = ExportMetricsServiceResponse.FromString(body_of(answer)).partial_success
    assert (status, told.rejected_data_points) == (200, 5_000)
    assert "20000 points" in told.error_message
    assert world.totals()["many"] == (20_000, 20_000.0)


def test_more_minutes_and_agents_than_one_request_may_touch_are_refused() -> None:
    world = World()
    groups = [metrics(gauge("cpu", point(1.0)), host__name=f"h{i}")["resourceMetrics"][0] for i in range(310)]
    _, answer = world.post(METRICS, {"resourceMetrics": groups})
    assert ExportMetricsServiceResponse.FromString(body_of(answer)).partial_success.rejected_data_points == 10
    assert len(world.agents()) == 300


def test_a_stage_without_raw_history_keeps_rollups() -> None:
    world = World(keeps_raw=False)
    world.accept(TRACES, traces(span(ms=40)))
    world.accept(TRACES, traces(span("openclaw.run"), scope="openclaw"), now=NOW + 1)
    assert (world.totals(), world.raw.records) == ({"task.latency_ms": (1, 40.0)}, {})


def test_settings_that_change_between_a_request_and_its_retry_count_nothing_twice() -> None:
    world = World()
    document = metrics(gauge("cpu", point(1.0, colour="red")))
    world.accept(METRICS, document)
    world.fleet.put_settings("ws", "workspace", {"dimensions": ["colour"]})
    world.accept(METRICS, document, otlp=world.process(), now=NOW + 5)
    assert world.totals() == {"cpu": (1, 1.0)}


def test_an_event_without_a_body_or_headers_is_no_bug() -> None:
    answer = handle({**event(METRICS, b""), "headers": None}, World().otlp, NOW)
    assert answer["statusCode"] == 415
