"""Executions of a state machine that are only remembered."""

from __future__ import annotations


class MemoryExecutions:
    """`Executions`; `started` holds (workspace, id, drive) in order, each once."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str, int]] = []

    def start(self, workspace: str, id: str, drive: int) -> None:
        if (workspace, id, drive) not in self.started:
            self.started.append((workspace, id, drive))
