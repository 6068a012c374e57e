"""What the providers of keys that tests ask have in common: keys with ids, their use by time, an administrator, and bad days."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.notify.vendors.base import Refused, Reply, Request, Vendor, serving


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class ServerKey:
    id: str
    value: str
    name: str
    made: int
    active: bool = True
    uses: list[int] = field(default_factory=list)
    """ms of each call that counts as use: listing models does not."""


class ProviderServer(Vendor):
    """Takes valid keys only; `away`, `limited` and `slow` are for outages. Threads may use all of it."""

    def __init__(self, now: Callable[[], int] = now_ms) -> None:
        super().__init__()
        self.now = now
        self.admin = f"{self.prefix}admin-{secrets.token_hex(12)}"
        self.keys: dict[str, ServerKey] = {}
        """By value."""
        self.away = False
        self.limited = False
        self.slow = 0.0
        """Seconds before each answer."""
        self.served = 0
        """Calls of models that were answered."""
        self.rejected = 0
        """Calls that had no valid key."""
        self._keys_lock = threading.RLock()

    prefix = "sk-"

    def add(self, name: str = "fleet", value: str | None = None) -> ServerKey:
        """A new key, as if made by a human."""
        with self._keys_lock:
            value = value or f"{self.prefix}{secrets.token_urlsafe(32)}"
            key = ServerKey(self.new_id(), value, name, self.now())
            self.keys[value] = key
            return key

    def revoke(self, id: str) -> None:
        """As if by a human, or by a leak scanner."""
        with self._keys_lock:
            self.by_id(id).active = False

    def by_id(self, id: str) -> ServerKey:
        return next(key for key in self.keys.values() if key.id == id)

    def uses(self, id: str) -> int:
        with self._keys_lock:
            return len(self.by_id(id).uses)

    def new_id(self) -> str:
        return f"key_{secrets.token_hex(8)}"

    def take(self, request: Request) -> Reply:
        if self.away:
            return self.busy(503)
        if self.limited:
            return self.busy(429)
        reply = super().take(request)
        reply.after += self.slow
        return reply

    def busy(self, status: int) -> Reply:
        """What it says when it cannot serve."""
        return Reply(status, {"error": {"message": "try again later"}}, {"Retry-After": "7"})

    def used(self, key: ServerKey) -> None:
        self.served += 1
        key.uses.append(self.now())


def query_of(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.path).query, keep_blank_values=True, strict_parsing=bool(urlsplit(request.path).query))


def path_of(request: Request) -> str:
    return urlsplit(request.path).path


def object_of(request: Request, error: Callable[[str], Refused]) -> dict[str, Any]:
    """The body, which must be a JSON object and be called so."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise error("the content type must be application/json")
    try:
        found = json.loads(request.body)
    except ValueError:
        raise error("could not parse the JSON body") from None
    if not isinstance(found, dict):
        raise error("the body must be an object")
    return found


WIDTHS = {"1m": (60_000, 60, 1440), "1h": (3_600_000, 24, 168), "1d": (86_400_000, 7, 31)}
"""Length in ms, buckets by default and at most: the same with both providers."""


def buckets(start: int, end: int, width: str) -> Iterator[tuple[int, int]]:
    """Those that begin at `start` (ms, snapped) or later and before `end`."""
    size = WIDTHS[width][0]
    begin = start // size * size
    while begin < end:
        yield begin, begin + size
        begin += size


@contextmanager
def running[P: ProviderServer](server: P) -> Iterator[P]:
    with serving(server):
        yield server
