"""The testing mode."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import clawpulse
import clawpulse.testing
from clawpulse import Client, cp_event, cp_flush, cp_metric
from tests.sdk.agent import run_agent_task
from tests.sdk.server import Server


def test_a_task_can_be_tested_without_a_server() -> None:
    with clawpulse.testing.capture() as sent:
        run_agent_task("t1", "fast", "acme")
        with pytest.raises(TimeoutError):
            run_agent_task("bad", "fast", "acme")
    assert sent.values("task.tokens_in", tier="fast", task_id="t1") == [120.0]
    assert sent.values("task.tokens_in", tier="smart") == []
    assert sent.event_names() == ["task.started", "task.completed", "task.started", "task.failed"]
    assert sent.events[-1].payload == {"err": "no answer"}
    assert sent.metrics[-1].tags == {"tier": "fast", "shard": "acme", "task_id": "bad", "error": "TimeoutError"}
    assert sent.invalid == []


def test_repeated_values_are_shown_one_by_one() -> None:
    with clawpulse.testing.capture() as sent:
        for value in range(50):
            cp_metric("queue.depth", value)
    assert sent.values("queue.depth") == list(range(50))


def test_mistakes_are_shown() -> None:
    with clawpulse.testing.capture() as sent:
        cp_metric("bad name!", 1)
        cp_metric("a", "12")  # type: ignore[arg-type]
        cp_metric("a", 1, tags=["x"])  # type: ignore[arg-type]
        cp_event("e", payload={"long": "x" * 9_000})
    assert len(sent.invalid) == 4
    assert sent.values("a") == [1.0]
    payload = sent.events[0].payload
    assert payload is not None
    assert payload["truncated"].startswith('{"long":"xxx')


def test_nothing_is_sent_and_all_goes_on_afterwards(server: Server, new_client: Callable[..., Client]) -> None:
    client = new_client()
    client.metric("before", 1)
    assert client.flush()
    with clawpulse.testing.capture() as sent:
        client.metric("inside", 1)
        inner = new_client()
        inner.metric("inside", 2)
        with clawpulse.testing.capture() as nested:
            client.metric("nested", 1)
    client.metric("after", 1)
    inner.metric("after", 2)
    assert client.flush()
    assert inner.flush()
    assert sent.values("inside") == [1.0, 2.0]
    assert nested.values("nested") == [1.0]
    assert server.values("inside") == server.values("nested") == []
    assert sorted(server.values("after")) == [1.0, 2.0]


def test_the_functions_and_configure(server: Server) -> None:
    client = clawpulse.configure(url=server.url, token="cp_x", agent="configured", tags="env=test")
    try:
        cp_metric("a", 1)
        assert cp_flush(5)
    finally:
        client.close()
    assert server.values("a") == [1.0]
    assert server.batches[0]["agent"] == "configured"
