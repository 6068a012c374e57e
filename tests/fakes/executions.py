"""Executions of the state machine that are only remembered."""

from __future__ import annotations


class MemoryExecutions:
    """`Executions`; `started` holds (workspace, rollout, drive) in order, each once."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str, int]] = []

    def start(self, workspace: str, rollout: str, drive: int) -> None:
        if (workspace, rollout, drive) not in self.started:
            self.started.append((workspace, rollout, drive))
