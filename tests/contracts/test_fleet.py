"""Every fleet store keeps these promises."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from functions.adapters.fleet import Fleet
from functions.domain.fleet import AgentState, Health, Snapshot, Status, decode_snapshot, encode_snapshot
from functions.ports import FleetStore
from tests.fakes.fleet import MemoryFleet
from tests.tables import create_tables


def memory(_request: Any) -> FleetStore:
    return MemoryFleet()


def on_boto3(request: Any) -> FleetStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return Fleet(client, create_tables(client).fleet)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> FleetStore:
    make: Callable[[Any], FleetStore] = request.param
    return make(request)


RECORD = {
    "remote_tags": {"env": "prod"},
    "name": "Größe",
    "retired": False,
    "expected": True,
    "first_seen": 1_795_464_000_123,
    "versions": {},
    "status": "green",
}


def test_an_unknown_agent_has_no_record(store: FleetStore) -> None:
    assert store.agent("ws", "nobody") is None
    assert store.agents("ws") == {}


def test_fields_are_kept_with_their_types(store: FleetStore) -> None:
    assert store.update_agent("ws", "a1", RECORD) == RECORD
    assert store.agent("ws", "a1") == RECORD
    assert store.agents("ws") == {"a1": RECORD}
    found = store.agent("ws", "a1")
    assert found is not None
    assert (type(found["first_seen"]), type(found["retired"])) == (int, bool)


def test_named_fields_are_set_and_others_left(store: FleetStore) -> None:
    store.update_agent("ws", "a1", RECORD)
    assert store.update_agent("ws", "a1", {"owner": "kim", "status": "red"}) == {**RECORD, "owner": "kim", "status": "red"}


def test_none_removes_a_field(store: FleetStore) -> None:
    store.update_agent("ws", "a1", {"owner": "kim", "name": "x"})
    assert store.update_agent("ws", "a1", {"owner": None, "never": None}) == {"name": "x"}


def test_no_changes_change_nothing(store: FleetStore) -> None:
    assert store.update_agent("ws", "a1", {}) == {}
    assert store.agents("ws") == {}
    store.update_agent("ws", "a1", {"owner": "kim"})
    assert store.update_agent("ws", "a1", {}) == {"owner": "kim"}


def test_field_names_may_be_any_word(store: FleetStore) -> None:
    record = {"status": "x", "name": "y", "time": 1, "size": 2}
    assert store.update_agent("ws", "a1", record) == record


def test_forgetting_tells_whether_there_was_one(store: FleetStore) -> None:
    store.update_agent("ws", "a1", RECORD)
    assert store.forget_agent("ws", "a1")
    assert not store.forget_agent("ws", "a1")
    assert store.agent("ws", "a1") is None


def test_workspaces_are_apart(store: FleetStore) -> None:
    store.update_agent("ws", "a1", {"name": "one"})
    store.update_agent("ws2", "a1", {"name": "two"})
    store.put_snapshot("ws", b"one")
    store.put_settings("ws", "workspace", {"x": 1})
    assert store.agents("ws2") == {"a1": {"name": "two"}}
    assert store.snapshot("ws2") is None
    assert store.settings("ws2", "workspace") is None


def test_many_agents_come_all(store: FleetStore) -> None:
    for number in range(30):
        store.update_agent("ws", f"a{number:02d}", {"host": "h" * 40_000})
    assert list(store.agents("ws")) == [f"a{number:02d}" for number in range(30)]


def test_writers_of_different_fields_do_not_meet(store: FleetStore) -> None:
    def write(field: str) -> None:
        for number in range(10):
            store.update_agent("ws", "a1", {field: number})

    threads = [threading.Thread(target=write, args=(field,)) for field in ("owner", "status", "name")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert store.agent("ws", "a1") == {"owner": 9, "status": 9, "name": 9}


def test_there_is_no_snapshot_at_first(store: FleetStore) -> None:
    assert store.snapshot("ws") is None


@pytest.mark.parametrize("size", [0, 1, 280_000, 280_001, 1_200_000])
def test_snapshots_of_any_size_are_replaced(store: FleetStore, size: int) -> None:
    first, second = random.Random(size).randbytes(size), random.Random(size + 1).randbytes(max(size // 3, 1))
    for data in (first, second, first):
        store.put_snapshot("ws", data)
        assert store.snapshot("ws") == data


def test_a_reader_never_sees_two_snapshots_mixed(store: FleetStore) -> None:
    versions = [bytes([number]) * 800_000 for number in range(8)]
    store.put_snapshot("ws", versions[0])
    stop = threading.Event()
    seen: list[bytes | None] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(store.snapshot("ws"))

    reader = threading.Thread(target=read)
    reader.start()
    for data in versions:
        store.put_snapshot("ws", data)
    stop.set()
    reader.join(60)
    assert seen
    assert all(data in versions for data in seen)


def test_the_encoded_fleet_fits(store: FleetStore) -> None:
    agents = {f"a{n}": AgentState(id=f"a{n}", name=f"a{n}", health=Health(Status.RED, "dead", 5, {"age": 1.5})) for n in range(1_000)}
    snapshot = Snapshot(workspace="ws", time=7, agents=agents, window={3: b"x"}, due_hours={4: ["", "a1"]}, unsealed=[(1, 2)])
    store.put_snapshot("ws", encode_snapshot(snapshot))
    data = store.snapshot("ws")
    assert data is not None
    assert decode_snapshot(data) == snapshot


def test_settings_are_replaced_only_as_they_were_seen(store: FleetStore) -> None:
    first = {"b": 1.0, "a": ["größer", {"x": None, "n": 10**15}]}
    assert not store.replace_settings("ws", "rules", first, {})
    assert store.replace_settings("ws", "rules", first, None)
    assert not store.replace_settings("ws", "rules", {}, None)
    assert not store.replace_settings("ws", "rules", {}, {"b": 2.0})
    assert store.replace_settings("ws", "rules", {"c": 1}, store.settings("ws", "rules"))
    assert store.settings("ws", "rules") == {"c": 1}
    assert store.settings("ws2", "rules") is None


def test_settings_are_documents_that_are_replaced(store: FleetStore) -> None:
    assert store.settings("ws", "workspace") is None
    store.put_settings("ws", "workspace", {"dimensions": ["env"], "health": {"zombie_after_s": 1.5}, "n": 3})
    assert store.settings("ws", "workspace") == {"dimensions": ["env"], "health": {"zombie_after_s": 1.5}, "n": 3}
    store.put_settings("ws", "workspace", {})
    assert store.settings("ws", "workspace") == {}
    assert store.settings("ws", "other") is None
