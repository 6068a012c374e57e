"""Secrets taken out of texts that others wrote: logs and errors quote what they choked on."""

from __future__ import annotations

import re
from typing import Any, Final

from clawpulse.redaction import HIDDEN, IN_URL, TOKEN

REDACTED: Final = HIDDEN
_NAMED: Final = re.compile(
    r"(?i)((?:pass(?:word|wd)?|secret(?:[_-]?key)?|token|api[_-]?key|access[_-]?key|authorization|cookie)[\"']?\s*[:=]\s*[\"']?)"
    r"(?:(?:bearer|basic)\s+)?[^\s\"',;&}]+"
)
_BEARER: Final = re.compile(r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}")
_SECRET_KEY: Final = re.compile(r"(?i)(pass(word|wd)?|secret([_-]?key)?|token|api[_-]?key|access[_-]?key|authorization|cookie)$")
_MAX_DEPTH: Final = 16


def redact_text(text: str) -> str:
    """The text without what looks like a secret."""
    text = TOKEN.sub(REDACTED, text)
    text = _NAMED.sub(rf"\1{REDACTED}", text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    return IN_URL.sub(rf"\1{REDACTED}@", text)


def redact(value: Any, depth: int = 0) -> Any:
    """Data as JSON has it, without secrets: in texts, and under keys named like one."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict | list) and depth >= _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {key: REDACTED if _SECRET_KEY.search(key) else redact(inner, depth + 1) for key, inner in value.items()}
    return [redact(inner, depth + 1) for inner in value] if isinstance(value, list) else value
