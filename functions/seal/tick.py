"""Lambda behind the minute's rule: queues the minute's four ticks of every workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from functions.adapters.sqs import QueueDispatcher
from functions.domain.times import SECOND_MS
from functions.runtime.settings import Settings
from functions.runtime.wiring import client, now_ms

DELAYS_S = (0, 15, 30, 45)


def ticks(workspaces: Sequence[str], now: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Message and delay of each tick of the minute that begins at `now` (ms)."""
    for delay in DELAYS_S:
        for workspace in workspaces:
            yield {"workspace": workspace, "at": now + delay * SECOND_MS}, delay


def handler(_event: dict[str, Any], _context: object) -> None:
    """Queue the ticks."""
    settings = Settings.from_env()
    QueueDispatcher(client("sqs"), settings.seal_queue_url).send(ticks(settings.workspace_names, now_ms()))
