"""A terminal that commands run on, and somebody who types."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_TAKE_IT = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
"""Makes the terminal the one that Ctrl-C and /dev/tty are about."""


def on_a_terminal(command: Sequence[str], env: Mapping[str, str], cwd: Path, typed: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """What the terminal shows, and the exit code; each text is typed once the one before it is shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_IT, *command], cwd=cwd, env={**env, "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown, seen, waiting = b"", 0, list(typed)
    try:
        while chunk := _chunk(ours):
            shown += chunk
            if waiting and (at := shown.find(waiting[0][0].encode(), seen)) >= 0:
                seen = at + len(waiting[0][0].encode())
                os.write(ours, waiting.pop(0)[1].encode())
        return shown.decode(errors="replace"), process.wait(30)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        # So a terminal says that nobody has it open any more.
        return b""
