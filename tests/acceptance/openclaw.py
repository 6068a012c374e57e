"""One real OpenClaw gateway on loopback, in folders of its own: start, turns, configuration, stop."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clawpulse_local import ports, processes
from clawpulse_local.processes import Daemon
from tests.acceptance.fake_model import MODEL
from tests.acceptance.installation import Installation

START_SECONDS = 180.0
STOP_SECONDS = 45.0
TURN_SECONDS = 180.0
TOKEN = "gateway-of-a-test"
"""Of the gateway, which listens on loopback only and ends with the test."""


class OpenClawError(Exception):
    """What went wrong, with the end of the gateway's log."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the gateway answered."""

    status: int
    text: str
    seconds: float


def provider(url: str, key: object, cost: Mapping[str, float] | None, models: Sequence[str] = (MODEL,)) -> dict[str, Any]:
    """Settings of a model provider at a URL; `cost` in USD per million tokens, None for models without a price."""
    common: dict[str, Any] = {"input": ["text"], "reasoning": False, "contextWindow": 128_000, "maxTokens": 4_096}
    if cost is not None:
        common["cost"] = dict(cost)
    listed = [{"id": model, "name": model, **common} for model in models]
    return {"baseUrl": url, "apiKey": key, "api": "openai-completions", "models": listed}


def merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch."""
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            result[key] = merged(result[key] if isinstance(result.get(key), Mapping) else {}, value)
        else:
            result[key] = value
    return result


class OpenClaw:
    """A gateway; a context manager. `settings` is merged into a configuration that runs one agent on `provider`.

    Its environment is made here from nothing, so that no setting or secret of the user reaches it.
    """

    def __init__(
        self, installation: Installation, home: Path, settings: Mapping[str, Any], *, environment: Mapping[str, str] | None = None
    ) -> None:
        self._installation = installation
        self._home = home
        self._settings = settings
        self._environment = dict(environment or {})
        self._daemon: Daemon | None = None
        self.port = 0

    @property
    def config_path(self) -> Path:
        """Its configuration."""
        return self._home / "openclaw.json"

    @property
    def log(self) -> Path:
        """What the gateway writes."""
        return self._home / "gateway.log"

    @property
    def command(self) -> list[str]:
        """The command `openclaw`, in words."""
        return [str(self._installation.node), str(self._installation.entry)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start the gateway and wait until it is ready; raises `OpenClawError`."""
        (self.port,) = ports.free_ports(1)
        self._home.mkdir(parents=True, exist_ok=True)
        if not self.config_path.exists():
            processes.write_private(self.config_path, json.dumps(merged(self._defaults(), self._settings)))
        command = [*self.command, "gateway", "run", "--port", str(self.port), "--bind", "loopback"]
        self._daemon = processes.spawn(
            command, env=self.environment(), folder=self._home, log=self.log, pid_file=self._home / "gateway.pid", tie=True
        )
        try:
            self._wait_until_ready(time.monotonic() + START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> bool:
        """End the gateway; tells whether it ended by itself."""
        daemon, self._daemon = self._daemon, None
        return processes.stop(daemon, patience=STOP_SECONDS) if daemon else True

    def turn(self, message: str, *, session: str | None = None, timeout: float = TURN_SECONDS) -> Turn:
        """Have the agent answer a message, in a session of its own unless one is named."""
        body = {"model": "openclaw", "messages": [{"role": "user", "content": message}]}
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        if session:
            headers["x-openclaw-session-key"] = session
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/chat/completions", json.dumps(body).encode(), headers)
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read().decode(errors="replace")
        return Turn(status, text, time.monotonic() - began)

    def call(self, method: str, parameters: Mapping[str, Any] | None = None, *, timeout: float = 60.0) -> Any:
        """Call a method of the gateway by its command line; raises `OpenClawError` when it is refused."""
        asked = ["gateway", "call", method, "--json", "--token", TOKEN, "--url", f"ws://127.0.0.1:{self.port}"]
        done = self.run(*asked, "--params", json.dumps(parameters or {}), timeout=timeout)
        begin = done.find("{")
        try:
            return json.loads(done[begin:])
        except ValueError:
            raise OpenClawError(f"{method} answered no JSON: {done[-1_000:]}") from None

    def config(self) -> Any:
        """The configuration as the gateway has it, with its `hash`."""
        return self.call("config.get")

    def patch(self, patch: Mapping[str, Any]) -> Any:
        """Change the configuration while the gateway runs; raises `OpenClawError` when it is refused."""
        return self.call("config.patch", {"raw": json.dumps(patch), "baseHash": self.config()["hash"]})

    def run(self, *arguments: str, timeout: float = 60.0) -> str:
        """The output of an `openclaw` command; raises `OpenClawError` when it fails."""
        done = processes.run(["env", "-i", *self._assignments(), *self.command, *arguments], folder=self._home, timeout=timeout)
        if done.returncode:
            raise OpenClawError(f"openclaw {arguments[0]} failed: {done.stdout[-2_000:]}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        """All that its processes see of the environment."""
        return {
            "PATH": f"{self._installation.node.parent}:{os.defpath}",
            "HOME": str(self._home),
            "TMPDIR": str(self._home),
            "OPENCLAW_STATE_DIR": str(self._home / "state"),
            "OPENCLAW_CONFIG_PATH": str(self.config_path),
            "OPENCLAW_GATEWAY_TOKEN": TOKEN,
            "OPENCLAW_SKIP_CHANNELS": "1",
            "OPENCLAW_DISABLE_BONJOUR": "1",
            "NO_COLOR": "1",
            **self._environment,
        }

    def _assignments(self) -> list[str]:
        return [f"{name}={value}" for name, value in self.environment().items()]

    def _defaults(self) -> dict[str, Any]:
        return {
            "gateway": {"mode": "local", "http": {"endpoints": {"chatCompletions": {"enabled": True}}}},
            "agents": {"defaults": {"workspace": str(self._home / "workspace"), "skipBootstrap": True, "model": f"fixed/{MODEL}"}},
            "update": {"checkOnStart": False},
        }

    def _wait_until_ready(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self._daemon is None or not self._daemon.running:
                raise OpenClawError(f"the gateway ended at once:\n{processes.log_end(self.log, 40)}")
            if self._ready():
                return
            time.sleep(0.25)
        raise OpenClawError(f"the gateway was not ready within {START_SECONDS:g} s:\n{processes.log_end(self.log, 40)}")

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False
