"""Every store of exporters' records keeps these promises."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from functions.adapters.exporters_fast import FastExporters
from functions.adapters.fast_client import DYNAMODB, FastClient
from functions.ports import ExporterStore, Slot
from tests.fakes.exporters import MemoryExporters
from tests.tables import create_tables

NOW = 1_795_478_400_000
LATER = NOW + 60_000


@dataclass
class Store:
    exporters: ExporterStore
    another: Callable[[], ExporterStore]
    """One for another thread."""


def memory(_request: Any) -> Store:
    exporters = MemoryExporters()
    return Store(exporters, lambda: exporters)


def on_fast_client(request: Any) -> Store:
    cloud = request.getfixturevalue("localstack")
    table = create_tables(cloud.client("dynamodb")).batches
    env = {**os.environ, "AWS_ENDPOINT_URL": cloud.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

    def make() -> FastExporters:
        client = FastClient(DYNAMODB, env=env)
        request.addfinalizer(client.close)
        return FastExporters(client, table)

    return Store(make(), make)


@pytest.fixture(params=[memory, pytest.param(on_fast_client, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> Store:
    make: Callable[[Any], Store] = request.param
    return make(request)


def test_nothing_is_remembered_at_first(store: Store) -> None:
    assert store.exporters.read("ws", "agent-1", "e", NOW) == Slot(0, None)


def test_a_record_is_replaced_version_by_version(store: Store) -> None:
    for version, data in enumerate((b"one", b"\x00\xff", b"three" * 1000)):
        assert store.exporters.write("ws", "agent-1", "e", data, seen=version, expires=LATER)
        assert store.exporters.read("ws", "agent-1", "e", NOW) == Slot(version + 1, data)


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_who_has_seen_another_version_changes_nothing(store: Store, seen: int) -> None:
    for version in range(2):
        store.exporters.write("ws", "agent-1", "e", b"mine", seen=version, expires=LATER)
    assert not store.exporters.write("ws", "agent-1", "e", b"other", seen=seen, expires=LATER)
    assert store.exporters.read("ws", "agent-1", "e", NOW) == Slot(2, b"mine")


def test_a_version_that_never_was_cannot_be_replaced(store: Store) -> None:
    assert not store.exporters.write("ws", "agent-1", "e", b"data", seen=1, expires=LATER)


def test_what_has_expired_is_gone_but_its_version_goes_on(store: Store) -> None:
    store.exporters.write("ws", "agent-1", "e", b"old", seen=0, expires=NOW)
    assert store.exporters.read("ws", "agent-1", "e", NOW) == Slot(1, None)
    assert not store.exporters.write("ws", "agent-1", "e", b"new", seen=0, expires=LATER)
    assert store.exporters.write("ws", "agent-1", "e", b"new", seen=1, expires=LATER)
    assert store.exporters.read("ws", "agent-1", "e", NOW) == Slot(2, b"new")


def test_workspaces_agents_and_exporters_are_apart(store: Store) -> None:
    keys = [("ws", "agent-1", "e"), ("ws", "agent-1", "f"), ("ws", "agent-2", "e"), ("other", "agent-1", "e")]
    for number, key in enumerate(keys):
        assert store.exporters.write(*key, b"%d" % number, seen=0, expires=LATER)
    assert [store.exporters.read(*key, NOW).data for key in keys] == [b"0", b"1", b"2", b"3"]


def test_of_many_at_once_one_replaces(store: Store) -> None:
    store.exporters.write("ws", "agent-1", "e", b"first", seen=0, expires=LATER)
    stores = [store.another() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda number: stores[number].write("ws", "agent-1", "e", b"%d" % number, seen=1, expires=LATER), range(8)))
    assert sum(done) == 1
    assert store.exporters.read("ws", "agent-1", "e", NOW) == Slot(2, b"%d" % done.index(True))
