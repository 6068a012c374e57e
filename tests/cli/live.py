"""An agent that reports to the local cloud, and a bounded wait until something is shown of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from clawpulse import Client
from clawpulse.cli._api import Api

PATIENCE_S = 120.0


def report(api: Api, agent: str, env: str) -> None:
    """Two tasks of an agent, one of them failed, with a token that may do nothing but this."""
    token = api.send("POST", "api/tokens", {"name": "test", "scopes": ["ingest"]})["token"]
    tags = {"task_id": f"{agent}-1", "tier": "fast"}
    with Client(url=api.url, token=token, agent=agent, tags={"env": env}, info={"model": "swift-1"}, spool="off") as client:
        client.event("task.started", tags=tags)
        client.metric("task.latency_ms", 812.5, tags=tags)
        client.metric("task.cost_usd", 0.25, tags=tags)
        client.event("task.completed", tags=tags)
        client.metric("task.errors", 1, tags={**tags, "task_id": f"{agent}-2", "error": "ToolError"})
        client.event("task.failed", tags={**tags, "task_id": f"{agent}-2"}, payload={"err": "boom"})
        assert client.flush(timeout=60)


def wait_for[T](look: Callable[[], T], seconds: float = PATIENCE_S) -> T:
    """The first true answer, within the time that sealing takes."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(2)
    assert found, f"nothing within {seconds:g} s"
    return found
