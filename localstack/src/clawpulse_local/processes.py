"""Background processes that outlive the command: started, recognised and ended by their id, never by name.

A pid alone may belong to somebody else after a restart of the machine; each pid file therefore keeps the process's start
time, too, and a process whose start time differs is never touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from clawpulse_local import tied

MAX_LOG_BYTES = 10_000_000
_MARK = "--- started ---"


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that was started, and when."""

    pid: int
    started: str

    @property
    def running(self) -> bool:
        """Whether that very process still runs."""
        return start_time(self.pid) == self.started


def spawn(command: Sequence[str], *, env: Mapping[str, str], folder: Path, log: Path, pid_file: Path, tie: bool) -> Daemon:
    """Start a process in a session of its own; with `tie` it ends when this process does, however that ends."""
    _make_room(log)
    prefix = [sys.executable, "-P", "-S", tied.__file__, str(os.getpid())] if tie else []
    with log.open("ab") as output:
        output.write(f"{_MARK}\n".encode())
        output.flush()
        process = subprocess.Popen(  # noqa: S603  # fixed commands of our own
            [*prefix, *command], env=dict(env), cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    _children[process.pid] = process
    daemon = Daemon(process.pid, start_time(process.pid) or "")
    write_private(pid_file, json.dumps(asdict(daemon)))
    return daemon


def run(command: Sequence[str], *, folder: Path | None = None, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end; when we are interrupted or it takes too long, it and all that it started end at once."""
    process = subprocess.Popen(  # noqa: S603  # fixed commands of our own
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, output)


def read(pid_file: Path) -> Daemon | None:
    """The process that a pid file names; None when there is no such file or it makes no sense."""
    try:
        return Daemon(**json.loads(pid_file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def log_end(log: Path, lines: int = 15) -> str:
    """The last lines that the process has written since it was started last."""
    text = log.read_text(errors="replace").rpartition(f"{_MARK}\n")[2]
    return "\n".join(text.splitlines()[-lines:])


def stop(daemon: Daemon, *, patience: float) -> bool:
    """End the process: politely, after `patience` seconds by force. Tells whether it ended by itself."""
    if daemon.running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(daemon.pid, signal.SIGTERM)
    polite = _gone(daemon, patience)
    if not polite:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGKILL)
        _gone(daemon, 10)
    return polite


def kill(daemon: Daemon) -> None:
    """End the process at once, as a power cut would."""
    if daemon.running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(daemon.pid, signal.SIGKILL)
    _gone(daemon, 10)


def start_time(pid: int) -> str | None:
    """When the process started, as the system words it; None when it does not run (any more)."""
    if child := _children.get(pid):
        child.poll()  # collects an ended child, which would stay in the process table otherwise
    if not Path("/proc/self/stat").exists():
        return _start_time_by_ps(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # A zombie with threads is one whose main thread has ended before the others.
        ended = fields[0] == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except (FileNotFoundError, ProcessLookupError):
        return None
    return f"{_boot_id()}:{fields[19]}" if not ended or child else None


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read; a crash leaves the old or the new content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


_children: dict[int, subprocess.Popen[bytes]] = {}


def _make_room(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _start_time_by_ps(pid: int) -> str | None:
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    state, _, started = shown.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def _gone(daemon: Daemon, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while daemon.running:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
