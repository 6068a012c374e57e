"""The bash agent beside a gateway, with the hook that steers it, in folders of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from clawpulse_local import processes
from clawpulse_local.processes import Daemon
from clawpulse_local.settings import REPOSITORY
from tests.acceptance.openclaw import OpenClaw

BUILD_SECONDS = 30.0
STOP_SECONDS = 20.0
HOOK_SECONDS = 120
HEARTBEAT_SECONDS = 1


class BashAgent:
    """An agent; a context manager. It knows of the gateway what an installer writes down: its command, port and token."""

    def __init__(
        self, home: Path, gateway: OpenClaw, *, url: str, token: str, agent: str, tags: str = "", more: Mapping[str, str] | None = None
    ) -> None:
        self._home = home
        self._gateway = gateway
        self._settings = {"URL": url, "TOKEN": token, "AGENT": agent, "TAGS": tags, **(more or {})}
        self._daemon: Daemon | None = None

    @property
    def log(self) -> Path:
        """What it writes."""
        return self._home / "agent.log"

    @property
    def program(self) -> Path:
        """What hosts download."""
        return self._home / "bundle" / "clawpulse-agent"

    def __enter__(self) -> Self:
        done = processes.run(["bash", str(REPOSITORY / "agent" / "build"), str(self.program.parent)], timeout=BUILD_SECONDS)
        assert done.returncode == 0, done.stdout
        self._configure()
        self._daemon = processes.spawn(
            [str(self.program), "run"], env=self.environment(), folder=self._home, log=self.log, pid_file=self._home / "agent.pid", tie=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._daemon:
            processes.stop(self._daemon, patience=STOP_SECONDS)

    def environment(self) -> dict[str, str]:
        """All that it sees of the environment."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "CLAWPULSE_HOME": str(self._home / "state"),
            "CLAWPULSE_CONFIG": str(self._home / "etc" / "agent.env"),
        }

    def _configure(self) -> None:
        etc = self._home / "etc"
        settings = {
            **self._settings,
            "HEARTBEAT_SECONDS": HEARTBEAT_SECONDS,
            "HOOK_SECONDS": HOOK_SECONDS,
            "OPENCLAW_COMMAND": " ".join(self._gateway.command),
            "OPENCLAW_PORT": self._gateway.port,
        }
        processes.write_private(etc / "agent.env", "".join(f"CLAWPULSE_{name}={value}\n" for name, value in settings.items()))
        openclaw = {name: value for name, value in self._gateway.environment().items() if name.startswith("OPENCLAW_")}
        processes.write_private(etc / "openclaw.env", "".join(f"{name}={value}\n" for name, value in openclaw.items()))
        hook = etc / "hooks.d" / "50-openclaw"
        hook.parent.mkdir()
        hook.write_text(f'#!/bin/sh\nexec {self.program} openclaw "$@"\n')
        hook.chmod(0o755)
