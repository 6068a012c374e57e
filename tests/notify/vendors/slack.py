"""Slack, after its documents "chat.postMessage", "chat.update", "Blocks", "Formatting message text", "Rate limits" and "Sending messages
using incoming webhooks": errors come with status 200 and `ok: false`, webhooks answer in plain text.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.notify.vendors.base import Refused, Reply, Request, Vendor, is_text

TOKEN = "xoxb-1234-abcdefghijklmnop"
CHANNEL, NAME = "C0123456789", "#alerts"
HOOK = "/services/T0000/B0000/abcdefghijklmnop"
TOO_LONG = 13_000
"""All blocks together, as JSON: found out by users, see slackapi/bolt-js#2509."""
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)|<(?!https?://[^<>|\s]+\|[^<>|]+>)")
_POST = {"channel", "text", "blocks", "thread_ts", "unfurl_links", "unfurl_media", "reply_broadcast", "mrkdwn"}
_UPDATE = {"channel", "ts", "text", "blocks"}


class Slack(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        """What the channel shows, by `ts`."""
        self.edits = 0

    @property
    def api(self) -> str:
        return f"{self.url}/api"

    @property
    def hook(self) -> str:
        return self.url + HOOK

    def check(self, request: Request) -> Reply:
        if request.path == HOOK:
            return self._hook(request)
        if request.path not in ("/api/chat.postMessage", "/api/chat.update"):
            return Reply(404, "")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise error("invalid_auth" if "authorization" in request.headers else "not_authed")
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise error("invalid_form_data")
        document = parsed(request, "invalid_json")
        if document.get("channel") not in (CHANNEL, NAME):
            raise error("channel_not_found")
        check_content(document, error)
        return self._update(document) if request.path.endswith("update") else self._post(document)

    def _post(self, document: dict[str, Any]) -> Reply:
        if unknown := document.keys() - _POST:
            raise error("invalid_arguments", f"unknown: {sorted(unknown)}")
        if "thread_ts" in document and document["thread_ts"] not in self.messages:
            raise error("thread_not_found")
        ts = f"1795478400.{len(self.messages):06d}"
        self.messages[ts] = document
        return Reply(200, {"ok": True, "channel": CHANNEL, "ts": ts, "message": {"text": document["text"]}})

    def _update(self, document: dict[str, Any]) -> Reply:
        if unknown := document.keys() - _UPDATE:
            raise error("invalid_arguments", f"unknown: {sorted(unknown)}")
        if document["channel"] != CHANNEL:
            raise error("channel_not_found", "chat.update wants an id")
        if document.get("ts") not in self.messages:
            raise error("message_not_found")
        self.messages[document["ts"]] |= {"text": document["text"], "blocks": document["blocks"]}
        self.edits += 1
        return Reply(200, {"ok": True, "channel": CHANNEL, "ts": document["ts"], "text": document["text"]})

    def _hook(self, request: Request) -> Reply:
        if request.headers.get("content-type") != "application/json":
            raise plain("invalid_payload")
        document = parsed(request, "invalid_payload", plain)
        if unknown := document.keys() - {"text", "blocks"}:
            raise plain(f"invalid_payload {sorted(unknown)}")
        check_content(document, plain)
        self.messages[str(len(self.messages))] = document
        return Reply(200, "ok", {"Content-Type": "text/html"})


def parsed(request: Request, code: str, refuse: Any = None) -> dict[str, Any]:
    try:
        document = json.loads(request.body.decode())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise (refuse or error)(code)
    return document


def check_content(document: dict[str, Any], refuse: Any) -> None:
    text, blocks = document.get("text"), document.get("blocks")
    if not is_text(text, 40_000):
        raise refuse("no_text")
    if _ENTITY.search(text):
        raise refuse("invalid_arguments", f"not escaped: {text!r:.200}")
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= 50:
        raise refuse("invalid_blocks", f"{len(blocks or [])} blocks")
    for block in blocks:
        if fault := block_fault(block):
            raise refuse("invalid_blocks", f"{fault}: {json.dumps(block):.300}")
    if len(json.dumps(blocks, ensure_ascii=False).encode("utf-16-le")) // 2 > TOO_LONG:
        raise refuse("msg_blocks_too_long")


def block_fault(block: dict[str, Any]) -> str | None:
    match block:
        case {"type": "header", "text": {"type": "plain_text", "text": text, **rest}, **more}:
            return None if is_text(text, 150) and rest.keys() <= {"emoji"} and more.keys() <= {"block_id"} else "header"
        case {"type": "section", "text": text, **more} if not more:
            return mrkdwn_fault(text, 3000)
        case {"type": "section", "fields": list(fields), **more} if not more and 1 <= len(fields) <= 10:
            return next(filter(None, (mrkdwn_fault(text, 2000) for text in fields)), None)
        case {"type": "context", "elements": list(elements), **more} if not more and 1 <= len(elements) <= 10:
            return next(filter(None, (mrkdwn_fault(text, 3000) for text in elements)), None)
        case _:
            return "unknown form"


def mrkdwn_fault(text: Any, most: int) -> str | None:
    if not isinstance(text, dict) or text.get("type") != "mrkdwn" or text.keys() - {"type", "text", "verbatim"}:
        return "no mrkdwn"
    if not is_text(text.get("text"), most):
        return "length or characters"
    # What is not a link of ours must be escaped: `<!channel>` would wake up everybody.
    return "not escaped" if _ENTITY.search(text["text"]) else None


def error(code: str, *details: str) -> Refused:
    return Refused(Reply(200, {"ok": False, "error": code, "response_metadata": {"messages": list(details)}}))


def plain(code: str, *details: str) -> Refused:
    return Refused(Reply(400, " ".join([code, *details]), {"Content-Type": "text/html"}))


RATE_LIMITED = Reply(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})
