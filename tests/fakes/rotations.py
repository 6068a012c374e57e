"""`RotationStore` in memory; values go in and out as copies, as they do with a real store."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence

from functions.domain.rollout import Entry
from functions.domain.rotation import FINAL_ROTATION, Rotation
from functions.domain.rotation_queue import placed


class MemoryRotations:
    """A store that one process has to itself. `log` is called with each line of the audit log."""

    def __init__(self, log: Callable[[str, Entry], object] = lambda workspace, entry: None) -> None:
        self._lock = threading.Lock()
        self._log = log
        self._all: dict[tuple[str, str], Rotation] = {}
        self._queues: dict[str, tuple[str, ...]] = {}

    def rotation_queue(self, workspace: str) -> tuple[str, ...]:
        return self._queues.get(workspace, ())

    def create_rotation(self, workspace: str, rotation: Rotation, entries: Sequence[Entry]) -> bool:
        with self._lock:
            if (workspace, rotation.id) in self._all:
                return False
            queue = self.rotation_queue(workspace)
            emergencies = {id for id in queue if self._all[workspace, id].emergency}
            self._queues[workspace] = placed(queue, emergencies, rotation.id, emergency=rotation.emergency)
            self._put(workspace, rotation, entries)
            return True

    def rotation(self, workspace: str, rotation: str) -> Rotation | None:
        return copy.deepcopy(self._all.get((workspace, rotation)))

    def rotations(self, workspace: str, limit: int, before: str | None = None) -> list[Rotation]:
        ids = sorted((id for ws, id in self._all if ws == workspace and (before is None or id < before)), reverse=True)
        return [copy.deepcopy(self._all[workspace, id]) for id in ids[:limit]]

    def save_rotation(self, workspace: str, rotation: Rotation, entries: Sequence[Entry]) -> bool:
        with self._lock:
            stored = self._all.get((workspace, rotation.id))
            if stored is None or stored.version != rotation.version - 1:
                return False
            if rotation.phase in FINAL_ROTATION and not rotation.notices:
                self._queues[workspace] = tuple(id for id in self.rotation_queue(workspace) if id != rotation.id)
            self._put(workspace, rotation, entries)
            return True

    def _put(self, workspace: str, rotation: Rotation, entries: Sequence[Entry]) -> None:
        self._all[workspace, rotation.id] = copy.deepcopy(rotation)
        for entry in entries:
            self._log(workspace, entry)
