"""One function process: a clean interpreter that sees the code, its layers and AWS's runtime, and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from clawpulse_localstack.lambdas import bootstrap

# The interpreter behind LocalStack's virtual environment: no packages of its own are wanted.
INTERPRETER = getattr(sys, "_base_executable", sys.executable)
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a function process runs."""

    handler: str
    code: Path
    layers: Sequence[Path]
    runtime: Path
    variables: Mapping[str, str]

    def environment(self, runtime_api: str) -> dict[str, str]:
        """Environment variables of the process, as on AWS where they make sense here."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        search = [self.code, *(layer / "python" for layer in self.layers), self.runtime]
        fixed = {
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "LAMBDA_TASK_ROOT": str(self.code),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(map(str, search)),
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
        }
        return {**inherited, **self.variables, **fixed}


class FunctionProcess:
    """A running function process, in a session of its own, so that what it starts ends with it."""

    def __init__(self, program: Program, runtime_api: str, output: IO[bytes]) -> None:
        lifeline, self._lifeline = os.pipe()
        environment = program.environment(runtime_api) | {bootstrap.LIFELINE: str(lifeline)}
        try:
            self._process = subprocess.Popen(  # noqa: S603  # running other people's functions is what we are for
                [INTERPRETER, "-S", "-P", bootstrap.__file__, program.handler],
                env=environment,
                cwd=program.code,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[lifeline],
                start_new_session=True,
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(lifeline)

    @property
    def pid(self) -> int:
        """Process id, which is its group's, too."""
        return self._process.pid

    def exit_reason(self) -> str | None:
        """AWS's words for how the process ended; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        if code < 0:
            return f"Runtime exited with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
        return f"Runtime exited with error: exit status {code}" if code else "Runtime exited without providing a reason"

    def peak_memory_mb(self) -> int | None:
        """Largest resident size so far, where the system tells."""
        with contextlib.suppress(OSError, ValueError, StopIteration):
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) // 1024 + 1
        return None

    def kill(self) -> None:
        """End the process and what it started, now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
