"""A dispatcher that remembers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class MemoryDispatcher:
    """A `Dispatcher`; `sent` holds (message, delay in seconds)."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], int]] = []

    def send(self, messages: Iterable[tuple[Mapping[str, Any], int]]) -> None:
        self.sent.extend((dict(message), delay) for message, delay in messages)
