"""What batches tell of failed tasks gets into their items, and costs nothing where there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clawpulse import Client, task
from functions.domain.failures import Failure, decode_failures
from functions.domain.items import BatchItem
from functions.domain.times import MINUTE_MS
from tests.ingest.support import MINUTE, NOW, batch, encoded, events, planned, series
from tests.sdk.server import running_server

VECTORS = Path(__file__).parents[1] / "sdk" / "vectors"


def told(items: list[BatchItem]) -> list[Failure]:
    return [failure for item in items if item.failures for failure in decode_failures(item.failures)]


def test_each_minutes_item_has_its_failures() -> None:
    column = events("task.failed", (0, -MINUTE_MS), payloads=[{"err": "KeyError: 'x'"}, {"err": "slow"}], tags={"tier": "fast"})
    plan = planned(batch(events=[column], series=[series("task.latency_ms", (1.0,), (-2 * MINUTE_MS,))]))
    assert {item.minute: [(f.type, f.message, f.tags) for f in told([item])] for item in plan.items} == {
        MINUTE: [("KeyError", "…", "tier=fast")],
        MINUTE - 1: [("unknown", "slow", "tier=fast")],
        MINUTE - 2: [],
    }


def test_the_same_batch_makes_the_same_bytes() -> None:
    document = batch(events=[events("task.failed", (0, -5), payloads=[{"err": "x"}, {"err": "y"}])])
    assert [item.failures for item in planned(document).items] == [item.failures for item in planned(document, now=NOW + 900).items]


def test_a_tokens_scope_is_among_the_tags() -> None:
    (failure,) = told(list(planned(batch(events=[events("task.failed")]), scope=(("shard", "acme"),)).items))
    assert failure.tags == "shard=acme"


@pytest.mark.parametrize("payload", ["123456789012345678901234567890", "1e400", '"\\u0000"', '{"a":' * 600 + "1" + "}" * 600, "null"])
def test_no_payload_costs_the_batch(payload: str) -> None:
    text = encoded(batch(events=[events("task.failed", payloads=["@"])])).replace(b'"@"', payload.encode())
    plan = planned(text)
    assert plan.accepted + plan.rejected.count == 1
    assert sum(failure.count for failure in told(list(plan.items))) == plan.accepted


def test_rejected_failures_are_not_counted() -> None:
    plan = planned(batch(events=[events("task.failed", (0, -2 * 24 * 60 * MINUTE_MS))]))
    assert (plan.accepted, [failure.count for failure in told(list(plan.items))]) == (1, [1])


@pytest.mark.parametrize("name", ["heartbeat", "sketch", "task", "items"])
def test_a_batch_without_failures_has_none(name: str) -> None:
    document = json.loads((VECTORS / f"{name}.json").read_text())
    if "task.failed" not in json.dumps(document) and "task.errors" not in json.dumps(document):
        assert all(item.failures == b"" for item in planned(document, now=document["time"]).items)


def test_a_batch_without_failures_does_not_load_what_reads_them() -> None:
    program = (
        "import sys, json\n"
        "import functions.ingest.handler\n"
        "from functions.domain.intake import plan\n"
        "for text in sys.argv[1:]:\n"
        f"    plan(text.encode(), workspace='ws', dimensions=frozenset(), scope=(), now={NOW}, raw=False)\n"
        "    print(any(name.startswith('functions.domain.failure') for name in sys.modules))\n"
    )
    texts = [encoded(batch(series=[series()], events=[events()])).decode(), encoded(batch(events=[events("task.failed")])).decode()]
    done = subprocess.run([sys.executable, "-c", program, *texts], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "True"]


def by_hand(client: Client) -> None:
    """The snippet that users write."""
    tags = {"tier": "fast", "task_id": "t1"}
    client.event("task.started", tags=tags)
    try:
        raise TimeoutError("no answer after 31 s")
    except TimeoutError as exc:
        client.metric("task.errors", 1, tags={**tags, "error": type(exc).__name__})
        client.event("task.failed", tags=tags, payload={"err": str(exc)[:500]})


def measured(client: Client) -> None:
    """The same by the SDK's block."""
    with pytest.raises(TimeoutError), task("t1", tags={"tier": "fast"}, client=client):
        raise TimeoutError("no answer after 31 s")


@pytest.mark.parametrize("run", [by_hand, measured])
def test_what_the_sdk_really_sends_has_type_and_message(run: Any, tmp_path: Path) -> None:
    with running_server() as server:
        client = Client(url=server.url, token="cp_test", agent="a1", flush_seconds=0.1, spool=tmp_path)
        run(client)
        client.close(timeout=10)
        found = [failure for sent in server.full_batches for failure in told(list(planned(sent, now=sent["time"]).items))]
    assert [(one.type, one.message, one.tags, one.count, one.sample) for one in found] == [
        ("TimeoutError", "no answer after … s", "tier=fast", 1, '{"err":"no answer after 31 s"}')
    ]
