"""Attributes of OTLP data: as texts, and parted into tags, which make series, and attributes, which do not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from functions.domain.naming import MAX_KEY, MAX_NAME, MAX_VALUE
from functions.domain.redaction import redact_text

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1 import common_pb2 as pb

ALIASES: Final = {
    "deployment.environment.name": "env",
    "deployment.environment": "env",
    "cloud.region": "region",
    "gen_ai.request.model": "model",
    "gen_ai.response.model": "model",
    "openclaw.model": "model",
    "error.type": "error",
    "exception.type": "error",
    "openclaw.errorCategory": "error",
}
"""Attributes that are one of our usual dimensions by another name; of two that are the same the first one counts."""
ERROR: Final = "error"
PREFIXES: Final = ("openclaw.", "gen_ai.")
"""An attribute `openclaw.channel` is `channel` where the workspace has such a dimension."""
MAX_KEPT = 12
"""Attributes kept of one point."""
_MAX_DEPTH = 8
_MAX_READ = 1_000
"""Looked through for secrets, so that none is cut in two and kept by half."""
_REMEMBERED = 4_096
_UNTOLD = re.compile(
    r"process\.|container\.|.*(command_args|command_line|prompt|completion|messages|instructions|arguments|\.content|password|passwd|secret|secret_?key|"
    r"api[_-]?key|(access|auth|bearer|id|refresh|session)[._-]?token|authorization|cookie)$",
    re.IGNORECASE,
)
"""What is never kept: how a process was called, and what people and models said to each other."""
_NO_KEY = re.compile(r"[^A-Za-z0-9_.-]")
_NO_NAME = re.compile(r"[^A-Za-z0-9_./-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_OPERATORS = re.compile(r"[,=|!]")


def texts(attributes: Iterable[pb.KeyValue]) -> dict[str, str]:
    """Attributes with a plain value, as texts; lists, maps and bytes are left out."""
    found: dict[str, str] = {}
    for each in attributes:
        text = _text(each.value)
        if text is not None:
            found[each.key] = text
    return found


def plain(value: pb.AnyValue, depth: int = 0) -> Any:
    """Any value as JSON has it, bytes left out, nested at most so deep."""
    kind = value.WhichOneof("value")
    if kind is None or kind == "bytes_value" or depth > _MAX_DEPTH:
        return None
    if kind == "array_value":
        return [plain(each, depth + 1) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: plain(each.value, depth + 1) for each in value.kvlist_value.values}
    return getattr(value, kind)


def labels(attributes: Mapping[str, str], dimensions: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The tags among some attributes, and the others that are kept, both under names and with values that our own rules allow."""
    tags: dict[str, str] = {}
    others: dict[str, str] = {}
    for key, value in attributes.items():
        name = dimension(key, dimensions)
        if name is not None:
            if value:
                tags.setdefault(name, tag_value(value))
        elif len(others) < MAX_KEPT and is_told(key):
            others.setdefault(_key(key), _told(value[:_MAX_READ]))
    return tags, others


def dimension(key: str, dimensions: frozenset[str]) -> str | None:
    """The dimension that an attribute is, or None."""
    alias = ALIASES.get(key)
    if alias in dimensions:
        return alias
    shorts = [key, *(key[len(prefix) :] for prefix in PREFIXES if key.startswith(prefix))]
    # What others call just error is a text or a yes: types of errors have names of their own.
    return next((short for short in shorts if short in dimensions and short != ERROR), None)


def is_told(key: str) -> bool:
    """Whether an attribute may be kept at all."""
    return bool(key) and not _UNTOLD.match(key)


def tag_value(value: str) -> str:
    """A value as a dimension takes it."""
    return _OPERATORS.sub("_", _CONTROL.sub(" ", value))[:MAX_VALUE]


def metric_name(name: str) -> str:
    """A name as we take it: other characters become `_`; empty when nothing is left of it."""
    if not name.strip():
        return ""
    name = _NO_NAME.sub("_", name)
    return (name if name[0].isalpha() or name[0] == "_" else f"_{name}")[:MAX_NAME]


@lru_cache(_REMEMBERED)
def _told(value: str) -> str:
    """A value as it is kept: the same few come over and over."""
    return redact_text(value)[:MAX_VALUE]


def _key(key: str) -> str:
    key = _NO_KEY.sub("_", key)
    return (key if key[0].isalpha() or key[0] == "_" else f"_{key}")[:MAX_KEY]


def _text(value: pb.AnyValue) -> str | None:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "int_value":
        return str(value.int_value)
    return msgspec.json.encode(value.double_value).decode() if kind == "double_value" else None
