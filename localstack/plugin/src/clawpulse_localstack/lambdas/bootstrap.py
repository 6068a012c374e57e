"""First code in a function's process: makes it die with LocalStack, then hands over to AWS's own runtime client.

Runs in the function's clean interpreter, so it imports nothing but the standard library and awslambdaric.
"""

import os
import sys
import threading

LIFELINE = "CLAWPULSE_LIFELINE"


def _die_with_localstack(lifeline: int) -> None:
    """Block until the other end of the pipe is gone, which the kernel sees to even after a SIGKILL."""
    os.read(lifeline, 1)
    os._exit(1)


def main() -> None:
    """Run the handler named by the first argument until the process is ended."""
    threading.Thread(target=_die_with_localstack, args=(int(os.environ.pop(LIFELINE)),), daemon=True).start()
    from awslambdaric.__main__ import main as serve

    serve(sys.argv)


if __name__ == "__main__":
    main()
