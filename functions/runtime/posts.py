"""Requests of the gateway that bring data: whose they are, and the bytes of their body. The hot path imports this."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from functions.domain.errors import InvalidInput, NotAllowed, NotAuthenticated
from functions.domain.rollup import TagPairs, sorted_pairs
from functions.domain.selector import parse_tags
from functions.domain.token import Scope, TokenState, grants
from functions.domain.wire import MAX_BYTES, decompress
from functions.intake import Sender


def sender_of(event: Mapping[str, Any]) -> Sender:
    """Whose token it is; raises `NotAuthenticated` with the reason, `NotAllowed` naming the scope."""
    found = (event.get("requestContext") or {}).get("authorizer") or {}
    if not found.get("workspace"):
        raise NotAuthenticated("no token: send Authorization: Bearer cp_…")
    if found.get("state") != TokenState.ACTIVE:
        raise NotAuthenticated(f"the token is {found.get('state') or 'of no known state'}")
    scopes = str(found.get("scopes") or "").split()
    if not grants(scopes, Scope.INGEST):
        raise NotAllowed(f"this needs the scope {Scope.INGEST}; the token has {', '.join(scopes) or 'none'}")
    return Sender(found["workspace"], _scope(found.get("tags") or ""))


def body_of(event: Mapping[str, Any], limit: int = MAX_BYTES) -> bytes:
    """The request's body, unzipped; empty for none. Raises `InvalidInput`, `TooLarge` for more than `limit` bytes."""
    body = event.get("body")
    if not body:
        return b""
    try:
        data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(errors="surrogatepass")
    except binascii.Error:
        raise InvalidInput("the body is no base64, though the request says so") from None
    return decompress(data, header(event, "content-encoding").lower(), limit)


def header(event: Mapping[str, Any], name: str) -> str:
    """A header's value; `name` in lower case. Empty for none."""
    headers = event.get("headers") or {}
    return next((value or "" for key, value in headers.items() if key.lower() == name), "").strip()


@lru_cache(256)
def _scope(text: str) -> TagPairs:
    return sorted_pairs(parse_tags(text))
