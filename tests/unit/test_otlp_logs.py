"""Log records as events and counts, without what nobody should read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.domain.batch import MAX_PAYLOAD
from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.otlp_logs import read
from functions.domain.otlp_points import Refusals
from functions.domain.otlp_samples import Sample
from functions.domain.redaction import redact, redact_text
from tests.otlp.support import NOW, REQUESTS, TRACE, attributes, logs, protobuf, record


def samples(*records: dict[str, Any]) -> list[Sample]:
    request = REQUESTS["/v1/logs"].FromString(protobuf("/v1/logs", logs(*records)))
    refusals = Refusals()
    found = list(read(request.resource_logs[0].scope_logs, frozenset(DEFAULT_DIMENSIONS), NOW, refusals))
    assert refusals.count == 0
    return found


def payload(sample: Sample) -> dict[str, Any]:
    assert sample.payload is not None
    assert len(bytes(sample.payload)) <= MAX_PAYLOAD
    said: dict[str, Any] = json.loads(bytes(sample.payload))
    return said


def test_errors_are_events_warnings_are_counted_and_the_rest_is_left_out() -> None:
    found = samples(record("boom", 17), record("fatal", 21), record("hm", 13), record("info", 9), record("what", 0))
    assert [(sample.name, sample.event) for sample in found] == [("log.error", True), ("log.error", True), ("log.warnings", False)]


@pytest.mark.parametrize(("text", "name"), [("ERROR", "log.error"), ("critical", "log.error"), ("Warning", "log.warnings")])
def test_a_severity_may_be_told_in_words(text: str, name: str) -> None:
    assert [sample.name for sample in samples(record("x", 0, severityText=text))] == [name]


def test_an_event_tells_who_said_what_and_in_which_trace() -> None:
    more = attributes(exception__type="ValueError", gen_ai__request__model="m", code__function="f", process__command_args="x")
    (found,) = samples(record("boom", severityText="ERROR", traceId=TRACE, attributes=more))
    assert payload(found) == {
        "severity": "ERROR",
        "logger": "app",
        "body": "boom",
        "attributes": {"exception.type": "ValueError", "gen_ai.request.model": "m", "code.function": "f"},
    }
    assert (found.tags, found.attributes) == ((("error", "ValueError"), ("model", "m")), (("task_id", TRACE),))


def test_bodies_may_be_anything_and_are_cut() -> None:
    nested = {"kvlistValue": {"values": [{"key": "password", "value": {"stringValue": "x"}}, {"key": "n", "value": {"intValue": "3"}}]}}
    listed = {"arrayValue": {"values": [{"boolValue": True}, {"bytesValue": "eHg="}]}}
    wide = {"arrayValue": {"values": [{"stringValue": "y" * 500}] * 40}}
    bodies = [payload(found)["body"] for found in samples(record(nested), record(listed), record("é" * 9000), record(wide))]
    assert bodies[:2] == [{"password": "[redacted]", "n": 3}, [True, None]]
    assert (len(bodies[2]), bodies[2][-1]) == (1500, "…")
    assert bodies[3].endswith("…")


def test_a_record_without_a_time_is_of_when_it_was_seen() -> None:
    (found,) = samples({**record("x"), "timeUnixNano": "0", "observedTimeUnixNano": str((NOW - 5) * 1_000_000)})
    assert found.time == NOW - 5
    (found,) = samples({**record("x"), "timeUnixNano": "0"})
    assert found.time == NOW


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("token cp_abc123_SECRETSECRET used", "token [redacted] used"),
        ("Authorization: Bearer abc.def-123", "Authorization: [redacted]"),
        ("got Bearer abcdefghijk", "got Bearer [redacted]"),
        ("key sk-proj-abcdefghijklmnop1234 failed", "key [redacted] failed"),
        ('{"api_key": "hunter2", "n": 1}', '{"api_key": "[redacted]", "n": 1}'),
        ("password=hunter2;x=1", "password=[redacted];x=1"),
        ("SECRET_KEY=hunter2", "SECRET_KEY=[redacted]"),
        ("postgres://me:hunter2@db/x", "postgres://me:[redacted]@db/x"),
        ("postgres://me:hun@ter2@db/x", "postgres://me:[redacted]@db/x"),
        ("AKIAABCDEFGHIJKLMNOP", "[redacted]"),
        ("ghp_abcdefghijklmnopqrst", "[redacted]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- then", "[redacted] then"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "[redacted]"),
        ("4539 tokens in 12 ms", "4539 tokens in 12 ms"),
        ("task-42 failed: passed 3 of 4", "task-42 failed: passed 3 of 4"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, left: str) -> None:
    assert redact_text(text) == left


def test_secrets_are_taken_out_of_data_by_their_name_at_any_depth() -> None:
    assert redact({"a": [{"Token": 7, "x": "Bearer abcdefghijk"}], "tokens": 5}) == {
        "a": [{"Token": "[redacted]", "x": "Bearer [redacted]"}],
        "tokens": 5,
    }
    deep: Any = "end"
    for _ in range(40):
        deep = [deep]
    assert "end" not in str(redact(deep))
