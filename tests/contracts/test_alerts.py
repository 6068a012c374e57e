"""Every memory of alerting keeps these promises."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from functions.adapters.alerts import Alerts
from functions.adapters.deliveries import Deliveries
from functions.domain.alert import AlertState, Edge, EdgeKind, Phase, Severity
from functions.domain.delivery import Delivery, delivery_id
from functions.domain.dispatch import Change
from functions.domain.incident import Incident
from functions.domain.notification import Notification, NotificationKind
from functions.ports import AlertStore
from tests.fakes.alerts import MemoryAlerts
from tests.tables import create_tables

NOW = 1_795_478_400_000


def memory(_request: Any) -> AlertStore:
    return MemoryAlerts(lambda: NOW / 1000)


def on_boto3(request: Any) -> AlertStore:
    client = request.getfixturevalue("localstack").client("dynamodb")
    return Alerts(client, create_tables(client).alerts, now=lambda: NOW / 1000)


@pytest.fixture(params=[memory, pytest.param(on_boto3, marks=pytest.mark.cloud)])
def store(request: pytest.FixtureRequest) -> AlertStore:
    make: Callable[[Any], AlertStore] = request.param
    return make(request)


def state(version: int = 1, **more: Any) -> AlertState:
    return AlertState(rule="slow", series={"tier": more.pop("tier", "fast")}, phase=Phase.FIRING, since=NOW, version=version, **more)


def edge(number: int = 1) -> Edge:
    return Edge(
        id=f"{NOW + number:011x}-e{number}",
        kind=EdgeKind.FIRING,
        rule="slow",
        series={"tier": "fast"},
        episode="ep1",
        at=NOW + number,
        since=NOW,
        severity=Severity.WARNING,
        value=812.5,
        reason="p95 ist 812 ms, größer",
    )


def claim(store: AlertStore, found: AlertState, told: Edge | None) -> bool:
    (done,) = store.claim("ws", [(found, told)])
    return done


def incident(version: int = 1, opened: int = NOW, **more: Any) -> Incident:
    return Incident(id=f"{opened:011x}-i", route="all", group={"rule": "slow"}, opened=opened, version=version, **more)


def delivery(number: int = 1) -> Delivery:
    told = Notification(
        kind=NotificationKind.FIRING, workspace="ws", incident="i", title="slow", severity=Severity.WARNING, at=NOW, started=NOW
    )
    return Delivery(id=delivery_id(NOW, "i", number, "chat"), channel="chat", notification=told, created=NOW)


def test_edges_without_a_state_are_posted_and_a_repeat_adds_none(store: AlertStore) -> None:
    store.post("ws", [edge(2), edge(1)])
    store.post("ws", [edge(1)])
    assert store.outbox("ws", 10) == [edge(1), edge(2)]
    assert store.states("ws") == []
    store.dispatched("ws", [edge(1)])
    assert store.outbox("ws", 10) == [edge(2)]


def test_states_are_read_back_as_written(store: AlertStore) -> None:
    first = state(value=1.5, reason="größer", fired=[1, 2])
    assert claim(store, first, None)
    assert claim(store, state(tier="smart"), None)
    assert store.states("ws") == [first, state(tier="smart")]
    assert store.states("ws2") == []


def test_only_the_next_version_is_written(store: AlertStore) -> None:
    assert not claim(store, state(2), edge())
    assert claim(store, state(1), None)
    assert not claim(store, state(1), edge())
    assert claim(store, state(2), edge())
    assert not claim(store, state(2), edge(2))
    assert [found.version for found in store.states("ws")] == [2]
    assert [found.id for found in store.outbox("ws", 10)] == [edge().id], "an edge that was not claimed is not in the outbox"


def test_the_outbox_gives_the_oldest_first_until_they_are_dispatched(store: AlertStore) -> None:
    for number in (3, 1, 2):
        claim(store, state(tier=f"t{number}"), edge(number))
    assert store.outbox("ws", 2) == [edge(1), edge(2)]
    store.dispatched("ws", [edge(1), edge(2), edge(7)])
    assert store.outbox("ws", 10) == [edge(3)]


def test_a_state_is_forgotten_only_as_it_was_seen(store: AlertStore) -> None:
    claim(store, state(1), None)
    claim(store, state(2), None)
    assert not store.forget("ws", state(1))
    assert store.forget("ws", state(2))
    assert not store.forget("ws", state(2))
    assert store.states("ws") == []


def test_of_many_who_see_an_edge_one_claims_it(store: AlertStore) -> None:
    won: list[int] = []

    def try_to(number: int) -> None:
        if claim(store, state(1), edge(number)):
            won.append(number)

    threads = [threading.Thread(target=try_to, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1
    assert store.outbox("ws", 10) == [edge(won[0])]


def test_of_several_claims_each_stands_alone(store: AlertStore) -> None:
    claim(store, state(1, tier="t2"), None)
    assert store.claim("ws", [(state(1, tier=f"t{number}"), edge(number)) for number in (1, 2, 3)]) == [True, False, True]
    assert store.outbox("ws", 10) == [edge(1), edge(3)]
    assert store.claim("ws", []) == []


def test_baselines_are_replaced(store: AlertStore) -> None:
    assert store.baselines("ws") is None
    store.put_baselines("ws", b"a" * 1_000_000)
    assert store.baselines("ws") == b"a" * 1_000_000
    store.put_baselines("ws", b"b")
    assert (store.baselines("ws"), store.baselines("ws2")) == (b"b", None)


def test_an_incident_and_its_deliveries_are_written_together(store: AlertStore) -> None:
    assert store.save("ws", Change(incident=incident(1), deliveries=(delivery(1), delivery(2))))
    assert not store.save("ws", Change(incident=incident(1), deliveries=(delivery(3),)))
    assert not store.save("ws", Change(incident=incident(2), deliveries=(delivery(1),))), "that delivery is known"
    assert [found.version for found in store.incidents("ws")] == [1]
    assert store.save("ws", Change(incident=incident(2)))
    assert store.incident("ws", incident().id) == incident(2)


def test_an_archived_incident_is_found_but_not_at_hand(store: AlertStore) -> None:
    store.save("ws", Change(incident=incident(1)))
    assert not store.save("ws", Change(incident=incident(3, closed=NOW + 1), archived=True))
    assert store.save("ws", Change(incident=incident(2, closed=NOW + 1), archived=True))
    assert store.incidents("ws") == []
    assert store.incident("ws", incident().id) == incident(2, closed=NOW + 1)
    assert store.incident("ws", "unknown") is None


def test_an_incident_is_amended_where_it_is(store: AlertStore) -> None:
    assert not store.amend("ws", incident(1))
    store.save("ws", Change(incident=incident(1)))
    assert not store.amend("ws", incident(3))
    assert store.amend("ws", incident(2, hidden="größer"))
    assert store.incidents("ws") == [incident(2, hidden="größer")]
    store.save("ws", Change(incident=incident(3, closed=NOW + 1), archived=True))
    assert not store.amend("ws", incident(3, closed=NOW + 1))
    assert store.amend("ws", incident(4, closed=NOW + 1, flapping=True))
    assert store.incidents("ws") == []
    assert store.incident("ws", incident().id) == incident(4, closed=NOW + 1, flapping=True)


def test_history_has_open_and_archived_ones_newest_first(store: AlertStore) -> None:
    store.save("ws", Change(incident=incident(1, opened=NOW - 5_000)))
    store.save("ws", Change(incident=incident(1, opened=NOW)))
    store.save("ws", Change(incident=incident(2, opened=NOW, closed=NOW + 1), archived=True))
    store.save("ws", Change(incident=incident(1, opened=NOW + 5_000)))
    assert [found.opened for found in store.history("ws", NOW)] == [NOW + 5_000, NOW]


def test_silences_come_and_go(store: AlertStore) -> None:
    document = {"matchers": "rule=slow", "starts": NOW, "ends": NOW + 60_000, "comment": "größer"}
    store.put_silence("ws", "s1", document)
    store.put_silence("ws", "s2", {**document, "ends": NOW - 60_000})
    assert store.silences("ws") == {"s1": document}, "one that is over is gone"
    assert store.drop_silence("ws", "s1")
    assert not store.drop_silence("ws", "s1")
    assert store.silences("ws") == {}


@pytest.mark.cloud
def test_deliveries_are_where_the_notifier_looks(localstack: Any) -> None:
    client = localstack.client("dynamodb")
    name = create_tables(client).alerts
    Alerts(client, name).save("ws", Change(incident=incident(1), deliveries=(delivery(1),)))
    assert Deliveries(client, name).read("ws", delivery(1).id) == delivery(1)
