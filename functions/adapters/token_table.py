"""How the tokens table looks: the id as key, the record as JSON, the workspace for its index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from functions.domain.times import DAY_MS, SECOND_MS

KEEP_MS = 30 * DAY_MS
"""A token is told to be expired for this long, then it is unknown."""


def attributes(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A record as an item."""
    item = {
        "p": {"S": record["id"]},
        "w": {"S": record["workspace"]},
        "d": {"S": msgspec.json.encode(record).decode()},
    }
    if record.get("expires") is not None:
        item["x"] = {"N": str((record["expires"] + KEEP_MS) // SECOND_MS)}
    return item


def record_of(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The record of an item."""
    record: dict[str, Any] = msgspec.json.decode(item["d"]["S"])
    return record
