"""The one error that the engine raises on purpose. Codes and texts are AWS's; anything else that propagates is a bug."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATUS = {
    "ValidationException": 400,
    "ResourceNotFoundException": 404,
    "ConflictException": 409,
    "RejectedRecordsException": 419,
    "QueryExecutionException": 400,
    "UnknownOperationException": 400,
}


class TimestreamError(Exception):
    """An answer that is an error: AWS's code, its message, and the further members of its shape."""

    def __init__(self, code: str, message: str, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = dict(fields or {})

    @property
    def status(self) -> int:
        """The HTTP status that AWS answers with."""
        return STATUS.get(self.code, 400)


def invalid(message: str) -> TimestreamError:
    """A `ValidationException`."""
    return TimestreamError("ValidationException", message)


def constraint(value: object, at: str, rule: str) -> TimestreamError:
    """A `ValidationException` in the words that AWS's request validation uses."""
    return invalid(f"1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {rule}")


def not_found(message: str) -> TimestreamError:
    """A `ResourceNotFoundException`."""
    return TimestreamError("ResourceNotFoundException", message)


def conflict(message: str) -> TimestreamError:
    """A `ConflictException`."""
    return TimestreamError("ConflictException", message)
