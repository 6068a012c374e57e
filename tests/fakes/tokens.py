"""Token records in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class MemoryTokens:
    """`TokenStore`."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.reads = 0

    def get(self, token_id: str) -> dict[str, Any] | None:
        self.reads += 1
        record = self.records.get(token_id)
        return dict(record) if record else None

    def put(self, record: Mapping[str, Any]) -> None:
        self.records[record["id"]] = dict(record)

    def list(self, workspace: str) -> Sequence[dict[str, Any]]:
        mine = [dict(record) for record in self.records.values() if record["workspace"] == workspace]
        return sorted(mine, key=lambda record: (record["created"], record["id"]))
