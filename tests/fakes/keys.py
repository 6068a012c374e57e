"""Desired keys in memory."""

from __future__ import annotations


class MemoryKeys:
    """A `KeyStore`."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], dict[str, str]] = {}

    def keys_of(self, workspace: str, agent: str) -> dict[str, str]:
        return dict(self._all.get((workspace, agent), {}))

    def all_keys(self, workspace: str) -> dict[str, dict[str, str]]:
        return {agent: dict(keys) for (space, agent), keys in sorted(self._all.items()) if space == workspace and keys}

    def assign(self, workspace: str, agent: str, provider: str, wanted: str | None, seen: str | None) -> bool:
        keys = self._all.setdefault((workspace, agent), {})
        if keys.get(provider) != seen:
            return False
        keys.pop(provider, None)
        if wanted:
            keys[provider] = wanted
        return True
