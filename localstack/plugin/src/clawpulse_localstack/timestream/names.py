"""What names may look like, and the limits of AWS's quota page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clawpulse_localstack.timestream.errors import constraint, invalid

MAX_RECORDS = 100
MAX_DIMENSIONS = 128
MAX_MEASURES_PER_RECORD = 256
MAX_MEASURES_PER_TABLE = 1024
MAX_MEASURE_NAMES = 8192
MAX_DIMENSION_NAME_BYTES = 60
MAX_NAME_BYTES = 256
MAX_SERIES_BYTES = 2048
MAX_VALUE_BYTES = 2048
MAX_TAGS = 200
FUTURE_MINUTES = 15

_RESOURCE = re.compile(r"[a-zA-Z0-9_.-]+")
_RESERVED = frozenset({"time", "measure_value", "ts_non_existent_col", "measure_name"})


def resource_name(request: Mapping[str, Any], member: str) -> str:
    """The name of a database or table that a request creates or names."""
    name, at = request.get(member), member[0].lower() + member[1:]
    if not isinstance(name, str):
        raise constraint("null", at, "Member must not be null")
    if not 3 <= len(name) <= MAX_NAME_BYTES:
        bound = "greater than or equal to 3" if len(name) < 3 else f"less than or equal to {MAX_NAME_BYTES}"
        raise constraint(name, at, f"Member must have length {bound}")
    if not _RESOURCE.fullmatch(name):
        raise constraint(name, at, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
    return name


def column_fault(name: str, what: str, limit: int) -> str | None:
    """Why a dimension or measure may not have this name, if it may not."""
    if not name:
        return f"The {what} name must not be empty."
    if len(name.encode()) > limit:
        return f"The {what} name exceeds the maximum supported length: {limit} bytes."
    if name in _RESERVED or name.startswith(("ts_", "measure_value")) or ":" in name:
        return f"The {what} name '{name}' is reserved or contains characters that are not supported."
    return None


def bounded(value: object, at: str, low: int, high: int) -> int:
    """A whole number within its bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise constraint(value, at, "Member must be a whole number")
    if value < low:
        raise constraint(value, at, f"Member must have value greater than or equal to {low}")
    if value > high:
        raise constraint(value, at, f"Member must have value less than or equal to {high}")
    return value


def tags_of(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Tags as a mapping, each within AWS's lengths."""
    found: dict[str, str] = {}
    for tag in tags or []:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise invalid(f"The tag '{key}' is not valid: keys have 1 to 128 characters, values at most 256.")
        found[key] = value
    if len(found) > MAX_TAGS:
        raise constraint(len(found), "tags", f"Member must have length less than or equal to {MAX_TAGS}")
    return found
