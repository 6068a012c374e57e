"""Spans as tasks: what of a trace is a task, and which of its figures rollups count.

A task is a run of OpenClaw (`openclaw.run`), or of anyone else the first span of a trace in its process: one without a parent, or whose
parent is remote. Its id is the trace's. Other spans are no points; but what calls of a model say of tokens is added to the task
of their trace in the feed.

No run counts twice. OpenClaw counts its runs in metrics, so its spans go to the feed of tasks only. Others have no metric of tasks: their
spans count, but not the tokens in them, which metrics have. Who sends no metrics says so (`x-clawpulse-count: traces`); then spans
count for everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from functions.domain import tasks
from functions.domain.otlp_attributes import labels, tag_value, texts
from functions.domain.otlp_mapping import FAILED_OUTCOMES, OPENCLAW, TOKENS_CACHE_READ, TOKENS_CACHE_WRITE
from functions.domain.otlp_points import NS_PER_MS, Refusals, time_fault
from functions.domain.otlp_samples import Sample
from functions.domain.raw import TASK_ID
from functions.domain.redaction import redact_text
from functions.domain.rollup import sorted_pairs

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1 import trace_pb2 as pb

RUN: Final = "openclaw.run"
USAGE: Final = "openclaw.model.usage"
_ERROR = 2
"""Number of OTLP's status."""
_HAS_REMOTE, _IS_REMOTE = 0x100, 0x200
"""Bits of a span's flags: whether they tell of the parent, and that it is in another process."""
_MODEL_CALLS = ("chat", "text_completion", "generate_content", "embeddings")
_INPUT, _OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
_CACHE_READ, _CACHE_WRITE = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
_MAX_TOKENS = 1e12
_MAX_TEXT = 200
_MAX_MESSAGE = 2_000
"""Looked through for secrets, so that none is cut in two and kept by half."""
_TOLD = frozenset(
    {
        *("openclaw.channel", "openclaw.trigger", "openclaw.provider", "openclaw.outcome", "openclaw.agent"),
        *("gen_ai.operation.name", "gen_ai.agent.name", "gen_ai.provider.name", "gen_ai.system"),
    }
)
"""Attributes of a span that its task has too."""


@dataclass(slots=True)
class Tasks:
    """What spans amount to: samples that count, and those for the feed only."""

    counted: list[Sample] = field(default_factory=list)
    feed: list[Sample] = field(default_factory=list)


def read(scopes: Iterable[pb.ScopeSpans], dimensions: frozenset[str], now: int, refusals: Refusals, *, from_traces: bool) -> Tasks:
    """The tasks among spans; spans that cannot be told are refused with the reason."""
    found = Tasks()
    for scoped in scopes:
        for span in scoped.spans:
            openclaw = scoped.scope.name == OPENCLAW or span.name.startswith("openclaw.")
            fault = _fault(span, now)
            if fault:
                refusals.add(f"span {span.name[:_MAX_TEXT]!r} {fault}")
                continue
            attributes = texts(span.attributes)
            if _is_task(span, openclaw=openclaw):
                (found.counted if from_traces or not openclaw else found.feed).extend(_task(span, attributes, dimensions))
            if from_traces or not openclaw:
                (found.counted if from_traces else found.feed).extend(_tokens(span, attributes, dimensions, openclaw=openclaw))
    return found


def _fault(span: pb.Span, now: int) -> str | None:
    if len(span.trace_id) != 16 or not any(span.trace_id):
        return "has no valid trace id"
    if span.end_time_unix_nano < span.start_time_unix_nano:
        return "ends before it starts"
    return time_fault(span.end_time_unix_nano // NS_PER_MS, now)


def _is_task(span: pb.Span, *, openclaw: bool) -> bool:
    if openclaw:
        return span.name == RUN
    return not span.parent_span_id or span.flags & (_HAS_REMOTE | _IS_REMOTE) == _HAS_REMOTE | _IS_REMOTE


def _task(span: pb.Span, attributes: Mapping[str, str], dimensions: frozenset[str]) -> Iterator[Sample]:
    tags, others = labels({key: value for key, value in attributes.items() if key in _TOLD or _is_tag(key, dimensions)}, dimensions)
    failed = span.status.code == _ERROR or attributes.get("openclaw.outcome") in FAILED_OUTCOMES
    error = tags.pop("error", None)
    told = {TASK_ID: span.trace_id.hex(), "span": span.name[:_MAX_TEXT], **others}
    latency = (span.end_time_unix_nano - span.start_time_unix_nano) / NS_PER_MS
    yield _sample(tasks.LATENCY, span, latency, tags, told)
    if failed:
        kind = tag_value(error or _exception(span) or "error")
        message = redact_text(span.status.message[:_MAX_MESSAGE])[:_MAX_TEXT]
        labelled = {"error": kind}
        tags, told = ({**tags, **labelled}, told) if "error" in dimensions else (tags, {**told, **labelled})
        yield _sample(tasks.ERRORS, span, 1.0, tags, {**told, **({"message": message} if message else {})})


def _tokens(span: pb.Span, attributes: Mapping[str, str], dimensions: frozenset[str], *, openclaw: bool) -> Iterator[Sample]:
    """What a call of a model used, in the task of its trace; OpenClaw tells of a whole message, in a trace of its own."""
    calls = attributes.get("gen_ai.operation.name") in _MODEL_CALLS
    if not (span.name == USAGE if openclaw else calls):
        return
    tags, _ = labels({key: value for key, value in attributes.items() if _is_tag(key, dimensions)}, dimensions)
    tags.pop("error", None)
    told = {} if openclaw else {TASK_ID: span.trace_id.hex()}
    read, written = _amount(attributes.get(_CACHE_READ, "")), _amount(attributes.get(_CACHE_WRITE, ""))
    amounts = {
        # All input has the cached tokens in it; ours are those beside them.
        tasks.TOKENS_IN: max(0.0, _amount(attributes.get(_INPUT, "")) - read - written),
        tasks.TOKENS_OUT: _amount(attributes.get(_OUTPUT, "")),
        TOKENS_CACHE_READ: read,
        TOKENS_CACHE_WRITE: written,
    }
    for name, amount in amounts.items():
        if amount:
            yield _sample(name, span, amount, tags, told)


def _is_tag(key: str, dimensions: frozenset[str]) -> bool:
    return bool(labels({key: "x"}, dimensions)[0])


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        return 0.0
    return amount if 0 < amount <= _MAX_TOKENS else 0.0


def _exception(span: pb.Span) -> str:
    """The type of the exception that the span recorded last."""
    types = [texts(event.attributes).get("exception.type", "") for event in span.events if event.name == "exception"]
    return types[-1] if types else ""


def _sample(name: str, span: pb.Span, value: float, tags: Mapping[str, str], told: Mapping[str, str]) -> Sample:
    time = span.end_time_unix_nano // NS_PER_MS
    return Sample(name=name, tags=sorted_pairs(dict(tags)), time=time, value=value, attributes=tuple(told.items()))
