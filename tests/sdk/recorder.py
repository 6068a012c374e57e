"""An agent whose points can be counted: records `count` from FIRST to END, then waits for its standard input to end.

Each value travels by itself (it has a `request_id`); `sum` is the same values as a plain series, which may become sketches.
With a third argument the process first does what that says.
"""

import os
import sys
import time

from clawpulse import cp_metric


def limit_files() -> None:
    """No file may grow beyond 24 KB: what a full disk does, without one."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (24_000, resource.RLIM_INFINITY))


def fork_that_stays() -> None:
    """A child that outlives us, with all that it inherits."""
    cp_metric("parent", 1, tags={"request_id": "p"})
    time.sleep(0.5)
    if os.fork() == 0:
        sys.stdin.read()
        os._exit(0)


def main(first: int, end: int, before: str) -> None:
    if before:
        globals()[before]()
    for value in range(first, end):
        cp_metric("count", value, tags={"request_id": f"{value:x}-{value * 2654435761 % 2**32:08x}"})
        cp_metric("sum", value)
        if value % 200 == 199:
            time.sleep(0.01)
    print("recorded", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
