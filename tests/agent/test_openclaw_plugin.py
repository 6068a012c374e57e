"""The OpenClaw plugin: its own tests in Node, and what it sends as the server and the local agent take it."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cdk.node import ensure_node
from functions.domain import tasks
from tests.agent.conftest import Agent, wait_for
from tests.agent.server import Server
from tests.ingest.support import planned

HERE = Path(__file__).parent / "openclaw"
PLUGIN = Path(__file__).parents[2] / "agent" / "openclaw-plugin"
SECONDS = 120
TURNS = 5
WORDS = {"500 upstream exploded ***", "401 invalid api key", "the gateway stopped during the run"}
"""Of the turns that failed."""


def run(*arguments: str, **variables: str) -> str:
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run([ensure_node(), *arguments], capture_output=True, text=True, timeout=SECONDS, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass() -> None:
    told = run("--test", "--test-timeout=60000", "--test-reporter=tap", *map(str, sorted(HERE.glob("*.test.mjs"))))
    passed = re.search(r"^# pass (\d+)$", told, re.MULTILINE)
    assert passed
    assert int(passed[1]) > 50


@contextmanager
def api() -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes every batch, and their texts."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))))
            answer = b'{"accepted": 0, "rejected": [], "rejectedCount": 0}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/stage", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def replay(config: dict[str, Any]) -> str:
    """The log of a plugin that plays what was recorded of a real OpenClaw."""
    return run(str(HERE / "replay.mjs"), json.dumps(config), TOKEN="cp_id_a-secret")


def test_the_server_takes_every_point_of_what_was_recorded() -> None:
    with api() as (url, bodies):
        log = replay({"url": url, "tokenEnv": "TOKEN", "agent": "oc-1", "tags": {"env": "prod"}})
    assert "a-secret" not in log
    now = int(time.time() * 1000)
    plans = [planned(body, now=now) for body in bodies]
    assert [plan.rejected.listed for plan in plans if plan.rejected.count] == []
    assert [plan.limited for plan in plans if plan.limited] == []
    assert [json.loads(body)["seq"] for body in bodies] == list(range(len(bodies)))
    assert {json.loads(body)["info"]["versions"]["openclaw"] for body in bodies} == {"2026.9.6"}
    counts = sum((tasks.tasks_of(item.rollup) for plan in plans for item in plan.items), start=tasks.TaskCounts())
    assert (counts.started, counts.completed, counts.failed, counts.measured, counts.priced) == (TURNS, 2, 3, TURNS, 2)
    assert (counts.tokens_in, counts.tokens_out) == (1_700, 43)
    assert counts.cost_usd is not None
    assert round(counts.cost_usd, 9) == 0.005805
    records = [record for plan in plans for record in plan.raw]
    assert {record.values["error"] for record in records if "error" in record.values} == {"http_500", "auth", "stopped"}
    words = {json.loads(str(record.values["payload"]))["err"] for record in records if record.measure == "task.failed"}
    assert words == WORDS


LINE = re.compile(r"[me]\t\d{13}\t[A-Za-z_][A-Za-z0-9_./-]*\t[^\t]*(\t[A-Za-z_][A-Za-z0-9_.-]*=[^\t]+)*")


def test_the_local_agent_is_given_lines_as_agreed(tmp_path: Path) -> None:
    (tmp_path / "intake").mkdir()
    replay({"intake": str(tmp_path / "intake")})
    text = (tmp_path / "intake" / "lines").read_text()
    lines = text.splitlines()
    assert text.endswith("\n")
    assert [line for line in lines if not LINE.fullmatch(line) or len(line.encode()) >= 4_000] == []
    names = Counter(line.split("\t")[2] for line in lines)
    assert (names["task.started"], names["task.completed"], names["task.failed"]) == (TURNS, 2, 3)
    payloads = [json.loads(line.split("\t")[3]) for line in lines if "\ttask.failed\t" in line]
    assert len(payloads) == len([payload for payload in payloads if payload["err"]]) == 3


def test_the_local_agent_delivers_it(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    agent.run()
    wait_for((agent.home / "intake" / "lines").exists)
    replay({"intake": str(agent.home / "intake")})
    server.wait(lambda: len(server.values("task.latency_ms")) == TURNS)
    agent.stop()
    plans = [planned(batch, now=int(time.time() * 1000)) for batch in server.batches.values()]
    assert [plan.rejected.listed for plan in plans if plan.rejected.count] == []
    counts = sum((tasks.tasks_of(item.rollup) for plan in plans for item in plan.items), start=tasks.TaskCounts())
    assert (counts.started, counts.completed, counts.failed, counts.measured, counts.priced) == (TURNS, 2, 3, TURNS, 2)
    assert (counts.tokens_in, counts.tokens_out) == (1_700, 43)
    assert server.values("clawpulse.invalid") == []
    words = {record.values["payload"] for plan in plans for record in plan.raw if record.measure == "task.failed"}
    assert {json.loads(str(each))["err"] for each in words} == WORDS


def test_it_is_plain_and_needs_nothing() -> None:
    package = json.loads((PLUGIN / "package.json").read_text())
    assert not package.keys() & {"dependencies", "devDependencies", "peerDependencies", "scripts"}
    imports = {
        match
        for path in PLUGIN.rglob("*.js")
        for match in re.findall(r"""(?:from|import\()\s*"([^"]+)\"""", path.read_text())
        if not match.startswith(("node:", "./"))
    }
    assert imports == {"openclaw/plugin-sdk/diagnostic-runtime"}
