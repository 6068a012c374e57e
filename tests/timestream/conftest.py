from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clawpulse_localstack.timestream.engine import Engine
from tests.timestream.support import ADDRESS, FakeClock, Timestream


@pytest.fixture
def ts(tmp_path: Path) -> Iterator[Timestream]:
    clock = FakeClock()
    found = Timestream(Engine(str(tmp_path / "ts.duckdb"), ADDRESS, clock=clock), clock, str(tmp_path / "ts.duckdb"))
    found.call("CreateDatabase", DatabaseName="app")
    found.call("CreateTable", DatabaseName="app", TableName="tbl")
    yield found
    found.engine.close()


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timestream]:
    """For expressions that touch no table: one engine a module."""
    path = str(tmp_path_factory.mktemp("sql") / "ts.duckdb")
    found = Timestream(Engine(path, ADDRESS, clock=FakeClock()), FakeClock(), path)
    yield found
    found.engine.close()
