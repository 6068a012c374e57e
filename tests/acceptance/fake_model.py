"""A model provider of our own on loopback: OpenAI-compatible, strict, with answers that the test decides.

What OpenClaw sends is checked: a request that a real provider would refuse, or that no rule answers, gets a 4xx and is kept in
`complaints`, so that a test can show that there was none.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

MODEL = "fixed-1"
SECONDS_AT_MOST = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model does when the last message of the user contains a marker."""

    text: str = "pong"
    status: int = 200
    message: str = ""
    """Of the error, for any status but 200."""
    delay: float = 0.0
    """Seconds before the first byte."""
    held: bool = False
    """Answered once the test sets `release`, and at the latest after `SECONDS_AT_MOST`."""
    tokens_in: int = 0
    """All of the prompt's, with the cached ones, as this protocol counts."""
    tokens_cached: int = 0
    tokens_out: int = 0
    tool: str = ""
    """Called first, with `arguments`; the text comes with the next request, which has the tool's result, and costs as much again."""
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came in."""

    key: str
    """The API key."""
    model: str
    marker: str
    """Of the rule that answered it."""
    answered: int
    """Status."""
    prompt: str = ""
    """What stands before the conversation: the system's messages."""


class FakeModel:
    """The server; a context manager. `rules` maps markers to replies; the first marker found decides."""

    def __init__(self, rules: Mapping[str, Reply], *, keys: frozenset[str], models: Sequence[str] = (MODEL,)) -> None:
        self.rules = dict(rules)
        self.models = tuple(models)
        self.keys = set(keys)
        """API keys that are valid; a test may change them while it runs."""
        self.broken: dict[str, Reply] = {}
        """By model: what it answers instead, whatever it is asked."""
        self.requests: list[Request] = []
        self.tried: list[str] = []
        """Keys that came with a question for the models there are."""
        self.complaints: list[str] = []
        self.release = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The base URL for a provider's settings."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, authorization: str, body: bytes) -> tuple[int, Reply | str]:
        """The reply to a request, or the reason to refuse it."""
        key = authorization.removeprefix("Bearer ")
        if path != "/v1/chat/completions":
            return self._complain(404, f"no such path: {path}")
        if key not in self.keys:
            self.requests.append(Request(key, "", "", 401))
            return 401, "invalid api key"
        fault, document = _read(body, self.models)
        if fault:
            return self._complain(400, fault)
        marker = self._marker(document["messages"])
        if marker is None:
            return self._complain(400, f"no rule for {_last_text(document['messages'])[-200:]!r}")
        reply = self.broken.get(document["model"], self.rules[marker])
        if any(message.get("role") == "tool" for message in _recent(document["messages"])):
            reply = replace(reply, tool="")
        self.requests.append(Request(key, document["model"], marker, reply.status, _prompt(document["messages"])))
        return reply.status, reply

    def listing(self, authorization: str) -> dict[str, Any]:
        """The models there are, for those with a key."""
        key = authorization.removeprefix("Bearer ")
        self.tried.append(key)
        return {"object": "list", "data": [{"id": each, "object": "model"} for each in self.models]} if key in self.keys else {}

    def _complain(self, status: int, words: str) -> tuple[int, str]:
        self.complaints.append(words)
        return status, words

    def _marker(self, messages: Sequence[Mapping[str, Any]]) -> str | None:
        text = _last_text(messages)
        return next((marker for marker in self.rules if marker in text), None)


def _read(body: bytes, models: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The request's document, and what is wrong with it."""
    try:
        document = json.loads(body)
    except ValueError:
        return "the body is no JSON", {}
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list) or not document["messages"]:
        return "messages are missing", {}
    if document.get("model") not in models:
        return f"no such model: {document.get('model')!r}", {}
    if document.get("stream") is not True or not (document.get("stream_options") or {}).get("include_usage"):
        return "only streams with usage are served", {}
    return "", document


def _recent(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages since the model's last answer; a call of a tool is none."""
    answers = [index for index, message in enumerate(messages) if message.get("role") == "assistant" and not message.get("tool_calls")]
    return list(messages[max(answers, default=-1) + 1 :])


def _last_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the user said last, and what OpenClaw puts around it."""
    return _text(_recent(messages), "user")


def _prompt(messages: Sequence[Mapping[str, Any]]) -> str:
    return _text(messages, "system")


def _text(messages: Sequence[Mapping[str, Any]], role: str) -> str:
    texts: list[str] = []
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        texts += [str(part.get("text", "")) for part in parts if isinstance(part, dict) and message.get("role") == role]
    return " ".join(texts)


def chunks(reply: Reply) -> list[dict[str, Any]]:
    """The reply as the events of a stream."""
    base = {"id": "chatcmpl-fixed", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    usage = {
        "prompt_tokens": reply.tokens_in,
        "completion_tokens": reply.tokens_out,
        "total_tokens": reply.tokens_in + reply.tokens_out,
        "prompt_tokens_details": {"cached_tokens": reply.tokens_cached},
    }
    call = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": reply.tool, "arguments": json.dumps(dict(reply.arguments))},
    }
    said: dict[str, Any] = {"tool_calls": [call]} if reply.tool else {"content": reply.text}
    deltas = [({"role": "assistant", **said}, None), ({}, "tool_calls" if reply.tool else "stop")]
    choices = [{**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} for delta, finish in deltas]
    return [*choices, {**base, "choices": [], "usage": usage}]


def _handler(model: FakeModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, reply = model.answer(self.path, self.headers.get("Authorization") or "", body)
            if isinstance(reply, Reply):
                time.sleep(min(reply.delay, SECONDS_AT_MOST))
                if reply.held:
                    model.release.wait(SECONDS_AT_MOST)
            if status == 200 and isinstance(reply, Reply):
                self._stream(reply)
            else:
                self._refuse(status, reply.message if isinstance(reply, Reply) else reply)

        def do_GET(self) -> None:
            known, listed = self.path == "/v1/models", model.listing(self.headers.get("Authorization") or "")
            self._send(404 if not known else 200 if listed else 401, json.dumps(listed).encode(), "application/json")

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

        def _stream(self, reply: Reply) -> None:
            events = [*(json.dumps(chunk) for chunk in chunks(reply)), "[DONE]"]
            self._send(200, "".join(f"data: {event}\n\n" for event in events).encode(), "text/event-stream")

        def _refuse(self, status: int, message: str) -> None:
            error = {"error": {"message": message, "type": "server_error" if status >= 500 else "invalid_request_error"}}
            self._send(status, json.dumps(error).encode(), "application/json")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
