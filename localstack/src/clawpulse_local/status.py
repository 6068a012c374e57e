"""What runs, where, in which version and how large: for `clawpulse local status`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clawpulse_local import localstack, processes, vault
from clawpulse_local.cloud import LocalCloud

PARTS = {"tables and buckets": "data/cloud.sqlite*", "raw history": "data/timestream*", "secrets": "vault", "code": "cache", "logs": "logs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One background process."""

    name: str
    running: bool
    answers: bool
    url: str
    pid: int | None
    version: str | None
    memory_mb: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The whole local cloud; sizes in bytes."""

    state: Path
    stage: str | None
    """What is deployed; None when nothing is."""
    services: Sequence[Service]
    sizes: dict[str, int]

    @property
    def up(self) -> bool:
        """Everything runs and answers, and the stacks are deployed."""
        return self.stage is not None and all(service.running and service.answers for service in self.services)


def status(cloud: LocalCloud) -> Status:
    """Look at processes and files, and ask each service; takes some seconds at most when one hangs."""
    run = cloud.run()
    services = [_localstack(cloud), _vault(cloud)]
    sizes = {name: sum(_size(path) for path in cloud.settings.state.glob(pattern)) for name, pattern in PARTS.items()}
    return Status(state=cloud.settings.state, stage=run.stage if run else None, services=services, sizes=sizes)


def _localstack(cloud: LocalCloud) -> Service:
    pid = _pid(cloud, "localstack")
    health = localstack.health(cloud.settings) if pid else None
    version = str(health["version"]) if health else None
    return _service("LocalStack", pid, answers=health is not None, url=cloud.settings.endpoint, version=version)


def _vault(cloud: LocalCloud) -> Service:
    pid = _pid(cloud, "vault")
    version = vault.version(cloud.settings) if pid else None
    return _service("OpenBao", pid, answers=version is not None, url=cloud.settings.vault_url, version=version)


def _service(name: str, pid: int | None, *, answers: bool, url: str, version: str | None) -> Service:
    memory = _memory_mb(pid) if pid else None
    return Service(name=name, running=pid is not None, answers=answers, url=url, pid=pid, version=version, memory_mb=memory)


def _pid(cloud: LocalCloud, name: str) -> int | None:
    daemon = processes.read(cloud.settings.state / f"{name}.pid")
    return daemon.pid if daemon and daemon.running else None


def _memory_mb(pid: int) -> int | None:
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) // 1024
    return None


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    total = 0
    for each in files:
        with contextlib.suppress(FileNotFoundError):  # logs and caches come and go
            total += each.stat().st_size
    return total
