"""The SDK in processes of its own: their start, end and forks, and every Python it promises to run on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import clawpulse
from tests.sdk.server import Reply, Server

ROOT = Path(__file__).parents[2]
AGENT = Path(__file__).with_name("agent.py")
ONLY_ENVIRONMENT = {"PYTHONPATH": str(ROOT / "sdk" / "src"), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}


def other_pythons() -> list[Path]:
    """Pythons of pyenv from 3.9 on, one a minor version."""
    found = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"), key=lambda path: path.parts[-3])
    return [path for path in found if 9 <= int(path.parts[-3].split(".")[1]) <= 13]


PYTHONS = other_pythons()


def run(*arguments: str, server: Server | None = None, python: str = sys.executable, **env: str) -> subprocess.CompletedProcess[str]:
    address = {"CLAWPULSE_URL": server.url, "CLAWPULSE_TOKEN": "cp_test", "CLAWPULSE_AGENT": "agent-1"} if server else {}
    return subprocess.run(
        [python, *arguments],
        env={**ONLY_ENVIRONMENT, "CLAWPULSE_SPOOL": os.environ["CLAWPULSE_SPOOL"], **address, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_snippet_runs_with_nothing_but_environment(server: Server) -> None:
    done = run(str(AGENT), "plain", server=server, CLAWPULSE_TAGS="env=prod,team=search")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert server.event_count("task.completed") == 2
    assert server.values("task.tokens_in") == [120.0, 120.0]
    (batch,) = server.full_batches
    assert batch["agent"] == "agent-1"
    assert batch["tags"] == {"env": "prod", "team": "search"}
    assert {key for row in batch["series"] for key in row["tags"]} == {"tier", "shard"}
    assert {task for row in batch["series"] for task in row["attributes"]["task_id"]} == {"t1", "t2"}


def test_a_process_that_fails_still_delivers(server: Server) -> None:
    done = run(str(AGENT), "fail", server=server)
    assert done.returncode == 1
    assert "TimeoutError: no answer" in done.stderr
    assert server.event_count("task.failed") == 1
    (errors,) = [row for batch in server.full_batches for row in batch["series"] if row["name"] == "task.errors"]
    assert errors["tags"] == {"tier": "fast", "shard": "acme", "error": "TimeoutError"}
    assert [row["payloads"] for batch in server.full_batches for row in batch["events"] if row["name"] == "task.failed"] == [
        [{"err": "no answer"}]
    ]


@pytest.mark.parametrize(("how", "children"), [("fork", 3), ("spawn", 3), ("os.fork", 1)])
def test_children_deliver_their_own_and_only_that(server: Server, how: str, children: int) -> None:
    done = run(str(AGENT), how, server=server)
    assert done.returncode == 0, done.stderr
    batches = server.full_batches
    tasks = [
        task for batch in batches for row in batch["series"] if row["name"] == "task.cost_usd" for task in row["attributes"]["task_id"]
    ]
    assert sorted(tasks) == sorted(["t1", "t2", *(f"child-{number}" for number in range(children))])
    assert len({batch["epoch"] for batch in batches}) == children + 1
    assert all(batch["seq"] == 0 for batch in batches if "t1" not in str(batch) and "t2" not in str(batch))


def test_without_a_url_the_agent_runs_all_the_same() -> None:
    done = run(str(AGENT), "plain")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_wrong_settings_are_told_and_do_no_harm(server: Server) -> None:
    done = run(str(AGENT), "plain", server=server, CLAWPULSE_FLUSH_SECONDS="soon")
    assert done.returncode == 0
    assert done.stderr.count("CLAWPULSE_FLUSH_SECONDS must be a number, not 'soon'") == 1
    assert server.posts == []


def test_the_end_of_a_process_is_bounded(server: Server) -> None:
    server.default = Reply(after=20)
    started = time.monotonic()
    done = run(str(AGENT), "plain", server=server, CLAWPULSE_EXIT_SECONDS="1")
    assert done.returncode == 0
    assert time.monotonic() - started < 10


def test_the_end_of_a_process_without_a_server_is_bounded() -> None:
    started = time.monotonic()
    done = run(str(AGENT), "plain", CLAWPULSE_URL="http://127.0.0.1:9", CLAWPULSE_TOKEN="cp_test", CLAWPULSE_EXIT_SECONDS="0.5")
    assert done.returncode == 0
    assert "cannot deliver" in done.stderr
    assert "cp_test" not in done.stderr
    assert time.monotonic() - started < 10


def test_importing_loads_nothing_heavy() -> None:
    heavy = {"logging", "json", "ssl", "socket", "http.client", "gzip", "dataclasses", "inspect", "asyncio", "clawpulse._worker"}
    done = run("-c", "import clawpulse, sys; print(*sys.modules)")
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize("python", PYTHONS or [None], ids=[path.parts[-3] for path in PYTHONS] or ["none"])
def test_every_python_it_promises(python: Path | None, server: Server) -> None:
    if python is None:
        pytest.skip("no other Python found in ~/.pyenv/versions")
    done = run(str(AGENT), "fork", server=server, python=str(python))
    assert (done.returncode, done.stderr) == (0, "")
    assert server.event_count("task.completed") == 5
    sketched = run(
        "-c",
        "from clawpulse.sketch import Sketch; s = Sketch(range(1, 1001)); s.subtract(Sketch([5]));"
        "import clawpulse.testing, clawpulse.wire; s = Sketch.from_bytes(s.to_bytes()); print(s.count, round(s.quantile(0.5)))",
        python=str(python),
    )
    assert sketched.stdout.split()[0] == "999", sketched.stderr
    assert abs(int(sketched.stdout.split()[1]) - 500) <= 5


def test_the_version_is_the_wheels() -> None:
    project = tomllib.loads((ROOT / "sdk" / "pyproject.toml").read_text())["project"]
    assert clawpulse.__version__ == project["version"]
