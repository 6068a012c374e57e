"""LocalStack 4.14 listens on every interface, whatever host `GATEWAY_LISTEN` names: its services would be open to the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localstack.utils.patch import patch
from twisted.internet import endpoints

LOOPBACK = "127.0.0.1"


def install() -> None:
    """Bind to loopback whatever names no interface."""
    patch(endpoints.TCP4ServerEndpoint.__init__)(_bind)


def _bind(fn: Callable[..., None], self: Any, reactor: Any, port: int, backlog: int = 50, interface: str = "") -> None:
    fn(self, reactor, port, backlog, interface or LOOPBACK)
