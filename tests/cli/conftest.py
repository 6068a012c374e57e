from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.world import World
from tests.cli.real import served
from tests.cli.server import Answers, running

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def api() -> Iterator[Answers]:
    with running() as answers:
        yield answers


def run_cli(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CLAWPULSE_")}
    command = [sys.executable, "-c", "from clawpulse.cli.main import main; main()", *arguments]
    return subprocess.run(command, cwd=cwd, env=kept | env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def cli(tmp_path: Path, api: Answers) -> Cli:
    """Runs the real command in a process of its own, in an empty folder, connected to `api`."""
    return lambda *arguments, **env: run_cli(
        *arguments, cwd=tmp_path, **{"CLAWPULSE_URL": api.url, "CLAWPULSE_TOKEN": "cp_secret_word", "COLUMNS": "200", **env}
    )


@pytest.fixture
def world() -> World:
    """A workspace in memory, with the real API over it."""
    return World()


@pytest.fixture
def real(tmp_path: Path, world: World) -> Iterator[Cli]:
    """Runs the real command against the real API of `world`, with a token that may operate."""
    with served(world) as url:
        token = world.token("operate")
        yield lambda *arguments, **env: run_cli(
            *arguments, cwd=tmp_path, **{"CLAWPULSE_URL": url, "CLAWPULSE_TOKEN": token, "COLUMNS": "200", **env}
        )
