"""Every batch store keeps these promises: in memory, on boto3, and on the fast client."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from functions.adapters.batches import Batches
from functions.adapters.batches_fast import FastBatches
from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.domain.failures import Failure, encode_failures
from functions.domain.items import AgentInfo, BatchItem
from functions.domain.rollup import Aggregate, Rollup, SeriesKey
from functions.domain.rollup_codec import decode
from functions.ports import BatchReader, BatchWriter, PutOutcome
from tests.fakes.batches import MemoryBatches
from tests.tables import create_tables

BUCKETS = 3
MINUTE = 29_924_640


@dataclass
class Store:
    writer: BatchWriter
    reader: BatchReader


def memory(_request: Any) -> Store:
    batches = MemoryBatches(BUCKETS)
    return Store(batches, batches)


def on_boto3(request: Any) -> Store:
    client = request.getfixturevalue("localstack").client("dynamodb")
    batches = Batches(client, create_tables(client).batches, BUCKETS)
    return Store(batches, batches)


def on_fast_client(request: Any) -> Store:
    cloud = request.getfixturevalue("localstack")
    client = cloud.client("dynamodb")
    table = create_tables(client).batches
    env = {**os.environ, "AWS_ENDPOINT_URL": cloud.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    fast = FastClient(DYNAMODB, env=env)
    request.addfinalizer(fast.close)
    return Store(FastBatches(fast, table, BUCKETS), Batches(client, table, BUCKETS))


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud), pytest.param(on_fast_client, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> Store:
    make: Callable[[Any], Store] = request.param
    return make(request)


def rollup(*values: float) -> Rollup:
    aggregate = Aggregate()
    aggregate.extend(values, [MINUTE * 60_000 + i for i in range(len(values))])
    return {SeriesKey("task.latency_ms", (("tier", "fäst"),)): aggregate}


def item(agent: str = "agent-1", seq: int = 0, minute: int = MINUTE, digest: str = "d1") -> BatchItem:
    info = AgentInfo(tags={"env": "prod"}, model="m", versions={"clawpulse": "0.1.0"}, scope={"shard": "a"})
    return BatchItem(
        agent=agent, batch=f"ep.{seq}", minute=minute, received=MINUTE * 60_000 + 5, digest=digest, info=info, rollup=rollup(1.5, 2.5)
    )


def test_what_was_written_is_read_back(store: Store) -> None:
    assert store.writer.put("ws", item()) is PutOutcome.WRITTEN
    (found,) = store.reader.read_minute("ws", MINUTE)
    assert (found.agent, found.batch, found.minute, found.received) == ("agent-1", "ep.0", MINUTE, MINUTE * 60_000 + 5)
    assert found.info == item().info
    assert decode(found.data) == rollup(1.5, 2.5)


def test_an_item_without_points_is_kept_too(store: Store) -> None:
    store.writer.put("ws", replace(item(), rollup={}))
    assert [decode(found.data) for found in store.reader.read_minute("ws", MINUTE)] == [{}]


def test_failures_come_with_the_item(store: Store) -> None:
    failures = encode_failures([Failure("TimeoutError", "took … s", "tier=fäst", 3, 5, 9, '{"err":"took 31 s"}')])
    assert store.writer.put("ws", replace(item(), failures=failures)) is PutOutcome.WRITTEN
    store.writer.put("ws", item(seq=1))
    found = {each.batch: each.failures for each in store.reader.read_minute("ws", MINUTE)}
    assert found == {"ep.0": failures, "ep.1": b""}
    assert store.writer.put("ws", item()) is PutOutcome.DUPLICATE
    assert [each.failures for each in store.reader.read_minute("ws", MINUTE) if each.batch == "ep.0"] == [failures]


def test_the_same_again_is_a_duplicate_and_changes_nothing(store: Store) -> None:
    store.writer.put("ws", item())
    assert store.writer.put("ws", replace(item(), received=0, rollup=rollup(9.0))) is PutOutcome.DUPLICATE
    (found,) = store.reader.read_minute("ws", MINUTE)
    assert decode(found.data) == rollup(1.5, 2.5)


def test_the_same_id_with_other_content_is_a_conflict_and_changes_nothing(store: Store) -> None:
    store.writer.put("ws", item())
    assert store.writer.put("ws", item(digest="d2")) is PutOutcome.CONFLICT
    assert store.writer.put("ws", item()) is PutOutcome.DUPLICATE


def test_a_minute_has_all_its_items_over_all_buckets_and_no_other(store: Store) -> None:
    for agent in range(7):
        store.writer.put("ws", item(agent=f"agent-{agent}"))
        store.writer.put("ws", item(agent=f"agent-{agent}", seq=1))
    store.writer.put("ws", item(minute=MINUTE + 1))
    store.writer.put("other", item())
    found = {(each.agent, each.batch) for each in store.reader.read_minute("ws", MINUTE)}
    assert found == {(f"agent-{agent}", f"ep.{seq}") for agent in range(7) for seq in (0, 1)}


def test_late_marks_come_newest_minute_first(store: Store) -> None:
    for back in (3, 1, 2):
        store.writer.mark_late("ws", "agent-1", MINUTE - back, "s")
    store.writer.mark_late("other", "agent-1", MINUTE, "s")
    assert [mark.minute for mark in store.reader.late_marks("ws", 10)] == [MINUTE - 1, MINUTE - 2, MINUTE - 3]
    assert [mark.minute for mark in store.reader.late_marks("ws", 2)] == [MINUTE - 1, MINUTE - 2]


def test_a_mark_is_cleared_once(store: Store) -> None:
    store.writer.mark_late("ws", "agent-1", MINUTE, "s")
    (mark,) = store.reader.late_marks("ws", 10)
    assert store.reader.clear_late("ws", mark) is True
    assert store.reader.clear_late("ws", mark) is False
    assert store.reader.late_marks("ws", 10) == []


def test_a_mark_that_was_set_again_stays(store: Store) -> None:
    store.writer.mark_late("ws", "agent-1", MINUTE, "first")
    (mark,) = store.reader.late_marks("ws", 10)
    store.writer.mark_late("ws", "agent-1", MINUTE, "second")
    assert store.reader.clear_late("ws", mark) is False
    assert [mark.stamp for mark in store.reader.late_marks("ws", 10)] == ["second"]
