"""`clawpulse local` from the outside: up, up again, down, up with the data of before; interrupted, refused."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from clawpulse_local.ports import free_ports
from tests.localstack.support import eventually

COMMAND = str(Path(sys.executable).parent / "clawpulse")


class Terminal:
    """Runs the command with a state folder and ports of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port, self.vault_port = free_ports(2)

    @property
    def env(self) -> dict[str, str]:
        places = {"STATE": str(self.state), "PORT": str(self.port), "VAULT_PORT": str(self.vault_port)}
        return {**os.environ, **{f"CLAWPULSE_LOCAL_{name}": value for name, value in places.items()}}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([COMMAND, "local", *arguments], env=self.env, capture_output=True, text=True, timeout=240)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen([COMMAND, "local", *arguments], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def variables(self) -> dict[str, str]:
        lines = (self.state / "env").read_text().splitlines()
        return dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))

    def processes(self) -> list[str]:
        """What still runs with our folder in its command line or environment."""
        found = []
        for place in Path("/proc").iterdir():
            if place.name.isdigit() and int(place.name) != os.getpid():
                try:
                    told = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
                except OSError:
                    continue
                if str(self.state).encode() in told:
                    found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        return found


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path / "state")
    yield made
    made.run("down")


def _get(url: str, token: str) -> dict[str, object]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def _post(url: str, token: str, document: dict[str, object]) -> dict[str, object]:
    request = urllib.request.Request(url, data=json.dumps(document).encode(), headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, object] = json.load(answer)
        return found


@pytest.mark.cloud
def test_up_twice_down_and_up_again_with_the_data_of_before(terminal: Terminal) -> None:
    first = terminal.run("up")
    assert first.returncode == 0, first.stderr
    known = terminal.variables()
    assert known["CLAWPULSE_TOKEN"] in first.stdout
    assert f"http://127.0.0.1:{terminal.port}/_aws/execute-api/clawpulse/" in first.stdout
    assert (terminal.state / "env").stat().st_mode & 0o777 == 0o600
    # With a point, which names the batch's minute: an empty batch belongs to the minute that it is received in.
    series = [{"name": "queue.depth", "times": [0], "values": [3.0]}]
    batch = {"v": 1, "agent": "kept-1", "epoch": "e", "seq": 0, "time": int(time.time() * 1000), "series": series}
    assert _post(known["CLAWPULSE_URL"] + "/v1/batches", known["CLAWPULSE_TOKEN"], batch)["duplicate"] is False

    before = json.loads(terminal.run("status", "--json").stdout)
    assert before["up"] is True
    assert terminal.run("up").returncode == 0
    after = json.loads(terminal.run("status", "--json").stdout)
    assert [service["pid"] for service in after["services"]] == [service["pid"] for service in before["services"]]

    down = terminal.run("down")
    assert (down.returncode, down.stdout) == (0, "localstack stopped\nvault stopped\n")
    eventually(lambda: not terminal.processes(), seconds=5)
    assert terminal.run("status").returncode == 3

    again = terminal.run("up")
    assert again.returncode == 0, again.stderr
    assert terminal.variables() == known
    assert _post(known["CLAWPULSE_URL"] + "/v1/batches", known["CLAWPULSE_TOKEN"], batch)["duplicate"] is True
    assert terminal.run("logs", "ingest").stdout.count("REPORT RequestId") >= 2
    assert terminal.run("reset", "--yes").returncode == 0
    assert not terminal.state.exists()
    eventually(lambda: not terminal.processes(), seconds=5)


@pytest.mark.cloud
@pytest.mark.parametrize("moment", ["building", "create in progress"])
def test_an_interrupted_up_leaves_nothing_behind(terminal: Terminal, moment: str) -> None:
    up = terminal.start("up")
    assert up.stdout is not None
    with up.stdout as output:
        for line in output:
            if moment in line:
                break
        up.send_signal(signal.SIGINT)
        rest = output.read()
    assert up.wait(60) == 130
    assert "nothing that was started is left running" in rest
    eventually(lambda: not terminal.processes(), seconds=5)


@pytest.mark.parametrize(("name", "option"), [("port", "--port"), ("vault_port", "--vault-port")])
def test_a_taken_port_is_refused_with_its_number_and_the_way_out(terminal: Terminal, name: str, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", getattr(terminal, name)))
        taken.listen()
        up = terminal.run("up")
    assert up.returncode == 1
    assert f"port {getattr(terminal, name)} on 127.0.0.1" in up.stderr
    assert f"{option} PORT" in up.stderr
    assert "Traceback" not in up.stderr
    assert not terminal.processes()


def test_a_recycled_pid_is_left_alone(terminal: Terminal) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        terminal.state.mkdir()
        (terminal.state / "localstack.pid").write_text(json.dumps({"pid": stranger.pid, "started": "another boot:1"}))
        assert terminal.run("down").stdout == "The local cloud does not run.\n"
        assert terminal.run("status").returncode == 3
        assert stranger.poll() is None
        stranger.kill()


def test_down_and_status_and_reset_without_anything(terminal: Terminal) -> None:
    assert terminal.run("down").stdout == "The local cloud does not run.\n"
    status = terminal.run("status")
    assert status.returncode == 3
    assert "does not run" in status.stdout
    assert "there are no logs yet" in terminal.run("logs").stderr


def test_reset_deletes_no_folder_that_is_not_ours(terminal: Terminal) -> None:
    terminal.state.mkdir()
    (terminal.state / "thesis.txt").write_text("years of work")
    reset = terminal.run("reset", "--yes")
    assert reset.returncode == 1
    assert "nothing was deleted" in reset.stderr
    assert (terminal.state / "thesis.txt").exists()


def test_a_port_that_is_none_is_named(terminal: Terminal) -> None:
    env = {**terminal.env, "CLAWPULSE_LOCAL_PORT": "many"}
    status = subprocess.run([COMMAND, "local", "status"], env=env, capture_output=True, text=True, timeout=60)
    assert status.returncode == 1
    assert "CLAWPULSE_LOCAL_PORT must be a port between 1 and 65535, not 'many'" in status.stderr
