"""Vault's keys in memory."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from functions.domain.rotation import Alias, StoredKey, VaultState


@dataclass
class _Entry:
    version: int = 0
    key: StoredKey | None = None


class MemoryVault:
    """A `KeyVault`. `fault` is raised by every call while it is set."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.elsewhere: dict[tuple[str, str], str] = {}
        """What people put there: by path and field."""
        self._entries: dict[tuple[str, str, str, Alias], _Entry] = {}
        self._incoming: dict[tuple[str, str], StoredKey] = {}
        self._salts: dict[str, str] = {}
        self._lock = Lock()

    def state(self, workspace: str, provider: str, shard: str = "") -> VaultState:
        keys = [self.read(workspace, provider, alias, shard) for alias in (Alias.CURRENT, Alias.NEXT, Alias.OLD)]
        current, next_, old = (key.fingerprint if key else None for key in keys)
        first, second, third = (key.version if key else 0 for key in keys)
        return VaultState(current, next_, old, (first, second, third))

    def read(self, workspace: str, provider: str, alias: Alias, shard: str = "") -> StoredKey | None:
        self._fail()
        return self._entry(workspace, provider, alias, shard).key

    def write(self, workspace: str, provider: str, alias: Alias, key: StoredKey, seen: int, shard: str = "") -> bool:
        self._fail()
        return self._replace(self._entry(workspace, provider, alias, shard), key, seen)

    def delete(self, workspace: str, provider: str, alias: Alias, seen: int, shard: str = "") -> bool:
        self._fail()
        entry = self._entry(workspace, provider, alias, shard)
        return self._replace(entry, None, seen) if seen else entry.key is None

    def put_incoming(self, workspace: str, id: str, key: StoredKey) -> bool:
        self._fail()
        with self._lock:
            return self._incoming.setdefault((workspace, id), key._replace(version=1)).key == key.key

    def take_incoming(self, workspace: str, id: str) -> StoredKey | None:
        self._fail()
        return self._incoming.get((workspace, id))

    def drop_incoming(self, workspace: str, id: str) -> None:
        self._fail()
        self._incoming.pop((workspace, id), None)

    def salt(self, workspace: str) -> str:
        self._fail()
        with self._lock:
            return self._salts.setdefault(workspace, f"{len(self._salts) + 1:08x}")

    def read_path(self, path: str, field: str) -> str | None:
        self._fail()
        return self.elsewhere.get((path, field))

    def writable(self, workspace: str, shard: str = "") -> None:
        self._fail()

    def _entry(self, workspace: str, provider: str, alias: Alias, shard: str) -> _Entry:
        with self._lock:
            return self._entries.setdefault((workspace, shard, provider, alias), _Entry())

    def _replace(self, entry: _Entry, key: StoredKey | None, seen: int) -> bool:
        with self._lock:
            if seen != (entry.version if entry.key else 0):
                return False
            entry.version += 1
            entry.key = key._replace(version=entry.version) if key else None
            return True

    def _fail(self) -> None:
        if self.fault:
            raise self.fault
