from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.agent.server import TOKEN, Server, running_server

ROOT = Path(__file__).parents[2]
AGENT = ROOT / "agent"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What hosts download, built."""
    out = tmp_path_factory.mktemp("bundle")
    subprocess.run([AGENT / "build", out], check=True, timeout=60)
    return out


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@dataclass
class Agent:
    """An agent of its own, with a state of its own; `run` starts it, as often as needed."""

    bundle: Path
    home: Path
    settings: dict[str, str]
    path: str = os.environ["PATH"]
    variables: dict[str, str] = field(default_factory=dict)
    """More of its environment."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.home.parent / "etc" / "agent.env"

    @property
    def env(self) -> dict[str, str]:
        places = {"HOME": str(self.home.parent), "CLAWPULSE_HOME": str(self.home), "CLAWPULSE_CONFIG": str(self.config)}
        return {"PATH": self.path, **places, **self.variables}

    def configure(self, **settings: object) -> None:
        self.settings.update({key: str(value) for key, value in settings.items()})
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text("".join(f'CLAWPULSE_{key}="{value}"\n' for key, value in self.settings.items()))
        self.config.chmod(0o600)

    def run(self) -> subprocess.Popen[bytes]:
        self.configure()
        with (self.home.parent / "log").open("ab") as log:
            self.process = subprocess.Popen([self.bundle / "clawpulse-agent", "run"], env=self.env, stdout=log, stderr=log)
        return self.process

    def ready(self) -> None:
        """Wait until it can be ended in good order: what arrives may be the work of one that was killed before."""
        wait_for(lambda: bool(self.process) and f"{self.process.pid} " in self._lock())  # type: ignore[union-attr]

    def _lock(self) -> str:
        try:
            return (self.home / "run" / "lock").read_text()
        except OSError:
            return ""

    def kill(self) -> None:
        """As the kernel does: nothing can be tidied up."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds: float = 20) -> int:
        assert self.process
        self.ready()
        self.process.terminate()
        return self.process.wait(seconds)

    def command(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bundle / "clawpulse-agent", *arguments], env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def script(self, text: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A user's script that has sourced clawpulse.sh."""
        return subprocess.run(
            ["bash", "-euc", f"source {self.bundle}/clawpulse.sh\n{text}"],
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )

    def write(self, *lines: str) -> None:
        """As any writer does: whole lines, each in one write()."""
        (self.home / "intake").mkdir(parents=True, exist_ok=True)
        fd = os.open(self.home / "intake" / "lines", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            for line in lines:
                os.write(fd, line.encode() + b"\n")
        finally:
            os.close(fd)

    @property
    def logged(self) -> str:
        return (self.home.parent / "log").read_text()

    @property
    def spooled(self) -> list[Path]:
        return [file for file in (self.home / "spool").glob("*") if file.stat().st_size]


@pytest.fixture
def new_agent(bundle: Path, tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    made: list[Agent] = []

    def make(url: str, **settings: object) -> Agent:
        place = tmp_path / f"agent{len(made)}"
        place.mkdir()
        agent = Agent(bundle, place / "state", {"URL": url, "TOKEN": TOKEN, "AGENT": "agent-1", "HEARTBEAT_SECONDS": "0.2"})
        agent.configure(**settings)
        made.append(agent)
        return agent

    yield make
    for agent in made:
        if agent.process and agent.process.poll() is None:
            agent.process.kill()
            agent.process.wait(10)


def metric(name: str, value: float, time_ms: int | None = None, *tags: str) -> str:
    """A line of the intake."""
    return "\t".join(["m", str(time_ms or int(time.time() * 1000)), name, str(value), *tags])


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.05)
