from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clawpulse_localstack.timestream.engine import Engine
from tests.api.world import DATABASE, NOW, World


@pytest.fixture
def world() -> World:
    """Without raw history."""
    return World()


@pytest.fixture
def raw_world(tmp_path: Path) -> Iterator[World]:
    """With raw history."""
    engine = Engine(str(tmp_path / "raw.duckdb"), "http://127.0.0.1:1", clock=lambda: NOW * 1_000_000)
    try:
        engine.dispatch("timestream-write", "CreateDatabase", {"DatabaseName": DATABASE})
        for table in ("points", "tasks", "events"):
            engine.dispatch("timestream-write", "CreateTable", {"DatabaseName": DATABASE, "TableName": table})
        yield World(engine)
    finally:
        engine.close()
