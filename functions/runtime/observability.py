"""Structured logs, with secrets taken out. The library is imported on first use: an import of this module costs nothing."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

REDACTED = "[redacted]"
_SECRET_KEYS = frozenset({"authorization", "token", "secret", "password", "api_key", "apikey", "x-api-key", "authorizationtoken", "cookie"})
_SECRET_TEXT = re.compile(
    r"\bcp_([A-Za-z0-9]+)_[A-Za-z0-9]+|(?i:bearer\s+)(?!cp_)[A-Za-z0-9._~+/=-]+|(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{16,}"
)


def redact(value: Any) -> Any:
    """The same value without secrets: fields named like one, and tokens anywhere in a text (a token's id stays, to find it by)."""
    if isinstance(value, dict):
        return {key: REDACTED if _names_secret(key) else redact(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(inner) for inner in value]
    return _clean(value) if isinstance(value, str) else value


def _clean(text: str) -> str:
    return _SECRET_TEXT.sub(_without_secret, text)


def _names_secret(key: object) -> bool:
    return str(key).lower() in _SECRET_KEYS


def _without_secret(found: re.Match[str]) -> str:
    return f"cp_{found[1]}_{REDACTED}" if found[1] else REDACTED


@cache
def logger(service: str) -> Logger:
    """The service's logger: one JSON object a line on stdout, level from `POWERTOOLS_LOG_LEVEL` (INFO)."""
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    class Redacting(LambdaPowertoolsFormatter):
        """Cleans the finished record, so that nothing gets round it: message, extra fields and stack trace alike."""

        def serialize(self, log: Any) -> str:
            return _clean(super().serialize(redact(log)))

    return Logger(service=service, logger_formatter=Redacting())
