"""Dimensions: the tag keys that metrics are rolled up by. Every other tag is an attribute, kept on raw records only."""

from __future__ import annotations

import re

from functions.domain.errors import InvalidInput

DEFAULT_DIMENSIONS = (
    "env",
    "tier",
    "shard",
    "team",
    "function",
    "region",
    "tenant",
    "model",
    "prompt_version",
    "cost_source",
    "trigger",
    "error",
)
"""Unless the workspace's settings say otherwise. A dimension wants few values; `task_id` must never be one."""

OTHER = "__other__"
"""Stands for the values of a dimension beyond its limit."""

_RECORD = ("workspace", "agent", "batch", "time", "measure_name", "value", "attributes", "payload")
_TASK = ("task_id", "status", "latency_ms", "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "cost_usd", "errors")
RESERVED = frozenset((*_RECORD, *_TASK))
"""Columns of raw history with a meaning of their own: no dimension can have their name."""

DOCUMENT = "workspace"
"""Name of the settings document, in `FleetStore.settings`, that has a workspace's dimensions."""

MAX_DIMENSIONS = 20
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_NEVER = ("task_id", "agent")
"""As dimensions these would make a series of every task or agent."""


def parse_dimensions(value: object) -> tuple[str, ...]:
    """Read the tag keys that metrics are rolled up by; raises `InvalidInput`."""
    if value is None:
        return DEFAULT_DIMENSIONS
    if not isinstance(value, list | tuple) or len(value) > MAX_DIMENSIONS:
        raise InvalidInput(f"must be a list of at most {MAX_DIMENSIONS} tag keys", "dimensions")
    for key in value:
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise InvalidInput(f"{key!r} is no tag key", "dimensions")
        if key in _NEVER:
            raise InvalidInput(f"{key} can be no dimension: it has a value of its own for each task or agent", "dimensions")
        if key in RESERVED or key.startswith(("ts_", "measure_value")):
            raise InvalidInput(f"{key} can be no dimension: raw history has a column of that name", "dimensions")
    return tuple(dict.fromkeys(value))
