"""Notify: sends one delivery, and records what became of it.

    claim (lease on delivery and thread) ──▶ settings, secret ──▶ channel ──▶ sent | again later | undelivered

A crash before the channel was called loses nothing: the lease runs out, the message in the queue or the sweep of dispatch brings it back.
A crash between the channel's answer and the record repeats this one message. Two workers never send the same delivery: the claim is one
conditional write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from functions.domain.alert import Severity
from functions.domain.channels import Channel, parse_channel
from functions.domain.delivery import LONGEST_PAUSE_S, Busy, Claimed, Settled, claim, failed, sent, settled
from functions.domain.errors import InvalidInput
from functions.domain.notification import DeliveryFailed, Notification, NotificationKind, Sent
from functions.domain.times import SECOND_MS
from functions.ports import DeliveryStore, Dispatcher, Message, MessageSender, SecretCache, SettingsReader

CHANNELS = "channels"
"""Name of the settings document."""
_CONTENDED_S = 2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run or a test; `text` is for people."""

    state: str
    """`sent`, `retry`, `undelivered`, `superseded`, `busy`, `nothing`."""
    text: str
    reference: str = ""
    retry_after_s: float | None = None


class NotifyService:
    """Everything is asked for once a run; only the secrets' cache outlives it."""

    def __init__(
        self, store: DeliveryStore, settings: SettingsReader, secrets: SecretCache, sender: MessageSender, dispatcher: Dispatcher
    ) -> None:
        self._store = store
        self._settings = settings
        self._secrets = secrets
        self._sender = sender
        self._dispatcher = dispatcher

    def run(self, workspace: str, delivery: str, now: int, holder: str, chance: float) -> Outcome:
        """Send a delivery if it is to be sent now. `holder` is unique to the run, `chance` (0 to 1) spreads retries.

        Raises `StoreUnavailable`: the run is then to be repeated as a whole.
        """
        found = self._store.read(workspace, delivery)
        if found is None:
            return Outcome("nothing", "there is no such delivery")
        decision = claim(found, self._store.thread(workspace, found), holder, now)
        if isinstance(decision, Settled):
            return Outcome("nothing", decision.reason)
        if isinstance(decision, Busy):
            return self._again(workspace, delivery, decision.again_in_s)
        if not self._store.save(workspace, decision):
            return self._again(workspace, delivery, _CONTENDED_S)
        ended = settled(decision, now)
        if ended is not None:
            self._store.save(workspace, ended)
            return Outcome(str(ended.delivery.state), ended.delivery.reason)
        return self._deliver(workspace, decision, now, chance)

    def send_test(self, workspace: str, channel: str, now: int, test: str, by: str | None = None) -> Outcome:
        """Send a test message through a channel at once and tell what happened. `test` makes its id unique; nothing is recorded."""
        notification = Notification(
            kind=NotificationKind.TEST,
            workspace=workspace,
            incident=f"test-{test}",
            title=f"the channel {channel} works",
            severity=Severity.INFO,
            at=now,
            started=now,
            by=by,
            note="Sent to try the channel. Nothing is wrong.",
        )
        try:
            reference = self._send(workspace, channel, notification, f"test-{test}", "", now).reference
        except DeliveryFailed as fault:
            advice = "trying again later may help" if fault.retryable else "trying again does not help: change the settings or the secret"
            return Outcome("retry" if fault.retryable else "undelivered", f"{fault.reason}; {advice}", "", fault.retry_after_s)
        told = f" and calls it {reference}" if reference else ""
        return Outcome("sent", f"the channel {channel} took the test message{told}", reference)

    def _deliver(self, workspace: str, claimed: Claimed, now: int, chance: float) -> Outcome:
        delivery, thread = claimed
        try:
            outcome = self._send(workspace, delivery.channel, delivery.notification, delivery.id, thread.reference, now)
        except DeliveryFailed as fault:
            return self._failed(workspace, failed(claimed, fault, now, chance), now)
        # Should this fail, the message is sent once more: better twice than never.
        self._store.save(workspace, sent(claimed, outcome, now))
        return Outcome("sent", "sent", outcome.reference)

    def _failed(self, workspace: str, after: Claimed, now: int) -> Outcome:
        self._store.save(workspace, after)
        delivery = after.delivery
        if delivery.ended is not None:
            return Outcome("undelivered", delivery.reason)
        pause = (delivery.retry_at - now) / SECOND_MS
        self._queue(workspace, delivery.id, pause)
        return Outcome("retry", delivery.reason, "", pause)

    def _again(self, workspace: str, delivery: str, seconds: float) -> Outcome:
        self._queue(workspace, delivery, seconds)
        return Outcome("busy", "not now", "", seconds)

    def _queue(self, workspace: str, delivery: str, seconds: float) -> None:
        delay = min(math.ceil(seconds), int(LONGEST_PAUSE_S))
        self._dispatcher.send([({"workspace": workspace, "delivery": delivery}, delay)])

    def _send(self, workspace: str, name: str, notification: Notification, key: str, thread: str, now: int) -> Sent:
        channel = self._channel(self._settings.settings(workspace, CHANNELS), workspace, name)
        secret = self._secrets.read(channel.secret) if channel.secret else ""
        message = Message(id=key, notification=notification, channel=channel, secret=secret, thread=thread, now=now)
        try:
            return self._sender.send(message)
        except DeliveryFailed as fault:
            if fault.retryable or channel.secret is None:
                raise
            # A secret that we remember may have been replaced since.
            replaced = self._secrets.read(channel.secret, fresh=True)
            if replaced == secret:
                raise
            return self._sender.send(replace(message, secret=replaced))

    @staticmethod
    def _channel(document: Mapping[str, Any] | None, workspace: str, name: str) -> Channel:
        try:
            return parse_channel(document, workspace, name)
        except InvalidInput as error:
            raise DeliveryFailed(f"the settings of the channel are wrong: {error}", retryable=False) from None
