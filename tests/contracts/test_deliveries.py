"""Every store of deliveries keeps these promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.adapters.deliveries import Deliveries
from functions.domain.delivery import Claimed, Delivery, DeliveryState, Thread, claim, delivery_id, failed, sent
from functions.domain.notification import DeliveryFailed, Sent
from functions.ports import DeliveryStore
from tests.fakes.deliveries import MemoryDeliveries
from tests.notify.samples import notification
from tests.tables import create_tables

NOW = 1_795_478_400_000


def memory(_request: Any) -> DeliveryStore:
    return MemoryDeliveries()


def on_dynamodb(request: Any) -> DeliveryStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return Deliveries(client, create_tables(client).fleet)


@pytest.fixture(params=[memory, pytest.param(on_dynamodb, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> DeliveryStore:
    make: Callable[[Any], DeliveryStore] = request.param
    return make(request)


def delivery(number: int = 1, channel: str = "oncall", at: int = NOW, incident: str = "inc-1") -> Delivery:
    some = notification(incident=incident, at=at)
    return Delivery(id=delivery_id(at, incident, number, channel), channel=channel, notification=some, created=at)


def claimed(store: DeliveryStore, some: Delivery, holder: str, now: int = NOW) -> Claimed:
    found = store.read("ws", some.id)
    assert found is not None
    decision = claim(found, store.thread("ws", found), holder, now)
    assert isinstance(decision, Claimed)
    return decision


def test_what_was_created_is_read_whole(store: DeliveryStore) -> None:
    some = delivery()
    assert store.create("ws", some)
    assert store.read("ws", some.id) == some
    assert store.read("ws", "other") is None
    assert store.read("ws2", some.id) is None
    assert store.thread("ws", some) == Thread()


def test_an_id_is_created_once(store: DeliveryStore) -> None:
    assert store.create("ws", delivery())
    assert not store.create("ws", delivery())
    assert store.create("ws2", delivery())


def test_a_delivery_and_its_thread_are_written_together(store: DeliveryStore) -> None:
    some = delivery()
    store.create("ws", some)
    held = claimed(store, some, "one")
    assert store.save("ws", held)
    assert store.save("ws", sent(held, Sent("C1:17"), NOW + 5))
    found = store.read("ws", some.id)
    assert found is not None
    assert (found.state, found.reference, found.ended) == (DeliveryState.SENT, "C1:17", NOW + 5)
    thread = store.thread("ws", some)
    assert (thread.reference, thread.last, thread.holder) == ("C1:17", NOW, "")


def test_what_was_changed_meanwhile_is_not_overwritten(store: DeliveryStore) -> None:
    some = delivery()
    store.create("ws", some)
    one, two = claimed(store, some, "one"), claimed(store, some, "two")
    assert store.save("ws", one)
    assert not store.save("ws", two)
    assert not store.save("ws", one)
    found = store.read("ws", some.id)
    assert found is not None
    assert found.holder == "one"


def test_two_deliveries_of_a_thread_cannot_both_take_it(store: DeliveryStore) -> None:
    first, second = delivery(1), delivery(2)
    store.create("ws", first)
    store.create("ws", second)
    one, two = claimed(store, first, "one"), claimed(store, second, "two")
    assert store.save("ws", one)
    assert not store.save("ws", two)
    assert store.read("ws", second.id) == second
    assert store.save("ws", failed(one, DeliveryFailed("no", retryable=False), NOW, 0.5))
    assert store.save("ws", claimed(store, second, "two"))


def test_threads_of_other_channels_incidents_and_workspaces_are_apart(store: DeliveryStore) -> None:
    others = [delivery(channel="mail"), delivery(incident="inc-2"), delivery()]
    for some in others:
        store.create("ws", some)
    store.create("ws2", delivery())
    assert all(store.save("ws", claimed(store, some, some.id)) for some in others)
    found = store.read("ws2", delivery().id)
    assert found is not None
    decision = claim(found, store.thread("ws2", found), "x", NOW)
    assert isinstance(decision, Claimed)
    assert store.save("ws2", decision)


def test_what_is_not_there_cannot_be_saved(store: DeliveryStore) -> None:
    decision = claim(delivery(), Thread(), "one", NOW)
    assert isinstance(decision, Claimed)
    assert not store.save("ws", decision)


def test_recent_ones_come_in_their_order(store: DeliveryStore) -> None:
    times = [NOW - 3_600_000, NOW - 5, NOW, NOW + 7]
    for at in reversed(times):
        store.create("ws", delivery(at=at))
    store.create("ws2", delivery(9))
    assert [found.created for found in store.recent("ws", NOW - 60_000)] == times[1:]
    assert [found.created for found in store.recent("ws", 0)] == times
    assert store.recent("ws", NOW + 8) == []


def test_of_many_at_once_one_gets_it(store: DeliveryStore) -> None:
    some = delivery()
    store.create("ws", some)
    claims = [claimed(store, some, f"run-{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda one: store.save("ws", one), claims))
    assert sum(got) == 1
