"""Tells whether something built is up to date, by a digest over its inputs, and builds it at most once at a time."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def digest(paths: Iterable[Path], *, root: Path, extra: Iterable[str] = ()) -> str:
    """A digest over names and contents of files (folders: all files below), and any further words."""
    total = hashlib.sha256("\0".join(extra).encode())
    for file in sorted(_files(paths)):
        total.update(f"\0{file.relative_to(root).as_posix()}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


@dataclass(frozen=True, slots=True)
class Target:
    """A folder that is built as a whole; its stamp, lock and half-built successor lie in `workshop`."""

    folder: Path
    workshop: Path

    @contextmanager
    def replacing(self, inputs: str) -> Iterator[Path | None]:
        """A fresh folder that takes the target's place when the block ends well; None when the target is up to date."""
        self.workshop.mkdir(parents=True, exist_ok=True)
        with self._beside("lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.is_current(inputs):
                yield None
                return
            fresh = self._beside("new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            yield fresh
            self._beside("stamp").unlink(missing_ok=True)
            shutil.rmtree(self.folder, ignore_errors=True)
            fresh.rename(self.folder)
            self._beside("stamp").write_text(inputs)

    def is_current(self, inputs: str) -> bool:
        """Whether the folder is there and was built from these inputs."""
        stamp = self._beside("stamp")
        return self.folder.exists() and stamp.exists() and stamp.read_text() == inputs

    def _beside(self, what: str) -> Path:
        return self.workshop / f".{self.folder.name}.{what}"


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
        else:
            yield from (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
