"""Leases in memory."""

from __future__ import annotations


class MemoryLease:
    """A `Lease`."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[str, int]] = {}

    def acquire(self, workspace: str, name: str, holder: str, now: int, until: int) -> bool:
        held = self._held.get((workspace, name))
        if held and held[0] != holder and held[1] > now:
            return False
        self._held[workspace, name] = (holder, until)
        return True

    def release(self, workspace: str, name: str, holder: str) -> None:
        if self._held.get((workspace, name), ("", 0))[0] == holder:
            del self._held[workspace, name]
