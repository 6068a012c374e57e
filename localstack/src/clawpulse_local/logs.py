"""Log files of the local cloud: which there are, their ends, and following them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from clawpulse_local.errors import LocalCloudError

POLL_SECONDS = 0.3


def find(folder: Path, wanted: str | None) -> list[Path]:
    """Log files whose name contains the word, case aside; all when there is none. Raises `LocalCloudError` naming those there are."""
    every = sorted([*folder.glob("*.log"), *(folder / "functions").glob("*.log")])
    found = [path for path in every if wanted is None or wanted.lower() in path.stem.lower()]
    if found:
        return found
    if not every:
        raise LocalCloudError(f"there are no logs yet in {folder}: start the local cloud with `clawpulse local up`")
    names = ", ".join(path.stem for path in every)
    raise LocalCloudError(f"no log has {wanted!r} in its name; there are: {names}")


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file, without their ends."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]


def follow(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """New lines as they come, for ever; a file that is replaced is read on from its start."""
    positions = {path: path.stat().st_size for path in paths}
    while True:
        for path in paths:
            for line in _new_lines(path, positions):
                yield path, line
        time.sleep(POLL_SECONDS)


def _new_lines(path: Path, positions: dict[Path, int]) -> list[str]:
    if not path.exists():
        return []
    if path.stat().st_size < positions[path]:
        positions[path] = 0
    with path.open("rb") as file:
        file.seek(positions[path])
        data = file.read()
    complete = data[: data.rfind(b"\n") + 1]
    positions[path] += len(complete)
    return complete.decode("utf-8", errors="replace").splitlines()
