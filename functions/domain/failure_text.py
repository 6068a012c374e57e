"""What the payload of a failed task says: the error's type, its message, and a sample that may be shown.

Payloads are whatever agents send: nothing here raises, and all patterns go through a text about once.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from functions.domain.redaction import redact, redact_text

MAX_TYPE = 80
MAX_MESSAGE = 200
MAX_SAMPLE = 512
_LOOKED_AT = 4 * MAX_MESSAGE
"""Characters of a message that are normalised."""
_TEXTS = ("err", "message", "msg", "detail", "reason", "error")
_NAMES = ("type", "error_type", "exception", "kind", "error")
_NAME = re.compile(r"[A-Za-z_][\w.:-]{0,79}")
_PREFIX = re.compile(
    r"([A-Za-z_][A-Za-z0-9_.]{0,60}(?:Error|Exception|Timeout|Failure|Interrupt)\b|(?:Error|Exception|Timeout|Failure)(?=:))\s{0,9}:?\s{0,9}"
)
_STACK = re.compile(r"\n\s{0,9}at\s")
_INNER = re.compile(r"[\"']message[\"']\s{0,3}:\s{0,3}(?:\"([^\"]{1,400})\"|'([^']{1,400})')")
"""What an error says that quotes the JSON of a model's provider."""
_VARIABLE = re.compile(
    r"(?P<kept>\b(?:status|code)(?:[ _]code)?[ :=]{1,3}[1-5]\d\d\b|\bHTTP/[\d.]{1,3} [1-5]\d\d\b|\A[1-5]\d\d(?= [A-Z]))"
    r"|\"[^\"]{0,200}\"|(?<!\w)'[^']{0,200}'(?!\w)|`[^`]{0,200}`"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b"
    r"|\b(?=\w*\d[A-Za-z_]+\d)\w{10,128}\b"
    r"|\bhttps?://\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w.-]+"
    r"|(?<![\w.])/[\w./-]+|\b[A-Za-z]:\\[^\s\"']+"
    r"|\d+(?:[.,:]\d+)*(?:[eE][+-]?\d+)?",
    re.ASCII,
)
"""Quoted texts, UUIDs, hexadecimal and mixed ids, URLs, mail addresses, paths, numbers; HTTP's status tells kinds apart, it stays."""
_REPEATED = re.compile(r"…(?:[\s,;:./_-]*…)+")


class Said(NamedTuple):
    """What a payload says, as it stands there."""

    type: str
    text: str


def said(payload: bytes) -> Said:
    """Type and message of a payload's JSON; empty where it tells none."""
    return _said(_decoded(payload))


def kind(type: str, text: str) -> tuple[str, str]:
    """Type and normalised message of an error; `type` is empty when nobody told, then the message may begin with it."""
    text = _essence(text)
    prefix = _PREFIX.match(text)
    if prefix and (not type or prefix[1].rpartition(".")[2] == type.rpartition(".")[2]):
        type, text = type or prefix[1], text[prefix.end() :]
    return redact_text(type)[:MAX_TYPE] or "unknown", normalised(text)


def normalised(text: str) -> str:
    """A message without secrets and without what differs from case to case."""
    text = _VARIABLE.sub(lambda found: found["kept"] or "…", redact_text(text[: 2 * _LOOKED_AT])[:_LOOKED_AT])
    return " ".join(_REPEATED.sub("…", text).split())[:MAX_MESSAGE]


def sample(payload: bytes) -> str:
    """The payload's JSON without secrets; a long one is cut and ends in `…`. Empty for none."""
    found = _decoded(payload)
    if found is None:
        return ""
    try:
        text = msgspec.json.encode(redact(found)).decode(errors="replace")
    except (msgspec.MsgspecError, OverflowError, ValueError, RecursionError):
        return ""
    return text if len(text) <= MAX_SAMPLE else text[: MAX_SAMPLE - 1] + "…"


def _decoded(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload) if payload else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _said(found: Any, *, nested: bool = True) -> Said:
    if isinstance(found, str):
        return Said("", found)
    if not isinstance(found, dict):
        return Said("", "")
    inner = next((found[key] for key in ("error", "err") if isinstance(found.get(key), dict)), None)
    if inner is not None and nested:
        return _said(inner, nested=False)
    key, text = next(((key, found[key]) for key in _TEXTS if isinstance(found.get(key), str) and found[key]), ("", ""))
    names = (found.get(name) for name in _NAMES if name != key)
    return Said(next((name for name in names if isinstance(name, str) and _NAME.fullmatch(name)), ""), text)


def _essence(text: str) -> str:
    """What a text with a stack trace, or with the JSON of somebody's answer, says of the error itself."""
    text = text.strip()
    if text.startswith("Traceback (most recent call last)"):
        return text.rpartition("\n")[2].strip()
    text = _STACK.split(text, 1)[0]
    inner = _INNER.search(text)
    return text.partition("{")[0] + (inner[1] or inner[2]) if inner else text
