"""Entry point of `clawpulse`: says what is missing, ends quietly, never shows a stack trace."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

_NEEDS = "clawpulse: the command line needs {missing}. Install it with: pip install 'clawpulse[cli]'"


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = _run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = _close_stdout()
    raise SystemExit(code)


def _run() -> int:
    missing = [name for name in ("click", "rich", "yaml") if find_spec(name) is None]
    if missing:
        sys.stderr.write(_NEEDS.format(missing=", ".join(missing)) + "\n")
        return 1
    from clawpulse.cli._root import run

    return run(sys.argv[1:])


def _close_stdout() -> int:
    """Keep Python from complaining at exit that nobody reads; the exit code is a shell's for SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
