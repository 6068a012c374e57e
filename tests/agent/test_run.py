"""The running agent: what it sees, how it is steered, what it survives."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.agent.conftest import Agent, metric, wait_for
from tests.agent.server import TOKEN, Server

SNIPPET = """
cp_event "fleet.heartbeat" --tag "tier=fast" --tag "shard=eu-west-1"
cp_metric "fleet.active_workers" 12 --tag "tier=fast"
"""


def test_the_snippet_runs_as_it_stands(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, TAGS="env=prod", NAME='Näme "7"', VERSIONS="prompt=v7")
    agent.run()
    assert agent.script(SNIPPET).stderr == ""
    server.wait(lambda: server.values("fleet.active_workers") == [12])
    batch = next(batch for batch in server.batches.values() if "events" in batch)
    assert batch["events"][0]["tags"] == {"tier": "fast", "shard": "eu-west-1"}
    assert batch["tags"] == {"env": "prod"}
    assert batch["info"]["name"] == 'Näme "7"'
    assert batch["info"]["versions"] == {"clawpulse-agent": agent.command("version").stdout.strip(), "prompt": "v7"}


def test_gauges_of_the_host(server: Server, new_agent: Callable[..., Agent]) -> None:
    new_agent(server.url).run()
    server.wait(lambda: bool(server.values("agent.cpu")))
    for name in ("agent.cpu", "agent.memory", "agent.disk"):
        assert 0 <= server.values(name)[0] <= 100
    assert server.values("agent.load")[0] >= 0
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 <= uptime - server.values("agent.uptime_s")[-1] < 60


class _Gateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_the_gateway_from_outside(server: Server, new_agent: Callable[..., Agent], tmp_path: Path) -> None:
    package = tmp_path / "lib" / "openclaw"
    (package / "dist").mkdir(parents=True)
    (package / "package.json").write_text('{\n  "name": "openclaw",\n  "version": "2026.9.6"\n}\n')
    (package / "dist" / "index.py").write_text("import time\nopen('/dev/null')\ntime.sleep(60)\n")
    gateway = subprocess.Popen([sys.executable, package / "dist" / "index.py", "gateway"])
    (tmp_path / "pid").write_text(f"{gateway.pid}\n")
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        agent = new_agent(server.url, OPENCLAW_PIDFILE=tmp_path / "pid", OPENCLAW_PORT=http.server_port)
        agent.run()
        server.wait(lambda: bool(server.values("openclaw.process.cpu")))
        rss = int((Path("/proc") / str(gateway.pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        assert 0.5 < server.values("openclaw.process.memory_bytes")[-1] / rss < 2
        assert server.values("openclaw.process.threads")[0] == 1
        assert server.values("openclaw.process.fds")[0] >= 3
        assert server.values("openclaw.up")[0] == 1
        assert server.values("openclaw.healthy")[0] == 1
        assert server.values("openclaw.ready")[0] == 0
        assert server.posts[-1].batch["info"]["versions"]["openclaw"] == "2026.9.6"
        gateway.kill()
        gateway.wait()
        server.wait(lambda: server.values("openclaw.up")[-1] == 0)
    finally:
        gateway.kill()
        gateway.wait()
        http.shutdown()
        http.server_close()


def test_reload_takes_a_new_token_and_loses_nothing(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, TOKEN="cp_old_old", RETRY_SECONDS="30")
    process = agent.run()
    server.wait(lambda: len(server.posts) == 1 and server.posts[0].status == 401)
    agent.write(metric("work.done", 1))
    agent.configure(TOKEN=TOKEN, AGENT="agent-2", TAGS="env=new")
    process.send_signal(signal.SIGHUP)
    server.wait(lambda: server.values("work.done") == [1])
    server.wait(lambda: {key[0] for key in server.batches} == {"agent-1", "agent-2"})
    agent.configure(URL="nonsense")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: "CLAWPULSE_URL must be like" in agent.logged)
    agent.write(metric("work.done", 2))
    server.wait(lambda: server.values("work.done") == [1, 2])
    assert "the old ones go on" in agent.logged


def test_a_token_file_is_read_and_read_again(server: Server, new_agent: Callable[..., Agent], tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    agent = new_agent(server.url, TOKEN="", TOKEN_FILE=tmp_path / "token")
    agent.run()
    server.wait(lambda: bool(server.batches))
    assert server.posts[0].status == 200


def test_sigterm_delivers_once_more(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, HEARTBEAT_SECONDS="60")
    agent.run()
    server.wait(lambda: len(server.batches) == 1)
    agent.write(metric("work.done", 1))
    assert agent.stop() == 0
    assert server.values("work.done") == [1]
    assert not (agent.home / "run" / "lock").exists()


def test_one_agent_a_directory(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    first = agent.run()
    server.wait(lambda: bool(server.batches))
    second = agent.command("run")
    assert second.returncode == 1
    assert f"an agent runs already in {agent.home} (process {first.pid})" in second.stderr
    assert first.poll() is None


def test_status_flush_check(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url, HEARTBEAT_SECONDS="60")
    assert agent.command("status").returncode == 1
    agent.run()
    server.wait(lambda: len(server.batches) == 1)
    agent.write(metric("work.done", 1))
    assert agent.command("flush").returncode == 0
    assert server.values("work.done") == [1]
    status = agent.command("status")
    assert status.returncode == 0, status
    assert "agent      agent-1" in status.stdout
    assert "waiting    0" in status.stdout
    check = agent.command("check")
    assert check.returncode == 0, check.stdout
    agent.configure(TOKEN="cp_wrong")
    check = agent.command("check")
    assert check.returncode == 1
    assert "does not take the token (status 401)" in check.stdout


def test_flush_without_a_running_agent(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    agent.write(metric("work.done", 1))
    assert agent.command("flush").returncode == 0
    assert server.values("work.done") == [1]
    server.status = 503
    agent.write(metric("work.done", 2))
    assert agent.command("flush", "1").returncode == 1
    server.status = 200
    assert agent.command("flush").returncode == 0
    assert server.values("work.done") == [1, 2]


def test_log_files_are_followed(server: Server, new_agent: Callable[..., Agent], tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("ERROR from before the agent\n")
    agent = new_agent(server.url, LOGS=log)
    agent.run()
    server.wait(lambda: bool(server.batches))

    def lines() -> list[str]:
        return [payload["line"] for _, payload in server.points("agent.log_error", "events")]

    def append(text: str) -> None:
        with log.open("a") as file:
            file.write(text)

    append('all is well\nERROR first "quoted" \\ token=abcd1234efgh key sk-abcdefghijkl\nERROR half')
    server.wait(lambda: len(lines()) == 1)
    assert lines() == ['ERROR first "quoted" \\ token=[redacted] key [redacted]']
    append(" a line\n")
    server.wait(lambda: lines()[1:] == ["ERROR half a line"])
    log.rename(tmp_path / "app.log.1")
    with (tmp_path / "app.log.1").open("a") as file:
        file.write("ERROR after the move\n")
    log.write_text("ERROR in the new file\n")
    server.wait(lambda: lines()[2:] == ["ERROR after the move", "ERROR in the new file"])
    log.write_text("ERROR cut\n")
    server.wait(lambda: lines()[4:] == ["ERROR cut"])
    agent.kill()
    append("ERROR while away\n")
    agent.run()
    server.wait(lambda: lines()[5:] == ["ERROR while away"])
    append("".join(f"ERROR {number}\n" for number in range(1000)))
    server.wait(lambda: sum(server.values("agent.log_errors")) == 1006)
    assert len(lines()) == 15, "five before the kill, then ten a minute"
    assert {series["tags"]["file"] for post in server.posts for series in post.batch["series"] if series["name"] == "agent.log_errors"} == {
        "app.log"
    }


def _fill(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_stops_nothing(server: Server, new_agent: Callable[..., Agent], tmp_path: Path) -> None:
    agent = new_agent(server.url)
    agent.home.mkdir(mode=0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", agent.home], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        agent.run()
        agent.write(metric("work.done", 1))
        server.wait(lambda: server.values("work.done") == [1])
        server.status = 503
        agent.write(metric("work.done", 2))
        wait_for(lambda: len(agent.spooled) > 2)
        ballast = agent.home / "ballast"
        _fill(ballast)
        failed = agent.script("for i in {1..400}; do cp_metric work.done 9; done; true")
        assert failed.stderr.count("cannot write") == 1
        wait_for(lambda: "is the disk full?" in agent.logged)
        server.status = 200
        posted = len(server.posts)
        server.wait(lambda: len(server.posts) > posted + 3)
        ballast.unlink()
        agent.write("", metric("work.done", 3))
        server.wait(lambda: 3 in server.values("work.done"))
        assert [value for value in server.values("work.done") if value != 9] == [1, 2, 3]
        assert "there is room on the disk again" in agent.logged
        assert not server.conflicts
        assert agent.stop() == 0
    finally:
        subprocess.run(["umount", "-l", agent.home], check=True)


def test_busybox_bash_and_curl_are_enough(server: Server, new_agent: Callable[..., Agent], tmp_path: Path) -> None:
    busybox = shutil.which("busybox")
    assert busybox, "busybox is missing: scripts/need-bash-tools installs it"
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        (tools / name).symlink_to(busybox)
    for name in ("bash", "curl"):
        (tools / name).unlink(missing_ok=True)
        (tools / name).symlink_to(shutil.which(name) or "")
    agent = new_agent(server.url, LOGS=tmp_path / "app.log")
    agent.path = str(tools)
    server.document = b'{"a":1}'
    (agent.config.parent / "hooks.d").mkdir()
    hook = agent.config.parent / "hooks.d" / "10-note"
    hook.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/hooked\n')
    hook.chmod(0o755)
    (tmp_path / "app.log").write_text("")
    agent.run()
    agent.script(SNIPPET)
    server.wait(lambda: server.values("fleet.active_workers") == [12])
    (tmp_path / "app.log").write_text("ERROR x\n" * 300)
    server.wait(lambda: sum(server.values("agent.log_errors")) == 300)
    agent.write(*(metric("work.done", number, None, f"task_id=ä{number}") for number in range(1500)))
    server.wait(lambda: len(server.values("work.done")) == 1500)
    server.wait(lambda: any(post.batch["info"]["config"].get("applied") == server.desired for post in server.posts))
    assert agent.command("check").returncode == 0
    assert agent.command("status").returncode == 0
    assert agent.command("help", "run").stdout.startswith("clawpulse-agent run")
    assert agent.stop() == 0
    assert f"config {agent.home}/config/desired.json" in (tmp_path / "hooked").read_text()
    assert not server.rejected
    assert "not found" not in agent.logged


def test_old_bash_has_no_clock_of_its_own(server: Server, new_agent: Callable[..., Agent]) -> None:
    """Bash 4 knows no EPOCHREALTIME; unset, it is gone in bash 5, too."""
    agent = new_agent(server.url)
    agent.run()
    agent.script("unset EPOCHREALTIME; cp_metric work.done 1")
    server.wait(lambda: server.values("work.done") == [1])
    assert abs(server.points("work.done")[0][0] - time.time() * 1000) < 60_000


def test_what_cp_metric_gets_wrong_is_told_and_counted(server: Server, new_agent: Callable[..., Agent]) -> None:
    agent = new_agent(server.url)
    agent.run()
    done = agent.script("""
        cp_metric work.done many
        cp_metric "bad name" 1
        cp_metric
        cp_event
        cp_metric work.done 2 --tag nothing --tag "tier=" --colour red
        cp_event work.ended --payload '{"broken": '
        cp_event work.ended --payload '{"whole": [1, {"ä": "\\u00e4"}]}' --tag=tier=fast
    """)
    assert len(done.stderr.splitlines()) == 8, done.stderr
    server.wait(lambda: len(server.points("work.ended", "events")) == 2)
    assert server.values("work.done") == [2]
    assert [payload for _, payload in server.points("work.ended", "events")] == [None, {"whole": [1, {"ä": "ä"}]}]
    server.wait(lambda: sum(server.values("clawpulse.invalid")) == 9)
    assert not server.rejected
