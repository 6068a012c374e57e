"""The API's own address, as callers reach it: for scripts and links that lead back to it.

Functions that run by schedule are never called by their address, so the last one is remembered among the workspace's documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from functions.api.endpoint import Call
from functions.api.validation import BadRequest
from functions.domain.rollout_notices import ADDRESS

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def public_url(context: Mapping[str, Any], headers: Mapping[str, str], route: str) -> str:
    """The API's address as the client called it, without a slash at its end; `route` is the endpoint's path. Raises `BadRequest`.

    It goes into scripts and messages: whatever has other characters than plain addresses have is refused, so there is nothing to quote.
    """
    host, path = str(context.get("domainName") or ""), _base(str(context.get("path") or ""), route)
    # The local cloud writes it in capitals.
    scheme = (headers.get("x-forwarded-proto") or "https").lower()
    if ":" in host and not host.startswith(f"{context.get('apiId')}."):
        # Only the local cloud has a port in its name; there the API lies below a path that the function is not told.
        path = f"/_aws/execute-api/{context.get('apiId')}{path}"
    if scheme not in ("http", "https") or not _HOST.fullmatch(host) or not _PATH.fullmatch(path):
        raise BadRequest("is no address that can be written into a script", "Host")
    return f"{scheme}://{host}{path}"


def remember(call: Call) -> None:
    """Keep the address by which the API was called, if it is a new one."""
    fleet, workspace = call.services.fleet, call.caller.workspace
    if call.address and fleet.settings(workspace, ADDRESS) != {"url": call.address}:
        fleet.put_settings(workspace, ADDRESS, {"url": call.address})


def _base(path: str, route: str) -> str:
    """What stands before the route in a path: the stage, mostly."""
    parts = path.split("/")
    return "/".join(parts[: max(1, len(parts) - route.count("/"))])
