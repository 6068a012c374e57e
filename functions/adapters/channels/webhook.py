"""Webhook: a signed POST to a URL of the user's. Any 2xx is success; the delivery's id lets the receiver tell a repeat."""

from __future__ import annotations

from functions.adapters.channels.answers import failure
from functions.adapters.channels.tools import Tools
from functions.domain.notification import DeliveryFailed, Sent
from functions.domain.notification_webhook import headers, render
from functions.ports import Message

MIN_KEY = 16


def send(message: Message, tools: Tools) -> Sent:
    """Post the message."""
    if len(message.secret) < MIN_KEY:
        raise DeliveryFailed(f"the channel's key must have {MIN_KEY} characters or more", retryable=False)
    body = render(message.notification)
    answer = tools.http.send("POST", message.channel.text("url"), headers(body, message.secret, message.id, message.now), body)
    if not 200 <= answer.status < 300:
        raise failure(message, answer)
    return Sent()
