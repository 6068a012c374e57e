"""A provider of keys in memory."""

from __future__ import annotations

from functions.domain.errors import ProviderRefused, ProviderUnavailable
from functions.domain.rotation import KeyAnswer, NewKey, Usage


class MemoryKeyProvider:
    """A `KeyProvider`. `away` plays an outage; without `creates`, `revokes`, `reports` it cannot do these things."""

    def __init__(self, *, creates: bool = True, revokes: bool = True, reports: bool = True) -> None:
        self.creates, self.revokes, self.reports = creates, revokes, reports
        self.away = False
        self.ids: dict[str, str] = {}
        """Of all keys that there ever were, by the key."""
        self.live: set[str] = set()
        self.used: dict[str, int] = {}
        """When a key was last used, ms, by its id."""

    def add(self, key: str, id: str | None = None) -> str:
        """A key that a human made; its id."""
        self.ids[key] = id or f"id-{len(self.ids)}"
        self.live.add(key)
        return self.ids[key]

    def test(self, key: str) -> KeyAnswer:
        if self.away:
            return KeyAnswer(False, "the provider is away", retry=True)
        return (
            KeyAnswer(True, "the provider accepts the key")
            if key in self.live
            else KeyAnswer(False, "the provider refuses the key: unknown")
        )

    def create(self, name: str) -> NewKey:
        self._asked()
        if not self.creates:
            raise ProviderRefused("the provider makes keys in its console only")
        key = f"sk-made-{len(self.ids)}-{name}"
        return NewKey(key, self.add(key))

    def identify(self, key: str) -> str | None:
        self._asked()
        return self.ids.get(key)

    def revoke(self, key: str, id: str | None) -> bool:
        self._asked()
        if self.revokes:
            self.live.discard(key)
        return key not in self.live

    def usage(self, id: str | None, since: int) -> Usage:
        self._asked()
        if not self.reports or id is None:
            return Usage(False)
        last = self.used.get(id)
        return Usage(True, last if last is not None and last >= since else None)

    def _asked(self) -> None:
        if self.away:
            raise ProviderUnavailable("the provider is away")
