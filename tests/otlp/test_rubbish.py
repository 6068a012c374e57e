"""Whatever is posted: taken, or refused with a reason. Never a 500, never a batch that does not add up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.otlp.support import NOW, NS, World, protobuf, recorded

PATHS = ("/v1/metrics", "/v1/traces", "/v1/logs")
RECORDED = [(post["path"], protobuf(post["path"], post["body"])) for post in recorded()]


def some_int(low: int, high: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(max(low, 0), 3), st.sampled_from([low, high]), st.integers(low, high))


unsigned, signed, small = some_int(0, 2**64 - 1), some_int(-(2**63), 2**63 - 1), some_int(-(2**31), 2**31 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
doubles = st.one_of(st.sampled_from([0.0, 1.0, 2.5, -1.0]), st.sampled_from([1e300, "NaN", "Infinity", "-Infinity"]), finite)
recent = st.sampled_from([NOW * NS, (NOW - 5) * NS, (NOW - 70_000) * NS])
times = st.one_of(recent, recent, recent, unsigned)
values = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"stringValue": st.text(max_size=6)}),
        st.fixed_dictionaries({"intValue": signed}),
        st.fixed_dictionaries({"doubleValue": doubles}),
        st.fixed_dictionaries({"boolValue": st.booleans()}),
        st.just({}),
    ),
    lambda inner: st.fixed_dictionaries({"arrayValue": st.fixed_dictionaries({"values": st.lists(inner, max_size=3)})}),
    max_leaves=4,
)
KNOWN = ["service.instance.id", "env", "error.type", "openclaw.outcome", "gen_ai.token.type", "é", ""]
attributes = st.lists(st.fixed_dictionaries({"key": st.one_of(st.sampled_from(KNOWN), st.text(max_size=4)), "value": values}), max_size=4)
counts = st.lists(st.one_of(st.integers(0, 3), unsigned), max_size=4)


@st.composite
def point(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """A data point; its counts add up half of the time."""
    found: dict[str, Any] = {"timeUnixNano": draw(times), "attributes": draw(attributes), "flags": draw(st.sampled_from([0, 0, 0, 1, 7]))}
    if draw(st.booleans()):
        found["startTimeUnixNano"] = draw(times)
    if kind in ("gauge", "sum"):
        return found | draw(st.sampled_from([{"asDouble": draw(doubles)}, {"asInt": draw(signed)}, {}]))
    found |= draw(st.fixed_dictionaries({}, optional={"sum": doubles, "min": doubles, "max": doubles}))
    bucketed, total = draw(counts), 0
    if kind == "summary":
        quantile = st.fixed_dictionaries({"quantile": doubles, "value": doubles})
        known = {"timeUnixNano": found["timeUnixNano"], "count": draw(unsigned), "sum": draw(doubles), "attributes": found["attributes"]}
        return known | {"quantileValues": draw(st.lists(quantile, max_size=2))}
    if kind == "histogram":
        size = max(0, len(bucketed) - 1)
        bounds = sorted(draw(st.lists(st.floats(-1e3, 1e3), min_size=size, max_size=size, unique=True)))
        found |= {"bucketCounts": bucketed, "explicitBounds": bounds}
    else:
        zero = draw(st.integers(0, 2))
        side = {"offset": draw(st.one_of(st.integers(-50, 50), small)), "bucketCounts": bucketed}
        sign = draw(st.sampled_from(["positive", "negative"]))
        found |= {"scale": draw(st.one_of(st.integers(-12, 22), small)), "zeroCount": zero, sign: side}
        total = zero
    found["count"] = min(sum(bucketed) + total, 2**64 - 1) if draw(st.booleans()) else draw(unsigned)
    return found


def metric(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    names = st.one_of(st.sampled_from(["openclaw.tokens", "openclaw.queue.depth", "gen_ai.client.operation.duration"]), st.text(max_size=5))
    more = {"aggregationTemporality": st.integers(0, 2)} if kind not in ("gauge", "summary") else {}
    monotonic = {"isMonotonic": st.booleans()} if kind == "sum" else {}
    data = st.fixed_dictionaries({"dataPoints": st.lists(point(kind), min_size=1, max_size=3), **more, **monotonic})
    return st.fixed_dictionaries({"name": names, kind: data})


metrics = st.one_of(*map(metric, ("gauge", "sum", "histogram", "exponentialHistogram", "summary")))
span = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["", "openclaw.run", "é"]),
        "traceId": st.sampled_from(["ab" * 16, "cd" * 16, ""]),
        "startTimeUnixNano": st.one_of(st.just((NOW - 80_000) * NS), times),
        "endTimeUnixNano": times,
    },
    optional={
        "attributes": attributes,
        "flags": st.integers(0, 2**32 - 1),
        "parentSpanId": st.sampled_from(["", "ab" * 8]),
        "status": st.fixed_dictionaries({"code": st.integers(0, 4), "message": st.text(max_size=5)}),
        "events": st.lists(st.fixed_dictionaries({"name": st.just("exception"), "attributes": attributes}), max_size=2),
    },
)
log = st.fixed_dictionaries({"timeUnixNano": times, "severityNumber": st.integers(0, 25), "body": values, "attributes": attributes})
scope = st.fixed_dictionaries({"name": st.sampled_from(["openclaw", "app", ""])})
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(-(2**70), 2**70), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["resource", "scopeMetrics", "key", "x"]), inner)),
    max_leaves=8,
)


def request(group: str, inner: str, name: str, held: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    named = st.just([{"key": "service.instance.id", "value": {"stringValue": "agent-7"}}])
    said = st.one_of(named, named, named, attributes)
    scoped = st.lists(st.fixed_dictionaries({"scope": scope, name: st.lists(held, min_size=1, max_size=3)}), min_size=1, max_size=2)
    whole = st.fixed_dictionaries({"resource": st.fixed_dictionaries({"attributes": said}), inner: scoped})
    return st.fixed_dictionaries({group: st.lists(whole, min_size=1, max_size=2)})


REQUESTS = {
    "/v1/metrics": request("resourceMetrics", "scopeMetrics", "metrics", metrics),
    "/v1/traces": request("resourceSpans", "scopeSpans", "spans", span),
    "/v1/logs": request("resourceLogs", "scopeLogs", "logRecords", log),
}


def check(world: World, path: str, body: bytes, *, as_json: bool) -> None:
    for _ in range(2):
        status, answer = world.post(path, body, as_json=as_json)
        assert status in (200, 400), answer
        totals = world.totals()
    assert world.totals() == totals
    assert world.faults == []


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=120)
@given(found=st.data())
def test_requests_of_any_content(path: str, found: st.DataObject) -> None:
    body = json.dumps(found.draw(REQUESTS[path])).encode()
    check(World(), path, body, as_json=True)


@given(st.sampled_from(PATHS), st.sampled_from(["resourceMetrics", "resourceSpans", "resourceLogs"]), anything)
def test_json_of_any_kind(path: str, key: str, found: Any) -> None:
    for document in (found, {key: found}, {key: [{"scopeMetrics": found, "scopeSpans": found, "scopeLogs": found}]}):
        check(World(), path, json.dumps(document).encode(), as_json=True)


@pytest.mark.parametrize("path", PATHS)
@given(body=st.binary(max_size=200))
def test_bytes_of_any_kind(path: str, body: bytes) -> None:
    check(World(), path, body, as_json=False)


@given(st.sampled_from(RECORDED), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6))
def test_recorded_requests_with_wrong_bytes(sent: tuple[str, bytes], wrong: list[tuple[int, int]]) -> None:
    path, body = sent[0], bytearray(sent[1])
    for place, byte in wrong:
        body[place % len(body)] = byte
    check(World(), path, bytes(body), as_json=False)
