"""Every store of desired configurations keeps these promises."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from functions.adapters.desired import DesiredConfigs
from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.adapters.reads_fast import FastDesired
from functions.domain.desired import MAX_BYTES, Desired, desired
from functions.ports import DesiredStore
from tests.fakes.desired import MemoryDesired
from tests.tables import create_tables


def memory(_request: Any) -> DesiredStore:
    return MemoryDesired()


def on_boto3(request: Any) -> DesiredStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return DesiredConfigs(client, create_tables(client).fleet)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> DesiredStore:
    make: Callable[[Any], DesiredStore] = request.param
    return make(request)


def version(number: int, **more: Any) -> Desired:
    return desired({"größe": number, **more}, time=1_795_464_000_123 + number, by="token1")


def test_an_agent_has_none_at_first(store: DesiredStore) -> None:
    assert (store.get("ws", "a1"), store.hash_of("ws", "a1"), store.hashes("ws")) == (None, None, {})
    assert not store.drop("ws", "a1")


def test_one_is_read_back_as_it_was_put(store: DesiredStore) -> None:
    first = version(1, text="x" * 1_000)
    assert store.put("ws", "a1", first, None)
    assert store.get("ws", "a1") == first
    assert (store.hash_of("ws", "a1"), store.hashes("ws")) == (first.hash, {"a1": first.hash})


def test_only_what_was_seen_is_replaced(store: DesiredStore) -> None:
    first, second = version(1), version(2)
    assert not store.put("ws", "a1", second, first.hash)
    assert store.put("ws", "a1", first, None)
    assert not store.put("ws", "a1", second, None)
    assert not store.put("ws", "a1", second, second.hash)
    assert store.get("ws", "a1") == first
    assert store.put("ws", "a1", second, first.hash)
    assert (store.get("ws", "a1"), store.hash_of("ws", "a1")) == (second, second.hash)


def test_only_what_was_seen_is_removed(store: DesiredStore) -> None:
    store.put("ws", "a1", version(1), None)
    assert not store.drop("ws", "a1", version(2).hash)
    assert store.drop("ws", "a1", version(1).hash)
    assert (store.get("ws", "a1"), store.hash_of("ws", "a1")) == (None, None)
    store.put("ws", "a1", version(1), None)
    assert store.drop("ws", "a1")
    assert store.hashes("ws") == {}


def test_workspaces_and_agents_are_apart(store: DesiredStore) -> None:
    store.put("ws", "a1", version(1), None)
    store.put("ws", "a2", version(2), None)
    store.put("ws2", "a1", version(3), None)
    store.drop("ws", "a2")
    assert store.hashes("ws") == {"a1": version(1).hash}
    assert store.hashes("ws2") == {"a1": version(3).hash}


def test_the_largest_fits(store: DesiredStore) -> None:
    largest = desired({"x": "ü" * ((MAX_BYTES - 8) // 2)}, time=1, by="t")
    assert len(largest.text.encode()) == MAX_BYTES
    assert store.put("ws", "a1", largest, None)
    assert store.get("ws", "a1") == largest


def test_of_many_writers_who_saw_the_same_one_wins(store: DesiredStore) -> None:
    store.put("ws", "a1", version(0), None)
    won: list[int] = []

    def write(number: int) -> None:
        if store.put("ws", "a1", version(number), version(0).hash):
            won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1
    assert store.get("ws", "a1") == version(won[0])


@pytest.mark.cloud
def test_many_come_all(localstack: Any) -> None:
    client = localstack.client("dynamodb")
    store = DesiredConfigs(client, create_tables(client).fleet)
    for number in range(30):
        store.put("ws", f"a{number:02d}", version(number, text="x" * 40_000), None)
    assert store.hashes("ws") == {f"a{number:02d}": version(number, text="x" * 40_000).hash for number in range(30)}


@pytest.mark.cloud
def test_the_fast_client_reads_the_same_hash(localstack: Any) -> None:
    client = localstack.client("dynamodb")
    table = create_tables(client).fleet
    env = {**os.environ, "AWS_ENDPOINT_URL": localstack.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    fast_client = FastClient(DYNAMODB, env=env)
    fast = FastDesired(fast_client, table)
    assert fast.hash_of("ws", "a1") is None
    DesiredConfigs(client, table).put("ws", "a1", version(1), None)
    assert fast.hash_of("ws", "a1") == version(1).hash
    fast_client.close()
