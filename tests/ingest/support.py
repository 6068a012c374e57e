"""Batches and requests to test with."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from functions.domain.dimensions import DEFAULT_DIMENSIONS
from functions.domain.intake import WritePlan, plan
from functions.domain.rollup import TagPairs
from functions.domain.times import MINUTE_MS

NOW = 29_924_640 * MINUTE_MS + 20_000
"""20 s into a minute."""
MINUTE = NOW // MINUTE_MS
DIMENSIONS = frozenset(DEFAULT_DIMENSIONS)


def series(name: str = "agent.cpu", values: tuple[Any, ...] = (1.0,), times: tuple[Any, ...] | None = None, **more: Any) -> dict[str, Any]:
    """A series, by default one point of now."""
    return {"name": name, "times": list(times if times is not None else [0] * len(values)), "values": list(values), **more}


def events(name: str = "task.started", times: tuple[Any, ...] = (0,), **more: Any) -> dict[str, Any]:
    """Events, by default one of now."""
    return {"name": name, "times": list(times), **more}


def batch(**more: Any) -> dict[str, Any]:
    """A batch, by default an empty one of now."""
    return {"v": 1, "agent": "agent-7", "epoch": "k3f9x2", "seq": 12, "time": NOW, **more}


def encoded(document: Any) -> bytes:
    """The JSON text of a batch; bytes are what they are."""
    return document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def planned(document: Any, *, scope: TagPairs = (), now: int = NOW, raw: bool = True, dimensions: frozenset[str] = DIMENSIONS) -> WritePlan:
    """The plan of a batch."""
    return plan(encoded(document), workspace="ws", dimensions=dimensions, scope=scope, now=now, raw=raw)


def request(
    document: Any,
    *,
    headers: dict[str, str] | None = None,
    zipped: bool = False,
    plain: bool = False,
    **authorizer: str,
) -> dict[str, Any]:
    """An event of API Gateway, as for a good token unless `authorizer` says otherwise."""
    data = gzip.compress(encoded(document)) if zipped else encoded(document)
    context = {"workspace": "ws", "tokenId": "t", "scopes": "ingest", "tags": "", "state": "active", **authorizer}
    return {
        "httpMethod": "POST",
        "path": "/v1/batches",
        "headers": headers or {},
        "requestContext": {"requestId": "r-1", "authorizer": context},
        "body": data.decode() if plain else base64.b64encode(data).decode(),
        "isBase64Encoded": not plain,
    }
