from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clawpulse import Client
from tests.sdk.server import Server, running_server


@pytest.fixture(autouse=True)
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that spools are below, for clients and for processes that get our environment."""
    monkeypatch.setenv("CLAWPULSE_SPOOL", str(tmp_path / "spool"))
    return tmp_path / "spool"


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server
        assert server.conflicts == []


@pytest.fixture
def new_client(server: Server) -> Iterator[Callable[..., Client]]:
    """Clients of the server that cut batches quickly and send every value by itself; closed at the end."""
    clients: list[Client] = []

    def make(**settings: Any) -> Client:
        clients.append(
            Client(**{"url": server.url, "token": "cp_test", "agent": "agent-1", "flush_seconds": 0.1, "aggregate": False, **settings})
        )
        return clients[-1]

    yield make
    for client in clients:
        client.close(timeout=0.2)
