"""Discord, after its documents "Webhook Resource", "Message Resource: Embed Limits", "Rate Limits" and "Opcodes and Status Codes"."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from tests.notify.vendors.base import Refused, Reply, Request, Vendor, is_text, units

TOKEN = "dcTokenAbcdefghijklmnop"
PATH = f"/api/webhooks/112233445566778899/{TOKEN}"
_EMBED = {"title", "description", "url", "timestamp", "color", "footer", "fields"}


class Discord(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        self.edits = 0

    @property
    def hook(self) -> str:
        return self.url + PATH

    def check(self, request: Request) -> Reply:
        path, _, query = request.path.partition("?")
        if not path.startswith(PATH):
            raise Refused(Reply(404, {"message": "Unknown Webhook", "code": 10015}))
        if request.headers.get("content-type") != "application/json":
            raise invalid("content type")
        if not request.headers.get("user-agent"):
            raise Refused(Reply(403, {"message": "no user agent", "code": 40333}))
        document = request.json
        if request.method == "POST" and path == PATH:
            check_message(document, {"embeds", "allowed_mentions", "username"})
            key = str(9000 + len(self.messages))
            self.messages[key] = document
            return Reply(200, {"id": key, "embeds": document["embeds"]}) if query == "wait=true" else Reply(204)
        found = re.fullmatch(re.escape(PATH) + r"/messages/(\d+)", path)
        if request.method != "PATCH" or not found:
            raise Refused(Reply(405, {"message": "405: Method Not Allowed", "code": 0}))
        if found[1] not in self.messages:
            raise Refused(Reply(404, {"message": "Unknown Message", "code": 10008}))
        check_message(document, {"embeds", "allowed_mentions"})
        self.messages[found[1]] |= document
        self.edits += 1
        return Reply(200, {"id": found[1]})


def check_message(document: dict[str, Any], known: set[str]) -> None:
    if document.keys() - known:
        raise invalid(f"unknown: {sorted(document.keys() - known)}")
    if document.get("allowed_mentions") != {"parse": []}:
        raise invalid("mentions are possible")
    if "username" in document and not is_text(document["username"], 80):
        raise invalid("username")
    embeds = document.get("embeds", [])
    if not 1 <= len(embeds) <= 10:
        raise invalid("embeds")
    for embed in embeds:
        check_embed(embed)
    if sum(map(size, embeds)) > 6000:
        raise invalid(f"all embeds have {sum(map(size, embeds))} characters")


def check_embed(embed: dict[str, Any]) -> None:
    if embed.keys() - _EMBED:
        raise invalid(f"unknown: {sorted(embed.keys() - _EMBED)}")
    fields = embed.get("fields", [])
    fine = {
        "title": is_text(embed["title"], 256),
        "description": is_text(embed["description"], 4096),
        "color": 0 <= embed["color"] <= 0xFFFFFF,
        "footer": is_text(embed["footer"]["text"], 2048) and set(embed["footer"]) == {"text"},
        "fields": len(fields) <= 25 and all(field.keys() <= {"name", "value", "inline"} for field in fields),
        "names": all(is_text(field["name"], 256) for field in fields),
        "values": all(is_text(field["value"], 1024) for field in fields),
        "url": re.fullmatch(r"https?://[^\s<>\"]{1,2048}", embed.get("url", "https://x")) is not None,
        "timestamp": datetime.fromisoformat(embed["timestamp"]).tzinfo is not None,
    }
    if wrong := [name for name, good in fine.items() if not good]:
        raise invalid(", ".join(wrong))


def size(embed: dict[str, Any]) -> int:
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [field[part] for field in embed.get("fields", []) for part in ("name", "value")]
    return sum(map(units, texts))


def invalid(what: str) -> Refused:
    errors = {"embeds": {"_errors": [{"code": "BASE_TYPE_BAD", "message": what}]}}
    return Refused(Reply(400, {"message": "Invalid Form Body", "code": 50035, "errors": errors}))


RATE_LIMITED = Reply(429, {"message": "You are being rate limited.", "retry_after": 64.57, "global": False}, {"Retry-After": "65"})
