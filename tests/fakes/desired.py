"""Desired configurations in memory."""

from __future__ import annotations

from functions.domain.desired import Desired


class MemoryDesired:
    """A `DesiredStore`."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Desired] = {}

    def hash_of(self, workspace: str, agent: str) -> str | None:
        return self._hash(workspace, agent)

    def hashes(self, workspace: str) -> dict[str, str]:
        return {agent: desired.hash for (space, agent), desired in sorted(self._all.items()) if space == workspace}

    def get(self, workspace: str, agent: str) -> Desired | None:
        return self._all.get((workspace, agent))

    def put(self, workspace: str, agent: str, desired: Desired, seen: str | None) -> bool:
        if self._hash(workspace, agent) != seen:
            return False
        self._all[workspace, agent] = desired
        return True

    def drop(self, workspace: str, agent: str, seen: str | None = None) -> bool:
        there = self._hash(workspace, agent)
        if there is None or seen not in (None, there):
            return False
        del self._all[workspace, agent]
        return True

    def _hash(self, workspace: str, agent: str) -> str | None:
        found = self._all.get((workspace, agent))
        return found.hash if found else None
