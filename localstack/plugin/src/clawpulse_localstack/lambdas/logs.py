"""Functions' logs: one file a function, a block an invocation, as CloudWatch would show them."""

from __future__ import annotations

import threading
from pathlib import Path

MAX_BYTES = 5_000_000
_lock = threading.Lock()


def append(folder: Path, function: str, text: str) -> None:
    """Add a block to the function's file; a file that has grown past `MAX_BYTES` moves to `.1`."""
    path = folder / f"{function}.log"
    with _lock:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > MAX_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


class OutputTail:
    """What a process has written since it was last asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def take(self) -> str:
        """Return the new output, ending in a newline unless empty."""
        with self._path.open("rb") as file:
            file.seek(self._position)
            data = file.read()
        self._position += len(data)
        text = data.decode("utf-8", errors="replace")
        return text if not text or text.endswith("\n") else text + "\n"

    def all(self) -> str:
        """Return everything written so far."""
        return self._path.read_text(encoding="utf-8", errors="replace")
