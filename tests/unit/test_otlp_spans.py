"""What of a trace is a task, and what of it counts."""

from __future__ import annotations

from typing import Any

import pytest

from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.otlp_points import Refusals
from functions.domain.otlp_samples import Sample
from functions.domain.otlp_spans import Tasks, read
from tests.otlp.support import NOW, REQUESTS, TRACE, attributes, protobuf, span, traces

DIMENSIONS = frozenset(DEFAULT_DIMENSIONS)
PARENT = "eee19b7ec3c1b175"
OPENCLAW = {"scope": "openclaw"}


def tasks(*spans: dict[str, Any], scope: str = "app", from_traces: bool = False, dimensions: frozenset[str] = DIMENSIONS) -> Tasks:
    request = REQUESTS["/v1/traces"].FromString(protobuf("/v1/traces", traces(*spans, scope=scope)))
    refusals = Refusals()
    found = read(request.resource_spans[0].scope_spans, dimensions, NOW, refusals, from_traces=from_traces)
    assert refusals.count == 0
    return found


def said(samples: list[Sample]) -> list[tuple[str, Any]]:
    return [(sample.name, sample.value) for sample in samples]


def chat(tokens_in: int, tokens_out: int, **more: Any) -> dict[str, Any]:
    usage = attributes(
        gen_ai__operation__name="chat", gen_ai__usage__input_tokens=tokens_in, gen_ai__usage__output_tokens=tokens_out, **more
    )
    return span("chat m", parent=PARENT, attributes=usage)


def test_a_root_span_is_a_task_that_counts() -> None:
    found = tasks(span("work", ms=1500), span("step", parent=PARENT))
    assert said(found.counted) == [("task.latency_ms", 1500.0)]
    assert dict(found.counted[0].attributes) == {"task_id": TRACE, "span": "work"}
    assert found.counted[0].time == NOW
    assert found.feed == []


@pytest.mark.parametrize(("flags", "counted"), [(0x000, 0), (0x100, 0), (0x301, 1)])
def test_a_span_whose_parent_is_in_another_process_is_a_task_of_this_one(flags: int, counted: int) -> None:
    assert len(tasks(span(parent=PARENT, flags=flags)).counted) == counted


def test_a_failed_task_tells_its_error_as_a_tag_and_its_message_without_secrets() -> None:
    status = {"code": 2, "message": "401 for Bearer abcdefghijkl"}
    events = [{"name": "exception", "attributes": attributes(exception__type="ValueError")}]
    latency, error = tasks(span(status=status, events=events)).counted
    assert (error.name, error.value, dict(error.tags)) == ("task.errors", 1.0, {"error": "ValueError"})
    assert dict(error.attributes)["message"] == "401 for Bearer [redacted]"
    assert latency.tags == ()


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"attributes": attributes(error__type="timeout")}, "timeout"),
        ({"attributes": attributes(openclaw__errorCategory="Rate,Limit")}, "Rate_Limit"),
        ({}, "error"),
    ],
)
def test_the_kind_of_an_error(more: dict[str, Any], kind: str) -> None:
    _, error = tasks(span(status={"code": 2}, **more)).counted
    assert dict(error.tags)["error"] == kind


def test_where_error_is_no_dimension_it_is_an_attribute() -> None:
    _, error = tasks(span(status={"code": 2}), dimensions=frozenset({"env"})).counted
    assert (error.tags, dict(error.attributes)["error"]) == ((), "error")


def test_tokens_of_calls_go_to_the_feed_of_their_task_and_count_nowhere() -> None:
    found = tasks(chat(100, 7, gen_ai__usage__cache_read__input_tokens=40, gen_ai__request__model="m"), span())
    assert said(found.feed) == [("task.tokens_in", 60.0), ("task.tokens_out", 7.0), ("task.tokens_cache_read", 40.0)]
    assert {dict(sample.attributes)["task_id"] for sample in found.feed} == {TRACE}
    assert found.feed[0].tags == (("model", "m"),)
    assert said(found.counted) == [("task.latency_ms", 100.0)]


def test_the_sum_that_an_agent_s_span_tells_is_not_added_to_its_calls() -> None:
    whole = attributes(gen_ai__operation__name="invoke_agent", gen_ai__usage__input_tokens=100)
    assert said(tasks(span("invoke_agent a", attributes=whole)).feed) == []


def test_without_metrics_tokens_count_where_the_spans_say_so() -> None:
    found = tasks(chat(100, 7), span(), from_traces=True)
    assert said(found.counted) == [("task.tokens_in", 100.0), ("task.tokens_out", 7.0), ("task.latency_ms", 100.0)]
    assert found.feed == []


def test_openclaw_s_runs_go_to_the_feed_and_nothing_else_of_it_is_a_task() -> None:
    others = ("openclaw.exec", "openclaw.message.processed", "openclaw.model.usage", "openclaw.liveness.warning")
    found = tasks(span("openclaw.run", parent=PARENT), *(span(name) for name in others), **OPENCLAW)
    assert (said(found.feed), found.counted) == ([("task.latency_ms", 100.0)], [])


def test_openclaw_s_outcome_fails_a_run_whatever_its_status() -> None:
    found = tasks(span("openclaw.run", attributes=attributes(openclaw__outcome="error")), **OPENCLAW)
    assert said(found.feed) == [("task.latency_ms", 100.0), ("task.errors", 1.0)]


def test_only_some_attributes_of_a_span_are_kept() -> None:
    many = attributes(openclaw__channel="web", db__statement="SELECT", gen_ai__prompt="hello", tier="fast")
    (latency,) = tasks(span(attributes=many)).counted
    assert (latency.tags, dict(latency.attributes)) == (
        (("tier", "fast"),),
        {"task_id": TRACE, "span": "work", "openclaw.channel": "web"},
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (span(ms=-5), "ends before it starts"),
        (span(trace="00" * 16), "has no valid trace id"),
        (span(trace="ab"), "has no valid trace id"),
        (span(ms=1, end=5), "is more than 24 h old"),
    ],
)
def test_spans_that_cannot_be_told_are_refused(bad: dict[str, Any], reason: str) -> None:
    request = REQUESTS["/v1/traces"].FromString(protobuf("/v1/traces", traces(bad, span())))
    refusals = Refusals()
    found = read(request.resource_spans[0].scope_spans, DIMENSIONS, NOW, refusals, from_traces=False)
    assert (len(found.counted), refusals.count) == (1, 1)
    assert reason in refusals.message()
