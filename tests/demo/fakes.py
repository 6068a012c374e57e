"""An SDK client that keeps what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FakeClient:
    def __init__(self, delivers: bool = True) -> None:
        self.sent: list[tuple[str, float]] = []
        self.closed = False
        self._delivers = delivers

    def metric(self, name: str, value: float, *, tags: Mapping[str, str] | None = None) -> None:
        self.sent.append((name, value))

    def event(self, name: str, *, tags: Mapping[str, str] | None = None, payload: Mapping[str, Any] | None = None) -> None:
        self.sent.append((name, 1.0))

    def flush(self, timeout: float = 5.0) -> bool:
        return self._delivers

    def close(self, timeout: float | None = None) -> bool:
        self.closed = True
        return self._delivers
