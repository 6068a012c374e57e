"""Any order of faults, kills and rivals: every delivery comes to an end, and a message is repeated only by a kill after it was sent."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from functions.domain.delivery import LEASE_MS, Claimed, Delivery, DeliveryState, delivery_id, overdue
from functions.domain.errors import StoreUnavailable
from functions.domain.notification import DeliveryFailed, NotificationKind, Sent
from functions.notify.service import NotifyService
from functions.ports import Message
from tests.fakes.deliveries import MemoryDeliveries
from tests.fakes.dispatcher import MemoryDispatcher
from tests.fakes.fleet import MemoryFleet
from tests.notify.samples import START, notification
from tests.notify.test_service import CHANNELS, Vault

FATES = ["sent", "later", "never", "killed before", "killed after", "record lost", "claim lost"]


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Fate:
    """What happens to the run that goes on now; plays the channel, too."""

    now: str = "sent"
    sent: list[Message] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)
    """How often each delivery may have been sent without anybody knowing."""
    refused: set[str] = field(default_factory=set)

    def send(self, message: Message) -> Sent:
        match self.now:
            case "killed before":
                raise Killed
            case "later":
                raise DeliveryFailed("503", retryable=True)
            case "never":
                self.refused.add(message.id)
                raise DeliveryFailed("400", retryable=False)
        self.sent.append(message)
        if self.now == "killed after":
            self.repeats[message.id] += 1
            raise Killed
        return Sent(f"ref-{len(self.sent)}")


class Store(MemoryDeliveries):
    """Loses writes when fate wants it."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def save(self, workspace: str, after: Claimed) -> bool:
        claiming = bool(after.delivery.holder)
        if self._fate.now == "claim lost" and claiming:
            raise StoreUnavailable("throttled")
        if self._fate.now == "record lost" and not claiming:
            if after.delivery.state is DeliveryState.SENT:
                self._fate.repeats[after.delivery.id] += 1
            raise StoreUnavailable("throttled")
        return super().save(workspace, after)


@tuned(max_examples=150)
@given(
    plan=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(FATES), st.integers(0, 2 * LEASE_MS)), max_size=25),
    channels=st.lists(st.sampled_from(["oncall", "mail"]), min_size=3, max_size=3),
)
def test_every_delivery_ends_and_only_kills_repeat_it(plan: list[tuple[int, str, int]], channels: list[str]) -> None:
    fate = Fate()
    store, fleet, queue = Store(fate), MemoryFleet(), MemoryDispatcher()
    fleet.put_settings("acme", "channels", CHANNELS)
    service = NotifyService(store, fleet, Vault(), fate, queue)
    keys = []
    for number, channel in enumerate(channels):
        some = notification(NotificationKind.UPDATE, at=START + number)
        keys.append(delivery_id(START + number, "inc-1", number, channel))
        store.create("acme", Delivery(id=keys[-1], channel=channel, notification=some, created=START))
    now = START
    for run, (which, fate.now, passes) in enumerate(plan):
        with suppress(Killed, StoreUnavailable):
            service.run("acme", keys[which], now, f"run-{run}", 0.5)
        now += passes
    # Whatever became of the messages in the queue: the sweep finds what is still to be done.
    fate.now = "sent"
    for run in range(20):
        now += 20 * 60_000
        for delivery in overdue(store.recent("acme", 0), now):
            service.run("acme", delivery.id, now, f"sweep-{run}-{delivery.id}", 0.5)
    found = [store.read("acme", key) for key in keys]
    times = Counter(message.id for message in fate.sent)
    for delivery in found:
        assert delivery is not None
        assert delivery.state is not DeliveryState.PENDING
        assert times[delivery.id] <= 1 + fate.repeats[delivery.id]
        if delivery.state is DeliveryState.SENT:
            assert times[delivery.id] >= 1
        if delivery.state is DeliveryState.UNDELIVERED:
            assert delivery.id in fate.refused or delivery.created + 6 * 3_600_000 < now
    for channel in set(channels):
        recorded = [message.notification.at for message in fate.sent if message.channel.name == channel and not fate.repeats[message.id]]
        assert recorded == sorted(recorded)
