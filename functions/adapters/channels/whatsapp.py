"""WhatsApp: a template message of the Cloud API, each a message of its own.

Meta's documents: "Messages" (POST /{phone number id}/messages), "Cloud API Error Codes": decisions go by `error.code`, not by the status.
"""

from __future__ import annotations

import json

from functions.adapters.channels.answers import failure, json_of
from functions.adapters.channels.tools import Tools
from functions.domain.notification import Sent
from functions.domain.notification_whatsapp import render
from functions.ports import Message

_MAY_HELP = (1, 2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 133004)
"""Rate limits, outages, maintenance."""


def send(message: Message, tools: Tools) -> Sent:
    """Send the message."""
    channel = message.channel
    document = render(message.notification, channel.text("to").lstrip("+"), channel.text("template"), channel.text("language"))
    answer = tools.http.send(
        "POST",
        f"{channel.text('api')}/{channel.text('phone_number_id')}/messages",
        {"Content-Type": "application/json", "Authorization": f"Bearer {message.secret.strip()}"},
        json.dumps(document).encode(),
    )
    said = json_of(answer)
    sent, error = said.get("messages"), said.get("error")
    if answer.status == 200 and isinstance(sent, list) and sent and isinstance(sent[0], dict):
        return Sent(str(sent[0].get("id", "")))
    if not isinstance(error, dict):
        raise failure(message, answer)
    data = error.get("error_data")
    words = f"{error.get('message', '')} (code {error.get('code')}) {data.get('details', '') if isinstance(data, dict) else ''}"
    # A code that we do not know leaves it to the status.
    helps = True if error.get("code") in _MAY_HELP or error.get("is_transient") is True else None
    raise failure(message, answer, words, retryable=helps)
