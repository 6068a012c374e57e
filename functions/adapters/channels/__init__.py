"""Channels: one module a kind, each with `send(message, tools)`. To add one, follow the recipe in `functions/notify/README.md`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from functions.adapters.channels import discord, email, pagerduty, slack, sns, webhook, whatsapp
from functions.adapters.channels.tools import Tools
from functions.domain.notification import Sent
from functions.ports import Message

type Send = Callable[[Message, Tools], Sent]

KINDS: Mapping[str, Send] = {
    "slack": slack.send,
    "discord": discord.send,
    "email": email.send,
    "pagerduty": pagerduty.send,
    "whatsapp": whatsapp.send,
    "sns": sns.send,
    "webhook": webhook.send,
}


class Channels:
    """`MessageSender`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def send(self, message: Message) -> Sent:
        """Send it through the module of its channel's kind."""
        return KINDS[message.channel.kind](message, self._tools)
