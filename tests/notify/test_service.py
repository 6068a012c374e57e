"""One delivery at a time: claimed, sent, recorded; whatever fails, nothing is lost, and at most one message is repeated."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.channels import SecretReference
from functions.domain.delivery import LEASE_MS, MAX_AGE_MS, Claimed, Delivery, DeliveryState, delivery_id, overdue, pause_s
from functions.domain.errors import StoreUnavailable
from functions.domain.notification import DeliveryFailed, NotificationKind, Sent
from functions.notify.handler import run
from functions.notify.service import NotifyService, Outcome
from functions.ports import Message
from tests.fakes.deliveries import MemoryDeliveries
from tests.fakes.dispatcher import MemoryDispatcher
from tests.fakes.fleet import MemoryFleet
from tests.notify.samples import START, notification

LATER = DeliveryFailed("slack answered 503 Service Unavailable", retryable=True)
NEVER = DeliveryFailed("slack answered 200 OK: channel_not_found", retryable=False)
CHANNELS = {
    "oncall": {"kind": "slack", "channel": "C1", "secret": {"secretsmanager": "clawpulse/acme/slack"}},
    "mail": {"kind": "email", "from": "a@example.com", "to": ["b@example.com"]},
    "broken": {"kind": "slack", "chanel": "C1"},
}


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Sender:
    """A `MessageSender` that does as it is told, then sends."""

    faults: list[BaseException] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    killed_after: bool = False
    lock: Lock = field(default_factory=Lock)

    def send(self, message: Message) -> Sent:
        with self.lock:
            if self.faults:
                raise self.faults.pop(0)
            self.sent.append(message)
        if self.killed_after:
            self.killed_after = False
            raise Killed
        return Sent(f"ref-{len(self.sent)}")


@dataclass
class Vault:
    """A `SecretCache`."""

    secrets: list[str] = field(default_factory=lambda: ["xoxb-1"])
    """The first is remembered, the last is the true one."""

    def read(self, _reference: SecretReference, *, fresh: bool = False) -> str:
        return self.secrets[-1] if fresh else self.secrets[0]


class World:
    def __init__(self) -> None:
        self.store, self.sender, self.queue, self.vault, self.fleet = (
            MemoryDeliveries(),
            Sender(),
            MemoryDispatcher(),
            Vault(),
            MemoryFleet(),
        )
        self.fleet.put_settings("acme", "channels", CHANNELS)
        self.service = NotifyService(self.store, self.fleet, self.vault, self.sender, self.queue)
        self.runs = 0

    def deliver(self, number: int = 1, channel: str = "oncall", kind: NotificationKind = NotificationKind.FIRING, at: int = START) -> str:
        key = delivery_id(at, "inc-1", number, channel)
        self.store.create("acme", Delivery(id=key, channel=channel, notification=notification(kind, at=at), created=at))
        return key

    def run(self, key: str, now: int = START) -> Outcome:
        self.runs += 1
        return self.service.run("acme", key, now, f"run-{self.runs}", 0.5)

    def read(self, key: str) -> Delivery:
        found = self.store.read("acme", key)
        assert found is not None
        return found


@pytest.fixture
def world() -> World:
    return World()


def test_a_delivery_is_sent_once_and_recorded(world: World) -> None:
    key = world.deliver()
    assert world.run(key).state == "sent"
    assert world.run(key, START + 1).state == "nothing"
    assert len(world.sender.sent) == 1
    found = world.read(key)
    assert (found.state, found.reference, found.ended, found.holder) == (DeliveryState.SENT, "ref-1", START, "")


def test_later_messages_know_the_first_one(world: World) -> None:
    world.run(world.deliver(1))
    world.run(world.deliver(2, kind=NotificationKind.RESOLVED, at=START + 1000), START + 1000)
    world.run(world.deliver(2, channel="mail", at=START + 1000), START + 1000)
    assert [message.thread for message in world.sender.sent] == ["", "ref-1", ""]


def test_what_may_help_is_tried_again_after_a_pause(world: World) -> None:
    key = world.deliver()
    world.sender.faults = [LATER]
    outcome = world.run(key)
    assert (outcome.state, outcome.text, outcome.retry_after_s) == ("retry", LATER.reason, 3.75)
    assert world.queue.sent == [({"workspace": "acme", "delivery": key}, 4)]
    found = world.read(key)
    assert (found.state, found.attempts, found.reason, found.retry_at) == (DeliveryState.PENDING, 1, LATER.reason, START + 3750)
    assert world.run(key, START + 4000).state == "sent"
    assert [attempt.at for attempt in world.read(key).failures] == [START]


def test_a_message_that_comes_too_early_is_sent_round_again(world: World) -> None:
    key = world.deliver()
    world.sender.faults = [DeliveryFailed("slow down", retryable=True, retry_after_s=2000)]
    world.run(key)
    assert world.queue.sent[-1][1] == 900
    assert world.run(key, START + 900_000).state == "busy"
    assert world.queue.sent[-1][1] == 900
    assert world.run(key, START + 1_800_000).state == "busy"
    assert world.queue.sent[-1][1] == 200
    assert world.run(key, START + 2_000_000).state == "sent"


def test_what_cannot_help_is_undelivered_at_once_with_the_reason(world: World) -> None:
    key = world.deliver()
    world.sender.faults = [NEVER]
    assert world.run(key).state == "undelivered"
    found = world.read(key)
    assert (found.state, found.reason, found.ended) == (DeliveryState.UNDELIVERED, NEVER.reason, START)
    assert world.queue.sent == []
    assert world.run(key, START + 1).state == "nothing"


def test_after_six_hours_it_is_given_up(world: World) -> None:
    key, now = world.deliver(), START
    for _ in range(1000):
        world.sender.faults = [LATER]
        if world.run(key, now).state == "undelivered":
            break
        now = world.read(key).retry_at
    found = world.read(key)
    assert found.state is DeliveryState.UNDELIVERED
    assert "given up after" in found.reason
    assert LATER.reason in found.reason
    assert START + MAX_AGE_MS - 900_000 <= now <= START + MAX_AGE_MS
    assert len(found.failures) == 10


@pytest.mark.parametrize(("channel", "reason"), [("broken", "did you mean channel?"), ("gone", "there is no such channel")])
def test_wrong_settings_are_told_and_touch_no_other_channel(world: World, channel: str, reason: str) -> None:
    key = world.deliver(channel=channel)
    assert world.run(key).state == "undelivered"
    assert reason in world.read(key).reason
    assert world.run(world.deliver(2)).state == "sent"


def test_a_secret_that_was_replaced_is_read_anew_at_once(world: World) -> None:
    world.vault.secrets = ["xoxb-old", "xoxb-new"]
    world.sender.faults = [DeliveryFailed("invalid_auth", retryable=False)]
    assert world.run(world.deliver()).state == "sent"
    assert [message.secret for message in world.sender.sent] == ["xoxb-new"]


def test_an_older_message_is_not_sent_after_a_newer_one(world: World) -> None:
    firing, resolved = world.deliver(1), world.deliver(2, kind=NotificationKind.RESOLVED, at=START + 2000)
    world.sender.faults = [LATER]
    world.run(firing)
    world.run(resolved, START + 2000)
    assert world.run(firing, START + 4000).state == "superseded"
    assert [message.notification.kind for message in world.sender.sent] == [NotificationKind.RESOLVED]
    assert world.read(firing).state is DeliveryState.SUPERSEDED


def test_killed_before_it_was_sent_loses_nothing(world: World) -> None:
    key = world.deliver()
    world.sender.faults = [Killed()]
    with pytest.raises(Killed):
        world.run(key)
    assert world.run(key, START + 1000).state == "busy"
    assert world.queue.sent[-1][1] == LEASE_MS // 1000 - 1
    assert world.run(key, START + LEASE_MS).state == "sent"
    assert len(world.sender.sent) == 1


def test_killed_after_it_was_sent_repeats_it_once(world: World) -> None:
    key = world.deliver()
    world.sender.killed_after = True
    with pytest.raises(Killed):
        world.run(key)
    assert world.run(key, START + LEASE_MS).state == "sent"
    assert len(world.sender.sent) == 2
    assert {message.id for message in world.sender.sent} == {key}


def test_killed_each_time_it_is_given_up_in_the_end(world: World) -> None:
    key = world.deliver()
    world.sender.faults = [Killed()]
    with pytest.raises(Killed):
        world.run(key)
    assert world.run(key, START + MAX_AGE_MS + 1).state == "undelivered"
    assert "no try came to an end" in world.read(key).reason


def test_a_store_that_is_down_brings_the_message_back(world: World) -> None:
    class Down(MemoryDeliveries):
        def save(self, workspace: str, after: Claimed) -> bool:
            raise StoreUnavailable("alerts table: throttled")

    store = Down()
    key = delivery_id(START, "inc-1", 1, "oncall")
    store.create("acme", Delivery(id=key, channel="oncall", notification=notification(), created=START))
    service = NotifyService(store, world.fleet, world.vault, world.sender, world.queue)
    with pytest.raises(StoreUnavailable):
        service.run("acme", key, START, "one", 0.5)
    assert world.sender.sent == []


def test_two_messages_of_a_thread_go_out_one_after_the_other(world: World) -> None:
    first, second = world.deliver(1), world.deliver(2, at=START + 10)

    class Slow(Sender):
        def send(self, message: Message) -> Sent:
            inner.append(world.run(second, START + 20))
            return super().send(message)

    inner: list[Outcome] = []
    service = NotifyService(world.store, world.fleet, world.vault, Slow(), world.queue)
    assert service.run("acme", first, START, "slow", 0.5).state == "sent"
    assert [outcome.state for outcome in inner] == ["busy"]
    assert world.queue.sent == [({"workspace": "acme", "delivery": second}, 5)]
    assert world.run(second, START + 5020).state == "sent"
    assert world.sender.sent[0].thread == "ref-1"


def test_a_rival_between_reading_and_claiming_is_noticed(world: World) -> None:
    key = world.deliver()

    class Raced(MemoryDeliveries):
        """Somebody else takes the delivery just before we write."""

        def save(self, workspace: str, after: Claimed) -> bool:
            if not rivals:
                rivals.append(world.run(key))
            return world.store.save(workspace, after)

        def read(self, workspace: str, delivery: str) -> Delivery | None:
            return world.store.read(workspace, delivery)

    rivals: list[Outcome] = []
    service = NotifyService(Raced(), world.fleet, world.vault, world.sender, world.queue)
    assert service.run("acme", key, START, "late", 0.5).state == "busy"
    assert rivals[0].state == "sent"
    assert len(world.sender.sent) == 1
    assert world.queue.sent == [({"workspace": "acme", "delivery": key}, 2)]


def test_a_message_without_a_reference_leaves_the_threads(world: World) -> None:
    class Silent(Sender):
        def send(self, message: Message) -> Sent:
            super().send(message)
            return Sent("")

    world.run(world.deliver(1))
    silent = Silent()
    NotifyService(world.store, world.fleet, world.vault, silent, world.queue).run(
        "acme", world.deliver(2, at=START + 1), START + 1, "x", 0.5
    )
    world.run(world.deliver(3, at=START + 2), START + 2)
    assert world.sender.sent[-1].thread == "ref-1"


def test_of_eight_workers_on_one_delivery_one_sends_it(world: World) -> None:
    keys = [world.deliver(number, channel=channel, at=START + number) for number, channel in ((1, "oncall"), (2, "mail"))]
    jobs = [(key, number) for key in keys for number in range(8)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda job: world.service.run("acme", job[0], START + 5, f"{job[0]}-{job[1]}", 0.5), jobs))
    assert sorted(message.channel.name for message in world.sender.sent) == ["mail", "oncall"]


@given(chances=st.lists(st.floats(0, 1), min_size=1, max_size=40), asked=st.one_of(st.none(), st.floats(0, 1e9)))
def test_pauses_grow_are_spread_and_heed_the_vendor(chances: list[float], asked: float | None) -> None:
    pauses = [pause_s(attempt, chance) for attempt, chance in enumerate(chances, 1)]
    for attempt, pause in enumerate(pauses, 1):
        longest = min(900, 5 * 2 ** (attempt - 1))
        assert longest / 2 <= pause <= longest
    assert pause_s(1, 0.5, asked) >= min(asked or 0, MAX_AGE_MS / 1000)


def test_overdue_are_those_whose_message_must_be_lost(world: World) -> None:
    lost, waiting, done = world.deliver(1), world.deliver(2, channel="mail"), world.deliver(3, channel="gone")
    world.sender.faults = [LATER]
    world.run(waiting, START + 100_000)
    world.run(done)
    assert [found.id for found in overdue(world.store.recent("acme", 0), START + 100_000)] == [lost]
    assert overdue(world.store.recent("acme", 0), START + 59_999) == []
    assert {found.id for found in overdue(world.store.recent("acme", 0), START + 163_750)} == {lost, waiting}


def test_a_test_tells_what_happened_in_words(world: World) -> None:
    assert world.service.send_test("acme", "oncall", START, "42", "anna") == Outcome(
        "sent", "the channel oncall took the test message and calls it ref-1", "ref-1"
    )
    (message,) = world.sender.sent
    assert (message.notification.kind, message.notification.incident, message.notification.by) == (NotificationKind.TEST, "test-42", "anna")
    world.sender.faults = [NEVER]
    failed = world.service.send_test("acme", "oncall", START, "43")
    assert failed.state == "undelivered"
    assert failed.text.startswith("slack answered 200 OK: channel_not_found; trying again does not help")
    world.sender.faults = [LATER]
    assert "may help" in world.service.send_test("acme", "oncall", START, "44").text
    assert "did you mean mail?" in world.service.send_test("acme", "mial", START, "45").text
    assert world.store.recent("acme", 0) == []


def records(*keys: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m-{key}", "body": f'{{"workspace": "acme", "delivery": "{key}"}}'} for key in keys]}


def test_of_a_batch_only_what_failed_comes_back(world: World) -> None:
    first, second = world.deliver(1), world.deliver(2, channel="mail")
    world.sender.faults = [RuntimeError("a bug")]
    told: list[tuple[str, object]] = []

    def log(message: Mapping[str, str], outcome: object) -> None:
        told.append((message["delivery"], outcome))

    answer = run(records(first, second, "unknown"), world.service, lambda: START, lambda: True, log)
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"m-{first}"}]}
    assert [key for key, _ in told] == [first, second, "unknown"]
    assert [message.channel.name for message in world.sender.sent] == ["mail"]


def test_without_time_left_messages_go_back(world: World) -> None:
    first, second = world.deliver(1), world.deliver(2, channel="mail")
    left = [True, False]
    answer = run(records(first, second), world.service, lambda: START, lambda: left.pop(0), lambda _message, _outcome: None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"m-{second}"}]}
