from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clawpulse import Client
from tests.sdk.server import Server, running_server


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def new_client(server: Server) -> Iterator[Callable[..., Client]]:
    """Clients of the server that cut batches quickly; closed at the end."""
    clients: list[Client] = []

    def make(**settings: Any) -> Client:
        clients.append(Client(**{"url": server.url, "token": "cp_test", "agent": "agent-1", "flush_seconds": 0.1, **settings}))
        return clients[-1]

    yield make
    for client in clients:
        client.close(timeout=0.2)
