"""Every kind of channel beside its strict server: what the tests of all channels run on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from functions.adapters.channels import Channels
from functions.adapters.channels.tools import Tools
from functions.adapters.http_poster import WebPoster
from functions.domain.channels import Channel, parse_channel
from functions.domain.notification import Notification
from functions.ports import Message
from tests.notify.vendors import discord, pagerduty, ses, slack, webhook, whatsapp
from tests.notify.vendors.base import Reply, Vendor, serving

SECRET = {"secretsmanager": "clawpulse/acme/example"}


@dataclass(frozen=True)
class Kind:
    """How a kind is set up against its server."""

    vendor: Callable[[], Vendor]
    settings: Callable[[Any], dict[str, Any]]
    """Given the vendor that runs."""
    secret: Callable[[Any], str]
    throttled: Reply
    """What the vendor says when it is asked too often."""
    wait_s: float | None
    """How long it wants to be left alone then, if it says so."""
    refused: Reply
    """What it says when trying again cannot help."""


KINDS: Mapping[str, Kind] = {
    "slack": Kind(
        slack.Slack,
        lambda vendor: {"kind": "slack", "channel": slack.CHANNEL, "api": vendor.api, "secret": SECRET},
        lambda _vendor: slack.TOKEN,
        slack.RATE_LIMITED,
        30.0,
        Reply(200, {"ok": False, "error": "channel_not_found"}),
    ),
    "slack hook": Kind(
        slack.Slack,
        lambda _vendor: {"kind": "slack", "secret": SECRET},
        lambda vendor: vendor.hook,
        Reply(429, "rate_limited", {"Retry-After": "7"}),
        7.0,
        Reply(404, "no_service"),
    ),
    "discord": Kind(
        discord.Discord,
        lambda _vendor: {"kind": "discord", "username": "ClawPulse", "secret": SECRET},
        lambda vendor: vendor.hook,
        discord.RATE_LIMITED,
        64.57,
        Reply(404, {"message": "Unknown Webhook", "code": 10015}),
    ),
    "pagerduty": Kind(
        pagerduty.PagerDuty,
        lambda vendor: {"kind": "pagerduty", "api": vendor.url, "secret": SECRET},
        lambda _vendor: pagerduty.KEY,
        pagerduty.RATE_LIMITED,
        None,
        pagerduty.invalid("'routing_key' is invalid").reply,
    ),
    "whatsapp": Kind(
        whatsapp.WhatsApp,
        lambda vendor: {
            "kind": "whatsapp",
            "phone_number_id": whatsapp.NUMBER,
            "to": "+491700000000",
            "template": whatsapp.TEMPLATE,
            "api": vendor.api,
            "secret": SECRET,
        },
        lambda _vendor: whatsapp.TOKEN,
        whatsapp.RATE_LIMITED,
        None,
        whatsapp.error(401, 190, "Invalid OAuth access token").reply,
    ),
    "webhook": Kind(
        webhook.Webhook,
        lambda vendor: {"kind": "webhook", "url": vendor.hook, "secret": SECRET},
        lambda _vendor: webhook.KEY,
        Reply(429, "slow down", {"Retry-After": "12"}),
        12.0,
        Reply(410, "gone"),
    ),
    "email": Kind(
        ses.Ses,
        lambda _vendor: {"kind": "email", "from": ses.VERIFIED, "to": ["ops@example.com"]},
        lambda _vendor: "",
        ses.THROTTLED,
        None,
        ses.error(400, "MessageRejected", "Email address is not verified").reply,
    ),
}


@dataclass
class Bench:
    """One kind, ready to send."""

    kind: Kind
    vendor: Any
    channel: Channel
    secret: str
    channels: Channels
    thread: str = ""
    sent: list[str] = field(default_factory=list)

    def send(self, notification: Notification, now: int = 0, key: str = "delivery-1") -> str:
        """Send one message of a thread; its reference."""
        message = Message(
            id=key,
            notification=notification,
            channel=self.channel,
            secret=self.secret,
            thread=self.thread,
            now=now or time.time_ns() // 1_000_000,
        )
        reference = self.channels.send(message).reference
        self.thread = self.thread or reference
        self.sent.append(reference)
        return reference


@contextmanager
def bench(name: str, patience_s: float = 10.0) -> Iterator[Bench]:
    """The kind's server runs while this is open."""
    kind = KINDS[name]
    vendor = kind.vendor()
    with serving(vendor):
        channel = parse_channel({"it": kind.settings(vendor)}, "acme", "it")
        tools = Tools(WebPoster(private=True, total_s=patience_s), lambda service, _region: aws(service, vendor.url, patience_s))
        yield Bench(kind, vendor, channel, kind.secret(vendor), Channels(tools))


def aws(service: str, endpoint: str, patience_s: float = 10.0) -> Any:
    """A boto3 client that speaks to a server of ours."""
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(connect_timeout=2, read_timeout=patience_s, retries={"total_max_attempts": 1}),
    )
