"""Slack: `chat.postMessage` with a bot's token, or an incoming webhook.

With a token, an incident is a thread: its first message shows the state and is edited (`chat.update`), each further message answers it. An
incoming webhook gives no id of what it posted, so its messages stand alone. Slack's documents: "chat.postMessage", "chat.update", "Rate
limits", "Sending messages using incoming webhooks".
"""

from __future__ import annotations

import json
from typing import Any

from functions.adapters.channels.answers import failure, json_of
from functions.adapters.channels.tools import Tools
from functions.domain.notification import DeliveryFailed, Sent
from functions.domain.notification_slack import render
from functions.ports import Answer, Message

_MAY_HELP = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_GONE = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"})
"""Somebody deleted the first message, or the bot may not edit it any more."""
_OK = 200
_URL = ("https://", "http://")


def send(message: Message, tools: Tools) -> Sent:
    """Post the message, or answer the incident's first one after bringing that up to date."""
    content = render(message.notification)
    if message.secret.startswith(_URL):
        return _hook(message, tools, content)
    if not message.channel.text("channel"):
        raise DeliveryFailed("the channel needs the field `channel`: its secret is a bot's token, not a webhook's URL", retryable=False)
    channel, _, first = message.thread.partition(":")
    # First the edit: should we be cut off in between, it is only done again, and the answer is not.
    if first and _edited(message, tools, {"channel": channel, "ts": first, **content}):
        _call(message, tools, "chat.postMessage", {"channel": channel, "thread_ts": first, **content})
        return Sent(message.thread)
    posted = _call(message, tools, "chat.postMessage", {"channel": message.channel.text("channel"), "unfurl_links": False, **content})
    return Sent(f"{posted.get('channel', '')}:{posted.get('ts', '')}")


def _edited(message: Message, tools: Tools, request: dict[str, Any]) -> bool:
    """Whether the first message is there and shows the state now."""
    answer = _exchange(message, tools, "chat.update", request)
    said = json_of(answer)
    if said.get("ok") is not True and _error(said) not in _GONE:
        raise _failure(message, answer)
    return said.get("ok") is True


def _call(message: Message, tools: Tools, method: str, request: dict[str, Any]) -> dict[str, Any]:
    answer = _exchange(message, tools, method, request)
    said = json_of(answer)
    if answer.status != _OK or said.get("ok") is not True:
        raise _failure(message, answer)
    return said


def _exchange(message: Message, tools: Tools, method: str, request: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {message.secret.strip()}"}
    return tools.http.send("POST", f"{message.channel.text('api')}/{method}", headers, json.dumps(request).encode())


def _failure(message: Message, answer: Answer) -> DeliveryFailed:
    """Slack says most of its errors with status 200."""
    said = json_of(answer)
    retryable = _error(said) in _MAY_HELP if answer.status == _OK else None
    metadata = said.get("response_metadata")
    details = metadata.get("messages") if isinstance(metadata, dict) else None
    words = [_error(said)]
    words += [f"needed {said['needed']}"] if "needed" in said else []
    words += [str(detail) for detail in details] if isinstance(details, list) else []
    return failure(message, answer, "; ".join(filter(None, words)), retryable=retryable)


def _error(said: dict[str, Any]) -> str:
    return str(said.get("error", ""))


def _hook(message: Message, tools: Tools, content: dict[str, Any]) -> Sent:
    answer = tools.http.send("POST", message.secret.strip(), {"Content-Type": "application/json"}, json.dumps(content).encode())
    if answer.status != _OK:
        raise failure(message, answer)
    return Sent()
