"""Log records: those of errors become events `log.error`, warnings are counted as `log.warnings`, the rest is left out.

A body is kept without secrets and cut to what an event's payload may have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from functions.domain.batch import MAX_PAYLOAD
from functions.domain.otlp_attributes import is_told, labels, plain, texts
from functions.domain.otlp_points import NS_PER_MS, Refusals, time_fault
from functions.domain.otlp_samples import Sample
from functions.domain.raw import TASK_ID
from functions.domain.redaction import redact, redact_text
from functions.domain.rollup import sorted_pairs

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1 import logs_pb2 as pb

ERROR_EVENT: Final = "log.error"
WARNINGS: Final = "log.warnings"
_WARN, _ERROR = 13, 17
"""The lowest severity numbers of each."""
_BY_TEXT: Final = {"WARN": _WARN, "WARNING": _WARN, "ERROR": _ERROR, "CRITICAL": _ERROR, "FATAL": _ERROR}
_MAX_READ = 8_000
"""Looked through for secrets, so that none is cut in two and kept by half."""
_MAX_BODY = 1_500
_MAX_ATTRIBUTE = 200
_MAX_ATTRIBUTES = 8


def read(scopes: Iterable[pb.ScopeLogs], dimensions: frozenset[str], now: int, refusals: Refusals) -> Iterator[Sample]:
    """What log records amount to; those of a time that cannot be taken are refused with the reason."""
    for scoped in scopes:
        for record in scoped.log_records:
            severity = record.severity_number or _BY_TEXT.get(record.severity_text.strip().upper(), 0)
            if severity < _WARN:
                continue
            time = (record.time_unix_nano or record.observed_time_unix_nano) // NS_PER_MS or now
            if fault := time_fault(time, now):
                refusals.add(f"a log record {fault}")
                continue
            yield _error(scoped.scope.name, record, time, dimensions) if severity >= _ERROR else _warning(record, time, dimensions)


def _warning(record: pb.LogRecord, time: int, dimensions: frozenset[str]) -> Sample:
    tags, _ = labels(texts(record.attributes), dimensions)
    return Sample(name=WARNINGS, tags=sorted_pairs(tags), time=time, value=1.0)


def _error(scope: str, record: pb.LogRecord, time: int, dimensions: frozenset[str]) -> Sample:
    said = texts(record.attributes)
    tags, _ = labels(said, dimensions)
    told = [(key, value[:_MAX_READ]) for key, value in said.items() if is_told(key)][:_MAX_ATTRIBUTES]
    payload = {
        "severity": record.severity_text[:_MAX_ATTRIBUTE] or str(record.severity_number),
        "logger": scope[:_MAX_ATTRIBUTE],
        "body": _body(plain(record.body)),
        "attributes": {key: redact_text(value)[:_MAX_ATTRIBUTE] for key, value in told},
    }
    attributes = ((TASK_ID, record.trace_id.hex()),) if len(record.trace_id) == 16 and any(record.trace_id) else ()
    return Sample(
        name=ERROR_EVENT, tags=sorted_pairs(tags), time=time, value=1.0, attributes=attributes, payload=_payload(payload), event=True
    )


def _body(body: Any) -> Any:
    """A body without secrets; a long one is cut, and text whatever it was."""
    if not isinstance(body, str):
        text = msgspec.json.encode(body)
        if len(text) <= _MAX_BODY:
            return redact(body)
        body = text[:_MAX_READ].decode(errors="ignore")
    body = redact_text(body[:_MAX_READ])
    return body if len(body) <= _MAX_BODY else body[: _MAX_BODY - 1] + "…"


def _payload(payload: dict[str, Any]) -> msgspec.Raw:
    text = msgspec.json.encode({key: value for key, value in payload.items() if value})
    if len(text) > MAX_PAYLOAD:
        text = msgspec.json.encode({**payload, "body": str(payload["body"])[: _MAX_BODY // 4] + "…", "attributes": {}})
    return msgspec.Raw(text)
